import { createHash, createHmac } from 'node:crypto';
import { ASSURANCES, type Assurance } from '@spendcap/core';
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

const range = (min: number, maxExclusive: number | null, asOf = NOW) => [
  { kind: 'range', min, maxExclusive, asOf },
];
const born = (from: string, to = from) => [{ kind: 'born', from, to }];
const verified = (claims: Claims, trust_framework: unknown = 'eidas') => ({
  verification: { trust_framework },
  claims,
});

const UNDERSTOOD: readonly [string, Claims, unknown[]][] = [
  ['no age claim', {}, []],
  ['a range', { age_range: { min: 8, max_exclusive: 16 } }, range(8, 16)],
  ['a range without end', { age_range: { min: 18 } }, range(18, null)],
  ['a range with an open end', { age_range: { min: 18, max_exclusive: null } }, range(18, null)],
  ['the whole range of ages', { age_range: { min: 0, max_exclusive: 151 } }, range(0, 151)],
  ['a range that says nothing', { age_range: { min: 0 } }, []],
  ['thresholds', { age_equal_or_over: { '16': true, '18': false } }, range(16, 18)],
  ['no threshold', { age_equal_or_over: {} }, []],
  ['age over', { age_over_18: true }, range(18, null)],
  ['not age over', { age_over_16: false }, range(0, 16)],
  ['age over, with a leading zero', { age_over_08: true, age_over_16: false }, range(8, 16)],
  ['another claim of that form', { age_over_there: 'yes', age_over_1000: 1 }, []],
  ['an age', { age_in_years: 12 }, range(12, 13)],
  ['the highest age', { age_in_years: 150 }, range(150, 151)],
  ['a birth year', { age_birth_year: 2014 }, born('2014-01-01', '2014-12-31')],
  ['a birth date', { birthdate: '2014-02-28' }, born('2014-02-28')],
  ['a birth date of a leap day', { birthdate: '2012-02-29' }, born('2012-02-29')],
  ['a year as birth date', { birthdate: '2014' }, born('2014-01-01', '2014-12-31')],
  ['a withheld year', { birthdate: '0000-05-05' }, []],
  ['birth today', { birthdate: '2026-11-23' }, born('2026-11-23')],
  ['the earliest birth date', { birthdate: '1875-11-24' }, born('1875-11-24')],
  [
    'the time of issue',
    { age_in_years: 12, iat: SECOND - 86_400 },
    range(12, 13, NOW - 86_400_000),
  ],
  ['no time of issue', { age_in_years: 12, iat: undefined, nbf: SECOND - 9 }, range(12, 13)],
  [
    'several claims, intersected',
    { age_range: { min: 8 }, age_over_18: false, age_equal_or_over: { '12': true } },
    range(12, 18),
  ],
  [
    'a birth year and a date in it',
    { age_birth_year: 2014, birthdate: '2014-06-01' },
    born('2014-06-01'),
  ],
  [
    'an age and a birth date that agree',
    { age_in_years: 12, birthdate: '2014-11-23' },
    [...range(12, 13), ...born('2014-11-23')],
  ],
  [
    'verified claims, and not the self-asserted ones beside them',
    { verified_claims: verified({ birthdate: '2014-06-01' }), birthdate: '1990-01-01' },
    born('2014-06-01'),
  ],
  [
    'verified claims that say nothing of age',
    { verified_claims: verified({}), age_over_18: true },
    [],
  ],
  [
    'several verified claims',
    { verified_claims: [verified({ age_over_16: true }), verified({ age_over_18: false })] },
    range(16, 18),
  ],
];

describe('age claims', () => {
  it.each(UNDERSTOOD)('reads %s', async (_, claims, statements) => {
    const evidence = await verifierOf(age).verify(await age.sign(claims));
    expect(evidence.statements).toEqual(statements);
  });
});

describe('how sure an issuer is', () => {
  const assuranceOf = async (claims: Claims, issuer: object = {}) => {
    const token = await age.sign({ assurance: undefined, ...claims });
    return (await verifierOf(age, { issuer }).verify(token)).assurance;
  };
  const framework = (trust_framework: unknown) => verified({}, trust_framework);

  it.each<[string, Claims, Assurance]>([
    ['no word', {}, 'self_declared'],
    ...ASSURANCES.map((word): [string, Claims, Assurance] => [word, { assurance: word }, word]),
    ['a word of its own', { assurance: 'high' }, 'self_declared'],
    ['a level in another case', { assurance: 'Verified' }, 'self_declared'],
    ['a level and more', { assurance: 'verified ' }, 'self_declared'],
    ['a member of every object', { assurance: 'constructor' }, 'self_declared'],
    ['no text', { assurance: ['verified'] }, 'self_declared'],
    ['a trust framework', { verified_claims: framework('de_aml') }, 'self_declared'],
  ])('takes by itself %s', async (_, claims, assurance) => {
    expect(await assuranceOf(claims)).toBe(assurance);
  });

  it.each<[string, Claims, Assurance]>([
    ['a word', { assurance: 'high' }, 'verified'],
    ['another', { assurance: 'low' }, 'guardian'],
    ['one that it was not told', { assurance: 'verified' }, 'self_declared'],
    ['a trust framework', { verified_claims: framework('de_aml') }, 'assessed'],
    ['the word first', { assurance: 'low', verified_claims: framework('de_aml') }, 'guardian'],
    ['two frameworks', { verified_claims: [framework('x'), framework('de_aml')] }, 'self_declared'],
    ['a framework that is no text', { verified_claims: framework(['de_aml']) }, 'self_declared'],
    ['no word', {}, 'self_declared'],
  ])('takes as configured %s', async (_, claims, expected) => {
    const assurance = { high: 'verified', low: 'guardian', de_aml: 'assessed' };
    expect(await assuranceOf(claims, { assurance })).toBe(expected);
  });

  it('takes one level for all tokens of an issuer', async () => {
    expect(await assuranceOf({}, { assurance: 'assessed' })).toBe('assessed');
    expect(await assuranceOf({ assurance: 'verified' }, { assurance: 'guardian' })).toBe(
      'guardian',
    );
  });
});

describe('the claims that count', () => {
  it.each<[string, readonly string[], Claims, unknown[]]>([
    [
      'one claim',
      ['age_range'],
      { age_range: { min: 8 }, birthdate: '1990-01-01' },
      range(8, null),
    ],
    ['no other', ['age_range'], { age_over_18: true, age_in_years: 30 }, []],
    [
      'age over any number',
      ['age_over_NN'],
      { age_over_16: true, age_over_21: false },
      range(16, 21),
    ],
    ['nothing beside verified claims', ['verified_claims'], { birthdate: '1990-01-01' }, []],
    [
      'all that is inside them',
      ['verified_claims'],
      { verified_claims: verified({ birthdate: '2014-06-01', age_over_18: false }) },
      [...range(0, 18), ...born('2014-06-01')],
    ],
    [
      'only what is beside them',
      ['birthdate'],
      { birthdate: '2014-06-01', verified_claims: verified({ birthdate: '1990-01-01' }) },
      born('2014-06-01'),
    ],
    ['what is not looked at may be wrong', ['age_range'], { age_in_years: -1 }, []],
    ['no claim of the list’s own name', ['age_over_NN'], { age_over_NN: true }, []],
  ])('are %s', async (...[, claims, stated, statements]) => {
    const verifier = verifierOf(age, { issuer: { claims } });
    expect((await verifier.verify(await age.sign(stated))).statements).toEqual(statements);
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
      statements: born('1990-01-01'),
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
      const [remembered, anew] = await Promise.all(outcomes);
      expect(remembered).toBe(anew);
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
