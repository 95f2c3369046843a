import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { promisify } from 'node:util';
import { ageEvidenceInvalid } from '../evidence-fault.ts';
import type { SecurityObject, Sign1 } from './library.ts';

/**
 * RFC 9053, section 2.1: the numbers of the algorithms, each with the one curve that is accepted.
 */
const ALGORITHMS = {
  ES256: { id: -7, hash: 'sha256', curve: 'prime256v1' },
  ES384: { id: -35, hash: 'sha384', curve: 'secp384r1' },
  ES512: { id: -36, hash: 'sha512', curve: 'secp521r1' },
} as const;

/** A signature algorithm of issuers and devices. */
export type MdocAlgorithm = keyof typeof ALGORITHMS;

const HEADER = { algorithm: 1, critical: 2 } as const;

/** @throws TypeError for an algorithm that is not supported */
export function assertMdocAlgorithms(names: readonly MdocAlgorithm[]): readonly MdocAlgorithm[] {
  if (names.length > 0 && names.every((name) => Object.hasOwn(ALGORITHMS, name))) return names;
  throw new TypeError(`algorithms must be among ${Object.keys(ALGORITHMS).join(', ')}`);
}

/** In the thread pool. */
const verifyRaw = promisify(verify);

/**
 * Whether a COSE_Sign1 (RFC 9052, section 4.4) was signed with a key. Its algorithm is read from
 * the protected header only, and must be configured and fit the key.
 *
 * This is the one raw signature check: COSE is not JOSE, and `@owf/mdoc` has no cryptography of its
 * own.
 *
 * @throws SpendcapError `age_evidence_invalid`, why `critical_header` or `algorithm_not_allowed`
 */
export async function isSignedBy(
  sign1: Sign1,
  key: KeyObject,
  allowed: readonly MdocAlgorithm[],
): Promise<boolean> {
  const { headers } = sign1.protectedHeaders;
  if (headers.has(HEADER.critical)) throw ageEvidenceInvalid('critical_header');
  const id = headers.get(HEADER.algorithm);
  const name = allowed.find((each) => ALGORITHMS[each].id === id);
  const { hash, curve } = name === undefined ? {} : ALGORITHMS[name];
  if (hash === undefined || key.asymmetricKeyDetails?.namedCurve !== curve) {
    throw ageEvidenceInvalid('algorithm_not_allowed');
  }
  const { toBeSigned, signature } = sign1;
  return verifyRaw(hash, toBeSigned, { key, dsaEncoding: 'ieee-p1363' }, signature);
}

/** RFC 9053, section 7: the kind of key, and its curves. */
const ELLIPTIC = 2;
const CURVES: Readonly<Record<number, string>> = { 1: 'P-256', 2: 'P-384', 3: 'P-521' };

/**
 * The holder's public key, to which the issuer bound the document.
 *
 * @throws SpendcapError `age_evidence_invalid`, why `holder_key_missing`
 */
export function deviceKeyOf(signed: SecurityObject): KeyObject {
  const { keyType, curve, x, y } = signed.deviceKeyInfo.deviceKey;
  const crv = CURVES[curve ?? 0];
  if (keyType === ELLIPTIC && crv !== undefined && x !== undefined && y !== undefined) {
    try {
      const key = { kty: 'EC', crv, x: base64url(x), y: base64url(y) };
      return createPublicKey({ key, format: 'jwk' });
    } catch {
      // A point that is not on its curve.
    }
  }
  throw ageEvidenceInvalid('holder_key_missing');
}

function base64url(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url');
}
