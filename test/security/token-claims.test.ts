import { FlattenedSign } from 'jose';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  AUDIENCE,
  type Authority,
  authority,
  base64url,
  type Claims,
  faultOf,
  ISSUER,
  SECOND,
  verifierOf,
} from '../server/age/token/token-kit.ts';

let age: Authority;
beforeAll(async () => {
  age = await authority();
});

const fault = (token: string, options = {}) => faultOf(age, token, options);
const PAYLOAD = { iss: ISSUER, aud: AUDIENCE, sub: 'player-1', exp: SECOND + 600 };

describe('issuer, subject, audience and dates (RFC 8725, 3.8 and 3.9)', () => {
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
    ['exp in milliseconds', { exp: (SECOND + 600) * 1000 }, 'time_in_milliseconds'],
    ['nbf in milliseconds', { nbf: SECOND * 1000 }, 'time_in_milliseconds'],
    ['iat in milliseconds', { iat: SECOND * 1000 }, 'time_in_milliseconds'],
    ['nbf null', { nbf: null }, 'malformed'],
    ['iat null', { iat: null }, 'malformed'],
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
