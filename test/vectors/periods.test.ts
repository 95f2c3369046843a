import { boundsOf, civilDateOf } from '@spendcap/core';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { loadVectors } from './load.ts';

interface PeriodCase {
  readonly name: string;
  readonly period: 'day' | 'week' | 'month' | 'year';
  readonly timeZone: string;
  readonly at: string;
  readonly start: string;
  readonly end: string;
  /** Length of the window. */
  readonly hours: number;
  /** The calendar date at that instant. */
  readonly date: string;
}

const { cases } = loadVectors<{ cases: readonly PeriodCase[] }>('periods.json');

describe.each(['UTC', 'America/Los_Angeles'])('on a machine in %s', (zone) => {
  beforeAll(() => void vi.stubEnv('TZ', zone));
  afterAll(() => void vi.unstubAllEnvs());

  test.each(cases)('$name: $period at $at in $timeZone', (vector) => {
    const at = Date.parse(vector.at);
    forgetWindows(vector);
    const { start, end } = boundsOf(vector.period, at, vector.timeZone);
    expect({ start: iso(start), end: iso(end) }).toEqual({ start: vector.start, end: vector.end });
    expect((end - start) / 3_600_000).toBe(vector.hours);

    const { year, month, day } = civilDateOf(at, vector.timeZone);
    expect(iso(Date.UTC(year, month - 1, day)).slice(0, 10)).toBe(vector.date);
  });
});

/** A case must be computed, and not remembered from the case before it. */
function forgetWindows({ period, timeZone }: PeriodCase): void {
  for (let year = 1971; year < 1985; year++) {
    boundsOf(period, Date.UTC(year, 5, 15), timeZone);
    boundsOf('day', Date.UTC(year, 5, 15), timeZone);
  }
}

function iso(at: number): string {
  return new Date(at).toISOString();
}
