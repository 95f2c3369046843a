import { ANY_AGE, ageRangeAt, intersectAgeRanges } from './age-range.ts';
import { type AgeRange, ASSURANCES, type Assurance } from './wire.ts';

/** What one source has established of a person's age, and all of it that is ever kept. */
export interface AgeFinding {
  /** In completed years, true at the instant `asOf`. */
  readonly range: AgeRange;
  /** Epoch milliseconds. */
  readonly asOf: number;
  readonly assurance: Assurance;
  /** Which kind of evidence it was, as `nppa` or `mdoc`. */
  readonly kind: string;
}

export interface CombinedAge extends AgeFinding {
  /** True if the findings contradicted each other: a case for review. */
  readonly conflict: boolean;
}

/** When findings are put together, and how sure one must be to count for more than an upper end. */
export interface CombineOptions {
  /** Epoch milliseconds. */
  readonly at: number;
  /** IANA name, in whose calendar years pass. */
  readonly timeZone: string;
  /**
   * What is less sure only lowers an age. Take the policy's, so that a less sure finding does not make the
   * whole less sure than the policy wants. Default, and the least there is: `guardian`.
   */
  readonly minimumAssurance?: Assurance;
}

/** The weakest word that may show someone older than they would be taken for without it. */
const LOOSENS_FROM: Assurance = 'guardian';

/** True if `assurance` is as sure as `minimum` or surer; a word that is not known never is. */
export function isAtLeast(assurance: Assurance, minimum: Assurance): boolean {
  return ASSURANCES.indexOf(assurance) >= ASSURANCES.indexOf(minimum);
}

/**
 * Puts several findings of one person together, as of an instant.
 *
 * - What agrees is intersected.
 * - Where findings contradict each other, the surer one holds; of equally sure ones every age from the lowest
 *   to the highest that any of them allows remains, so that the strictest limits apply. Beside surer ones
 *   they then only lower the age, and so do all less sure ones.
 * - What a device or the player claims, and all below `minimumAssurance`, only ever lowers the age.
 *
 * The assurance and kind are those of the finding that the lower end rests on, since that end is
 * what gives someone more allowance. The order of the findings changes nothing.
 *
 * @throws SpendcapError `age_token_invalid` for a finding that cannot be right
 * @throws TypeError without findings, or for an assurance that is not known
 * @example
 * ```ts
 * import { combineFindings } from '@spendcap/core';
 * const asOf = Date.UTC(2026, 10, 23);
 * const age = combineFindings(
 *   [
 *     { range: { min: 8, maxExclusive: 16 }, asOf, assurance: 'verified', kind: 'mdoc' },
 *     { range: { min: 0, maxExclusive: 13 }, asOf, assurance: 'client_claim', kind: 'apple' },
 *   ],
 *   { at: asOf, timeZone: 'UTC' },
 * );
 * age.range; // => { min: 8, maxExclusive: 13 }
 * age.assurance; // => 'verified'
 * ```
 */
export function combineFindings(
  findings: readonly AgeFinding[],
  options: CombineOptions,
): CombinedAge {
  const aged = findings.map((finding) => ageFinding(finding, options));
  const levels = ASSURANCES.toReversed()
    .map((assurance) => aged.filter((each) => each.assurance === assurance))
    .filter((level) => level.length > 0)
    .map(ofEqualAssurance);
  const [surest, ...weaker] = levels;
  if (surest === undefined) throw new TypeError('findings must not be empty');
  return weaker.reduce(narrowedBy, surest);
}

/** The finding as it stands at an instant; one that may only lower the age loses its lower end. */
function ageFinding(finding: AgeFinding, options: CombineOptions): CombinedAge {
  const { assurance, kind, asOf } = finding;
  // Left out it would not even tighten.
  if (!ASSURANCES.includes(assurance)) throw new TypeError('an assurance that is not known');
  const { at, timeZone, minimumAssurance = LOOSENS_FROM } = options;
  const { min, maxExclusive } = ageRangeAt(
    [{ ...finding.range, kind: 'range', asOf }],
    at,
    timeZone,
  );
  const loosens = isAtLeast(assurance, LOOSENS_FROM) && isAtLeast(assurance, minimumAssurance);
  const range = { min: loosens ? min : 0, maxExclusive };
  return { range, asOf: at, assurance, kind, conflict: false };
}

function ofEqualAssurance(level: readonly CombinedAge[]): CombinedAge {
  const ranges = level.map(({ range }) => range);
  const common = ranges.reduce<AgeRange | null>(
    (sum, range) => sum && intersectAgeRanges(sum, range),
    ANY_AGE,
  );
  const range = common ?? hull(ranges);
  // Of equals the first by name, so that the order in which they came decides nothing.
  const [lowest] = level
    .filter((each) => each.range.min === range.min)
    .toSorted((a, b) => (a.kind < b.kind ? -1 : 1));
  return { ...(lowest as CombinedAge), range, conflict: common === null };
}

function hull(ranges: readonly AgeRange[]): AgeRange {
  const ends = ranges.map(({ maxExclusive }) => maxExclusive);
  return {
    min: Math.min(...ranges.map(({ min }) => min)),
    maxExclusive: ends.includes(null) ? null : Math.max(...(ends as number[])),
  };
}

function narrowedBy(sure: CombinedAge, weaker: CombinedAge): CombinedAge {
  // While some contradict each other, neither they nor any below them may show someone older.
  const said = sure.conflict || weaker.conflict ? { ...weaker.range, min: 0 } : weaker.range;
  const range = intersectAgeRanges(sure.range, said);
  const conflict = sure.conflict || weaker.conflict || range === null;
  if (range === null) return { ...sure, conflict };
  const { assurance, kind } = range.min > sure.range.min ? weaker : sure;
  return { range, asOf: sure.asOf, assurance, kind, conflict };
}
