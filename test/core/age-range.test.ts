import { type AgeStatement, ANY_AGE, ageRangeAt, intersectAgeRanges } from '@spendcap/core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

const DAY = 86_400_000;
const NOW = Date.UTC(2026, 10, 23, 12);
const LEAP_DAYS = [1988, 2000, 2008, 2012, 2016, 2020].map((year) => Date.UTC(year, 1, 29));
/** Midnights UTC; leap days and their neighbours more often than chance would bring them. */
const midnight = fc.oneof(
  fc.integer({ min: 7_000, max: 18_000 }).map((days) => days * DAY),
  fc.constantFrom(...LEAP_DAYS.flatMap((at) => [at - DAY, at, at + DAY])),
);
const years = fc.integer({ min: 0, max: 25 });

/** Age in completed years, counted birthday by birthday. */
function ageOn(born: number, at: number): number {
  const birth = new Date(born);
  let age = -1;
  // Date.UTC makes 1 March of 29 February in a common year.
  const birthday = (n: number) =>
    Date.UTC(birth.getUTCFullYear() + n, birth.getUTCMonth(), birth.getUTCDate());
  while (birthday(age + 1) <= at) age++;
  return age;
}

function isoDate(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}

describe('ageRangeAt', () => {
  test('a birth date gives the one age it means', () => {
    fc.assert(
      fc.property(midnight, fc.nat({ max: 12_000 }), (born, days) => {
        const at = born + days * DAY;
        const statement = { kind: 'born', from: isoDate(born), to: isoDate(born) } as const;
        const age = ageOn(born, at);
        expect(ageRangeAt([statement], at, 'UTC')).toEqual({ min: age, maxExclusive: age + 1 });
      }),
      { numRuns: 1_000 },
    );
  });

  test('the true age is always in the range, however the evidence has aged', () => {
    const elapsed = fc.oneof(fc.nat({ max: 800 }), fc.nat({ max: 8_000 }));
    fc.assert(
      fc.property(midnight, fc.nat({ max: 9_500 }), elapsed, (born, days, later) => {
        const asOf = born + days * DAY;
        const age = ageOn(born, asOf);
        const at = asOf + later * DAY;
        const statements: AgeStatement[] = [
          { kind: 'range', min: age, maxExclusive: age + 1, asOf },
          { kind: 'range', min: age, maxExclusive: null, asOf },
          { kind: 'born', from: isoDate(born - 40 * DAY), to: isoDate(born + 300 * DAY) },
        ];
        const range = ageRangeAt(statements, at, 'UTC');
        expect(range.min).toBeLessThanOrEqual(ageOn(born, at));
        expect(range.maxExclusive).toBeGreaterThan(ageOn(born, at));
      }),
      { numRuns: 2_000 },
    );
  });

  test('a range grows no wider than two years for one', () => {
    fc.assert(
      fc.property(midnight, years, fc.nat({ max: 8_000 }), (asOf, min, days) => {
        const statement = { kind: 'range', min, maxExclusive: min + 1, asOf } as const;
        const range = ageRangeAt([statement], asOf + days * DAY, 'UTC');
        expect((range.maxExclusive ?? Infinity) - range.min).toBeLessThanOrEqual(2);
      }),
    );
  });

  test('no order of statements matters', () => {
    const statements: AgeStatement[] = [
      { kind: 'range', min: 8, maxExclusive: null, asOf: NOW },
      { kind: 'range', min: 0, maxExclusive: 16, asOf: NOW },
      { kind: 'born', from: '2012-01-01', to: '2012-12-31' },
    ];
    const expected = { min: 13, maxExclusive: 15 };
    expect(ageRangeAt(statements, NOW, 'UTC')).toEqual(expected);
    expect(ageRangeAt(statements.toReversed(), NOW, 'UTC')).toEqual(expected);
  });

  test.each([
    { kind: 'range', min: Number.NaN, maxExclusive: null, asOf: NOW },
    { kind: 'range', min: 8, maxExclusive: Number.NaN, asOf: NOW },
    { kind: 'range', min: 8, maxExclusive: Infinity, asOf: NOW },
    { kind: 'range', min: 8, maxExclusive: 16, asOf: Number.NaN },
    { kind: 'range', min: 8, maxExclusive: 16 },
  ])('refuses what would be no number: %j', (statement) => {
    expect(() => ageRangeAt([statement as AgeStatement], NOW, 'UTC')).toThrow(
      expect.objectContaining({ code: 'age_token_invalid', why: 'age_claim_invalid' }),
    );
  });

  test('an end left out is no end', () => {
    const statement = { kind: 'range', min: 18, asOf: NOW } as unknown as AgeStatement;
    expect(ageRangeAt([statement], NOW, 'UTC')).toEqual({ min: 18, maxExclusive: null });
  });

  test('an error does not repeat the birth date', () => {
    const statement = { kind: 'born', from: '2014-05-99', to: '2014-05-99' } as const;
    expect(() => ageRangeAt([statement], NOW, 'UTC')).not.toThrow(/2014/);
  });
});

describe('intersectAgeRanges', () => {
  const range = fc
    .record({ min: years, width: fc.option(fc.integer({ min: 1, max: 30 })) })
    .map(({ min, width }) => ({ min, maxExclusive: width === null ? null : min + width }));

  test('holds the ages that both hold, and no other', () => {
    fc.assert(
      fc.property(range, range, (a, b) => {
        const both = intersectAgeRanges(a, b);
        for (let age = 0; age < 70; age++) {
          const inBoth = holds(a, age) && holds(b, age);
          expect(both !== null && holds(both, age)).toBe(inBoth);
        }
      }),
    );
  });

  test('with any age it is the other one', () => {
    fc.assert(
      fc.property(range, (each) => {
        expect(intersectAgeRanges(each, ANY_AGE)).toEqual(each);
      }),
    );
  });

  test('ranges that only touch contradict each other', () => {
    const child = { min: 0, maxExclusive: 18 };
    expect(intersectAgeRanges(child, { min: 18, maxExclusive: null })).toBeNull();
  });

  function holds(each: { min: number; maxExclusive: number | null }, age: number): boolean {
    return each.min <= age && age < (each.maxExclusive ?? Infinity);
  }
});
