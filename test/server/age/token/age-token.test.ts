import { createHash, createHmac } from 'node:crypto';
import { type AgeTokenOptions, ageTokens } from '@spendcap/server';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  AUDIENCE,
  type Authority,
  authority,
  type Claims,
  ISSUER,
  NOW,
  refusal,
  SECOND,
  verifierOf,
} from './token-kit.ts';

const SUBJECT_KEY = 'sixteen bytes at least';
let age: Authority;
beforeAll(async () => {
  age = await authority();
});

describe('what a verified token gives', () => {
  it('gives evidence, with a pseudonym in place of the sub', async () => {
    const verifier = verifierOf(age, { subjectKey: SUBJECT_KEY });
    const claims = { age_range: { min: 16, max_exclusive: 18 }, assurance: 'assessed' };
    const evidence = await verifier.verify(await age.sign(claims));
    const pseudonym = createHmac('sha256', SUBJECT_KEY).update(`${ISSUER}\nplayer-1`);
    expect(evidence).toEqual({
      subject: `sub_${pseudonym.digest('base64url')}`,
      statements: [{ kind: 'range', min: 16, maxExclusive: 18, asOf: NOW }],
      kind: 'age_token',
      assurance: 'assessed',
      // With the clock tolerance, to the instant at which the token itself would be refused.
      expiresAt: NOW + 605_000,
    });
    expect(JSON.stringify(evidence)).not.toContain('player-1');
  });

  it('hashes the sub without a key, and takes the key as text or bytes alike', async () => {
    const token = await age.sign();
    const subjectWith = async (options: Partial<AgeTokenOptions>) =>
      (await verifierOf(age, options).verify(token)).subject;
    const plain = createHash('sha256').update(`${ISSUER}\nplayer-1`).digest('base64url');
    expect(await subjectWith({})).toBe(`sub_${plain}`);
    const subjectKey = new TextEncoder().encode(SUBJECT_KEY);
    expect(await subjectWith({ subjectKey })).toBe(await subjectWith({ subjectKey: SUBJECT_KEY }));
    expect(await subjectWith({ subjectKey })).not.toBe(`sub_${plain}`);
  });

  it('keeps the same sub of two issuers apart', async () => {
    const other = { issuer: 'https://other.example', audience: AUDIENCE, jwks: age.jwks };
    const issuers = [{ issuer: ISSUER, audience: AUDIENCE, jwks: age.jwks }, other];
    const verifier = ageTokens({ issuers, now: () => NOW });
    const first = await verifier.verify(await age.sign());
    const second = await verifier.verify(await age.sign({ iss: other.issuer }));
    expect(first.subject).not.toBe(second.subject);
  });
});

describe('several issuers', () => {
  it('chooses the rules of the issuer that the token names', async () => {
    const { privateKey, publicKey } = await generateKeyPair('EdDSA');
    const oidc = 'https://oidc.example';
    const verifier = ageTokens({
      now: () => NOW,
      issuers: [
        { issuer: ISSUER, audience: ['https://shop.example', AUDIENCE], jwks: age.jwks },
        {
          issuer: oidc,
          audience: 'client-7',
          jwks: { keys: [{ ...(await exportJWK(publicKey)) }] },
          algorithms: ['EdDSA'],
          typ: null,
        },
      ],
    });
    const idToken = (alg: string, claims: Claims) =>
      new SignJWT({ sub: 'player-1', exp: SECOND + 60, ...claims })
        .setProtectedHeader({ alg, typ: 'JWT' })
        .sign(privateKey);
    const own = { iss: oidc, aud: ['client-7', 'another'], birthdate: '1990-01-01' };
    expect(await verifier.verify(await idToken('EdDSA', own))).toMatchObject({
      statements: [{ kind: 'born', from: '1990-01-01', to: '1990-01-01' }],
    });
    await verifier.verify(await age.sign());
    // The rules of one issuer say nothing for the other.
    const crossed = await age.sign({ iss: oidc, aud: 'client-7' });
    expect(await refusal(verifier.verify(crossed))).toBe('age_token_invalid algorithm_not_allowed');
    const asOther = await idToken('EdDSA', { ...own, iss: ISSUER, aud: AUDIENCE });
    expect(await refusal(verifier.verify(asOther))).toBe('age_token_invalid algorithm_not_allowed');
  });
});

describe('the cache', () => {
  it('gives the same evidence until the very second the token would be refused', async () => {
    let at = NOW;
    const options = { now: () => at, clockToleranceSeconds: 5 };
    const verifier = verifierOf(age, options);
    const token = await age.sign({ exp: SECOND + 600 });
    const evidence = await verifier.verify(token);
    for (const [shift, served] of [
      [0, true],
      [600_000, true],
      [604_999, true],
      [605_000, false],
      [606_000, false],
    ] as const) {
      at = NOW + shift;
      const fresh = verifierOf(age, options);
      if (served) {
        expect(await verifier.verify(token)).toBe(evidence);
        expect(await fresh.verify(token)).toEqual(evidence);
      } else {
        expect(await refusal(verifier.verify(token))).toBe('age_token_invalid expired');
        expect(await refusal(fresh.verify(token))).toBe('age_token_invalid expired');
      }
    }
  });

  it('agrees with a fresh verification when exp is a fraction', async () => {
    let at = NOW;
    const verifier = verifierOf(age, { now: () => at, clockToleranceSeconds: 0 });
    const token = await age.sign({ exp: SECOND + 10.5 });
    await verifier.verify(token);
    for (at = NOW + 9_000; at < NOW + 12_000; at += 250) {
      const fresh = verifierOf(age, { now: () => at, clockToleranceSeconds: 0 });
      const outcomes = [verifier, fresh].map((each) =>
        each.verify(token).then(
          () => 'served',
          () => 'refused',
        ),
      );
      const [first, second] = await Promise.all(outcomes);
      expect(first).toBe(second);
    }
  });

  it('forgets the longest unused token beyond its size', async () => {
    const verifier = verifierOf(age, { cacheSize: 2 });
    const tokens = await Promise.all(['a', 'b', 'c'].map((sub) => age.sign({ sub })));
    const [a = '', b = '', c = ''] = tokens;
    const first = await verifier.verify(a);
    await verifier.verify(b);
    expect(await verifier.verify(a)).toBe(first);
    const second = await verifier.verify(b);
    await verifier.verify(c);
    expect(await verifier.verify(b)).toBe(second);
    const again = await verifier.verify(a);
    expect(again).toEqual(first);
    expect(again).not.toBe(first);
  });

  it('shares one verification between first calls, and does not keep its failure', async () => {
    let reached = 0;
    let down = true;
    let at = NOW;
    const verifier = verifierOf(age, {
      issuer: { jwks: new URL('https://age.example/jwks') },
      now: () => at,
      fetch: async () => {
        reached += 1;
        if (down) throw new TypeError('down');
        return Response.json(age.jwks);
      },
    });
    const token = await age.sign();
    const calls = [verifier.verify(token), verifier.verify(token)];
    const refusals = await Promise.all(calls.map(refusal));
    expect(refusals).toEqual(['age_keys_unavailable', 'age_keys_unavailable']);
    expect(reached).toBe(1);
    down = false;
    at += 1_000;
    const [one, other] = await Promise.all([verifier.verify(token), verifier.verify(token)]);
    expect(one).toBe(other);
    expect(reached).toBe(2);
  });

  it('lets nobody change what it keeps', async () => {
    const verifier = verifierOf(age);
    const token = await age.sign({ age_over_18: false });
    const evidence = await verifier.verify(token);
    expect(() => Object.assign(evidence, { subject: 'sub_other' })).toThrow(TypeError);
    expect(() => (evidence.statements as unknown[]).pop()).toThrow(TypeError);
    expect(() => Object.assign(evidence.statements[0] ?? {}, { min: 18 })).toThrow(TypeError);
  });
});

describe('options that can never work', () => {
  const base = { issuer: ISSUER, audience: AUDIENCE };
  const withIssuer = (issuer: object) => () => verifierOf(age, { issuer });
  it.each<[string, () => unknown]>([
    ['no issuer', () => ageTokens({ issuers: [] })],
    ['an empty issuer', withIssuer({ issuer: '' })],
    ['a line break in an issuer', withIssuer({ issuer: 'https://age.example\nx' })],
    [
      'an issuer twice',
      () => ageTokens({ issuers: [1, 2].map(() => ({ ...base, jwks: age.jwks })) }),
    ],
    ['no audience', withIssuer({ audience: [] })],
    ['an empty audience', withIssuer({ audience: '' })],
    ['an audience that is no text', withIssuer({ audience: undefined })],
    ['no algorithm', withIssuer({ algorithms: [] })],
    ['none', withIssuer({ algorithms: ['none'] })],
    ['a shared secret', withIssuer({ algorithms: ['ES256', 'HS256'] })],
    ['an unknown algorithm', withIssuer({ algorithms: ['ES256K'] })],
    ['algorithms as a text', withIssuer({ algorithms: 'ES256' })],
    ['an empty typ', withIssuer({ typ: '' })],
    ['an unknown claim', withIssuer({ claims: ['age_range', 'age'] })],
    ['no claim', withIssuer({ claims: [] })],
    ['an unknown assurance', withIssuer({ assurance: 'high' })],
    ['a word for an unknown assurance', withIssuer({ assurance: { high: 'very' } })],
    ['no word for any assurance', withIssuer({ assurance: {} })],
    ['no key', withIssuer({ jwks: { keys: [] } })],
    ['a key set that is none', withIssuer({ jwks: 'https://age.example/jwks' })],
    ['a shared secret as key', withIssuer({ jwks: { keys: [{ kty: 'oct', k: 'c2VjcmV0' }] } })],
    ['a private key', () => withIssuer({ jwks: { keys: [{ ...age.publicJwk, d: 'AA' }] } })()],
    ['a broken key', () => withIssuer({ jwks: { keys: [{ ...age.publicJwk, x: 'AA' }] } })()],
    ['a key set over http', withIssuer({ jwks: new URL('http://age.example/jwks') })],
    ['a key set of a file', withIssuer({ jwks: new URL('file:///jwks.json') })],
    [
      'a host that only looks like this machine',
      withIssuer({ jwks: new URL('http://127.evil.example') }),
    ],
    ['credentials in the address', withIssuer({ jwks: new URL('https://a:b@age.example/jwks') })],
    ['a short subject key', () => verifierOf(age, { subjectKey: 'fifteen bytes..' })],
    ['too much tolerance', () => verifierOf(age, { clockToleranceSeconds: 61 })],
    ['a negative tolerance', () => verifierOf(age, { clockToleranceSeconds: -1 })],
    ['an unbounded cache', () => verifierOf(age, { cacheSize: 0 })],
    ['no token size', () => verifierOf(age, { maxTokenBytes: Number.NaN })],
  ])('refuses %s', (_, construct) => {
    expect(construct).toThrow(TypeError);
  });

  it.each(['http://localhost:1/jwks', 'http://127.0.0.1/jwks', 'http://[::1]:1/jwks'])(
    'takes a key set on this machine: %s',
    (address) => {
      expect(withIssuer({ jwks: new URL(address) })).not.toThrow();
    },
  );
});
