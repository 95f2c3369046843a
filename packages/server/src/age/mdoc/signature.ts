import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { ageEvidenceInvalid } from '../evidence-fault.ts';
import type { SecurityObject, Sign1 } from './library.ts';

/** RFC 9053, section 2.1, with the curve that ISO 18013-5 puts to each. */
const ALGORITHMS = {
  ES256: { id: -7, hash: 'sha256', curve: 'prime256v1', jwk: 'P-256' },
  ES384: { id: -35, hash: 'sha384', curve: 'secp384r1', jwk: 'P-384' },
  ES512: { id: -36, hash: 'sha512', curve: 'secp521r1', jwk: 'P-521' },
} as const;

export type MdocAlgorithm = keyof typeof ALGORITHMS;
type Algorithm = (typeof ALGORITHMS)[MdocAlgorithm];

const HEADER = { algorithm: 1, critical: 2 } as const;
/** RFC 9053, section 7: the kind of key, and its curves. */
const ELLIPTIC = 2;
const CURVES: Readonly<Record<number, string>> = { 1: 'P-256', 2: 'P-384', 3: 'P-521' };

/** @throws TypeError for an algorithm that is not known */
export function assertMdocAlgorithms(names: readonly MdocAlgorithm[]): readonly MdocAlgorithm[] {
  if (names.length > 0 && names.every((name) => Object.hasOwn(ALGORITHMS, name))) return names;
  throw new TypeError(`algorithms must be of ${Object.keys(ALGORITHMS).join(', ')}`);
}

/**
 * True if a COSE_Sign1 (RFC 9052, section 4.4) was signed with a key. Its algorithm is read from the
 * protected header only, and must be one of the configuration and fit the key.
 *
 * @throws SpendcapError `age_evidence_invalid`, why `critical_header` or `algorithm_not_allowed`
 */
export function isSignedBy(
  sign1: Sign1,
  key: KeyObject,
  allowed: readonly MdocAlgorithm[],
): boolean {
  const headers = sign1.protectedHeaders.headers;
  if (headers.has(HEADER.critical)) throw ageEvidenceInvalid('critical_header');
  const id = headers.get(HEADER.algorithm);
  const name = allowed.find((each) => ALGORITHMS[each].id === id);
  const algorithm: Algorithm | undefined = name && ALGORITHMS[name];
  if (algorithm === undefined || key.asymmetricKeyDetails?.namedCurve !== algorithm.curve) {
    throw ageEvidenceInvalid('algorithm_not_allowed');
  }
  const withKey = { key, dsaEncoding: 'ieee-p1363' } as const;
  return verify(algorithm.hash, sign1.toBeSigned, withKey, sign1.signature);
}

/**
 * The holder's public key, to which the issuer bound the document.
 *
 * @throws SpendcapError `age_evidence_invalid`, why `holder_key_missing`
 */
export function deviceKey(signed: SecurityObject): KeyObject {
  const { keyType, curve, x, y } = signed.deviceKeyInfo.deviceKey;
  const crv = CURVES[curve ?? 0];
  if (keyType !== ELLIPTIC || crv === undefined || x === undefined || y === undefined) {
    throw ageEvidenceInvalid('holder_key_missing');
  }
  try {
    return createPublicKey({
      key: { kty: 'EC', crv, x: base64url(x), y: base64url(y) },
      format: 'jwk',
    });
  } catch {
    throw ageEvidenceInvalid('holder_key_missing');
  }
}

function base64url(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url');
}
