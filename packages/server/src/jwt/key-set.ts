import { createPublicKey, type KeyObject } from 'node:crypto';
import type { JwsHeader, KeyFinder } from './jws.ts';
import { assertRemote, type RemoteKeysOptions, remoteKeys } from './remote-keys.ts';
import { verifyWith } from './verify-key.ts';

/** A JWK Set of public keys (RFC 7517, section 5). */
export interface JwkSet {
  readonly keys: readonly Readonly<Record<string, unknown>>[];
}

/** A key that is ready, and which tokens its JWK says it is for. */
interface KnownKey {
  readonly key: KeyObject;
  readonly kid: unknown;
  readonly alg: unknown;
}

/** Of a published set; more is a mistake or an attack. */
const MAX_KEYS = 100;
const MIN_RSA_BITS = 2048;

/**
 * Finds the key of a token by its `kid` in one key set, and nowhere else: `jku`, `x5u`, `x5c` and
 * `jwk` of the token are never looked at. A remote set is kept as `remoteKeys` says.
 *
 * @throws TypeError for a set or an address that can never work
 */
export function keySet(
  jwks: URL | JwkSet,
  options: Omit<RemoteKeysOptions, 'finder'> = {},
): KeyFinder {
  if (!(jwks instanceof URL)) return localKeys(jwks);
  assertRemote(jwks, 'jwks');
  return remoteKeys(jwks, { ...options, finder: usableKeys });
}

/** A configured set: a key that cannot be used is a mistake. */
function localKeys(jwks: JwkSet): KeyFinder {
  if (!Array.isArray(jwks?.keys) || jwks.keys.length === 0) {
    throw new TypeError('jwks must be a URL, or a JWK Set with at least one key');
  }
  return finderOf(jwks.keys.map(readKey));
}

/** Of a set that someone else publishes, the keys that can be used; `null` if it is no set. */
function usableKeys(jwks: unknown): KeyFinder | null {
  const { keys } = (jwks ?? {}) as { readonly keys?: unknown };
  if (!Array.isArray(keys) || keys.length > MAX_KEYS) return null;
  const usable = keys.flatMap((jwk: unknown) => {
    try {
      return [readKey(jwk)];
    } catch {
      return [];
    }
  });
  // One of which nothing can be used is a mistake, and its tokens may be good when that is mended.
  return keys.length > 0 && usable.length === 0 ? null : finderOf(usable);
}

/** The one key that a header can mean; where several could be meant there is none. */
function finderOf(known: readonly (KnownKey | null)[]): KeyFinder {
  const keys = known.filter((key) => key !== null);
  const isMeant = ({ alg, kid }: JwsHeader, key: KnownKey): boolean =>
    (kid === undefined || kid === key.kid) &&
    (key.alg === undefined || key.alg === alg) &&
    verifyWith(alg, key.key) !== null;
  return (header) => {
    if (header.kid !== undefined && typeof header.kid !== 'string') return null;
    const meant = keys.filter((key) => isMeant(header, key));
    return meant.length === 1 ? (meant[0]?.key ?? null) : null;
  };
}

/**
 * The key of a JWK, or `null` if it is not for signatures.
 *
 * @throws TypeError for one that is not public, is weak, or is no key
 */
function readKey(jwk: unknown): KnownKey | null {
  if (typeof jwk !== 'object' || jwk === null || 'd' in jwk || 'k' in jwk) {
    throw new TypeError('jwks must hold public keys only');
  }
  let key: KeyObject;
  try {
    key = createPublicKey({ key: { ...jwk }, format: 'jwk' });
  } catch {
    throw new TypeError('jwks holds a key that cannot be used');
  }
  if ((key.asymmetricKeyDetails?.modulusLength ?? MIN_RSA_BITS) < MIN_RSA_BITS) {
    throw new TypeError(`jwks holds an RSA key of fewer than ${MIN_RSA_BITS} bits`);
  }
  const { kid, alg, use, key_ops: operations } = jwk as Readonly<Record<string, unknown>>;
  const verifies = !Array.isArray(operations) || operations.includes('verify');
  return verifies && (use === undefined || use === 'sig') ? { key, kid, alg } : null;
}
