import {
  createPrivateKey,
  createPublicKey,
  hash,
  type JsonWebKey,
  type KeyObject,
  sign,
  verify,
  webcrypto,
} from 'node:crypto';

/** What a private key signs with. An RSA key says which in its `alg`. */
export type SigningAlgorithm = 'ES256' | 'EdDSA' | 'RS256' | 'PS256';

/** A private key ready to sign, and the public one to check it with. */
export interface SigningKey {
  readonly key: webcrypto.CryptoKey;
  readonly algorithm: SigningAlgorithm;
  readonly publicJwk: Readonly<Record<string, unknown>> & { readonly kid: string };
}

const MIN_RSA_BITS = 2048;
const MAX_KID = 200;

/** WebCrypto's names: of the key that `toCryptoKey` is to make, and of its signature (RFC 7518, section 3). */
const WEB_CRYPTO = {
  ES256: {
    key: { name: 'ECDSA', namedCurve: 'P-256' },
    signature: { name: 'ECDSA', hash: 'SHA-256' },
  },
  EdDSA: { key: 'Ed25519', signature: 'Ed25519' },
  RS256: {
    key: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
    signature: 'RSASSA-PKCS1-v1_5',
  },
  PS256: {
    key: { name: 'RSA-PSS', hash: 'SHA-256' },
    signature: { name: 'RSA-PSS', saltLength: 32 },
  },
} as const;

/**
 * Reads a private JWK that signs: P-256 (ES256), Ed25519 (EdDSA), and, where they are among `allowed`,
 * RSA of 2048 bits or more (RS256, or PS256 if its `alg` says so). Its `kid` defaults to its RFC 7638
 * thumbprint. No error quotes any of it.
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
  if (!isPair(key)) throw new TypeError('a private and a public part are not of one key');
  // From the key and not from the text, so that nothing private and nothing unknown gets out.
  const { kty, crv, x, y, n, e } = createPublicKey(key).export({ format: 'jwk' });
  // RFC 7638: the required members in this order, without blanks; `undefined` is left out.
  const required = { crv, e, kty, n, x, y };
  const kid = jwk.kid ?? hash('sha256', JSON.stringify(required), 'base64url');
  if (typeof kid !== 'string' || !/^[\x21-\x7e]+$/.test(kid) || kid.length > MAX_KID) {
    throw new TypeError(`a kid must be a text of 1 to ${MAX_KID} printable ASCII characters`);
  }
  const material = Object.fromEntries(Object.entries(required).filter(([, value]) => value));
  return {
    key: key.toCryptoKey(WEB_CRYPTO[algorithm].key, false, ['sign']),
    algorithm,
    publicJwk: { ...material, kid, alg: algorithm, use: 'sig' },
  };
}

/** Signs claims as a compact JWS (RFC 7515, section 7.1) of a type, with the key's `alg` and `kid`. */
export async function signJwt(
  { key, algorithm, publicJwk }: SigningKey,
  typ: string,
  claims: object,
): Promise<string> {
  const header = { alg: algorithm, typ, kid: publicJwk.kid };
  const input = `${base64url(JSON.stringify(header))}.${base64url(JSON.stringify(claims))}`;
  const { signature } = WEB_CRYPTO[algorithm];
  const bytes = await webcrypto.subtle.sign(signature, key, Buffer.from(input));
  return `${input}.${Buffer.from(bytes).toString('base64url')}`;
}

function base64url(text: string): string {
  return Buffer.from(text).toString('base64url');
}

function privateKeyOf(jwk: Readonly<Record<string, unknown>>): KeyObject | undefined {
  try {
    return createPrivateKey({ key: jwk as JsonWebKey, format: 'jwk' });
  } catch {
    // The error of the platform may quote the key.
    return undefined;
  }
}

/** The platform takes a JWK whose halves do not fit; nobody could verify what it signs. */
function isPair(key: KeyObject): boolean {
  const digest = key.asymmetricKeyType === 'ed25519' ? null : 'sha256';
  const probe = Buffer.from('probe');
  return verify(digest, probe, createPublicKey(key), sign(digest, probe, key));
}

function algorithmOf(key: KeyObject, alg: unknown): SigningAlgorithm | null {
  const { namedCurve, modulusLength = 0 } = key.asymmetricKeyDetails ?? {};
  const type = key.asymmetricKeyType;
  if (type === 'ec' && namedCurve === 'prime256v1') return agreed('ES256', alg);
  if (type === 'ed25519') return agreed('EdDSA', alg === 'Ed25519' ? 'EdDSA' : alg);
  if (type !== 'rsa' || modulusLength < MIN_RSA_BITS) return null;
  return alg === 'PS256' ? 'PS256' : agreed('RS256', alg);
}

/** A key that says another algorithm than its own is a mistake somewhere. */
function agreed(algorithm: SigningAlgorithm, alg: unknown): SigningAlgorithm | null {
  return alg === undefined || alg === algorithm ? algorithm : null;
}
