import { boundsOf, civilDateOf, FOREVER, isIsoDate, isTimeZone, startOfDate } from '@spendcap/core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

const DAY = 86_400_000;
const PERIODS = ['day', 'week', 'month', 'year'] as const;
const ZONES = Intl.supportedValuesOf('timeZone');
const instant = fc.integer({ min: Date.UTC(1990, 0, 1), max: Date.UTC(2040, 0, 1) });

describe('boundsOf', () => {
  test('windows tile time in every zone', () => {
    const period = fc.constantFrom(...PERIODS);
    for (const zone of ZONES) {
      fc.assert(
        fc.property(instant, period, (at, each) => {
          const window = boundsOf(each, at, zone);
          expect(window.start).toBeLessThanOrEqual(at);
          expect(at).toBeLessThan(window.end);
          expect(boundsOf(each, window.start, zone)).toEqual(window);
          expect(boundsOf(each, window.end - 1, zone)).toEqual(window);
          expect(boundsOf(each, window.end, zone).start).toBe(window.end);
          expect(boundsOf(each, window.start - 1, zone).end).toBe(window.start);
        }),
        { numRuns: 6 },
      );
    }
  });

  test('longer windows begin and end with shorter ones', () => {
    fc.assert(
      fc.property(instant, fc.constantFrom(...ZONES), (at, zone) => {
        for (const each of ['week', 'month', 'year'] as const) {
          const { start, end } = boundsOf(each, at, zone);
          expect(boundsOf('day', start, zone).start).toBe(start);
          expect(boundsOf('day', end - 1, zone).end).toBe(end);
        }
        const year = boundsOf('year', at, zone);
        expect(boundsOf('month', year.start, zone).start).toBe(year.start);
        expect(boundsOf('month', year.end, zone).start).toBe(year.end);
      }),
      { numRuns: 300 },
    );
  });

  test('minute by minute over the clock changes, a day never goes back', () => {
    for (const [zone, from] of [
      ['America/St_Johns', '2010-11-06T12:00:00Z'],
      ['Africa/Cairo', '2024-10-31T12:00:00Z'],
      ['Africa/Cairo', '2024-04-25T12:00:00Z'],
      ['Pacific/Apia', '2011-12-29T12:00:00Z'],
      ['Australia/Lord_Howe', '2026-04-04T06:00:00Z'],
    ] as const) {
      let window = boundsOf('day', Date.parse(from), zone);
      for (let at = Date.parse(from); at < Date.parse(from) + 2 * DAY; at += 60_000) {
        const next = boundsOf('day', at, zone);
        expect(next.start === window.start || next.start === window.end).toBe(true);
        window = next;
      }
    }
  });

  test('one zone does not answer for another, nor one period for another', () => {
    const at = Date.UTC(2026, 10, 23, 18);
    for (let round = 0; round < 2; round++) {
      expect(boundsOf('day', at, 'Asia/Shanghai').start).toBe(Date.UTC(2026, 10, 23, 16));
      expect(boundsOf('day', at, 'UTC').start).toBe(Date.UTC(2026, 10, 23));
      expect(boundsOf('month', at, 'UTC').start).toBe(Date.UTC(2026, 10, 1));
    }
  });

  test('many windows in any order are all right', () => {
    const days = Array.from({ length: 40 }, (_, i) => Date.UTC(2026, 0, 1 + ((i * 7) % 40)));
    for (const at of [...days, ...days.toReversed()]) {
      expect(boundsOf('day', at + 1, 'UTC')).toEqual({ start: at, end: at + DAY });
      const date = new Date(at);
      const expected = { year: 2026, month: date.getUTCMonth() + 1, day: date.getUTCDate() };
      expect(civilDateOf(at + 1, 'UTC')).toEqual(expected);
    }
  });

  test('a lifetime never ends, and its end is a number that every store keeps', () => {
    expect(boundsOf('lifetime', Date.UTC(2026, 0, 1), 'UTC')).toEqual({ start: 0, end: FOREVER });
    expect(Number.isSafeInteger(FOREVER)).toBe(true);
  });

  test.each(['Mars/Olympus', '', 'UTC+8'])('the zone %j is no zone', (zone) => {
    expect(() => boundsOf('day', 0, zone)).toThrow(RangeError);
    expect(() => boundsOf('day', 0, zone)).toThrow(RangeError);
  });

  test.each([Number.NaN, Infinity, -Infinity])('%d is no instant', (at) => {
    expect(() => boundsOf('day', at, 'UTC')).toThrow(RangeError);
  });
});

describe('civilDateOf', () => {
  test('agrees with the platform wherever the clock does not go back over midnight', () => {
    fc.assert(
      fc.property(instant, fc.constantFrom(...ZONES), (at, zone) => {
        // Three hours after midnight no clock change can have brought yesterday back.
        fc.pre(at - boundsOf('day', at, zone).start > 3 * 3_600_000);
        const parts = new Intl.DateTimeFormat('en-CA', {
          timeZone: zone,
          calendar: 'gregory',
          numberingSystem: 'latn',
          year: 'numeric',
          month: 'numeric',
          day: 'numeric',
        }).formatToParts(at);
        const read = (type: string) => Number(parts.find((part) => part.type === type)?.value);
        const expected = { year: read('year'), month: read('month'), day: read('day') };
        expect(civilDateOf(at, zone)).toEqual(expected);
      }),
      { numRuns: 500 },
    );
  });
});

describe('startOfDate', () => {
  test.each([
    ['2026-11-23', 'Asia/Shanghai', '2026-11-22T16:00:00.000Z'],
    ['2026-11-23', 'UTC', '2026-11-23T00:00:00.000Z'],
    ['2017-10-15', 'America/Sao_Paulo', '2017-10-15T03:00:00.000Z'],
    ['2010-11-07', 'America/St_Johns', '2010-11-07T02:30:00.000Z'],
    ['2011-12-30', 'Pacific/Apia', '2011-12-30T10:00:00.000Z'],
    ['2011-12-31', 'Pacific/Apia', '2011-12-30T10:00:00.000Z'],
  ])('%s in %s begins at %s', (date, zone, expected) => {
    expect(new Date(startOfDate(date, zone)).toISOString()).toBe(expected);
  });
});

describe('isIsoDate', () => {
  test.each(['2026-11-23', '2024-02-29', '2000-02-29', '1900-02-28', '2026-12-31'])(
    '%s is a date',
    (text) => expect(isIsoDate(text)).toBe(true),
  );

  test.each([
    '',
    '2026',
    '2026-11',
    '2026-02-29',
    '2100-02-29',
    '1900-02-29',
    '2026-04-31',
    '2026-13-01',
    '2026-00-10',
    '2026-11-00',
    '2026-1-1',
    '20261123',
    '2026-11-23T00:00:00Z',
    ' 2026-11-23',
    '2026-11-23\n',
    '-002026-11-23',
    '２０２６-11-23',
  ])('%j is not', (text) => expect(isIsoDate(text)).toBe(false));
});

describe('isTimeZone', () => {
  test.each([...ZONES, 'UTC', 'Etc/GMT+5', 'Asia/Calcutta'])(
    '%s is a zone that has windows',
    (zone) => {
      expect(isTimeZone(zone)).toBe(true);
      expect(boundsOf('day', 0, zone).end).toBeGreaterThan(0);
    },
  );

  test.each([
    '',
    ' ',
    'Mars/Olympus',
    '+08:00',
    '-0330',
    'UTC+8',
    'Asia',
    '__proto__',
    'undefined',
  ])('%j is not', (name) => expect(isTimeZone(name)).toBe(false));
});
