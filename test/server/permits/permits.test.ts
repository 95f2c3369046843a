import {
  generatePermitKey,
  type PermittedPurchase,
  permits,
  permitVerifier,
  verifyPermit,
} from '@spendcap/server';
import { calculateJwkThumbprint, decodeProtectedHeader, exportJWK, generateKeyPair } from 'jose';
import { describe, expect, it } from 'vitest';
import { base64url, NOW, refusal } from '../age/token/token-kit.ts';

const PARTIES = { issuer: 'https://limiter.example', audience: 'https://pay.example' };
const CLAIMS = {
  purchaseId: 'order-1',
  amount: '48.00',
  currency: 'CNY',
  app: 'game-1',
  policy: 'cn-game@2026.1',
  expiresAt: NOW + 60_000,
};
const PURCHASE: PermittedPurchase = { id: 'order-1', amount: '48.00', currency: 'CNY' };
const now = () => NOW;

async function signerOf(alg: 'ES256' | 'EdDSA' = 'ES256', extra: object = {}) {
  const { privateKey } = await generateKeyPair(alg, { extractable: true });
  const key = { ...(await exportJWK(privateKey)), ...extra };
  return { key, signer: permits({ key, ...PARTIES, now }) };
}

describe('a permit', () => {
  it.each(['ES256', 'EdDSA'] as const)('signed with %s gives its claims again', async (alg) => {
    const { signer } = await signerOf(alg);
    const permit = await signer.sign(CLAIMS);
    const options = { jwks: signer.jwks, ...PARTIES, now, purchase: PURCHASE };
    expect(await verifyPermit(permit, options)).toEqual(CLAIMS);
    expect(decodeProtectedHeader(permit)).toMatchObject({ alg, typ: 'permit+jwt' });
  });

  it('holds what a payment service in another language needs', async () => {
    const { signer } = await signerOf();
    const permit = await signer.sign({ ...CLAIMS, app: null });
    const [, payload = ''] = permit.split('.');
    expect(JSON.parse(Buffer.from(payload, 'base64url').toString())).toEqual({
      iss: PARTIES.issuer,
      aud: PARTIES.audience,
      iat: NOW / 1000,
      exp: NOW / 1000 + 60,
      jti: 'order-1',
      purchase_id: 'order-1',
      amount: '48.00',
      currency: 'CNY',
      app: null,
      policy: 'cn-game@2026.1',
    });
    const verify = permitVerifier({ jwks: signer.jwks, ...PARTIES, now });
    expect((await verify(permit, PURCHASE)).app).toBe(null);
  });

  it.each(['ES256', 'EdDSA'] as const)(
    'publishes the public part of a %s key only',
    async (alg) => {
      const { key, signer } = await signerOf(alg, { secret_note: 'private' });
      const { kty, crv, x, y } = key as Record<string, string>;
      const point = y === undefined ? { kty, crv, x } : { kty, crv, x, y };
      const kid = await calculateJwkThumbprint(key);
      expect(signer.jwks).toEqual({ keys: [{ ...point, kid, alg, use: 'sig' }] });
      expect(decodeProtectedHeader(await signer.sign(CLAIMS)).kid).toBe(kid);
    },
  );

  it('keeps the name that a key has', async () => {
    const { signer } = await signerOf('ES256', { kid: '2026-11' });
    expect(signer.jwks.keys[0]?.kid).toBe('2026-11');
  });

  it('can be made with a generated key', async () => {
    const key = await generatePermitKey();
    const signer = permits({ key, ...PARTIES, now });
    const options = { jwks: signer.jwks, ...PARTIES, now, purchase: PURCHASE };
    expect(await verifyPermit(await signer.sign(CLAIMS), options)).toEqual(CLAIMS);
  });
});

describe('a permit is refused', () => {
  it.each<[string, Partial<PermittedPurchase>, string]>([
    ['another id', { id: 'order-2' }, 'permit_invalid purchase_mismatch'],
    ['more', { amount: '48.01' }, 'permit_invalid purchase_mismatch'],
    ['less', { amount: '4.80' }, 'permit_invalid purchase_mismatch'],
    ['another currency', { currency: 'USD' }, 'permit_invalid purchase_mismatch'],
    ['an amount that is none', { amount: '4.8e1' }, 'invalid_amount'],
  ])('for %s', async (_, change, expected) => {
    const { signer } = await signerOf();
    const verify = permitVerifier({ jwks: signer.jwks, ...PARTIES, now });
    const permit = await signer.sign(CLAIMS);
    expect(await refusal(verify(permit, { ...PURCHASE, ...change }))).toBe(expected);
  });

  it('not for the same amount written otherwise', async () => {
    const { signer } = await signerOf();
    const verify = permitVerifier({ jwks: signer.jwks, ...PARTIES, now });
    const permit = await signer.sign(CLAIMS);
    for (const amount of ['48', '48.0', '48.00']) {
      expect((await verify(permit, { ...PURCHASE, amount })).amount).toBe('48.00');
    }
  });

  it.each<[string, object, string]>([
    ['after its hold', { now: () => NOW + 65_000 }, 'expired'],
    ['before its time', { now: () => NOW - 6_000 }, 'not_yet_valid'],
    ['of another limiter', { issuer: 'https://other.example' }, 'issuer_unknown'],
    ['for another service', { audience: 'https://other.example' }, 'audience_mismatch'],
  ])('%s', async (_, change, why) => {
    const { signer } = await signerOf();
    const verify = permitVerifier({ jwks: signer.jwks, ...PARTIES, now, ...change });
    const call = verify(await signer.sign(CLAIMS), PURCHASE);
    expect(await refusal(call)).toBe(`permit_invalid ${why}`);
  });

  it('still in the tolerance, and no second longer', async () => {
    const { signer } = await signerOf();
    const permit = await signer.sign(CLAIMS);
    const at = (ms: number) => ({ jwks: signer.jwks, ...PARTIES, now: () => NOW + ms });
    expect(await permitVerifier(at(64_999))(permit, PURCHASE)).toEqual(CLAIMS);
    const late = permitVerifier(at(65_000))(permit, PURCHASE);
    expect(await refusal(late)).toBe('permit_invalid expired');
  });

  it('when it was signed with another key, of the same name or not', async () => {
    const { signer } = await signerOf('ES256', { kid: 'same' });
    const { signer: forger } = await signerOf('ES256', { kid: 'same' });
    const { signer: stranger } = await signerOf();
    const verify = permitVerifier({ jwks: signer.jwks, ...PARTIES, now });
    const forged = verify(await forger.sign(CLAIMS), PURCHASE);
    expect(await refusal(forged)).toBe('permit_invalid signature_invalid');
    const strange = verify(await stranger.sign(CLAIMS), PURCHASE);
    expect(await refusal(strange)).toBe('permit_invalid key_unknown');
  });

  it('when its claims were changed', async () => {
    const { signer } = await signerOf();
    const [head, payload = '', signature] = (await signer.sign(CLAIMS)).split('.');
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString());
    const changed = [head, base64url({ ...claims, amount: '4800.00' }), signature].join('.');
    const verify = permitVerifier({ jwks: signer.jwks, ...PARTIES, now });
    const call = verify(changed, { ...PURCHASE, amount: '4800.00' });
    expect(await refusal(call)).toBe('permit_invalid signature_invalid');
  });

  it('when it is no permit at all', async () => {
    const { signer } = await signerOf();
    const verify = permitVerifier({ jwks: signer.jwks, ...PARTIES, now });
    for (const text of ['', 'x', '..', 'a.b.c', ' ', undefined as unknown as string]) {
      expect(await refusal(verify(text, PURCHASE))).toBe('permit_invalid malformed');
    }
    const long = verify('a'.repeat(9_000), PURCHASE);
    expect(await refusal(long)).toBe('permit_invalid too_large');
  });
});

describe('the key set of a limiter in another process', () => {
  const jwks = new URL('https://limiter.example/.well-known/jwks.json');

  it('is fetched once by a permitVerifier', async () => {
    const { signer } = await signerOf();
    let fetched = 0;
    const answer: typeof fetch = async () => {
      fetched += 1;
      return Response.json(signer.jwks);
    };
    const verify = permitVerifier({ jwks, ...PARTIES, now, fetch: answer });
    const permit = await signer.sign(CLAIMS);
    for (let count = 0; count < 3; count += 1) await verify(permit, PURCHASE);
    expect(fetched).toBe(1);
  });

  it.each<[string, () => Promise<Response>]>([
    ['is unreachable', () => Promise.reject(new TypeError('fetch failed'))],
    ['answers 500', async () => new Response('{"keys":[]}', { status: 500 })],
    ['redirects', async () => new Response(null, { status: 302, headers: { location: '/x' } })],
    ['answers no JSON', async () => new Response('<html>')],
    ['answers no key set', async () => Response.json({ keys: 'none' })],
    ['answers too much', async () => new Response('x'.repeat(300_000))],
    ['holds an unusable key', async () => Response.json({ keys: [{ kty: 'EC', crv: 'P-256' }] })],
  ])('makes a permit wait when it %s', async (_, answer) => {
    const { signer } = await signerOf();
    const verify = permitVerifier({ jwks, ...PARTIES, now, fetch: answer });
    const permit = (await signer.sign(CLAIMS)).replace(/^[^.]+/, () =>
      base64url({ alg: 'ES256', typ: 'permit+jwt' }),
    );
    expect(await refusal(verify(permit, PURCHASE))).toBe('permit_keys_unavailable');
  });
});

describe('options that can never work', () => {
  it('refuses keys that cannot sign permits', async () => {
    const es384 = await generateKeyPair('ES384', { extractable: true });
    const p256 = await generateKeyPair('ES256', { extractable: true });
    for (const key of [
      {},
      { kty: 'oct', k: 'c2VjcmV0' },
      await exportJWK(es384.privateKey),
      await exportJWK(p256.publicKey),
      undefined as unknown as object,
    ]) {
      expect(() => permits({ key: key as never, ...PARTIES })).toThrow(TypeError);
    }
  });

  it('refuses parties without a name', async () => {
    const { key, signer } = await signerOf();
    expect(() => permits({ key, ...PARTIES, issuer: '' })).toThrow(TypeError);
    const options = { jwks: signer.jwks, ...PARTIES, audience: '' };
    expect(() => permitVerifier(options)).toThrow(TypeError);
  });
});
