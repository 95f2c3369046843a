import { ageRangeAt } from '@spendcap/core';
import { generateAuthorityKey, type SigningAlgorithm } from '@spendcap/server/age/authority';
import { calculateJwkThumbprint, decodeJwt, decodeProtectedHeader, generateKeyPair } from 'jose';
import { describe, expect, it } from 'vitest';
import { nppaWorld } from '../sources/nppa/nppa-kit.ts';
import { AUDIENCE, ISSUER, NOW, refusal, SECOND } from '../token/token-kit.ts';
import { authorityWith, believing, NAMED, SUBJECT_KEY, verifierFor } from './authority-kit.ts';

describe('an age token', () => {
  it('states the range and its assurance, and nothing else of the evidence', async () => {
    const authority = await authorityWith();
    const token = await authority.issue({ desk: { person: 'secret person' } }, NAMED);
    const { alg, typ } = decodeProtectedHeader(token);
    expect({ alg, typ }).toEqual({ alg: 'ES256', typ: 'age+jwt' });
    const { sub, jti, ...claims } = decodeJwt(token);
    expect(claims).toEqual({
      iss: ISSUER,
      aud: AUDIENCE,
      iat: SECOND,
      exp: SECOND + 300,
      age_range: { min: 12, max_exclusive: 13 },
      assurance: 'verified',
      evidence: 'desk',
    });
    expect(sub).toMatch(/^[\w-]{43}$/);
    expect(jti).toMatch(/^[\w-]{36}$/);
  });

  it.each<SigningAlgorithm>(['ES256', 'EdDSA', 'RS256', 'PS256'])(
    'signed with %s is accepted by ageTokens',
    async (algorithm) => {
      const authority = await authorityWith({ keys: [await generateAuthorityKey(algorithm)] });
      const token = await authority.issue({ desk: {} }, NAMED);
      expect(decodeProtectedHeader(token).alg).toBe(algorithm);
      const evidence = await verifierFor(authority, { algorithms: [algorithm] }).verify(token);
      expect(evidence).toMatchObject({ assurance: 'verified' });
      expect(ageRangeAt(evidence.statements, NOW, 'UTC')).toEqual({ min: 12, maxExclusive: 13 });
    },
  );

  it('puts the findings of several sources together', async () => {
    const authority = await authorityWith();
    const evidence = {
      phone: { range: { min: 0, maxExclusive: 13 } },
      desk: { range: { min: 8, maxExclusive: 16 } },
    };
    const claims = decodeJwt(await authority.issue(evidence, NAMED));
    expect(claims).toMatchObject({
      age_range: { min: 8, max_exclusive: 13 },
      assurance: 'verified',
      evidence: 'desk',
    });
  });

  it('lets a mere claim make nobody older', async () => {
    const authority = await authorityWith();
    const adult = { range: { min: 18, maxExclusive: null } };
    expect(decodeJwt(await authority.issue({ phone: adult }, NAMED)).age_range).toEqual({ min: 0 });
  });

  it('grows a finding of the past to today, in the calendar of its time zone', async () => {
    // It is 13 March in Shanghai while it is still the 12th in UTC.
    const now = Date.UTC(2026, 2, 12, 20);
    const asOf = Date.UTC(2025, 2, 12, 20);
    const old = { desk: { range: { min: 11, maxExclusive: 12 }, asOf } };
    const claims = decodeJwt(await (await authorityWith({ now: () => now })).issue(old, NAMED));
    expect(claims.age_range).toEqual({ min: 12, max_exclusive: 13 });
    const dayBefore = { desk: { ...old.desk, asOf: Date.UTC(2025, 2, 12, 10) } };
    const there = await authorityWith({ now: () => now, timeZone: 'Asia/Shanghai' });
    expect(decodeJwt(await there.issue(dayBefore, NAMED)).age_range).toEqual({
      min: 12,
      max_exclusive: 14,
    });
  });

  it('keeps the assurance that its policy requires, whatever other evidence there is', async () => {
    const adult = { desk: { range: { min: 18, maxExclusive: null } } };
    const guardian = { range: { min: 30, maxExclusive: 31 }, assurance: 'guardian' } as const;
    const claimsWith = async (options: Parameters<typeof authorityWith>[0]) => {
      const sources = { desk: believing('desk'), phone: believing('phone') };
      const authority = await authorityWith({ ...options, sources } as never);
      return decodeJwt(await authority.issue({ ...adult, phone: guardian }, NAMED));
    };
    expect(await claimsWith({})).toMatchObject({ age_range: { min: 30 }, assurance: 'guardian' });
    expect(await claimsWith({ minimumAssurance: 'verified' })).toMatchObject({
      age_range: { min: 18, max_exclusive: 31 },
      assurance: 'verified',
    });
  });

  it('states no age that ageTokens would refuse', async () => {
    const authority = await authorityWith();
    const asOf = NOW - 10 * 365.25 * 86_400_000;
    const old = { range: { min: 149, maxExclusive: 151 }, asOf };
    const token = await authority.issue({ desk: old }, NAMED);
    expect(decodeJwt(token).age_range).toEqual({ min: 150 });
    expect(await verifierFor(authority).verify(token)).toBeDefined();
  });

  it('expires with the evidence, never after it', async () => {
    const authority = await authorityWith({ tokenSeconds: 3_600 });
    const exp = async (expiresAt: number) =>
      decodeJwt(await authority.issue({ desk: { expiresAt } }, NAMED)).exp;
    expect(await exp(NOW + 60_999)).toBe(SECOND + 60);
    expect(await exp(NOW + 86_400_000)).toBe(SECOND + 3_600);
    expect(await refusal(exp(NOW + 999))).toBe('age_evidence_invalid expired');
  });

  it('is bound to a key by its thumbprint', async () => {
    const { publicKey } = await generateKeyPair('ES256', { extractable: true });
    const jkt = await calculateJwkThumbprint(publicKey);
    const authority = await authorityWith();
    const token = await authority.issue({ desk: {} }, { ...NAMED, confirm: { jkt } });
    expect(decodeJwt(token).cnf).toEqual({ jkt });
    // Misspelled, it would be a token for anybody.
    for (const options of [{ confrim: { jkt } }, { confirm: { jkt, jtk: jkt } }]) {
      const issued = authority.issue({ desk: {} }, { ...NAMED, ...options });
      expect(await refusal(issued)).toMatch('invalid_request');
    }
  });
});

describe('the pairwise sub', () => {
  const games = ['https://a.star.example', 'https://b.star.example'];
  const audiences = { star: games, moon: ['https://moon.example'] };
  const subIn = async (
    audience: string,
    { subject = 'account-1', evidence = {}, options = {} } = {},
  ) => {
    const authority = await authorityWith({ audiences, ...options });
    const token = await authority.issue({ desk: evidence }, { subject, audience });
    return decodeJwt(token).sub as string;
  };

  it('is one for all games of an enterprise, and stays the same', async () => {
    const first = await subIn(games[0] as string);
    expect(await subIn(games[0] as string)).toBe(first);
    expect(await subIn(games[1] as string)).toBe(first);
    const verify = async (audience: string) => {
      const authority = await authorityWith({ audiences });
      const token = await authority.issue({ desk: {} }, { subject: 'account-1', audience });
      return (await verifierFor(authority, { audience }).verify(token)).subject;
    };
    expect(await verify(games[0] as string)).toBe(await verify(games[1] as string));
  });

  it('shares nothing between enterprises, between persons, or between keys', async () => {
    const people = Array.from({ length: 200 }, (_, index) => `account-${index}`);
    const seen = new Set<string>();
    for (const subject of people) {
      seen.add(await subIn(games[0] as string, { subject }));
      seen.add(await subIn('https://moon.example', { subject }));
    }
    const options = { subjectKey: `${SUBJECT_KEY}!` };
    for (const subject of people)
      seen.add(await subIn('https://moon.example', { subject, options }));
    expect(seen.size).toBe(people.length * 3);
    // Two enterprises that put their subs side by side find no part in common.
    const [star = '', moon = ''] = [
      await subIn(games[0] as string),
      await subIn(audiences.moon[0] as string),
    ];
    for (let at = 0; at + 8 <= star.length; at += 1)
      expect(moon).not.toContain(star.slice(at, at + 8));
    expect(star + moon).not.toMatch(/account/);
  });

  it('is the person whom a source knows, before the account', async () => {
    const audience = games[0] as string;
    const evidence = { person: 'person-7' };
    const first = await subIn(audience, { subject: 'account-1', evidence });
    expect(await subIn(audience, { subject: 'account-2', evidence })).toBe(first);
    expect(await subIn(audience, { subject: 'account-1' })).not.toBe(first);
    // An account that is named like a person is not that person, in no spelling.
    for (const subject of [
      'person-7',
      'desk person-7',
      'person,desk,person-7',
      '"desk","person-7"',
    ]) {
      expect(await subIn(audience, { subject })).not.toBe(first);
    }
  });

  it('is that of the first source that knows a person', async () => {
    const sources = { desk: believing('desk'), phone: believing('phone') };
    const authority = await authorityWith({ sources });
    const sub = async (evidence: object) => decodeJwt(await authority.issue(evidence, NAMED)).sub;
    const both = await sub({ phone: { person: 'p' }, desk: { person: 'd' } });
    expect(both).toBe(await sub({ desk: { person: 'd' } }));
    expect(await sub({ phone: { person: 'p' }, desk: {} })).toBe(
      await sub({ phone: { person: 'p' } }),
    );
  });

  it('differs for every audience if no enterprises are configured', async () => {
    const options = { audiences: undefined as never };
    const { audiences: _, ...bare } = options;
    const one = await subIn('https://one.example', {
      options: { ...bare, audiences: { a: ['https://one.example'] } },
    });
    expect(one).toMatch(/^[\w-]{43}$/);
    const authority = await authorityWith();
    const sub = async (audience: string) =>
      decodeJwt(await authority.issue({ desk: {} }, { subject: 'x', audience })).sub;
    expect(await sub('https://one.example')).not.toBe(await sub('https://two.example'));
  });
});

describe('what is refused', () => {
  it.each<[string, object, object]>([
    ['no evidence', {}, {}],
    ['evidence for no source', { other: {} }, {}],
    ['evidence for what every object has', { toString: {} }, {}],
    ['evidence that is undefined', { desk: undefined }, {}],
    ['evidence that is null', { desk: null }, {}],
    ['null for evidence', null as unknown as object, {}],
    ['no subject', { desk: {} }, { subject: '' }],
    ['a subject with a line break', { desk: {} }, { subject: 'a\nb' }],
    ['a subject of 256 characters', { desk: {} }, { subject: 'x'.repeat(256) }],
    ['no audience', { desk: {} }, { audience: '' }],
    ['a thumbprint that is none', { desk: {} }, { confirm: { jkt: 'abc' } }],
    ['a list for a thumbprint', { desk: {} }, { confirm: { jkt: ['x'.repeat(43)] } }],
    ['null for a key', { desk: {} }, { confirm: null }],
  ])('%s', async (_, evidence, named) => {
    const call = (await authorityWith()).issue(evidence, { ...NAMED, ...named });
    expect(await refusal(call)).toBe('invalid_request');
  });

  it('evidence of the account of someone else, whom its name alone would let in', async () => {
    const { clock, source } = nppaWorld();
    const now = () => clock.at;
    const authority = await authorityWith({ now, sources: { nppa: source } as never });
    const issue = (account: string, subject: string, identity = {}) =>
      authority.issue({ nppa: { account, ...identity } } as never, { ...NAMED, subject });
    const parent = { name: '某一一', idNumber: '110000190101010001' };
    expect(decodeJwt(await issue('parent', 'parent', parent)).age_range).toEqual({ min: 18 });
    const refused = 'age_evidence_invalid account_mismatch';
    expect(await refusal(issue('parent', 'child'))).toBe(refused);
    expect(await refusal(issue('parent', 'Parent'))).toBe(refused);
    expect(decodeJwt(await issue('parent', 'parent')).age_range).toEqual({ min: 18 });
  });

  it('an audience that is not configured, in words that do not repeat it', async () => {
    const authority = await authorityWith({ audiences: { star: ['https://star.example'] } });
    const error = await authority.issue({ desk: {} }, NAMED).catch((reason: Error) => reason);
    expect(error).toMatchObject({ code: 'invalid_request' });
    expect(String(error)).not.toContain(AUDIENCE);
  });

  it('a least assurance that there is not', async () => {
    await expect(authorityWith({ minimumAssurance: 'high' as never })).rejects.toThrow(TypeError);
  });

  it('a range that cannot be right, and an assurance that is not known', async () => {
    const authority = await authorityWith();
    const issue = (finding: object) => authority.issue({ desk: finding }, NAMED);
    await expect(issue({ range: { min: Number.NaN, maxExclusive: 13 } })).rejects.toThrow();
    await expect(issue({ assurance: 'certain' })).rejects.toThrow(TypeError);
  });

  it('options that can never work', async () => {
    const key = await generateAuthorityKey();
    const { d: _, ...publicKey } = key;
    const wrong: Parameters<typeof authorityWith>[0][] = [
      { issuer: '' },
      { keys: [] },
      { keys: [publicKey] },
      { keys: [key, key] },
      { keys: [{ ...key, alg: 'RS256' }] },
      { keys: [{ kty: 'oct', k: 'c2VjcmV0LXNlY3JldA' }] },
      { keys: [{ ...key, kid: 'with blanks' }] },
      { keys: [{ ...key, activeFrom: 'tomorrow' }] },
      { keys: [{ ...key, activeFrom: '2026-12-01T00:00:00Z', retireAt: '2026-11-01T00:00:00Z' }] },
      { sources: {} as never },
      { subjectKey: 'too short' },
      { tokenSeconds: 29 },
      { tokenSeconds: 86_401 },
      { timeZone: '+08:00' },
      { audiences: { a: ['https://x.example'], b: ['https://x.example'] } },
    ];
    for (const options of wrong) {
      await expect(authorityWith(options), JSON.stringify(options)).rejects.toThrow(TypeError);
    }
  });
});
