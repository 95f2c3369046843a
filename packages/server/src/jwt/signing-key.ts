import {
  createPrivateKey,
  createPublicKey,
  hash,
  type JsonWebKey,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto';
import { CompactSign } from 'jose';
import { isStrongIfRsa } from './algorithms.ts';

/** What a private key signs with. An RSA key names its algorithm in `alg`. */
export type SigningAlgorithm = 'ES256' | 'EdDSA' | 'RS256' | 'PS256';

/** A private key ready to sign, and the public one to verify with. */
export interface SigningKey {
  readonly key: KeyObject;
  readonly algorithm: SigningAlgorithm;
  readonly publicJwk: Readonly<Record<string, unknown>> & { readonly kid: string };
}

const MAX_KID = 200;

/**
 * Reads a private JWK that signs: P-256 (ES256), Ed25519 (EdDSA), and, if `allowed`, RSA of 2048
 * bits or more (RS256, or PS256 if its `alg` says so). Its `kid` defaults to its RFC 7638
 * thumbprint. No error quotes the key. Synchronous, unlike jose's `importJWK`, so that a bad key
 * fails at construction.
 *
 * @throws TypeError for every other key
 */
export function signingKey(
  jwk: Readonly<Record<string, unknown>>,
  allowed: readonly SigningAlgorithm[],
): SigningKey {
  const key = privateKeyOf(jwk);
  const algorithm = key === undefined ? null : algorithmOf(key, jwk.alg);
  if (key === undefined || algorithm === null || !allowed.includes(algorithm)) {
    throw new TypeError(`a signing key must be a private JWK for ${allowed.join(' or ')}`);
  }
  if (!isPair(key)) throw new TypeError('the private and the public part are of different keys');
  // From the key and not from the text, so that nothing private and nothing unknown gets out.
  const { kty, crv, x, y, n, e } = createPublicKey(key).export({ format: 'jwk' });
  // RFC 7638: the required members in this order, without blanks; `undefined` is left out.
  const required = { crv, e, kty, n, x, y };
  const kid = jwk.kid ?? hash('sha256', JSON.stringify(required), 'base64url');
  if (typeof kid !== 'string' || !/^[\x21-\x7e]+$/.test(kid) || kid.length > MAX_KID) {
    throw new TypeError(`kid must have 1 to ${MAX_KID} printable ASCII characters`);
  }
  const material = Object.fromEntries(Object.entries(required).filter(([, value]) => value));
  return { key, algorithm, publicJwk: { ...material, kid, alg: algorithm, use: 'sig' } };
}

/**
 * Signs claims as a JWT of a type, with the key's `alg` and `kid`. `SignJWT` would do the same and
 * first clone the claims, which takes a fifth of the main thread's time.
 */
export function signJwt(
  { key, algorithm, publicJwk }: SigningKey,
  typ: string,
  claims: object,
): Promise<string> {
  const header = { alg: algorithm, typ, kid: publicJwk.kid };
  const payload = Buffer.from(JSON.stringify(claims));
  return new CompactSign(payload).setProtectedHeader(header).sign(key);
}

function privateKeyOf(jwk: Readonly<Record<string, unknown>>): KeyObject | undefined {
  try {
    return createPrivateKey({ key: jwk as JsonWebKey, format: 'jwk' });
  } catch {
    // The error of the platform may quote the key.
    return undefined;
  }
}

/** Node.js accepts a JWK whose parts do not match; nothing could verify what it signs. */
function isPair(key: KeyObject): boolean {
  const digest = key.asymmetricKeyType === 'ed25519' ? null : 'sha256';
  const probe = Buffer.from('probe');
  return verify(digest, probe, createPublicKey(key), sign(digest, probe, key));
}

function algorithmOf(key: KeyObject, alg: unknown): SigningAlgorithm | null {
  const { namedCurve } = key.asymmetricKeyDetails ?? {};
  const type = key.asymmetricKeyType;
  if (type === 'ec' && namedCurve === 'prime256v1') return agreed('ES256', alg);
  if (type === 'ed25519') return agreed('EdDSA', alg === 'Ed25519' ? 'EdDSA' : alg);
  if (type !== 'rsa' || !isStrongIfRsa(key)) return null;
  return alg === 'PS256' ? 'PS256' : agreed('RS256', alg);
}

/** A key that names another algorithm than its own is a mistake. */
function agreed(algorithm: SigningAlgorithm, alg: unknown): SigningAlgorithm | null {
  return alg === undefined || alg === algorithm ? algorithm : null;
}
