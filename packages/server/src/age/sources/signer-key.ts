import { type JsonWebKey, webcrypto } from 'node:crypto';
import { ALGORITHMS, type Verify } from '../../jwt/verify-key.ts';

const STANDARD_BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const MIN_RSA_BITS = 2048;

/** The certificates of an `x5c` header in DER (RFC 7515, section 4.1.6: base64, not base64url). */
export function chainOf(x5c: unknown): readonly Uint8Array[] | null {
  const texts: readonly unknown[] = Array.isArray(x5c) ? x5c : [];
  const readable = texts.every((text) => typeof text === 'string' && STANDARD_BASE64.test(text));
  return readable ? texts.map((text) => Buffer.from(text as string, 'base64')) : null;
}

/**
 * The check of an algorithm by a holder's public key, or `null` if it is no such key. It is shown once,
 * so that this is the short way to a check that is made once.
 */
export async function holderCheck(jwk: JsonWebKey, alg: string): Promise<Verify | null> {
  const { kty, crv, x, y, n, e } = jwk;
  const algorithm = ALGORITHMS.get(alg);
  // A secret in it would make it a private key, and other members say what it is for.
  if (algorithm === undefined || kty === undefined || 'd' in jwk) return null;
  const members = { kty, crv, x, y, n, e };
  const own = Object.entries(members).filter(([, value]) => value !== undefined);
  const { subtle } = webcrypto;
  try {
    const whole = Object.fromEntries(own) as webcrypto.JsonWebKey;
    const key = await subtle.importKey('jwk', whole, algorithm, true, ['verify']);
    const { modulusLength = MIN_RSA_BITS } = key.algorithm as Partial<webcrypto.RsaKeyAlgorithm>;
    if (modulusLength < MIN_RSA_BITS) return null;
    return (data, signature) => subtle.verify(algorithm, key, signature, data);
  } catch {
    return null;
  }
}
