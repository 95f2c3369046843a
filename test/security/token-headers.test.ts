import { FlattenedSign } from 'jose';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  AUDIENCE,
  type Authority,
  authority,
  base64url,
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

describe('headers (RFC 8725, 3.11; RFC 7515, 4.1.11; RFC 7797)', () => {
  it('refuses a critical extension, known to the library or not', async () => {
    const signed = async (header: object) => {
      // With `b64: false` the text after the first point is signed as it is.
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

  const HEADER = { alg: 'ES256', typ: 'age+jwt', kid: 'key-1' };

  it.each<[string, string]>([
    ['a name twice', '{"alg":"ES256","typ":"age+jwt","typ":"age+jwt","kid":"key-1"}'],
    ['two algorithms', '{"alg":"none","alg":"ES256","typ":"age+jwt","kid":"key-1"}'],
    ['a name twice, once escaped', '{"alg":"ES256","\\u0061lg":"ES256","typ":"age+jwt"}'],
    [
      'what is too deep',
      JSON.stringify({ ...HEADER, deep: JSON.parse('['.repeat(40) + ']'.repeat(40)) }),
    ],
    ['no algorithm', '{"typ":"age+jwt","kid":"key-1"}'],
    ['an algorithm that is no text', '{"alg":["ES256"],"typ":"age+jwt","kid":"key-1"}'],
    ['a list', '[]'],
    ['a trailing comma', '{"alg":"ES256",}'],
  ])('refuses, though signed, %s', async (_, header) => {
    expect(await fault(await age.signText(header, JSON.stringify(PAYLOAD)))).toBe('malformed');
  });

  it('passes over members that it does not know, compression among them', async () => {
    const header = JSON.stringify({
      ...HEADER,
      b64: false,
      zip: 'DEF',
      cty: 'JWT',
      extra: { a: 1 },
    });
    await verifierOf(age).verify(await age.signText(header, JSON.stringify(PAYLOAD)));
  });
});
