import { checkNames } from '../option-names.ts';
import type { ProofRequest, Signer } from '../types.ts';
import { type DeviceKey, makeProof } from './proof.ts';

/**
 * The `signer` of `createClient` for age tokens that are bound to a key of this device. It makes
 * DPoP proofs (RFC 9449).
 *
 * @throws TypeError for an unknown or a missing option
 * @example
 * ```ts
 * import { createClient } from '@spendcap/client';
 * import { deviceSigner } from '@spendcap/client/device-key';
 * export async function boundClient(ageToken: () => Promise<string>) {
 *   const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
 *   const keys = await crypto.subtle.generateKey(algorithm, false, ['sign', 'verify']);
 *   const { kty, crv, x, y } = await crypto.subtle.exportKey('jwk', keys.publicKey);
 *   const signer = deviceSigner({
 *     algorithm: 'ES256',
 *     publicKey: { kty, crv, x, y },
 *     sign: (data) => crypto.subtle.sign(algorithm, keys.privateKey, data),
 *   });
 *   return createClient({ url: 'https://pay.example/spendcap', ageToken, signer });
 * }
 * ```
 */
export function deviceSigner(key: DeviceKey): Signer {
  const refuse = (fault: string) => new TypeError(`deviceSigner ${fault}`);
  checkNames(key, ['algorithm', 'publicKey', 'sign', 'sha256', 'now'], refuse);
  if (!key.algorithm || !key.publicKey || typeof key.sign !== 'function') {
    throw refuse('needs `algorithm`, `publicKey` and `sign`');
  }
  return (request: ProofRequest) => makeProof(key, request);
}
