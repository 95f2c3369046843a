import { SpendcapError, type SpendcapErrorCode } from '@spendcap/core';
import { type CompactVerifyGetKey, compactVerify } from 'jose';

/** What may be wrong with any signed token, in words that never change. */
export type JwsFault =
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
  | 'claim_missing';

/** Completes "The token ..."; nothing of the token may stand here. */
export const JWS_FAULTS: Readonly<Record<JwsFault, string>> = {
  too_large: 'is too large',
  malformed: 'is malformed',
  issuer_unknown: 'comes from an issuer that is not configured',
  audience_mismatch: 'is meant for another audience',
  expired: 'has expired',
  not_yet_valid: 'is not valid yet',
  type_mismatch: 'is of another type',
  algorithm_not_allowed: 'is signed with an algorithm that is not configured',
  key_unknown: 'is not signed with one certain key of its issuer',
  signature_invalid: 'has a wrong signature',
  critical_header: 'demands an extension that is not understood',
  claim_missing: 'lacks a required claim',
};

/** A JSON object that came in a token: read known names, and expect any type. */
export type Claims = Readonly<Record<string, unknown>>;

/** Where the keys of an issuer come from, and what its tokens must be: all from the configuration. */
export interface JwsRules {
  readonly keys: CompactVerifyGetKey;
  /** In whose name an unreachable key set is reported. */
  readonly keysCode: SpendcapErrorCode;
  readonly algorithms: string[];
  readonly issuer: string;
  readonly audience: readonly string[];
  /** `null` accepts every type. */
  readonly typ: string | null;
  readonly toleranceSeconds: number;
}

/** The last instant that a JavaScript date can tell, in seconds: a date beyond it is nonsense. */
const MAX_NUMERIC_DATE = 8.64e12;

const COMPACT_JWS = /^[\w-]+\.[\w-]+\.[\w-]*$/;

/** By length modulo 4, the characters that may end base64url: those whose unused bits are zero. */
const LAST_CHARACTERS: readonly (string | null)[] = [null, '', 'AQgw', 'AEIMQUYcgkosw048'];

const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Reads the claims of a compact JWS (RFC 7515, section 7.1), or says what is wrong with its form.
 * Nothing is proved yet: until `checkJws` they are good for choosing an issuer, and no more.
 */
export function decodeClaims(token: string, maxBytes: number): Claims | JwsFault {
  if (typeof token !== 'string') return 'malformed';
  if (token.length > maxBytes) return 'too_large';
  if (!COMPACT_JWS.test(token)) return 'malformed';
  const parts = token.split('.');
  if (!parts.every(isCanonical)) return 'malformed';
  try {
    const claims: unknown = JSON.parse(utf8.decode(Buffer.from(parts[1] as string, 'base64url')));
    const isObject = typeof claims === 'object' && claims !== null && !Array.isArray(claims);
    return isObject ? (claims as Claims) : 'malformed';
  } catch {
    return 'malformed';
  }
}

/** Otherwise one signature would have many spellings, and each would be remembered. */
function isCanonical(part: string): boolean {
  const allowed = LAST_CHARACTERS[part.length % 4];
  return allowed == null || allowed.includes(part.charAt(part.length - 1));
}

/**
 * Proves the claims of a token as RFC 8725 asks: algorithm, key, issuer, audience and type are those of the
 * configuration, whatever the token says. Gives what is wrong, or `null`.
 *
 * @param claims what `decodeClaims` gave for this very token, so that it is read once only
 * @param at epoch milliseconds
 * @throws SpendcapError of `rules.keysCode` if the key set is unreachable or unusable
 */
export async function checkJws(
  token: string,
  claims: Claims,
  { rules, at }: { readonly rules: JwsRules; readonly at: number },
): Promise<JwsFault | null> {
  return (
    (await checkSignature(token, rules)) ??
    partyFault(claims, rules) ??
    dateFault(claims, rules.toleranceSeconds, at)
  );
}

/**
 * Proves type and signature of a token, and nothing of its claims. Gives what is wrong, or `null`.
 *
 * @throws SpendcapError of `rules.keysCode` if the key set is unreachable or unusable
 */
export async function checkSignature(
  token: string,
  rules: Pick<JwsRules, 'keys' | 'keysCode' | 'algorithms' | 'typ'>,
): Promise<JwsFault | null> {
  try {
    const { algorithms } = rules;
    const { protectedHeader } = await compactVerify(token, rules.keys, { algorithms });
    // No extension is understood here, `b64` of RFC 7797 included, which jose follows.
    if (protectedHeader.crit !== undefined) return 'critical_header';
    const isType = rules.typ === null || mediaType(protectedHeader.typ) === mediaType(rules.typ);
    return isType ? null : 'type_mismatch';
  } catch (error) {
    const fault = FAULT_OF_CODE[(error as { code?: string }).code ?? ''];
    if (fault !== undefined) return fault;
    // The rest is of the key set: no answer or a bad one, or a key that cannot verify anything.
    const message = 'The issuer’s key set could not be read.';
    throw new SpendcapError(rules.keysCode, message, { cause: error });
  }
}

const FAULT_OF_CODE: Readonly<Record<string, JwsFault>> = {
  ERR_JWS_INVALID: 'malformed',
  ERR_JOSE_ALG_NOT_ALLOWED: 'algorithm_not_allowed',
  ERR_JOSE_NOT_SUPPORTED: 'critical_header',
  ERR_JWKS_NO_MATCHING_KEY: 'key_unknown',
  ERR_JWKS_MULTIPLE_MATCHING_KEYS: 'key_unknown',
  ERR_JWS_SIGNATURE_VERIFICATION_FAILED: 'signature_invalid',
};

/** RFC 7515, section 4.1.9: a media type, whose `application/` may be left out, in any case. */
export function mediaType(typ: unknown): string | null {
  return typeof typ === 'string' ? typ.toLowerCase().replace(/^application\//, '') : null;
}

function partyFault({ iss, aud }: Claims, { issuer, audience }: JwsRules): JwsFault | null {
  if (iss === undefined || aud === undefined) return 'claim_missing';
  if (iss !== issuer) return 'issuer_unknown';
  const named: readonly unknown[] = Array.isArray(aud) ? aud : [aud];
  return named.some((each) => audience.includes(each as string)) ? null : 'audience_mismatch';
}

function dateFault({ exp, nbf, iat }: Claims, tolerance: number, at: number): JwsFault | null {
  if (exp === undefined) return 'claim_missing';
  if (![exp, nbf ?? 0, iat ?? 0].every(isNumericDate)) return 'malformed';
  const second = Math.floor(at / 1000);
  if ((exp as number) <= second - tolerance) return 'expired';
  const latest = second + tolerance;
  const future = Number(nbf ?? 0) > latest || Number(iat ?? 0) > latest;
  return future ? 'not_yet_valid' : null;
}

export function isNumericDate(value: unknown): boolean {
  return typeof value === 'number' && value >= 0 && value <= MAX_NUMERIC_DATE;
}
