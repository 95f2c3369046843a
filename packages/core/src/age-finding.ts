import { ageRangeAt, intersectAgeRanges } from './age-range.ts';
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

/** The weakest word that may show someone older than they would be taken for without it. */
const LOOSENS_FROM: Assurance = 'guardian';

/**
 * Puts several findings of one person together, as of an instant. What agrees is intersected. Where
 * findings contradict each other, the surer one holds, and between equally sure ones every age that
 * either allows remains, so that the strictest limits of both apply. What a device or the player
 * claims only ever lowers the age. The assurance and kind are those of the finding that the lower
 * end rests on, since that end is what gives someone more allowance.
 *
 * The result does not depend on the order of the findings.
 *
 * @param at epoch milliseconds
 * @param timeZone IANA name, in whose calendar years pass
 * @throws SpendcapError `age_token_invalid` for a finding that cannot be right
 * @throws TypeError without findings
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
  { at, timeZone }: { readonly at: number; readonly timeZone: string },
): CombinedAge {
  const aged = findings.map((finding) => ageFinding(finding, at, timeZone));
  const levels = ASSURANCES.toReversed()
    .map((assurance) => aged.filter((each) => each.assurance === assurance))
    .filter((level) => level.length > 0)
    .map(ofEqualAssurance);
  const [surest, ...weaker] = levels;
  if (surest === undefined) throw new TypeError('findings must not be empty');
  return weaker.reduce(narrowedBy, surest);
}

/** The finding as it stands at an instant; a mere claim loses its lower end. */
function ageFinding(finding: AgeFinding, at: number, timeZone: string): CombinedAge {
  const statement = { kind: 'range', ...finding.range, asOf: finding.asOf } as const;
  const { min, maxExclusive } = ageRangeAt([statement], at, timeZone);
  const loosens = ASSURANCES.indexOf(finding.assurance) >= ASSURANCES.indexOf(LOOSENS_FROM);
  const range = { min: loosens ? min : 0, maxExclusive };
  return { ...finding, range, asOf: at, conflict: false };
}

function ofEqualAssurance(level: readonly CombinedAge[]): CombinedAge {
  const ranges = level.map(({ range }) => range);
  const common = ranges.reduce<AgeRange | null>(
    (sum, range) => sum && intersectAgeRanges(sum, range),
    { min: 0, maxExclusive: null },
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
  const range = intersectAgeRanges(sure.range, weaker.range);
  const conflict = sure.conflict || weaker.conflict || range === null;
  if (range === null) return { ...sure, conflict };
  const { assurance, kind } = range.min > sure.range.min ? weaker : sure;
  return { range, asOf: sure.asOf, assurance, kind, conflict };
}
