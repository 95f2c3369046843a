import { ANY_AGE, ageRangeAt, intersectAgeRanges } from './age-range.ts';
import { assertOptions, type OptionNames } from './option-names.ts';
import { type AgeRange, ASSURANCES, type Assurance } from './wire.ts';

/** A person's age as established by one source. Nothing else of the evidence is ever stored. */
export interface AgeFinding {
  /** In completed years, valid at the instant `asOf`. */
  readonly range: AgeRange;
  /** Epoch milliseconds. */
  readonly asOf: number;
  readonly assurance: Assurance;
  /** The kind of evidence, for example `nppa` or `mdoc`. */
  readonly kind: string;
}

/** The result of `combineFindings`. */
export interface CombinedAge extends AgeFinding {
  /** True if the findings contradicted each other: a case for review. */
  readonly conflict: boolean;
}

/** Options of `combineFindings`. */
export interface CombineOptions {
  /** Epoch milliseconds. */
  readonly at: number;
  /** IANA name of the zone whose calendar counts the years. */
  readonly timeZone: string;
  /**
   * Findings of lower assurance can only lower an age. Pass the policy's value, so that a weaker
   * finding does not make the result weaker than the policy requires. Default and minimum:
   * `guardian`.
   */
  readonly minimumAssurance?: Assurance;
}

const COMBINE_OPTIONS: OptionNames<CombineOptions> = {
  at: true,
  timeZone: true,
  minimumAssurance: true,
};

/** The lowest assurance that may raise the lower end of an age range. */
const LOOSENS_FROM: Assurance = 'guardian';

/** True if `assurance` is `minimum` or higher; false for an unknown value. */
export function isAtLeast(assurance: Assurance, minimum: Assurance): boolean {
  return ASSURANCES.indexOf(assurance) >= ASSURANCES.indexOf(minimum);
}

/**
 * Combines several findings about one person, as of an instant.
 *
 * - Consistent findings are intersected.
 * - Of contradictory findings the one with the higher assurance wins. If they have the same
 *   assurance, the result spans the lowest to the highest age that any of them allows, so that the
 *   strictest limits apply; together with higher assurances they can then only lower the age, and
 *   so can all findings of lower assurance.
 * - Claims of a device or the player, and all findings below `minimumAssurance`, can only lower the
 *   age.
 *
 * Assurance and kind are those of the finding that determines the lower end, because that end
 * grants more allowance. The order of the findings is irrelevant.
 *
 * @throws SpendcapError `age_token_invalid` for an impossible finding
 * @throws TypeError without findings, or for an unknown assurance or option
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
  assertOptions('combineFindings', options, COMBINE_OPTIONS);
  const { minimumAssurance = LOOSENS_FROM } = options;
  if (!ASSURANCES.includes(minimumAssurance)) throw new TypeError('unknown minimumAssurance');
  const aged = findings.map((finding) => ageFinding(finding, options));
  const levels = ASSURANCES.toReversed()
    .map((assurance) => aged.filter((each) => each.assurance === assurance))
    .filter((level) => level.length > 0)
    .map(ofEqualAssurance);
  const [surest, ...weaker] = levels;
  if (surest === undefined) throw new TypeError('findings must not be empty');
  return weaker.reduce(narrowedBy, surest);
}

/** The finding at an instant; one that may only lower the age loses its lower end. */
function ageFinding(finding: AgeFinding, options: CombineOptions): CombinedAge {
  const { assurance, kind, asOf } = finding;
  // Skipping it would drop its upper end as well.
  if (!ASSURANCES.includes(assurance)) throw new TypeError('unknown assurance');
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
  // Ties are broken by name, so that the order of the findings is irrelevant.
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
  // After a contradiction, neither side nor any weaker finding may raise the age.
  const claimed = sure.conflict || weaker.conflict ? { ...weaker.range, min: 0 } : weaker.range;
  const range = intersectAgeRanges(sure.range, claimed);
  const conflict = sure.conflict || weaker.conflict || range === null;
  if (range === null) return { ...sure, conflict };
  const { assurance, kind } = range.min > sure.range.min ? weaker : sure;
  return { range, asOf: sure.asOf, assurance, kind, conflict };
}
