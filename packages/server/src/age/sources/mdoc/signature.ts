import type { JsonWebKey } from 'node:crypto';
import type { Verify } from '../../../jwt/verify-key.ts';
import { ageEvidenceInvalid } from '../evidence-fault.ts';
import type { SecurityObject, Sign1 } from './library.ts';

/** RFC 9053, section 2.1: the numbers of algorithms. */
const ALGORITHMS = { ES256: -7, ES384: -35, ES512: -36 } as const;

export type MdocAlgorithm = keyof typeof ALGORITHMS;

const HEADER = { algorithm: 1, critical: 2 } as const;
/** RFC 9053, section 7: the kind of key, and its curves. */
const ELLIPTIC = 2;
const CURVES: Readonly<Record<number, string>> = { 1: 'P-256', 2: 'P-384', 3: 'P-521' };

/** @throws TypeError for an algorithm that is not known */
export function assertMdocAlgorithms(names: readonly MdocAlgorithm[]): readonly MdocAlgorithm[] {
  if (names.length > 0 && names.every((name) => Object.hasOwn(ALGORITHMS, name))) return names;
  throw new TypeError(`algorithms must be of ${Object.keys(ALGORITHMS).join(', ')}`);
}

/** Gives the check by a key for an algorithm, or `null` if the key is of another kind. */
export type CheckFor = (algorithm: MdocAlgorithm) => Verify | null | Promise<Verify | null>;

/**
 * Whether a COSE_Sign1 (RFC 9052, section 4.4) was signed with a key. Its algorithm is read from the
 * protected header only, and must be one of the configuration and fit the key.
 *
 * @throws SpendcapError `age_evidence_invalid`, why `critical_header` or `algorithm_not_allowed`
 */
export async function isSignedBy(
  sign1: Sign1,
  checkFor: CheckFor,
  allowed: readonly MdocAlgorithm[],
): Promise<boolean> {
  const { headers } = sign1.protectedHeaders;
  if (headers.has(HEADER.critical)) throw ageEvidenceInvalid('critical_header');
  const id = headers.get(HEADER.algorithm);
  const algorithm = allowed.find((each) => ALGORITHMS[each] === id);
  const check = algorithm === undefined ? null : await checkFor(algorithm);
  if (check === null) throw ageEvidenceInvalid('algorithm_not_allowed');
  return check(Buffer.from(sign1.toBeSigned), Buffer.from(sign1.signature));
}

/**
 * The holder's public key, to which the issuer bound the document.
 *
 * @throws SpendcapError `age_evidence_invalid`, why `holder_key_missing`
 */
export function deviceJwk(signed: SecurityObject): JsonWebKey {
  const { keyType, curve, x, y } = signed.deviceKeyInfo.deviceKey;
  const crv = CURVES[curve ?? 0];
  if (keyType !== ELLIPTIC || crv === undefined || x === undefined || y === undefined) {
    throw ageEvidenceInvalid('holder_key_missing');
  }
  return { kty: 'EC', crv, x: base64url(x), y: base64url(y) };
}

function base64url(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url');
}
