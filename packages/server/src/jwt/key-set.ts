import { createPublicKey, type KeyObject } from 'node:crypto';
import { createLocalJWKSet, type JSONWebKeySet, type JWK, type JWTVerifyGetKey } from 'jose';
import { isStrongIfRsa } from './algorithms.ts';
import { type RemoteKeysOptions, remoteKeys } from './remote-keys.ts';

/** A JWK Set of public keys (RFC 7517, section 5). */
export interface JwkSet {
  readonly keys: readonly Readonly<Record<string, unknown>>[];
}

/** More is a mistake or an attack. */
const MAX_KEYS = 100;
const KNOWN_KINDS: readonly unknown[] = ['EC', 'OKP', 'RSA', 'oct'];

/**
 * Finds the keys of tokens in one key set by `kid` and `alg`, and nowhere else: `jku`, `x5u`, `x5c`
 * and `jwk` of a token are never read. `remoteKeys` says how a set at an address is kept.
 *
 * @throws TypeError for a set or an address that can never work
 */
export function keySet(
  jwks: URL | JwkSet,
  options: Omit<RemoteKeysOptions, 'read'>,
): JWTVerifyGetKey {
  if (jwks instanceof URL) return remoteKeys(jwks, { ...options, read: usableKeys });
  const { keys } = jwks ?? {};
  if (!Array.isArray(keys) || keys.length === 0 || keys.length > MAX_KEYS) {
    throw new TypeError(`jwks must be a URL, or a JWK Set of 1 to ${MAX_KEYS} keys`);
  }
  // A configured key that cannot be used is a mistake, unless a newer verifier may use it.
  const usable = keys.filter((jwk) => !isOfUnknownKind(jwk));
  for (const jwk of usable) assertUsable(jwk);
  if (usable.length === 0) throw new TypeError('jwks has no key of a known kind');
  return createLocalJWKSet({ keys: usable as JWK[] });
}

/** The keys of a published set that can be used; `null` if it is not a set. */
function usableKeys(jwks: unknown): JSONWebKeySet | null {
  const { keys } = (jwks ?? {}) as { readonly keys?: unknown };
  if (!Array.isArray(keys) || keys.length > MAX_KEYS) return null;
  const usable = keys.filter(isUsable);
  // If none is, the issuer made a mistake, and its tokens may be good once that is fixed.
  return keys.length > 0 && usable.length === 0 ? null : { keys: usable };
}

function isOfUnknownKind(jwk: unknown): boolean {
  const { kty } = (jwk ?? {}) as { readonly kty?: unknown };
  return typeof kty === 'string' && !KNOWN_KINDS.includes(kty);
}

function isUsable(jwk: unknown): boolean {
  try {
    assertUsable(jwk);
    return true;
  } catch {
    return false;
  }
}

/** @throws TypeError for a JWK that is not public, is weak, or is not a key */
function assertUsable(jwk: unknown): void {
  if (typeof jwk !== 'object' || jwk === null || 'd' in jwk || 'k' in jwk) {
    throw new TypeError('jwks must hold public keys only');
  }
  let key: KeyObject;
  try {
    key = createPublicKey({ key: { ...jwk }, format: 'jwk' });
  } catch {
    throw new TypeError('jwks holds a key that cannot be used');
  }
  if (!isStrongIfRsa(key)) throw new TypeError('jwks holds a weak RSA key');
}
