import type { KeyObject, webcrypto } from 'node:crypto';

/** An algorithm as Web Cryptography names it, both to make a key and to verify with it. */
interface SubtleAlgorithm {
  readonly name: 'ECDSA' | 'Ed25519' | 'RSASSA-PKCS1-v1_5' | 'RSA-PSS';
  readonly namedCurve?: string;
  readonly hash?: string;
  readonly saltLength?: number;
}

const MIN_RSA_BITS = 2048;

/** Signatures by a private key, never a shared secret (RFC 7518, section 3; RFC 8037; RFC 9864). */
export const ALGORITHMS: ReadonlyMap<string, SubtleAlgorithm> = new Map<string, SubtleAlgorithm>([
  ['ES256', { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }],
  ['ES384', { name: 'ECDSA', namedCurve: 'P-384', hash: 'SHA-384' }],
  ['ES512', { name: 'ECDSA', namedCurve: 'P-521', hash: 'SHA-512' }],
  ['EdDSA', { name: 'Ed25519' }],
  ['Ed25519', { name: 'Ed25519' }],
  ...[256, 384, 512].flatMap((bits): [string, SubtleAlgorithm][] => [
    [`RS${bits}`, { name: 'RSASSA-PKCS1-v1_5', hash: `SHA-${bits}` }],
    // The salt is as long as the hash (RFC 7518, section 3.5).
    [`PS${bits}`, { name: 'RSA-PSS', hash: `SHA-${bits}`, saltLength: bits / 8 }],
  ]),
]);

/** @throws TypeError if an algorithm is symmetric, `none` or unknown, or if there is none */
export function assertAlgorithms(algorithms: readonly string[]): string[] {
  if (!Array.isArray(algorithms) || algorithms.length === 0) {
    throw new TypeError('algorithms must name at least one algorithm');
  }
  if (!algorithms.every((algorithm) => ALGORITHMS.has(algorithm))) {
    throw new TypeError(`algorithms must be of ${[...ALGORITHMS.keys()].join(', ')}`);
  }
  return [...algorithms];
}

/** Checks signatures of one algorithm by one key. */
export type Verify = (
  data: Uint8Array<ArrayBuffer>,
  signature: Uint8Array<ArrayBuffer>,
) => Promise<boolean>;

/**
 * The check of an algorithm by a key, or `null` if the key is of another kind, weak or not public. The work is
 * done on another thread, so that a flood of tokens does not hold up everything else.
 */
export function verifyWith(alg: string, key: KeyObject): Verify | null {
  let checks = ready.get(key);
  if (checks === undefined) {
    checks = new Map();
    ready.set(key, checks);
  }
  let check = checks.get(alg);
  if (check === undefined) {
    check = makeCheck(alg, key);
    checks.set(alg, check);
  }
  return check;
}

/** Made once for a key, since that is slow. */
const ready = new WeakMap<KeyObject, Map<string, Verify | null>>();

function makeCheck(alg: string, key: KeyObject): Verify | null {
  const algorithm = ALGORITHMS.get(alg);
  const { modulusLength = MIN_RSA_BITS } = key.asymmetricKeyDetails ?? {};
  if (algorithm === undefined || key.type !== 'public' || modulusLength < MIN_RSA_BITS) return null;
  let made: webcrypto.CryptoKey;
  try {
    // It refuses a key of another kind, or on another curve.
    made = key.toCryptoKey(algorithm, true, ['verify']);
  } catch {
    return null;
  }
  return (data, signature) => crypto.subtle.verify(algorithm, made, signature, data);
}
