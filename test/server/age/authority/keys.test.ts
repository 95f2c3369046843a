import { type AuthorityKey, generateAuthorityKey } from '@spendcap/server/age/authority';
import { decodeProtectedHeader } from 'jose';
import { describe, expect, it } from 'vitest';
import { NOW, refusal } from '../token/token-kit.ts';
import { authorityWith, NAMED, verifierFor } from './authority-kit.ts';

const HOUR = 3_600_000;
const instant = (at: number) => new Date(at).toISOString();

/** An old key, and a new one that takes over in an hour. */
async function rotation() {
  const takesOver = instant(NOW + HOUR);
  const old: AuthorityKey = { ...(await generateAuthorityKey()), kid: 'old', retireAt: takesOver };
  const next: AuthorityKey = {
    ...(await generateAuthorityKey()),
    kid: 'new',
    activeFrom: takesOver,
  };
  let at = NOW;
  const authority = await authorityWith({ keys: [old, next], now: () => at });
  return {
    old,
    next,
    authority,
    at: (time: number) => {
      at = time;
    },
    kids: () => authority.jwks().keys.map(({ kid }) => kid),
    signer: async () => decodeProtectedHeader(await authority.issue({ desk: {} }, NAMED)).kid,
  };
}

describe('rotation', () => {
  it('publishes a key before it signs, and after it signed until its tokens have expired', async () => {
    const { at, kids, signer } = await rotation();
    expect([kids(), await signer()]).toEqual([['new', 'old'], 'old']);
    at(NOW + HOUR - 1);
    expect(await signer()).toBe('old');
    at(NOW + HOUR);
    expect([kids(), await signer()]).toEqual([['new', 'old'], 'new']);
    // 300 seconds of a token's life, and a minute by which a clock may be behind.
    at(NOW + HOUR + 360_000 - 1);
    expect(kids()).toEqual(['new', 'old']);
    at(NOW + HOUR + 360_000);
    expect(kids()).toEqual(['new']);
  });

  it('leaves no token in between without its key', async () => {
    const { at, authority } = await rotation();
    let published = authority.jwks();
    for (let time = NOW; time < NOW + 2 * HOUR; time += 60_000) {
      at(time);
      // A verifier whose key set is up to ten minutes old, and one that reads it as the token ends.
      if ((time - NOW) % 600_000 === 0) published = authority.jwks();
      const token = await authority.issue({ desk: {} }, NAMED);
      const kept = verifierFor({ jwks: () => published }, { now: () => time });
      expect(await kept.verify(token)).toBeDefined();
      const end = time + 299_000;
      at(end);
      expect(await verifierFor(authority, { now: () => end }).verify(token)).toBeDefined();
    }
  });

  it('signs with the youngest of several keys', async () => {
    const keys = await Promise.all(
      [2, 3, 1].map(async (days) => ({
        ...(await generateAuthorityKey()),
        kid: `${days} days`.replace(' ', '-'),
        activeFrom: instant(NOW - days * 24 * HOUR),
      })),
    );
    const token = await (await authorityWith({ keys })).issue({ desk: {} }, NAMED);
    expect(decodeProtectedHeader(token).kid).toBe('1-days');
  });

  it('takes up another list of keys without a new authority', async () => {
    const first = [await generateAuthorityKey()];
    let keys: readonly AuthorityKey[] = first;
    const authority = await authorityWith({ keys: () => keys });
    const before = authority.jwks();
    expect(authority.jwks()).toEqual(before);
    keys = [await generateAuthorityKey('EdDSA')];
    expect(authority.jwks()).not.toEqual(before);
    const token = await authority.issue({ desk: {} }, NAMED);
    expect(decodeProtectedHeader(token).alg).toBe('EdDSA');
  });

  it('fails closed when no key signs', async () => {
    const retired = { ...(await generateAuthorityKey()), retireAt: instant(NOW) };
    const authority = await authorityWith({ keys: [retired] });
    expect(await refusal(authority.issue({ desk: {} }, NAMED))).toBe('age_keys_unavailable');
  });

  it('fails closed while its keys cannot be read, in words that quote none of them', async () => {
    const key = await generateAuthorityKey();
    const list = [key];
    let read = (): AuthorityKey[] => list;
    const authority = await authorityWith({ keys: () => read() });
    const url = 'https://age.example/.well-known/jwks.json';
    for (const broken of [
      () => JSON.parse(`{"keys": [{ "d": ${key.d} }]}`),
      () => [],
      () => [{ ...key, d: 'AAAA' }],
    ]) {
      read = broken;
      const error = await authority.issue({ desk: {} }, NAMED).catch((reason: Error) => reason);
      expect(error).toMatchObject({ code: 'age_keys_unavailable', retryable: true });
      expect((error as Error).cause).toBeUndefined();
      expect((await authority.handler(new Request(url))).status).toBe(503);
    }
    read = () => list;
    expect(await authority.issue({ desk: {} }, NAMED)).toMatch(/^eyJ/);
  });
});

describe('the key set', () => {
  it.each(['ES256', 'EdDSA', 'RS256', 'PS256'] as const)(
    'of %s has no private part',
    async (alg) => {
      const secret = await generateAuthorityKey(alg);
      const authority = await authorityWith({ keys: [{ ...secret, note: 'an own remark' }] });
      const [published] = authority.jwks().keys;
      expect(published).toMatchObject({ kid: secret.kid, alg, use: 'sig' });
      for (const name of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'note', 'activeFrom']) {
        expect(published).not.toHaveProperty(name);
      }
    },
  );

  it('is served under any path, to be kept for less time than a rotation takes', async () => {
    const authority = await authorityWith();
    for (const base of ['', '/age', '/a/b']) {
      const url = `https://age.example${base}/.well-known/jwks.json`;
      const response = await authority.handler(new Request(url));
      expect(response.status).toBe(200);
      expect(response.headers.get('cache-control')).toBe('public, max-age=300');
      expect(response.headers.get('content-type')).toBe('application/jwk-set+json');
      expect(await response.json()).toEqual(authority.jwks());
      expect(await (await authority.handler(new Request(url, { method: 'HEAD' }))).text()).toBe('');
      expect((await authority.handler(new Request(url, { method: 'POST' }))).status).toBe(405);
    }
    const other = await authority.handler(new Request('https://age.example/jwks'));
    expect(await other.json()).toMatchObject({ status: 404, code: 'not_found' });
  });

  it('never quotes a key that cannot be used', async () => {
    const { d: secret, ...rest } = await generateAuthorityKey();
    const other = await generateAuthorityKey();
    const ed: Record<string, unknown> = await generateAuthorityKey('EdDSA');
    for (const broken of [
      { ...rest, d: String(secret).slice(1) },
      { ...rest, d: secret, crv: 'P-384' },
      { ...rest, d: secret, x: other.x },
      { ...rest, d: other.d },
      { ...ed, d: String(ed.d).slice(1) },
    ]) {
      const error = await authorityWith({ keys: [broken] }).catch((reason: Error) => reason);
      expect(error).toBeInstanceOf(TypeError);
      expect(`${(error as Error).stack}`).not.toContain(String(secret).slice(0, 8));
    }
  });
});
