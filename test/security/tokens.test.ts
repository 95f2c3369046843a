import { createHmac } from 'node:crypto';
import { SpendcapError } from '@spendcap/core';
import { permits, permitVerifier } from '@spendcap/server';
import { exportJWK, exportSPKI, FlattenedSign, generateKeyPair, SignJWT } from 'jose';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  AUDIENCE,
  type Authority,
  authority,
  base64url,
  type Claims,
  ISSUER,
  NOW,
  refusal,
  SECOND,
  verifierOf,
} from '../server/token-kit.ts';

let age: Authority;
let stranger: Authority;
beforeAll(async () => {
  age = await authority();
  stranger = await authority();
});
afterEach(() => vi.restoreAllMocks());

const fault = async (token: string, options = {}) =>
  (await refusal(verifierOf(age, options).verify(token))).replace('age_token_invalid ', '');

const PAYLOAD = { iss: ISSUER, aud: AUDIENCE, sub: 'player-1', exp: SECOND + 600 };

describe('the algorithm comes from the configuration', () => {
  it.each(['none', 'None', 'NONE', 'nOnE', ''])('refuses alg %j', async (alg) => {
    const unsigned = `${base64url({ alg, typ: 'age+jwt' })}.${base64url(PAYLOAD)}`;
    const signature = (await age.sign()).split('.')[2];
    const expected = alg === '' ? 'malformed' : 'algorithm_not_allowed';
    expect(await fault(`${unsigned}.`)).toBe(expected);
    expect(await fault(`${unsigned}.${signature}`)).toBe(expected);
  });

  it('refuses HMAC with the public key as secret', async () => {
    const pem = await exportSPKI(age.publicKey);
    const head = base64url({ alg: 'HS256', typ: 'age+jwt', kid: 'key-1' });
    const input = `${head}.${base64url(PAYLOAD)}`;
    for (const secret of [pem, pem.trim(), JSON.stringify(age.publicJwk), age.publicJwk.x ?? '']) {
      const signature = createHmac('sha256', secret).update(input).digest('base64url');
      expect(await fault(`${input}.${signature}`)).toBe('algorithm_not_allowed');
    }
  });

  it('refuses another family, and another curve, than the configured one', async () => {
    for (const alg of ['RS256', 'PS256', 'ES384', 'EdDSA']) {
      const { privateKey } = await generateKeyPair(alg);
      const token = await new SignJWT(PAYLOAD)
        .setProtectedHeader({ alg, typ: 'age+jwt', kid: 'key-1' })
        .sign(privateKey);
      expect(await fault(token)).toBe('algorithm_not_allowed');
      // Even where the algorithm is allowed, a key serves its own kind only.
      const allowed = { issuer: { algorithms: ['ES256', alg] } };
      expect(await fault(token, allowed)).toBe('key_unknown');
    }
  });

  it('refuses an empty signature', async () => {
    const [head, payload] = (await age.sign()).split('.');
    expect(await fault(`${head}.${payload}.`)).toBe('signature_invalid');
  });
});

describe('the key comes from the configuration', () => {
  it('never uses or fetches a key that a token brings', async () => {
    const fetched = vi.spyOn(globalThis, 'fetch');
    const { publicJwk } = stranger;
    for (const header of [
      { jwk: publicJwk },
      { jku: 'https://evil.example/jwks' },
      { x5u: 'https://evil.example/chain' },
      { x5c: ['MIIB'] },
    ]) {
      expect(await fault(await stranger.sign({}, header))).toBe('signature_invalid');
      expect(await verifierOf(age).verify(await age.sign({}, header))).toBeDefined();
    }
    expect(fetched).not.toHaveBeenCalled();
  });

  it.each([
    '../../etc/passwd',
    '/dev/null',
    "x' UNION SELECT 'key",
    'key-1\0',
    '__proto__',
    'constructor',
    '',
    'k'.repeat(5_000),
  ])('takes kid %j as a name and nothing else', async (kid) => {
    expect(await fault(await age.sign({}, { kid }))).toBe('key_unknown');
  });

  it('refuses a kid that is no text', async () => {
    for (const kid of [1, null, ['key-1'], { toString: 'key-1' }]) {
      const head = base64url({ alg: 'ES256', typ: 'age+jwt', kid });
      expect(await fault((await age.sign()).replace(/^[^.]+/, head))).toBe('key_unknown');
    }
  });

  it('does not guess between several keys', async () => {
    const other = await authority('key-2');
    const jwks = { keys: [age.publicJwk, other.publicJwk] };
    const unnamed = await age.sign({}, { kid: undefined as unknown as string });
    expect(await fault(unnamed, { issuer: { jwks } })).toBe('key_unknown');
    await verifierOf({ jwks }).verify(await other.sign());
    expect(await fault(await other.sign({}, { kid: 'key-1' }), { issuer: { jwks } })).toBe(
      'signature_invalid',
    );
  });
});

describe('headers', () => {
  it('refuses a critical extension, known to the library or not', async () => {
    const signed = async (header: object) => {
      // With `b64: false` the text after the first point is signed as it stands.
      const text = 'b64' in header && !header.b64 ? base64url(PAYLOAD) : JSON.stringify(PAYLOAD);
      const { protected: head, signature } = await new FlattenedSign(new TextEncoder().encode(text))
        .setProtectedHeader({ alg: 'ES256', typ: 'age+jwt', ...header })
        .sign(age.privateKey, { crit: { 'urn:x': true } });
      return `${head}.${base64url(PAYLOAD)}.${signature}`;
    };
    expect(await fault(await signed({ crit: ['urn:x'], 'urn:x': 1 }))).toBe('critical_header');
    expect(await fault(await signed({ crit: ['b64'], b64: true }))).toBe('critical_header');
    expect(await fault(await signed({ crit: ['b64'], b64: false }))).toBe('critical_header');
  });

  it.each<[string, unknown]>([
    ['an empty list', []],
    ['no list', 'exp'],
    ['a member that is missing', ['b64']],
    ['a member that is no text', [1]],
  ])('refuses as crit %s', async (_, crit) => {
    const head = base64url({ alg: 'ES256', typ: 'age+jwt', kid: 'key-1', crit });
    expect(await fault((await age.sign()).replace(/^[^.]+/, head))).toBe('malformed');
  });

  it.each(['JWT', 'at+jwt', 'permit+jwt', 'age', 'age+jwt ', undefined])(
    'refuses typ %j',
    async (typ) => {
      const token = await age.sign({}, { typ } as { typ: string });
      expect(await fault(token)).toBe('type_mismatch');
    },
  );

  it('takes typ as a media type', async () => {
    for (const typ of ['AGE+JWT', 'application/age+jwt']) {
      await verifierOf(age).verify(await age.sign({}, { typ }));
    }
  });

  it('takes id_tokens where they are configured, and nothing else of their issuer', async () => {
    const issuer = { typ: null };
    for (const typ of [undefined, 'JWT', 'jwt', 'application/jwt']) {
      const idToken = await age.sign({}, { typ } as { typ: string });
      await verifierOf(age, { issuer }).verify(idToken);
    }
    for (const typ of ['at+jwt', 'logout+jwt', 'dpop+jwt', 'dc+sd-jwt', 'age+jwt', '', null, 7]) {
      const other = await age.sign({}, { typ } as { typ: string });
      expect(await fault(other, { issuer })).toBe('type_mismatch');
    }
  });

  it('takes neither a permit for an age token nor an age token for a permit', async () => {
    const key = await generateKeyPair('ES256', { extractable: true });
    const parties = { issuer: ISSUER, audience: AUDIENCE, now: () => NOW };
    const jwk = { ...(await exportJWK(key.privateKey)), kid: 'key-1' };
    const signer = permits({ key: jwk, ...parties });
    const permit = await signer.sign({
      purchaseId: 'order-1',
      amount: '1.00',
      currency: 'CNY',
      app: null,
      policy: 'p',
      expiresAt: NOW + 60_000,
    });
    expect(await refusal(verifierOf(signer as never).verify(permit))).toBe(
      'age_token_invalid type_mismatch',
    );
    const purchase = { id: 'order-1', amount: '1.00', currency: 'CNY' };
    const claims = { jti: 'order-1', purchase_id: 'order-1', amount: '1.00', currency: 'CNY' };
    const asPermit = await age.sign({ ...claims, app: null, policy: 'p' });
    const verify = permitVerifier({ jwks: age.jwks, ...parties });
    expect(await refusal(verify(asPermit, purchase))).toBe('permit_invalid type_mismatch');
  });
});

describe('claims', () => {
  it.each<[string, Claims, string]>([
    ['no iss', { iss: undefined }, 'claim_missing'],
    ['another iss', { iss: 'https://evil.example' }, 'issuer_unknown'],
    ['an iss with a slash more', { iss: `${ISSUER}/` }, 'issuer_unknown'],
    ['a list as iss', { iss: [ISSUER] }, 'issuer_unknown'],
    ['no aud', { aud: undefined }, 'claim_missing'],
    ['another aud', { aud: 'https://shop.example' }, 'audience_mismatch'],
    ['an empty aud', { aud: [] }, 'audience_mismatch'],
    ['an aud inside a list', { aud: [[AUDIENCE]] }, 'audience_mismatch'],
    ['an aud that is an object', { aud: { 0: AUDIENCE } }, 'audience_mismatch'],
    ['no exp', { exp: undefined }, 'claim_missing'],
    ['exp as text', { exp: '4102444800' }, 'malformed'],
    ['exp null', { exp: null }, 'malformed'],
    ['exp beyond time', { exp: 1e300 }, 'malformed'],
    ['expired by a second beyond the tolerance', { exp: SECOND - 5 }, 'expired'],
    ['nbf in the future', { nbf: SECOND + 6 }, 'not_yet_valid'],
    ['nbf as text', { nbf: 'now' }, 'malformed'],
    ['issued in the future', { iat: SECOND + 6 }, 'not_yet_valid'],
    ['issued before time', { iat: -1 }, 'malformed'],
    ['iat as text', { iat: 'now' }, 'malformed'],
    ['no sub', { sub: undefined }, 'subject_missing'],
    ['an empty sub', { sub: '' }, 'subject_missing'],
    ['sub null', { sub: null }, 'subject_missing'],
    ['a number as sub', { sub: 7 }, 'subject_missing'],
    ['a sub of 256 characters', { sub: 'x'.repeat(256) }, 'subject_missing'],
    ['a line break in sub', { sub: 'a\nb' }, 'subject_missing'],
    ['half a character in sub', { sub: '\ud800' }, 'subject_missing'],
  ])('refuses %s', async (_, claims, why) => {
    expect(await fault(await age.sign(claims))).toBe(why);
  });

  it.each<[string, Claims]>([
    ['the last second of the tolerance', { exp: SECOND - 4 }],
    ['clocks that differ a little', { nbf: SECOND + 5, iat: SECOND + 5 }],
    ['one audience of several', { aud: ['https://shop.example', AUDIENCE] }],
    ['a sub of 255 characters', { sub: '玩'.repeat(255) }],
  ])('accepts %s', async (_, claims) => {
    expect(await verifierOf(age).verify(await age.sign(claims))).toBeDefined();
  });

  const verified = (claims: unknown) => ({ verification: { trust_framework: 'eidas' }, claims });
  it.each<[string, Claims]>([
    ['a negative age', { age_in_years: -1 }],
    ['an age above 150', { age_in_years: 151 }],
    ['a part of a year', { age_in_years: 12.5 }],
    ['an age as text', { age_in_years: '12' }],
    ['an age as a list', { age_in_years: [12] }],
    ['no age', { age_in_years: null }],
    ['a negative range', { age_range: { min: -1, max_exclusive: 16 } }],
    ['a range above 150', { age_range: { min: 151 } }],
    ['a range that ends above 151', { age_range: { min: 8, max_exclusive: 152 } }],
    ['a range without start', { age_range: { max_exclusive: 16 } }],
    ['a range as text', { age_range: '8-16' }],
    ['a range as list', { age_range: [8, 16] }],
    ['a range null', { age_range: null }],
    ['a threshold as text', { age_over_18: 'true' }],
    ['a threshold as number', { age_over_18: 1 }],
    ['a threshold above 150', { age_over_151: true }],
    ['a list of thresholds', { age_equal_or_over: ['18'] }],
    ['a threshold that is no number', { age_equal_or_over: { adult: true } }],
    ['a negative threshold', { age_equal_or_over: { '-1': true } }],
    ['a birth year as text', { age_birth_year: '2014' }],
    ['a birth year of two digits', { age_birth_year: 14 }],
    ['a birth year in the future', { age_birth_year: 2027 }],
    ['a birth year before 151 years', { age_birth_year: 1874 }],
    ['a birth date that never was', { birthdate: '2014-02-30' }],
    ['a birth date of 151 years ago', { birthdate: '1875-11-23' }],
    ['a birth date in the future', { birthdate: '2026-11-24' }],
    ['a birth date in another form', { birthdate: '23.11.2014' }],
    ['a birth month', { birthdate: '2014-11' }],
    ['a birth date with a time', { birthdate: '2014-11-23T00:00:00Z' }],
    ['a birth date as number', { birthdate: 20141123 }],
    ['verified claims without claims', { verified_claims: { verification: {} } }],
    ['verified claims without verification', { verified_claims: { claims: {} } }],
    ['verified claims null', { verified_claims: null }],
    ['a wrong claim that is verified', { verified_claims: verified({ age_in_years: 200 }) }],
  ])('refuses as age %s', async (_, claims) => {
    expect(await fault(await age.sign(claims))).toBe('age_claim_invalid');
  });

  it.each<[string, Claims]>([
    ['over 18 and not over 16', { age_over_18: true, age_over_16: false }],
    ['an empty range', { age_range: { min: 16, max_exclusive: 16 } }],
    ['a range backwards', { age_range: { min: 18, max_exclusive: 16 } }],
    ['an age outside its range', { age_in_years: 12, age_range: { min: 16 } }],
    ['12 and over 13', { age_in_years: 12, age_over_13: true, iat: SECOND - 86_400 }],
    ['not over 0', { age_over_00: false }],
    ['two birth years', { age_birth_year: 2014, birthdate: '2013' }],
    ['an age and a birth date', { age_in_years: 30, birthdate: '2014-11-23' }],
    [
      'two verified claims',
      { verified_claims: [verified({ age_over_18: true }), verified({ birthdate: '2014' })] },
    ],
  ])('refuses contradictory ages: %s', async (_, claims) => {
    expect(await fault(await age.sign(claims))).toBe('age_contradictory');
  });

  it('is not moved by members named like those of every object', async () => {
    const hostile = `{"__proto__":{"age_over_18":true,"birthdate":"1990-01-01","sub":"admin"},
      "constructor":{"prototype":{"min":18}},"toString":1,"hasOwnProperty":0,
      "age_range":{"__proto__":{"max_exclusive":99},"min":8},
      "verified_claims":{"__proto__":{"x":1},"verification":{},"claims":{"age_over_16":false}}}`;
    const payload = { ...PAYLOAD };
    const text = `${JSON.stringify(payload).slice(0, -1)},${hostile.slice(1)}`;
    const { protected: head, signature } = await new FlattenedSign(new TextEncoder().encode(text))
      .setProtectedHeader({ alg: 'ES256', typ: 'age+jwt', kid: 'key-1' })
      .sign(age.privateKey);
    const evidence = await verifierOf(age).verify(`${head}.${base64url(text)}.${signature}`);
    const plain = await verifierOf(age).verify(await age.sign());
    expect(evidence).toMatchObject({
      subject: plain.subject,
      statements: [{ kind: 'range', min: 0, maxExclusive: 16 }],
    });
    expect(({} as Claims).age_over_18).toBe(undefined);
  });
});

describe('form', () => {
  it('refuses what is too large before it reads it', async () => {
    const huge = 'a'.repeat(100_000);
    expect(await fault(huge)).toBe('too_large');
    expect(await fault(await age.sign({ padding: huge }))).toBe('too_large');
    expect(await fault(await age.sign({ padding: 'a'.repeat(300) }), { maxTokenBytes: 512 })).toBe(
      'too_large',
    );
    const fits = await age.sign({ padding: 'a'.repeat(8_000) });
    expect(await verifierOf(age).verify(fits)).toBeDefined();
  });

  it('refuses everything but three parts of canonical base64url', async () => {
    const token = await age.sign();
    const [head = '', payload = '', signature = ''] = token.split('.');
    // 64 bytes make 86 characters: the last one has four bits to spare, which must be zero.
    const last = signature.at(-1) as string;
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const twin = alphabet.charAt(alphabet.indexOf(last) + 1);
    const spellings = [
      '',
      '.',
      '..',
      ' ',
      `${head}.${payload}`,
      `${token}.`,
      `${token}.${signature}`,
      `.${token}`,
      `${token} `,
      ` ${token}`,
      `${token}\n`,
      `${token}=`,
      `${token}é`,
      `${head}.${payload}.${signature.slice(0, -1)}${twin}`,
      `${head}..${signature}`,
      `.${payload}.${signature}`,
      `${head}.${payload}.${Buffer.from(signature, 'base64url').toString('base64')}`,
      `${head}.${payload.slice(0, 4)} ${payload.slice(4)}.${signature}`,
      `Bearer ${token}`,
    ];
    for (const text of spellings) expect(await fault(text), JSON.stringify(text)).toBe('malformed');
    for (const value of [undefined, null, 7, {}, [token], new String(token)]) {
      expect(await fault(value as string)).toBe('malformed');
    }
    expect(await fault(`${token}A`)).toBe('signature_invalid');
    expect(await verifierOf(age).verify(token)).toBeDefined();
  });

  it.each([
    '[]',
    'null',
    '"text"',
    '7',
    '{',
    '{"iss":',
    '',
    '\u{feff}\u{feff}{}',
    '['.repeat(11_000),
  ])('refuses the payload %.20s', async (text) => {
    const [head, , signature] = (await age.sign()).split('.');
    expect(await fault(`${head}.${base64url(text)}.${signature}`)).toBe('malformed');
  });

  it('refuses a payload and a header that are no UTF-8, and a header that is no object', async () => {
    const [head, payload, signature] = (await age.sign()).split('.');
    const latin = Buffer.from(`{"iss":"${ISSUER}","name":"é"}`, 'latin1').toString('base64url');
    expect(await fault(`${head}.${latin}.${signature}`)).toBe('malformed');
    for (const text of ['[]', 'null', '7', '{}', '{"alg":["ES256"]}']) {
      expect(await fault(`${base64url(text)}.${payload}.${signature}`)).toBe('malformed');
    }
  });

  it('tells nothing of a token in its errors', async () => {
    const secrets = { sub: 'secret-player', birthdate: '2031-01-09', name: 'secret-name' };
    const faulty: [Claims, object][] = [
      [secrets, {}],
      [{ ...secrets, exp: SECOND - 99 }, {}],
      [{ ...secrets, aud: 'secret-audience' }, {}],
      [{ ...secrets, iss: 'secret-issuer' }, {}],
      [secrets, { typ: 'secret+jwt' }],
      [secrets, { kid: 'secret-key' }],
    ];
    for (const [claims, header] of faulty) {
      const token = await age.sign(claims, header);
      const error = await verifierOf(age)
        .verify(token)
        .catch((reason: unknown) => reason);
      if (!SpendcapError.isInstance(error)) throw new Error('not refused as it should be');
      const told = `${error.message} ${error.stack} ${JSON.stringify(error)}`;
      expect(told).not.toMatch(/secret|2031/);
      expect(told).not.toContain(token.slice(0, 20));
      expect(error.cause).toBe(undefined);
    }
  });
});
