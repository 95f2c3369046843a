import { inflateSync } from 'node:zlib';
import { ageTokens } from '@spendcap/server';
import {
  memoryStatusStore,
  STATUS_LIST_PLACES,
  type StatusListOptions,
  type StatusStore,
} from '@spendcap/server/age/authority';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { describe, expect, it } from 'vitest';
import { AUDIENCE, ISSUER, NOW, refusal, SECOND } from '../token/token-kit.ts';
import { authorityWith, NAMED } from './authority-kit.ts';

const LISTS = 'https://age.example/status';

interface StatusClaim {
  readonly status_list: { readonly idx: number; readonly uri: string };
}

async function revocable(options: Partial<StatusListOptions> & { tokenSeconds?: number } = {}) {
  let at = NOW;
  const { tokenSeconds = 300, ...rest } = options;
  const statusList = { uri: LISTS, store: memoryStatusStore(), ...rest };
  const authority = await authorityWith({ statusList, tokenSeconds, now: () => at });
  const jwks = authority.jwks();
  const statusLists = new URL(LISTS);
  const verifier = ageTokens({
    issuers: [{ issuer: ISSUER, audience: AUDIENCE, jwks, statusLists }],
    now: () => at,
    fetch: (url) => authority.handler(new Request(url as URL)),
  });
  return {
    authority,
    verifier,
    issue: (subject: string) => authority.issue({ desk: {} }, { ...NAMED, subject }),
    pass: (seconds: number) => {
      at += seconds * 1000;
    },
    list: (token: string) => authority.handler(new Request(placeOf(token).uri)),
  };
}

function placeOf(token: string): StatusClaim['status_list'] {
  return (decodeJwt(token) as unknown as { status: StatusClaim }).status.status_list;
}

describe('revocation', () => {
  it('ends all tokens of a subject, of every audience, and nobody else’s', async () => {
    const { authority, verifier, issue, pass } = await revocable();
    const [first, second, other] = [
      await issue('player-1'),
      await issue('player-1'),
      await issue('player-2'),
    ];
    const elsewhere = { subject: 'player-1', audience: 'https://other.example' };
    const third = await authority.issue({ desk: {} }, elsewhere);
    for (const token of [first, second, other]) expect(await verifier.verify(token)).toBeDefined();

    expect(await authority.revoke('player-1')).toBe(3);
    expect(await authority.revoke('player-1')).toBe(0);
    expect(await authority.revoke('nobody')).toBe(0);
    pass(60);
    for (const token of [first, second]) {
      expect(await refusal(verifier.verify(token))).toBe('age_token_invalid revoked');
    }
    expect(await verifier.verify(other)).toBeDefined();
    expect(placeOf(third).uri).toMatch(LISTS);
    // Revoked is what was issued, not the player: a new token is good.
    expect(await verifier.verify(await issue('player-1'))).toBeDefined();
  });

  it('takes effect immediately without a cached list', async () => {
    const { authority, issue, list } = await revocable();
    const token = await issue('player-1');
    const bitOf = async () => {
      const claims = decodeJwt(await (await list(token)).text());
      const { lst } = claims.status_list as { lst: string };
      const { idx } = placeOf(token);
      return ((inflateSync(Buffer.from(lst, 'base64url'))[idx >> 3] ?? 0) >> (idx & 7)) & 1;
    };
    expect(await bitOf()).toBe(0);
    await authority.revoke('player-1');
    expect(await bitOf()).toBe(1);
  });

  it('without status lists is a wrong call', async () => {
    const authority = await authorityWith();
    await expect(authority.revoke('player-1')).rejects.toThrow(TypeError);
  });

  it('of an expired token is nothing', async () => {
    const { authority, issue, pass } = await revocable();
    await issue('player-1');
    pass(361);
    expect(await authority.revoke('player-1')).toBe(0);
  });
});

describe('a list', () => {
  it('is a status list token, to be kept for its ttl', async () => {
    const { authority, issue, list } = await revocable({ ttlSeconds: 30 });
    const token = await issue('player-1');
    const response = await list(token);
    expect(response.headers.get('content-type')).toBe('application/statuslist+jwt');
    expect(response.headers.get('cache-control')).toBe('public, max-age=15');
    const text = await response.text();
    const { alg, typ, kid } = decodeProtectedHeader(text);
    expect([alg, typ, kid]).toEqual(['ES256', 'statuslist+jwt', authority.jwks().keys[0]?.kid]);
    const { status_list, ...claims } = decodeJwt(text);
    const { uri } = placeOf(token);
    expect(claims).toEqual({ iss: ISSUER, sub: uri, iat: SECOND, exp: SECOND + 300, ttl: 30 });
    const { bits, lst } = status_list as { bits: number; lst: string };
    expect(bits).toBe(1);
    // Unused places look like valid tokens, so the list does not reveal how many there are.
    expect(inflateSync(Buffer.from(lst, 'base64url'))).toEqual(
      Buffer.alloc(STATUS_LIST_PLACES / 8),
    );
    expect(text.length).toBeLessThan(1_000);
  });

  it('is served under any path; another is 404, and another method 405', async () => {
    const { authority, issue } = await revocable();
    const { uri } = placeOf(await issue('player-1'));
    const name = uri.slice(LISTS.length + 1);
    const ask = async (path: string, method = 'GET') =>
      (await authority.handler(new Request(`http://internal${path}`, { method }))).status;
    expect(await ask(`/status/${name}`)).toBe(200);
    expect(await ask(`/mounted/status/${name}`, 'HEAD')).toBe(200);
    expect(await ask(`/status/${name}`, 'POST')).toBe(405);
    for (const path of ['/status/', '/status', `/${name}`, '/status/another', `/status/${name}/`]) {
      expect(await ask(path), path).toBe(404);
    }
  });

  it('ends when the last of its tokens has expired, and is deleted', async () => {
    const { issue, pass, list } = await revocable();
    const token = await issue('player-1');
    pass(3_500);
    const late = await issue('player-2');
    expect(placeOf(late).uri).toBe(placeOf(token).uri);
    pass(200);
    const next = await issue('player-3');
    expect(placeOf(next).uri).not.toBe(placeOf(token).uri);
    expect((await list(late)).status).toBe(200);
    pass(200);
    expect((await list(late)).status).toBe(404);
    expect((await list(next)).status).toBe(200);
  });

  it('links no players: places are random, each given once', async () => {
    const { issue } = await revocable();
    const tokens = await Promise.all(Array.from({ length: 1_000 }, () => issue('player-1')));
    const places = tokens.map((token) => placeOf(token).idx);
    expect(new Set(places).size).toBe(places.length);
    // In order they would rise nearly always, at random half of the time.
    const rises = places.filter((idx, at) => idx > (places[at - 1] ?? 0)).length;
    expect(rises).toBeGreaterThan(400);
    expect(rises).toBeLessThan(600);
    expect(Math.max(...places)).toBeGreaterThan(STATUS_LIST_PLACES * 0.9);
  });
});

describe('the store of statuses', () => {
  it('that fails is a failure of its own: no token is issued, no list invented', async () => {
    const fail = () => Promise.reject(new Error('disk full: player-1'));
    const store: StatusStore = { allot: fail, revoke: fail, revoked: fail };
    const errors: unknown[] = [];
    const { authority, issue } = await revocable({ store });
    for (const call of [issue('player-1'), authority.revoke('player-1')]) {
      errors.push(await call.catch((error: unknown) => error));
    }
    for (const error of errors) expect(error).toMatchObject({ code: 'store_unavailable' });
    expect(String(errors)).not.toContain('player-1');
    const response = await authority.handler(new Request(`${LISTS}/any`));
    expect(response.status).toBe(503);
  });

  it('receives no names', async () => {
    const holders: string[] = [];
    const memory = memoryStatusStore();
    const store: StatusStore = {
      ...memory,
      allot: (token) => {
        holders.push(token.holder);
        return memory.allot(token);
      },
    };
    const { issue } = await revocable({ store });
    const token = await issue('player-1');
    expect(holders[0]).toMatch(/^[\w-]{43}$/);
    expect(holders[0]).not.toBe(decodeJwt(token).sub);
  });

  it('that is no store, and other options that can never work', async () => {
    for (const options of [
      { store: {} as StatusStore },
      { uri: 'status' },
      { uri: `${LISTS}?a` },
      { ttlSeconds: 4 },
      { ttlSeconds: 301 },
    ]) {
      await expect(revocable(options)).rejects.toThrow(TypeError);
    }
  });
});
