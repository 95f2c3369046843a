import { escapedNames, SpendcapError } from '@spendcap/core';
import { errors, type JWTVerifyGetKey, type JWTVerifyOptions, jwtVerify } from 'jose';
import { parseStrict } from './json.ts';

/** What can be wrong with any signed token. The words are stable. */
export type JwtFault =
  | 'too_large'
  | 'malformed'
  | 'issuer_unknown'
  | 'audience_mismatch'
  | 'expired'
  | 'not_yet_valid'
  | 'type_mismatch'
  | 'algorithm_not_allowed'
  | 'key_unknown'
  | 'signature_invalid'
  | 'critical_header'
  | 'claim_missing'
  | 'time_in_milliseconds';

/** Each completes "The token ...". None may quote the token. */
export const JWT_FAULTS: Readonly<Record<JwtFault, string>> = {
  too_large: 'is too large',
  malformed: 'is malformed',
  issuer_unknown: 'comes from an issuer that is not configured',
  audience_mismatch: 'is meant for another audience',
  expired: 'has expired',
  not_yet_valid: 'is not valid yet',
  type_mismatch: 'is of another type',
  algorithm_not_allowed: 'is signed with an algorithm that is not configured',
  key_unknown: 'is not signed with a known key of its issuer',
  signature_invalid: 'has an invalid signature',
  critical_header: 'requires an extension that is not supported',
  claim_missing: 'lacks a required claim',
  time_in_milliseconds: 'has a time in milliseconds, where seconds are required',
};

/** A JSON object from a token. Its members can be of any type. */
export type Claims = Readonly<Record<string, unknown>>;

/** A compact JWT of good form. Nothing in it is verified. */
export interface UnverifiedJwt {
  readonly token: string;
  readonly header: Claims;
  readonly claims: Claims;
}

/** What a token must be: all from the configuration, nothing from the token (RFC 8725). */
export interface JwtRules
  extends Pick<JWTVerifyOptions, 'issuer' | 'audience' | 'subject' | 'requiredClaims'> {
  /** Rejects with a SpendcapError while its keys cannot be read. */
  readonly keys: JWTVerifyGetKey;
  readonly algorithms: string[];
  /** The `typ` header. `JWT` also accepts a token without one (RFC 7519, section 5.1). */
  readonly typ: string;
  readonly toleranceSeconds: number;
}

/** The last second of a JavaScript date. */
const MAX_NUMERIC_DATE = 8.64e12;

/** As milliseconds in the year 2001, as seconds in the year 33658: no issuer means that. */
const LEAST_MILLISECONDS = 1e12;

/** Keys tried where several fit a token: it names none, or two share its `kid`. */
const MAX_TRIED_KEYS = 10;

/** What jose reads in its own `JSON.parse`, which can misread a name with an escape. */
const READ_BY_JOSE: readonly string[] = [
  ...['alg', 'b64', 'crit', 'jwk', 'kid', 'typ'],
  ...['aud', 'exp', 'iat', 'iss', 'nbf', 'sub'],
];

const COMPACT_JWS = /^[\w-]+\.[\w-]+\.[\w-]*$/;

/** By length modulo 4, the characters that may end base64url: those whose unused bits are zero. */
const LAST_CHARACTERS: readonly (string | null)[] = [null, '', 'AQgw', 'AEIMQUYcgkosw048'];

/** Keeps a byte order mark, with which JSON may not begin (RFC 8259, section 8.1). */
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Reads a compact JWT (RFC 7515, section 7.1) without verifying it. Stricter than jose: it bounds
 * the size, refuses a repeated name, a second base64url spelling of the same bytes and an escape in
 * the name of a registered claim, and supports no critical extension, not even `b64` (RFC 7797).
 */
export function readJwt(token: string, maxBytes: number): UnverifiedJwt | JwtFault {
  if (typeof token !== 'string') return 'malformed';
  if (token.length > maxBytes) return 'too_large';
  if (!COMPACT_JWS.test(token)) return 'malformed';
  const parts = token.split('.');
  if (!parts.every(isCanonical)) return 'malformed';
  const [header, claims] = [objectIn(parts[0] as string), objectIn(parts[1] as string)];
  if (header === null || claims === null) return 'malformed';
  const { crit, ...rest } = header;
  if (crit !== undefined) return isExtensions(crit, rest) ? 'critical_header' : 'malformed';
  return { token, header, claims };
}

function objectIn(part: string): Claims | null {
  try {
    const text = utf8.decode(Buffer.from(part, 'base64url'));
    if (escapedNames(text).some((name) => READ_BY_JOSE.includes(name))) return null;
    const value = parseStrict(text);
    return typeof value === 'object' && !Array.isArray(value) ? (value as Claims | null) : null;
  } catch {
    return null;
  }
}

/** Otherwise one signature would have many spellings, and each would be cached. */
function isCanonical(part: string): boolean {
  const allowed = LAST_CHARACTERS[part.length % 4];
  return allowed == null || allowed.includes(part.charAt(part.length - 1));
}

/** RFC 7515, section 4.1.11: names of header members that are present. */
function isExtensions(crit: unknown, header: Claims): boolean {
  if (!Array.isArray(crit) || crit.length === 0) return false;
  return crit.every((name) => typeof name === 'string' && Object.hasOwn(header, name));
}

/**
 * Verifies a token with jose's `jwtVerify`, and says what is wrong with it, or `null`.
 *
 * @param at epoch milliseconds
 * @throws SpendcapError that `rules.keys` rejects with
 */
export async function verifyJwt(
  { token, header, claims }: UnverifiedJwt,
  { keys, typ, toleranceSeconds, ...rules }: JwtRules,
  at: number,
): Promise<JwtFault | null> {
  const { exp, nbf, iat } = claims;
  const dates = [exp, nbf, iat].filter((date) => date !== undefined);
  if (!dates.every(isNumericDate)) return 'malformed';
  if (dates.some((date) => date >= LEAST_MILLISECONDS)) return 'time_in_milliseconds';
  const options = {
    ...rules,
    ...(typ === 'JWT' && header.typ === undefined ? {} : { typ }),
    currentDate: new Date(at),
    clockTolerance: toleranceSeconds,
  };
  try {
    await verifyWithAnyKey(token, keys, options);
  } catch (error) {
    return faultOf(error);
  }
  // jose compares `iat` with the clock only where it also limits the age of a token.
  const isFuture = isNumericDate(iat) && iat > Math.floor(at / 1000) + toleranceSeconds;
  return isFuture ? 'not_yet_valid' : null;
}

async function verifyWithAnyKey(
  token: string,
  keys: JWTVerifyGetKey,
  options: JWTVerifyOptions,
): Promise<unknown> {
  try {
    return await jwtVerify(token, keys, options);
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error;
    let tried = 0;
    for await (const key of error) {
      try {
        return await jwtVerify(token, key, options);
      } catch (fault) {
        if (!(fault instanceof errors.JWSSignatureVerificationFailed)) throw fault;
        tried += 1;
        if (tried === MAX_TRIED_KEYS) throw fault;
      }
    }
    throw new errors.JWSSignatureVerificationFailed();
  }
}

const FAULT_BY_CODE: ReadonlyMap<string, JwtFault> = new Map([
  [errors.JWSInvalid.code, 'malformed'],
  [errors.JWTInvalid.code, 'malformed'],
  [errors.JWTExpired.code, 'expired'],
  [errors.JOSEAlgNotAllowed.code, 'algorithm_not_allowed'],
  [errors.JWSSignatureVerificationFailed.code, 'signature_invalid'],
]);

const FAULT_BY_CLAIM: ReadonlyMap<string, JwtFault> = new Map([
  ['typ', 'type_mismatch'],
  ['iss', 'issuer_unknown'],
  ['aud', 'audience_mismatch'],
  ['nbf', 'not_yet_valid'],
]);

/** An error of jose's carries the claims, so it is never a `cause`. */
function faultOf(error: unknown): JwtFault {
  if (SpendcapError.isInstance(error)) throw error;
  if (error instanceof errors.JWTClaimValidationFailed) {
    const fault = FAULT_BY_CLAIM.get(error.claim) ?? 'malformed';
    return error.reason === 'missing' ? 'claim_missing' : fault;
  }
  const fault = error instanceof errors.JOSEError ? FAULT_BY_CODE.get(error.code) : undefined;
  // No key fits, or the one that does is of another kind than the algorithm.
  return fault ?? 'key_unknown';
}

export function isNumericDate(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= MAX_NUMERIC_DATE;
}
