import { calculateJwkThumbprint, exportJWK, generateKeyPair } from 'jose';
import { type SigningAlgorithm, type SigningKey, signingKey } from '../../jwt/signing-key.ts';

export type { SigningAlgorithm };

/**
 * A private JWK of an age authority: P-256 (ES256), Ed25519 (EdDSA) or RSA of 2048 bits or more
 * (RS256, or PS256 by its `alg`), and when it signs. Its `kid` defaults to its RFC 7638 thumbprint.
 */
export interface AuthorityKey extends Readonly<Record<string, unknown>> {
  readonly kid?: string;
  readonly alg?: string;
  /** ISO 8601 instant from which it signs; it is published earlier. Default: no limit. */
  readonly activeFrom?: string;
  /** ISO 8601 instant at which it stops signing; it is published until its tokens have expired. */
  readonly retireAt?: string;
}

/** The key that signs, and all that are published, at an instant. */
export interface KeyRing {
  signer(at: number): DatedKey | null;
  published(at: number): readonly DatedKey[];
}

interface DatedKey extends SigningKey {
  /** Epoch milliseconds, or minus infinity. */
  readonly activeFrom: number;
  /** Epoch milliseconds, or infinity. */
  readonly retireAt: number;
}

export const SIGNING_ALGORITHMS: readonly SigningAlgorithm[] = ['ES256', 'EdDSA', 'RS256', 'PS256'];
const MAX_KEYS = 100;
/** Clock skew of a verifier whose clock is behind. */
const TOLERANCE_MS = 60_000;
const RSA_BITS = 3072;

/**
 * Generates a private key. Keep it secret.
 *
 * @param algorithm default `ES256`
 * @example
 * ```ts
 * import { generateAuthorityKey } from '@spendcap/server/age/authority';
 * const key = await generateAuthorityKey('EdDSA');
 * key.alg; // => 'EdDSA'
 * ```
 */
export async function generateAuthorityKey(
  algorithm: SigningAlgorithm = 'ES256',
): Promise<AuthorityKey> {
  if (!SIGNING_ALGORITHMS.includes(algorithm)) {
    throw new TypeError(`algorithm must be one of ${SIGNING_ALGORITHMS.join(', ')}`);
  }
  const { privateKey } = await generateKeyPair(algorithm, {
    extractable: true,
    modulusLength: RSA_BITS,
  });
  const jwk = await exportJWK(privateKey);
  return { kid: await calculateJwkThumbprint(jwk), ...jwk, alg: algorithm };
}

/**
 * @param tokenSeconds lifetime of the tokens that the keys sign
 * @throws TypeError if there is no key, one cannot sign, or two share a `kid`
 */
export function keyRing(keys: readonly AuthorityKey[], tokenSeconds: number): KeyRing {
  if (!Array.isArray(keys) || keys.length === 0 || keys.length > MAX_KEYS) {
    throw new TypeError(`keys must be a list of 1 to ${MAX_KEYS} private JWKs`);
  }
  const dated = keys.map(datedKey);
  if (new Set(dated.map(({ publicJwk }) => publicJwk.kid)).size < dated.length) {
    throw new TypeError('keys must have distinct kids');
  }
  // Latest first, so that the first active key signs.
  dated.sort((a, b) => b.activeFrom - a.activeFrom);
  const afterlife = tokenSeconds * 1000 + TOLERANCE_MS;
  return {
    signer: (at) =>
      dated.find(({ activeFrom, retireAt }) => activeFrom <= at && at < retireAt) ?? null,
    published: (at) => dated.filter(({ retireAt }) => at < retireAt + afterlife),
  };
}

function datedKey(jwk: AuthorityKey): DatedKey {
  if (typeof jwk !== 'object' || jwk === null) throw new TypeError('keys must be private JWKs');
  const activeFrom = instantOf(jwk.activeFrom, -Infinity);
  const retireAt = instantOf(jwk.retireAt, Infinity);
  if (activeFrom >= retireAt) throw new TypeError('retireAt must be after activeFrom');
  return { ...signingKey(jwk, SIGNING_ALGORITHMS), activeFrom, retireAt };
}

function instantOf(text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise;
  const at =
    typeof text === 'string' && /^\d{4}-\d\d-\d\dT.*Z$/.test(text) ? Date.parse(text) : NaN;
  if (Number.isNaN(at)) {
    throw new TypeError('activeFrom and retireAt must be instants like 2026-11-23T00:00:00Z');
  }
  return at;
}
