import { type JsonWebKey, type KeyObject, webcrypto } from 'node:crypto';
import { ALGORITHMS } from '../internal/tokens/verify-key.ts';

type CryptoKey = webcrypto.CryptoKey;

const STANDARD_BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const MIN_RSA_BITS = 2048;

/** A certificate's key is made ready once. */
const ready = new WeakMap<KeyObject, Map<string, CryptoKey>>();

/** The certificates of an `x5c` header in DER (RFC 7515, section 4.1.6: base64, not base64url). */
export function chainOf(x5c: unknown): readonly Uint8Array[] | null {
  const texts: readonly unknown[] = Array.isArray(x5c) ? x5c : [];
  const readable = texts.every((text) => typeof text === 'string' && STANDARD_BASE64.test(text));
  return readable ? texts.map((text) => Buffer.from(text as string, 'base64')) : null;
}

/** A certificate's key for one algorithm, or `null` if it is a key of another kind. */
export function certifiedKey(key: KeyObject, alg: string): CryptoKey | null {
  const made = ready.get(key) ?? new Map<string, CryptoKey>();
  ready.set(key, made);
  const known = made.get(alg);
  const algorithm = ALGORITHMS.get(alg);
  if (known !== undefined || algorithm === undefined) return known ?? null;
  try {
    const imported = key.toCryptoKey(algorithm, true, ['verify']);
    made.set(alg, imported);
    return imported;
  } catch {
    return null;
  }
}

/** A holder's public key for one algorithm, or `null` if it is no such key. */
export async function holdersKey(jwk: JsonWebKey, alg: string): Promise<CryptoKey | null> {
  const { kty, crv, x, y, n, e } = jwk;
  const algorithm = ALGORITHMS.get(alg);
  // A secret in it would make it a private key, and other members say what it is for.
  if (algorithm === undefined || kty === undefined || 'd' in jwk) return null;
  const members = Object.entries({ kty, crv, x, y, n, e }).filter(
    ([, value]) => value !== undefined,
  );
  try {
    const own = Object.fromEntries(members) as webcrypto.JsonWebKey;
    const key = await webcrypto.subtle.importKey('jwk', own, algorithm, true, ['verify']);
    const { modulusLength = MIN_RSA_BITS } = key.algorithm as Partial<webcrypto.RsaKeyAlgorithm>;
    return modulusLength >= MIN_RSA_BITS ? key : null;
  } catch {
    return null;
  }
}

export interface Signed {
  readonly text: Uint8Array;
  /** As JOSE and COSE spell it: of ECDSA the two numbers, one behind the other. */
  readonly signature: Uint8Array;
}

/** True if a text was signed with a key that was made for this algorithm. */
export async function isSignedWith(key: CryptoKey, alg: string, signed: Signed): Promise<boolean> {
  const algorithm = ALGORITHMS.get(alg);
  if (algorithm === undefined) return false;
  return webcrypto.subtle.verify(algorithm, key, signed.signature, signed.text);
}
