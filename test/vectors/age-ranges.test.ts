import { type AgeRange, type AgeStatement, ageRangeAt } from '@spendcap/core';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
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

describe.each(['UTC', 'America/Los_Angeles'])('on a machine in %s', (zone) => {
  beforeAll(() => void vi.stubEnv('TZ', zone));
  afterAll(() => void vi.unstubAllEnvs());

  test.each(cases)('$name: $at in $timeZone', ({ statements, at, timeZone, range, error }) => {
    const read = statements.map(({ asOf, ...rest }) =>
      asOf === undefined ? rest : { ...rest, asOf: Date.parse(asOf) },
    ) as unknown as AgeStatement[];
    const expected =
      error === undefined ? { value: range } : { code: 'age_token_invalid', why: error };
    expect(outcomeOf(() => ageRangeAt(read, Date.parse(at), timeZone))).toEqual(expected);
  });
});
