import { createPublicKey } from 'node:crypto';
import {
  type CompactVerifyGetKey,
  createLocalJWKSet,
  createRemoteJWKSet,
  customFetch,
  type JSONWebKeySet,
} from 'jose';

/** A JWK Set of public keys (RFC 7517, section 5). */
export interface JwkSet {
  readonly keys: readonly Readonly<Record<string, unknown>>[];
}

/** The algorithms a configuration may name: signatures by a private key, never a shared secret. */
const ALGORITHMS: ReadonlySet<string> = new Set(
  'ES256 ES384 ES512 EdDSA Ed25519 RS256 RS384 RS512 PS256 PS384 PS512'.split(' '),
);

const MAX_KEY_SET_BYTES = 256 * 1024;
const TIMEOUT_MS = 5_000;
const COOLDOWN_MS = 30_000;
/** jose waits between good answers only; this spares a key server that is struggling. */
const PAUSE_AFTER_FAILURE_MS = 1_000;
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
 * `jwk` of the token are never looked at. A remote set is fetched when first needed, again for an
 * unknown `kid` (at most once in 30 seconds), and after ten minutes.
 *
 * @throws TypeError for a set or an address that can never work
 */
export function keySet(jwks: URL | JwkSet, fetchKeys?: typeof fetch): CompactVerifyGetKey {
  return jwks instanceof URL ? remoteKeys(jwks, fetchKeys) : localKeys(jwks);
}

function localKeys(jwks: JwkSet): CompactVerifyGetKey {
  if (!Array.isArray(jwks?.keys) || jwks.keys.length === 0) {
    throw new TypeError('jwks must be a URL, or a JWK Set with at least one key');
  }
  for (const key of jwks.keys) assertPublicKey(key);
  return createLocalJWKSet(jwks as unknown as JSONWebKeySet);
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

function remoteKeys(url: URL, fetchKeys: typeof fetch | undefined): CompactVerifyGetKey {
  assertRemote(url, 'jwks');
  let pausedUntil = 0;
  return createRemoteJWKSet(url, {
    timeoutDuration: TIMEOUT_MS,
    cooldownDuration: COOLDOWN_MS,
    [customFetch]: async (address, init) => {
      if (Date.now() < pausedUntil) throw new Error('The key set failed less than a second ago.');
      try {
        const response = await (fetchKeys ?? fetch)(address, init);
        if (response.status !== 200) throw new Error(`The key set answered ${response.status}.`);
        return new Response(await readAtMost(response, MAX_KEY_SET_BYTES));
      } catch (error) {
        pausedUntil = Date.now() + PAUSE_AFTER_FAILURE_MS;
        throw error;
      }
    },
  });
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

async function readAtMost(response: Response, limit: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > limit) throw new Error(`The key set is larger than ${limit} bytes.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
