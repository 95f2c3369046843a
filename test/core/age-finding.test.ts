import {
  type AgeFinding,
  type AgeRange,
  ASSURANCES,
  type Assurance,
  combineFindings,
} from '@spendcap/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const asOf = Date.UTC(2026, 10, 24);

function finding(min: number, maxExclusive: number | null, assurance: Assurance): AgeFinding {
  return { range: { min, maxExclusive }, asOf, assurance, kind: assurance };
}

const combine = (...findings: AgeFinding[]) =>
  combineFindings(findings, { at: asOf, timeZone: 'UTC' });

describe('combineFindings', () => {
  it('intersects what agrees', () => {
    const age = combine(finding(8, null, 'verified'), finding(0, 16, 'verified'));
    expect(age.range).toEqual({ min: 8, maxExclusive: 16 });
    expect(age.conflict).toBe(false);
  });

  it('lets the surer finding hold, and says that there is a conflict', () => {
    const age = combine(finding(18, null, 'verified'), finding(0, 13, 'guardian'));
    expect(age).toMatchObject({ range: { min: 18, maxExclusive: null }, conflict: true });
    expect(age.assurance).toBe('verified');
  });

  it('keeps every age of two equally sure findings that contradict each other', () => {
    const age = combine(finding(18, 20, 'assessed'), finding(10, 13, 'assessed'));
    expect(age).toMatchObject({ range: { min: 10, maxExclusive: 20 }, conflict: true });
  });

  it.each(['client_claim', 'self_declared'] as const)('never makes anyone older by %s', (word) => {
    expect(combine(finding(18, null, word)).range).toEqual({ min: 0, maxExclusive: null });
    expect(combine(finding(0, 18, 'verified'), finding(17, 18, word)).range.min).toBe(0);
  });

  it('is as sure as the finding that its lower end rests on', () => {
    const age = combine(finding(0, 18, 'verified'), finding(14, 15, 'guardian'));
    expect(age).toMatchObject({ range: { min: 14, maxExclusive: 15 }, assurance: 'guardian' });
  });
});

describe('combineFindings, always', () => {
  const DAY = 86_400_000;
  const END = 40;
  const findingArbitrary = fc
    .record({
      min: fc.nat({ max: 25 }),
      width: fc.option(fc.integer({ min: 1, max: 12 })),
      assurance: fc.constantFrom(...ASSURANCES),
      kind: fc.constantFrom('mdoc', 'nppa', 'statement'),
      daysAgo: fc.oneof(fc.constant(0), fc.nat({ max: 2_000 })),
    })
    .map(
      ({ min, width, assurance, kind, daysAgo }): AgeFinding => ({
        range: { min, maxExclusive: width === null ? null : min + width },
        asOf: asOf - daysAgo * DAY,
        assurance,
        kind,
      }),
    );
  const findings = fc.array(findingArbitrary, { minLength: 1, maxLength: 6 });
  const rank = ({ assurance }: { readonly assurance: Assurance }) => ASSURANCES.indexOf(assurance);
  const end = ({ maxExclusive }: AgeRange) => maxExclusive ?? Number.POSITIVE_INFINITY;
  const holds = (range: AgeRange, age: number) => range.min <= age && age < end(range);

  it('does not depend on the order', () => {
    const shuffled = findings.chain((given) =>
      fc.tuple(
        fc.constant(given),
        fc.shuffledSubarray(given, { minLength: given.length, maxLength: given.length }),
      ),
    );
    fc.assert(
      fc.property(shuffled, ([given, other]) => {
        expect(combine(...other)).toEqual(combine(...given));
      }),
      { numRuns: 2_000 },
    );
  });

  it('allows no age that the surest findings exclude', () => {
    fc.assert(
      fc.property(findings, (given) => {
        const surest = Math.max(...given.map(rank));
        const alone = combine(...given.filter((each) => rank(each) === surest)).range;
        const { range } = combine(...given);
        for (let age = 0; age < END; age += 1) {
          if (holds(range, age)) expect(holds(alone, age)).toBe(true);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  // Only the lower end can loosen, since the strictest band that a range touches counts.
  it('is never looser to a policy than the findings that are sure enough for it', () => {
    fc.assert(
      fc.property(findings, fc.constantFrom(...ASSURANCES), (given, minimumAssurance) => {
        const least = ASSURANCES.indexOf(minimumAssurance);
        const enough = given.filter((each) => rank(each) >= least);
        const trusted = enough.length === 0 ? 0 : combine(...enough).range.min;
        for (const age of [
          combine(...given),
          combineFindings(given, { at: asOf, timeZone: 'UTC', minimumAssurance }),
        ]) {
          const min = rank(age) >= least ? age.range.min : 0;
          expect(min).toBeLessThanOrEqual(trusted);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('is no looser when a finding becomes tighter, nor when a claim is added', () => {
    fc.assert(
      fc.property(findings, fc.nat(), fc.nat(), (given, which, less) => {
        const index = which % given.length;
        const finding = given[index] as AgeFinding;
        const { min } = finding.range;
        const width = Math.min(end(finding.range), END) - min;
        const range = { min, maxExclusive: min + 1 + (less % width) };
        const before = combine(...given).range.min;
        const tightened = given.with(index, { ...finding, range });
        expect(combine(...tightened).range.min).toBeLessThanOrEqual(before);
        const claims = ['client_claim', 'self_declared'] as const;
        for (const assurance of claims) {
          expect(combine(...given, { ...finding, assurance }).range.min).toBeLessThanOrEqual(
            before,
          );
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('keeps nothing but what a finding has', () => {
    const person = { ...finding(8, 16, 'verified'), person: 'pseudonym', expiresAt: asOf };
    expect(Object.keys(combine(person)).sort()).toEqual(
      ['asOf', 'assurance', 'conflict', 'kind', 'range'].sort(),
    );
  });

  it('refuses no findings, and a word of assurance that it does not know', () => {
    expect(() => combine()).toThrow(TypeError);
    const odd = finding(0, 13, 'certain' as Assurance);
    expect(() => combine(finding(18, null, 'verified'), odd)).toThrow(TypeError);
    for (const wrong of [{ minimumAssurance: 'verifed' }, { minimumAssurence: 'verified' }]) {
      const options = { at: asOf, timeZone: 'UTC', ...wrong } as never;
      expect(() => combineFindings([finding(18, null, 'guardian')], options)).toThrow(TypeError);
    }
  });
});
