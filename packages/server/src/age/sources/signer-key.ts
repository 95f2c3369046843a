import type { webcrypto } from 'node:crypto';
import { importJWK, type JWK } from 'jose';
import { MIN_RSA_BITS } from '../../jwt/algorithms.ts';
import { privateMember } from '../../jwt/jwk-form.ts';
import { ageEvidenceInvalid } from './evidence-fault.ts';

const STANDARD_BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** The certificates of an `x5c` header in DER (RFC 7515, section 4.1.6: base64, not base64url). */
export function chainOf(x5c: unknown): readonly Uint8Array[] | null {
  const encoded: readonly unknown[] = Array.isArray(x5c) ? x5c : [];
  const readable = encoded.every((text) => typeof text === 'string' && STANDARD_BASE64.test(text));
  return readable ? encoded.map((text) => Buffer.from(text as string, 'base64')) : null;
}

/**
 * Imports the public key of a holder, to which an issuer bound a document.
 *
 * @throws SpendcapError `age_evidence_invalid`, why `holder_key_missing`
 */
export async function holderKey(jwk: unknown, alg: string): Promise<webcrypto.CryptoKey> {
  const given: JWK = Object(jwk);
  const { kty, crv, x, y, n, e } = given;
  const isPublic = privateMember(given) === undefined;
  const members = { kty, crv, x, y, n, e } as JWK;
  const key = isPublic ? await importJWK(members, alg).catch(() => null) : null;
  if (!(key instanceof CryptoKey) || !isStrong(key)) throw ageEvidenceInvalid('holder_key_missing');
  return key;
}

function isStrong({ algorithm }: webcrypto.CryptoKey): boolean {
  const { modulusLength = MIN_RSA_BITS } = algorithm as Partial<webcrypto.RsaKeyAlgorithm>;
  return modulusLength >= MIN_RSA_BITS;
}
