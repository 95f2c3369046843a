import { type AgeRange, type AgeStatement, ageRangeAt } from '@spendcap/core';
import { expect, test } from 'vitest';
import { loadVectors, outcomeOf } from './load.ts';

interface AgeRangeCase {
  readonly name: string;
  /** As `AgeStatement`, with `asOf` as ISO 8601. */
  readonly statements: readonly { readonly kind: string; readonly asOf?: string }[];
  readonly at: string;
  readonly timeZone: string;
  readonly range?: AgeRange;
  /** The `why` of `age_token_invalid`. */
  readonly error?: string;
}

const { cases } = loadVectors<{ cases: readonly AgeRangeCase[] }>('age-ranges.json');

test.each(cases)('$name: $at in $timeZone', ({ statements, at, timeZone, range, error }) => {
  const read = statements.map(({ asOf, ...rest }) =>
    asOf === undefined ? rest : { ...rest, asOf: Date.parse(asOf) },
  ) as unknown as AgeStatement[];
  const expected =
    error === undefined ? { value: range } : { code: 'age_token_invalid', why: error };
  expect(outcomeOf(() => ageRangeAt(read, Date.parse(at), timeZone))).toEqual(expected);
});
