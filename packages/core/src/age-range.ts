import { SpendcapError } from './errors.ts';
import { type CivilDate, civilDateOf } from './period.ts';
import type { AgeRange, Assurance } from './wire.ts';

/**
 * One fact about a person's age, in a form that stays valid over time.
 *
 * - `range`: in completed years, valid at the instant `asOf` (epoch milliseconds).
 * - `born`: the birth date is between two ISO dates, both inclusive (equal if it is known exactly).
 */
export type AgeStatement =
  | {
      readonly kind: 'range';
      readonly min: number;
      readonly maxExclusive: number | null;
      readonly asOf: number;
    }
  | { readonly kind: 'born'; readonly from: string; readonly to: string };

/** Verified evidence of one subject's age. Keep it in memory only: never store or log it. */
export interface AgeEvidence {
  /** Pseudonym of the natural person. */
  readonly subject: string;
  /** Empty if the issuer states nothing: every age is possible. */
  readonly statements: readonly AgeStatement[];
  /** How it was established, for example `age_token`. Stored with the purchase. */
  readonly kind: string;
  /** How reliably it was established. Stored with the purchase. */
  readonly assurance: Assurance;
  /** Epoch milliseconds from which the evidence is invalid. */
  readonly expiresAt: number;
}

/** The highest age that is accepted: a larger claim is a mistake or an attack. */
export const MAX_AGE = 150;

const ISO_DATE = /^(\d{4})-(\d{2})-(\d{2})$/;

/** The range of all ages. */
export const ANY_AGE: AgeRange = { min: 0, maxExclusive: null };

/**
 * The ages that both ranges allow, or `null` if they contradict each other.
 *
 * @example
 * ```ts
 * import { intersectAgeRanges } from '@spendcap/core';
 * const range = intersectAgeRanges({ min: 8, maxExclusive: null }, { min: 0, maxExclusive: 16 });
 * range; // => { min: 8, maxExclusive: 16 }
 * ```
 */
export function intersectAgeRanges(a: AgeRange, b: AgeRange): AgeRange | null {
  const min = Math.max(a.min, b.min);
  const maxExclusive = Math.min(a.maxExclusive ?? Infinity, b.maxExclusive ?? Infinity);
  if (maxExclusive <= min) return null;
  return { min, maxExclusive: maxExclusive === Infinity ? null : maxExclusive };
}

/**
 * The ages a person may have at an instant, in completed years of the given time zone's calendar.
 * Evidence ages: the lower end grows with every completed year since `asOf`, the upper end with
 * every year begun. A person born on 29 February completes a year on 1 March of a common year.
 *
 * @param at epoch milliseconds
 * @param timeZone IANA name, the policy's
 * @throws SpendcapError `age_token_invalid`, with `why` `age_contradictory` if no age fits every
 * statement, or `age_claim_invalid` for an impossible statement
 * @example
 * ```ts
 * import { ageRangeAt } from '@spendcap/core';
 * const born = { kind: 'born', from: '2010-11-24', to: '2010-11-24' } as const;
 * const range = ageRangeAt([born], Date.UTC(2026, 10, 23, 16), 'Asia/Shanghai');
 * range; // => { min: 16, maxExclusive: 17 }
 * ```
 */
export function ageRangeAt(
  statements: readonly AgeStatement[],
  at: number,
  timeZone: string,
): AgeRange {
  const today = civilDateOf(at, timeZone);
  let range: AgeRange = ANY_AGE;
  for (const statement of statements) {
    const next = intersectAgeRanges(range, rangeOf(statement, today, timeZone));
    if (next === null) throw contradictory();
    range = next;
  }
  return range;
}

function rangeOf(statement: AgeStatement, today: CivilDate, timeZone: string): AgeRange {
  if (statement.kind === 'born') {
    const youngest = wholeYears(parseCivilDate(statement.to), today);
    const oldest = wholeYears(parseCivilDate(statement.from), today);
    if (statement.to < statement.from) throw contradictory();
    return { min: Math.max(0, youngest), maxExclusive: Math.max(0, oldest) + 1 };
  }
  const { min, asOf } = statement;
  const end = statement.maxExclusive ?? null;
  // A NaN would match no band of a policy, and so have no limits.
  if (!isCount(min, MAX_AGE) || (end !== null && !isCount(end, MAX_AGE + 1))) throw invalid();
  if (!Number.isSafeInteger(asOf)) throw invalid();
  // Checked before ageing, which would widen an empty range into a valid one.
  if (end !== null && end <= min) throw contradictory();
  const since = civilDateOf(asOf, timeZone);
  const whole = wholeYears(since, today);
  const begun = since.month === today.month && since.day === today.day ? whole : whole + 1;
  return { min: Math.max(0, min + whole), maxExclusive: end === null ? null : end + begun };
}

/** Whole years from one date to another; negative before it. */
function wholeYears(from: CivilDate, to: CivilDate): number {
  const beforeAnniversary = to.month * 100 + to.day < from.month * 100 + from.day;
  return to.year - from.year - (beforeAnniversary ? 1 : 0);
}

function parseCivilDate(date: string): CivilDate {
  const parts = ISO_DATE.exec(date);
  if (parts === null) throw invalid();
  const [year, month, day] = [Number(parts[1]), Number(parts[2]), Number(parts[3])];
  if (month < 1 || month > 12 || day < 1 || day > 31) throw invalid();
  return { year, month, day };
}

function isCount(value: number, max: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= max;
}

function contradictory(): SpendcapError {
  return new SpendcapError('age_token_invalid', 'The age statements contradict each other.', {
    why: 'age_contradictory',
  });
}

function invalid(): SpendcapError {
  return new SpendcapError('age_token_invalid', 'An age statement is impossible.', {
    why: 'age_claim_invalid',
  });
}
