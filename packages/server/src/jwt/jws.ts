import type { KeyObject } from 'node:crypto';
import { SpendcapError, type SpendcapErrorCode } from '@spendcap/core';
import { parseStrict } from './json.ts';
import { verifyWith } from './verify-key.ts';

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

/** The header of a token: what it asks for, and nothing that is believed. */
export type JwsHeader = Claims & { readonly alg: string };

/** Finds the one key that a header can mean, or `null`. It throws or rejects where none can be known now. */
export type KeyFinder = (header: JwsHeader) => KeyObject | null | Promise<KeyObject | null>;

/** Where the keys of an issuer come from, and what its tokens must be: all from the configuration. */
export interface JwsRules {
  readonly keys: KeyFinder;
  /** In whose name an unreachable key set is reported. */
  readonly keysCode: SpendcapErrorCode;
  readonly algorithms: readonly string[];
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

/** A text without a byte order mark, which JSON may not begin with (RFC 8259, section 8.1). */
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

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
  return objectIn(parts[1] as string) ?? 'malformed';
}

/** The JSON object that base64url stands for, if it says every name once. */
function objectIn(part: string): Claims | null {
  try {
    const value = parseStrict(utf8.decode(Buffer.from(part, 'base64url')));
    return typeof value === 'object' && !Array.isArray(value) ? (value as Claims | null) : null;
  } catch {
    return null;
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
export function checkJws(
  token: string,
  claims: Claims,
  { rules, at }: { readonly rules: JwsRules; readonly at: number },
): Promise<JwsFault | null> {
  // What costs nothing first: a token that says itself that it is of no use needs no proof of that.
  const fault = partyFault(claims, rules) ?? dateFault(claims, rules.toleranceSeconds, at);
  return fault === null ? checkSignature(token, rules) : Promise.resolve(fault);
}

/**
 * Proves type and signature of a token whose form `decodeClaims` has found good, and nothing of its claims.
 * Gives what is wrong, or `null`.
 *
 * @throws SpendcapError of `rules.keysCode` if the key set is unreachable or unusable
 */
export async function checkSignature(
  token: string,
  rules: Pick<JwsRules, 'keys' | 'keysCode' | 'algorithms' | 'typ'>,
): Promise<JwsFault | null> {
  const end = token.lastIndexOf('.');
  const header = headerOf(token.slice(0, token.indexOf('.')));
  const fault = header === null ? 'malformed' : headerFault(header, rules);
  if (header === null || fault !== null) return fault;
  try {
    const found = rules.keys(header);
    const key = found instanceof Promise ? await found : found;
    const verify = key && verifyWith(header.alg, key);
    if (verify === null) return 'key_unknown';
    const signed = Buffer.from(token.slice(0, end), 'latin1');
    const signature = Buffer.from(token.slice(end + 1), 'base64url');
    return (await verify(signed, signature)) ? null : 'signature_invalid';
  } catch (cause) {
    throw new SpendcapError(rules.keysCode, 'The issuer’s key set could not be read.', { cause });
  }
}

/** Most tokens of an issuer have the same header. */
const headers = new Map<string, JwsHeader>();
const MAX_HEADERS = 256;
const MAX_HEADER_LENGTH = 512;

function headerOf(part: string): JwsHeader | null {
  const known = headers.get(part);
  if (known !== undefined) return known;
  const header = objectIn(part);
  if (typeof header?.alg !== 'string' || header.alg === '') return null;
  if (part.length <= MAX_HEADER_LENGTH) {
    if (headers.size === MAX_HEADERS) headers.clear();
    headers.set(part, header as JwsHeader);
  }
  return header as JwsHeader;
}

function headerFault(
  { crit, alg, typ, ...header }: JwsHeader,
  rules: Pick<JwsRules, 'algorithms' | 'typ'>,
): JwsFault | null {
  // No extension is understood here, `b64` of RFC 7797 included.
  if (crit !== undefined) return isExtensions(crit, header) ? 'critical_header' : 'malformed';
  if (!rules.algorithms.includes(alg)) return 'algorithm_not_allowed';
  // RFC 7519, section 5.1: a JWT need not say that it is one.
  const isType =
    rules.typ === null || mediaType(typ === undefined ? 'JWT' : typ) === mediaType(rules.typ);
  return isType ? null : 'type_mismatch';
}

/** RFC 7515, section 4.1.11: names of members that are there. */
function isExtensions(crit: unknown, header: Claims): boolean {
  if (!Array.isArray(crit) || crit.length === 0) return false;
  return crit.every((name) => typeof name === 'string' && Object.hasOwn(header, name));
}

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
