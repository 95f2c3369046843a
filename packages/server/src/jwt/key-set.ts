import { createPublicKey, type KeyObject } from 'node:crypto';
import { createLocalJWKSet, type JSONWebKeySet, type JWK } from 'jose';
import { isKnownAlgorithm, isStrongIfRsa } from './algorithms.ts';
import { malformedMember, privateMember } from './jwk-form.ts';
import { type KeyFinder, type RemoteKeysOptions, remoteKeys } from './remote-keys.ts';

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
export function keySet(jwks: URL | JwkSet, options: Omit<RemoteKeysOptions, 'read'>): KeyFinder {
  if (jwks instanceof URL) return remoteKeys(jwks, { ...options, read: usableKeys });
  const { keys } = jwks ?? {};
  if (!Array.isArray(keys) || keys.length === 0 || keys.length > MAX_KEYS) {
    const url = "a URL object, such as new URL('https://age.example/jwks.json')";
    throw new TypeError(`jwks must be ${url}, or a JWK Set of 1 to ${MAX_KEYS} keys`);
  }
  for (const jwk of keys) assertPublic(jwk);
  // A configured key that cannot be used is a mistake, unless it is for something else, or for a
  // newer verifier.
  const usable = keys.filter(isForKnownSignatures);
  for (const jwk of usable) assertUsable(jwk);
  if (usable.length === 0) throw new TypeError('jwks has no key that this verifier can use');
  const find = createLocalJWKSet({ keys: usable as JWK[] });
  return Object.assign(find, { ready: async () => undefined });
}

/** The keys of a published set that can be used; `null` if it is not a set. */
export function usableKeys(jwks: unknown): JSONWebKeySet | null {
  const { keys } = (jwks ?? {}) as { readonly keys?: unknown };
  if (!Array.isArray(keys) || keys.length > MAX_KEYS) return null;
  const usable = keys.filter(isUsable);
  // If none is, the issuer made a mistake, and its tokens may be good once that is fixed.
  return keys.length > 0 && usable.length === 0 ? null : { keys: usable };
}

function isForKnownSignatures({ kty, alg, use, key_ops: operations }: JWK): boolean {
  return (
    KNOWN_KINDS.includes(kty) &&
    (alg === undefined || isKnownAlgorithm(alg)) &&
    (use === undefined || use === 'sig') &&
    (operations === undefined || operations.includes('verify'))
  );
}

function isUsable(jwk: unknown): boolean {
  try {
    assertPublic(jwk);
    assertUsable(jwk);
    return true;
  } catch {
    return false;
  }
}

/** @throws TypeError for what is no JWK, holds private or secret material, or is malformed */
function assertPublic(jwk: unknown): asserts jwk is JWK {
  if (typeof jwk !== 'object' || jwk === null) throw new TypeError('jwks must hold JWKs');
  const secret = privateMember(jwk);
  if (secret !== undefined) {
    throw new TypeError(`jwks must hold public keys only, and one has the member "${secret}"`);
  }
  const malformed = malformedMember(jwk);
  if (malformed !== undefined) {
    throw new TypeError(`jwks holds a key whose member "${malformed}" is malformed`);
  }
}

/** @throws TypeError for a public JWK that is weak, or is not a key */
function assertUsable(jwk: JWK): void {
  let key: KeyObject;
  try {
    key = createPublicKey({ key: { ...jwk }, format: 'jwk' });
  } catch {
    throw new TypeError('jwks holds a key that cannot be used');
  }
  if (!isStrongIfRsa(key)) throw new TypeError('jwks holds a weak RSA key');
}
