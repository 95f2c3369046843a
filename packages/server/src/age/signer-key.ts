import type { KeyObject } from 'node:crypto';

const STANDARD_BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const MIN_RSA_BITS = 2048;

const CURVES: Readonly<Record<string, string>> = {
  ES256: 'prime256v1',
  ES384: 'secp384r1',
  ES512: 'secp521r1',
};

/** The certificates of an `x5c` header in DER (RFC 7515, section 4.1.6: base64, not base64url). */
export function chainOf(x5c: unknown): readonly Uint8Array[] | null {
  const texts: readonly unknown[] = Array.isArray(x5c) ? x5c : [];
  const readable = texts.every((text) => typeof text === 'string' && STANDARD_BASE64.test(text));
  return readable ? texts.map((text) => Buffer.from(text as string, 'base64')) : null;
}

/** A key serves the algorithms of its own kind only. */
export function isKeyFor(alg: unknown, key: KeyObject): boolean {
  const { asymmetricKeyType, asymmetricKeyDetails } = key;
  if (asymmetricKeyType === 'ec') return CURVES[alg as string] === asymmetricKeyDetails?.namedCurve;
  if (asymmetricKeyType === 'ed25519') return alg === 'EdDSA' || alg === 'Ed25519';
  const strong = (asymmetricKeyDetails?.modulusLength ?? 0) >= MIN_RSA_BITS;
  return asymmetricKeyType === 'rsa' && strong && /^[RP]S\d/.test(alg as string);
}
