import { createHmac } from 'node:crypto';
import { exportJWK, exportSPKI, generateKeyPair, SignJWT } from 'jose';
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

describe('the algorithm comes from the configuration (RFC 8725, 3.1 and 3.2)', () => {
  it.each(['none', 'None', 'NONE', 'nOnE', ''])('refuses alg %j', async (alg) => {
    const unsigned = `${base64url({ alg, typ: 'age+jwt' })}.${base64url(PAYLOAD)}`;
    const signature = (await age.sign()).split('.')[2];
    const expected = alg === '' ? 'malformed' : 'algorithm_not_allowed';
    expect(await fault(`${unsigned}.`)).toBe(expected);
    expect(await fault(`${unsigned}.${signature}`)).toBe(expected);
  });

  it.each(['XX999', 'ML-DSA-44', 'ES256K', 'es256', 'ES256 ', '__proto__', 'toString', 'dir'])(
    'refuses the unknown alg %j, and a configuration that allows it',
    async (alg) => {
      const head = base64url({ alg, typ: 'age+jwt', kid: 'key-1' });
      const token = (await age.sign()).replace(/^[^.]+/, head);
      expect(await fault(token)).toBe('algorithm_not_allowed');
      expect(() => verifierOf(age, { issuer: { algorithms: ['ES256', alg] } })).toThrow(TypeError);
    },
  );

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

describe('signatures and keys that prove nothing (RFC 8725, 3.3 to 3.5)', () => {
  const withSignature = async (signature: Uint8Array) => {
    const token = await age.sign();
    return `${token.slice(0, token.lastIndexOf('.'))}.${Buffer.from(signature).toString('base64url')}`;
  };
  const ORDER = 'ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551';

  it.each<[string, Uint8Array]>([
    ['nothing but zeros', new Uint8Array(64)],
    ['r = s = the order of the curve', Buffer.from(ORDER + ORDER, 'hex')],
    ['r = 0, s = 1', Buffer.concat([new Uint8Array(63), Buffer.of(1)])],
    ['all ones', new Uint8Array(64).fill(255)],
    ['one byte', Buffer.of(1)],
    ['64 kilobits', new Uint8Array(8_000)],
  ])('refuses as signature %s', async (_, signature) => {
    expect(await fault(await withSignature(signature))).toBe('signature_invalid');
  });

  it('refuses a good signature in another spelling: as ASN.1, cut, longer, or twice', async () => {
    const good = Buffer.from((await age.sign()).split('.')[2] ?? '', 'base64url');
    const integer = (bytes: Uint8Array) => Buffer.concat([Buffer.of(2, 33, 0), bytes]);
    const body = Buffer.concat([integer(good.subarray(0, 32)), integer(good.subarray(32))]);
    const asn1 = Buffer.concat([Buffer.of(0x30, body.length), body]);
    for (const bytes of [
      asn1,
      good.subarray(1),
      good.subarray(0, 63),
      Buffer.concat([good, good]),
    ]) {
      expect(await fault(await withSignature(bytes))).toBe('signature_invalid');
    }
  });

  it('refuses weak keys, private ones and points beside the curve when it is configured', async () => {
    const weak = await generateKeyPair('RS256', { modulusLength: 2048, extractable: true });
    const rsa = await exportJWK(weak.publicKey);
    const keys: readonly [string, object][] = [
      ['an RSA key of 1024 bits', { ...rsa, n: rsa.n?.slice(0, 171) }],
      ['a private key', await exportJWK(weak.privateKey)],
      ['a shared secret', { kty: 'oct', k: 'c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0' }],
      ['a point beside the curve', { ...age.publicJwk, x: base64url('x'.repeat(32)) }],
      ['the point at no place', { ...age.publicJwk, x: 'A'.repeat(43), y: 'A'.repeat(43) }],
      ['half a key', { kty: 'EC', crv: 'P-256', x: age.publicJwk.x }],
    ];
    for (const [what, key] of keys) {
      const issuer = { jwks: { keys: [key] }, algorithms: ['ES256', 'RS256'] };
      expect(() => verifierOf(age, { issuer }), what).toThrow(TypeError);
    }
  });

  it('uses a key for what it says it is for, and for nothing else', async () => {
    const token = await age.sign();
    for (const says of [{ alg: 'ES384' }, { alg: 'RS256' }]) {
      const jwks = { keys: [{ ...age.publicJwk, ...says }] };
      expect(await fault(token, { issuer: { jwks } })).toBe('key_unknown');
    }
    const { publicJwk: other } = await authority('key-2');
    for (const says of [{ use: 'enc' }, { key_ops: ['sign'] }]) {
      const jwks = { keys: [{ ...age.publicJwk, ...says }, other] };
      expect(await fault(token, { issuer: { jwks } })).toBe('key_unknown');
    }
  });

  it('does not take RSA signatures of one padding for the other', async () => {
    const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true });
    const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: 'key-1' }] };
    const token = await new SignJWT(PAYLOAD)
      .setProtectedHeader({ alg: 'RS256', typ: 'age+jwt', kid: 'key-1' })
      .sign(privateKey);
    await verifierOf(age, { issuer: { jwks, algorithms: ['RS256'] } }).verify(token);
    const asPss = token.replace(
      /^[^.]+/,
      base64url({ alg: 'PS256', typ: 'age+jwt', kid: 'key-1' }),
    );
    const issuer = { jwks, algorithms: ['RS256', 'PS256'] };
    expect(await fault(asPss, { issuer })).toBe('signature_invalid');
    expect(await fault(token, { issuer: { jwks, algorithms: ['PS256'] } })).toBe(
      'algorithm_not_allowed',
    );
  });
});
