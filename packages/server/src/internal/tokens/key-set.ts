import { createPublicKey } from 'node:crypto';
import { type CompactVerifyGetKey, createLocalJWKSet, type JSONWebKeySet } from 'jose';
import { type RemoteKeysOptions, remoteKeys } from './remote-keys.ts';

/** A JWK Set of public keys (RFC 7517, section 5). */
export interface JwkSet {
  readonly keys: readonly Readonly<Record<string, unknown>>[];
}

/** The algorithms a configuration may name: signatures by a private key, never a shared secret. */
const ALGORITHMS: ReadonlySet<string> = new Set(
  'ES256 ES384 ES512 EdDSA Ed25519 RS256 RS384 RS512 PS256 PS384 PS512'.split(' '),
);

const MIN_RSA_BITS = 2048;

/** @throws TypeError if an algorithm is symmetric, `none` or unknown, or if there is none */
export function assertAlgorithms(algorithms: readonly string[]): string[] {
  if (!Array.isArray(algorithms) || algorithms.length === 0) {
    throw new TypeError('algorithms must name at least one algorithm');
  }
  if (!algorithms.every((algorithm) => ALGORITHMS.has(algorithm))) {
    throw new TypeError(`algorithms must be of ${[...ALGORITHMS].join(', ')}`);
  }
  return [...algorithms];
}

/**
 * Finds the key of a token by its `kid` in one key set, and nowhere else: `jku`, `x5u`, `x5c` and
 * `jwk` of the token are never looked at. A remote set is kept as `remoteKeys` says.
 *
 * @throws TypeError for a set or an address that can never work
 */
export function keySet(
  jwks: URL | JwkSet,
  options: Omit<RemoteKeysOptions, 'finder'> = {},
): CompactVerifyGetKey {
  if (!(jwks instanceof URL)) return localKeys(jwks);
  assertRemote(jwks, 'jwks');
  return remoteKeys(jwks, { ...options, finder: usableKeys });
}

function localKeys(jwks: JwkSet): CompactVerifyGetKey {
  if (!Array.isArray(jwks?.keys) || jwks.keys.length === 0) {
    throw new TypeError('jwks must be a URL, or a JWK Set with at least one key');
  }
  for (const key of jwks.keys) assertPublicKey(key);
  return createLocalJWKSet(jwks as unknown as JSONWebKeySet);
}

/** Of a set that someone else publishes, the keys that can be used; `null` if it is no set. */
function usableKeys(jwks: unknown): CompactVerifyGetKey | null {
  const { keys } = (jwks ?? {}) as { readonly keys?: unknown };
  if (!Array.isArray(keys)) return null;
  const usable = keys.filter(isUsable);
  // One of which nothing can be used is a mistake, and its tokens may be good when that is mended.
  return keys.length > 0 && usable.length === 0 ? null : createLocalJWKSet({ keys: usable });
}

function isUsable(jwk: Readonly<Record<string, unknown>>): boolean {
  try {
    assertPublicKey(jwk);
    return true;
  } catch {
    return false;
  }
}

function assertPublicKey(jwk: Readonly<Record<string, unknown>>): void {
  if (typeof jwk !== 'object' || jwk === null || 'd' in jwk || 'k' in jwk) {
    throw new TypeError('jwks must hold public keys only');
  }
  let bits: number | undefined;
  try {
    bits = createPublicKey({ key: { ...jwk }, format: 'jwk' }).asymmetricKeyDetails?.modulusLength;
  } catch {
    throw new TypeError('jwks holds a key that cannot be used');
  }
  if (bits !== undefined && bits < MIN_RSA_BITS) {
    throw new TypeError(`jwks holds an RSA key of fewer than ${MIN_RSA_BITS} bits`);
  }
}

/** @throws TypeError for an address that may not be fetched from */
export function assertRemote(url: URL, name: string): void {
  if (!(url instanceof URL)) throw new TypeError(`${name} must be a URL`);
  const secure = url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url));
  if (!secure) throw new TypeError(`${name} must be an https URL, unless its host is this machine`);
  if (url.username !== '' || url.password !== '') {
    throw new TypeError(`${name} must be a URL without credentials`);
  }
}

function isLoopback({ hostname }: URL): boolean {
  return (
    hostname === 'localhost' ||
    hostname.endsWith('.localhost') ||
    hostname === '[::1]' ||
    /^127\.\d+\.\d+\.\d+$/.test(hostname)
  );
}
