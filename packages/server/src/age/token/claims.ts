import { type AgeStatement, ageRangeAt, isIsoDate, MAX_AGE } from '@spendcap/core';
import type { Claims } from '../../jwt/verify.ts';
import { ageTokenInvalid } from './fault.ts';

/** The age in a verified token, all of its claims combined. */
export interface AgeClaims {
  /** At most one statement of each kind; empty if the token states no age. */
  readonly statements: readonly AgeStatement[];
  /** The issuer's own value for its assurance, if there is one. */
  readonly assurance: string | null;
}

/** The supported claims. */
export const AGE_CLAIMS = [
  'age_range',
  'age_equal_or_over',
  'age_over_NN',
  'age_in_years',
  'age_birth_year',
  'birthdate',
  'verified_claims',
] as const;
/** A claim that states an age. */
export type AgeClaim = (typeof AGE_CLAIMS)[number];

/** Every claim narrows these; they start unbounded. */
interface Facts {
  min: number;
  maxExclusive: number;
  bornFrom: string;
  bornTo: string;
  /** Epoch milliseconds. */
  readonly now: number;
}

const EARLIEST = '0000-01-01';
const LATEST = '9999-12-31';
const ALL_CLAIMS: ReadonlySet<string> = new Set(AGE_CLAIMS);
const AGE_OVER = /^age_over_(\d{1,3})$/;

/**
 * Reads the age claims of a verified token: `age_range`, `age_equal_or_over` (EU PID),
 * `age_over_NN` (ISO 18013-5), `age_in_years`, `age_birth_year`, `birthdate` (OpenID Connect Core,
 * section 5.1). With `verified_claims` (OpenID Identity Assurance) the claims beside it are
 * self-asserted, so only those inside are read. Only own members are read, so that `__proto__` and
 * the like have no effect.
 *
 * @param asOf when the claims were true, epoch milliseconds
 * @param now epoch milliseconds
 * @param counted the claims of the token to read; all claims inside `verified_claims` are read
 * @throws SpendcapError `age_token_invalid`, why `age_claim_invalid` or `age_contradictory`
 */
export function readAgeClaims(
  claims: Claims,
  {
    asOf,
    now,
    counted = ALL_CLAIMS,
  }: { readonly asOf: number; readonly now: number; readonly counted?: ReadonlySet<string> },
): AgeClaims {
  const facts: Facts = {
    min: 0,
    maxExclusive: Infinity,
    bornFrom: EARLIEST,
    bornTo: LATEST,
    now,
  };
  const verified = counted.has('verified_claims') ? verifiedClaims(claims) : null;
  if (verified === null) readInto(facts, claims, counted);
  else for (const each of verified) readInto(facts, each.claims, ALL_CLAIMS);

  // Before ageing, which widens ranges and could hide a contradiction.
  if (facts.min >= facts.maxExclusive || facts.bornFrom > facts.bornTo) {
    throw ageTokenInvalid('age_contradictory');
  }
  const statements = statementsOf(facts, asOf);
  if (statements.length > 1) ageRangeAt(statements, now, 'UTC');
  return { statements, assurance: assuranceOf(claims, verified) };
}

function statementsOf(facts: Facts, asOf: number): AgeStatement[] {
  const statements: AgeStatement[] = [];
  const { min, maxExclusive, bornFrom, bornTo } = facts;
  if (min > 0 || maxExclusive !== Infinity) {
    const end = maxExclusive === Infinity ? null : maxExclusive;
    statements.push(Object.freeze({ kind: 'range', min, maxExclusive: end, asOf }));
  }
  if (bornFrom !== EARLIEST || bornTo !== LATEST) {
    statements.push(Object.freeze({ kind: 'born', from: bornFrom, to: bornTo }));
  }
  return statements;
}

function readInto(facts: Facts, claims: Claims, counted: ReadonlySet<string>): void {
  for (const name of Object.keys(claims)) {
    const value = claims[name];
    const threshold = AGE_OVER.exec(name)?.[1];
    if (threshold !== undefined) {
      if (counted.has('age_over_NN')) readThreshold(facts, threshold, value);
    } else if (!counted.has(name)) continue;
    else if (name === 'age_range') readRange(facts, value);
    else if (name === 'age_equal_or_over') readThresholds(facts, value);
    else if (name === 'age_in_years') {
      const years = age(value);
      narrow(facts, years, years + 1);
    } else if (name === 'age_birth_year') {
      if (!Number.isInteger(value)) throw ageTokenInvalid('age_claim_invalid');
      readBirthYear(facts, String(value));
    } else if (name === 'birthdate') readBirthdate(facts, value);
  }
}

function readRange(facts: Facts, value: unknown): void {
  const { min, max_exclusive: end = null } = members(value);
  // 150 is the greatest age, so 151 is the greatest end.
  narrow(facts, age(min), end === null ? Infinity : integer(end, MAX_AGE + 1));
}

function readThresholds(facts: Facts, value: unknown): void {
  for (const [threshold, reached] of Object.entries(members(value))) {
    if (!/^\d{1,3}$/.test(threshold)) throw ageTokenInvalid('age_claim_invalid');
    readThreshold(facts, threshold, reached);
  }
}

function readThreshold(facts: Facts, threshold: string, reached: unknown): void {
  const years = age(Number(threshold));
  if (reached === true) narrow(facts, years, Infinity);
  else if (reached === false) narrow(facts, 0, years);
  else throw ageTokenInvalid('age_claim_invalid');
}

/**
 * OpenID Connect: a date, a year alone, or the year `0000` when it is withheld. Civil registers
 * also write `2014-05-00`, `2014-05` or `2014-00-00` where the day or month is unknown.
 */
function readBirthdate(facts: Facts, value: unknown): void {
  if (typeof value !== 'string') throw ageTokenInvalid('age_claim_invalid');
  if (/^0000(?:-\d\d){0,2}$/.test(value)) return;
  if (UNKNOWN_PARTS.test(value)) {
    const [year = '', month = '00'] = value.split('-');
    if (month === '00') readBirthYear(facts, year);
    else readBirthMonth(facts, year, month);
  } else if (isIsoDate(value)) narrowBirth(facts, value, value);
  else throw ageTokenInvalid('age_claim_invalid');
}

/** A year, or with a month, whose day is `00` or absent. */
const UNKNOWN_PARTS = /^\d{4}(?:-(?:0\d|1[0-2])(?:-00)?)?$/;

function readBirthMonth(facts: Facts, year: string, month: string): void {
  // 400 years later, when months have equal lengths: Date.UTC reads the years 0 to 99 as 1900 to
  // 1999.
  const days = new Date(Date.UTC(Number(year) + 400, Number(month), 0)).getUTCDate();
  narrowBirth(facts, `${year}-${month}-01`, `${year}-${month}-${days}`);
}

function readBirthYear(facts: Facts, year: string): void {
  if (!/^\d{4}$/.test(year)) throw ageTokenInvalid('age_claim_invalid');
  narrowBirth(facts, `${year}-01-01`, `${year}-12-31`);
}

function narrow(facts: Facts, min: number, maxExclusive: number): void {
  facts.min = Math.max(facts.min, min);
  facts.maxExclusive = Math.min(facts.maxExclusive, maxExclusive);
}

/** ISO dates of four-digit years sort as text. */
function narrowBirth(facts: Facts, from: string, to: string): void {
  const today = new Date(facts.now).toISOString().slice(0, 10);
  const lastYear = Number(today.slice(0, 4)) - MAX_AGE - 1;
  const tooOld = `${String(lastYear).padStart(4, '0')}${today.slice(4)}`;
  if (from > today || to <= tooOld) throw ageTokenInvalid('age_claim_invalid');
  if (from > facts.bornFrom) facts.bornFrom = from;
  if (to < facts.bornTo) facts.bornTo = to;
}

function age(value: unknown): number {
  return integer(value, MAX_AGE);
}

function integer(value: unknown, max: number): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= max) {
    return value;
  }
  throw ageTokenInvalid('age_claim_invalid');
}

function members(value: unknown): Claims {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Claims;
  throw ageTokenInvalid('age_claim_invalid');
}

interface VerifiedClaims {
  readonly claims: Claims;
  readonly framework: unknown;
}

function verifiedClaims(claims: Claims): readonly VerifiedClaims[] | null {
  if (!Object.hasOwn(claims, 'verified_claims')) return null;
  const value = claims.verified_claims;
  return (Array.isArray(value) ? value : [value]).map((each) => {
    const { claims: inner, verification } = members(each);
    return { claims: members(inner), framework: members(verification).trust_framework };
  });
}

/** The issuer's own value; of several frameworks none applies to all. */
function assuranceOf(claims: Claims, verified: readonly VerifiedClaims[] | null): string | null {
  const own = Object.hasOwn(claims, 'assurance') ? claims.assurance : undefined;
  const framework = verified?.length === 1 ? verified[0]?.framework : undefined;
  const value = own ?? framework;
  return typeof value === 'string' ? value : null;
}
