import { Temporal } from 'temporal-polyfill';
import { type Period, PERIODS } from './wire.ts';

/** A calendar date, without time or zone. */
export interface CivilDate {
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
  readonly day: number;
}

/** A period's concrete `[start, end)` in epoch milliseconds. */
export interface PeriodBounds {
  readonly start: number;
  readonly end: number;
}

/** The end of a window that never ends. A safe integer, so that every store can keep it. */
export const FOREVER = Number.MAX_SAFE_INTEGER;

const LIFETIME: PeriodBounds = { start: 0, end: FOREVER };

type CalendarPeriod = Exclude<Period, 'transaction'>;

/** The last window of each zone and period, good until its end: a decision needs no calendar then. */
const remembered = new Map<string, PeriodBounds>();
const rememberedDates = new Map<string, CivilDate>();
const MAX_REMEMBERED = 512;

/** True for an IANA time zone that this runtime knows. */
export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/**
 * The window of a period that contains an instant: midnight to midnight in the zone, weeks from
 * Monday (ISO 8601), so that a day of a clock change has 23 or 25 hours. Where a clock change skips midnight
 * the day begins at the first instant there is.
 *
 * @param at epoch milliseconds
 * @param timeZone IANA name
 * @example
 * ```ts
 * import { boundsOf } from '@spendcap/core';
 * const day = boundsOf('day', Date.UTC(2026, 10, 23, 20), 'Asia/Shanghai');
 * new Date(day.start).toISOString(); // => '2026-11-23T16:00:00.000Z'
 * ```
 */
export function boundsOf(period: CalendarPeriod, at: number, timeZone: string): PeriodBounds {
  if (period === 'lifetime') return LIFETIME;
  const key = `${period} ${timeZone}`;
  const last = remembered.get(key);
  if (last !== undefined && last.start <= at && at < last.end) return last;
  const bounds = computeBounds(period, at, timeZone);
  if (remembered.size >= MAX_REMEMBERED) remembered.clear();
  remembered.set(key, bounds);
  return bounds;
}

function computeBounds(
  period: Exclude<CalendarPeriod, 'lifetime'>,
  at: number,
  timeZone: string,
): PeriodBounds {
  const step = { [`${period}s`]: 1 };
  const first = firstDay(period, plainDateOf(at, timeZone));
  const next = first.add(step);
  const bounds = { start: startOf(first, timeZone), end: startOf(next, timeZone) };
  if (at < bounds.end) return bounds;
  // Just after midnight the clock went back into yesterday: the new window has begun all the same.
  return { start: bounds.end, end: startOf(next.add(step), timeZone) };
}

function firstDay(
  period: Exclude<CalendarPeriod, 'lifetime'>,
  date: Temporal.PlainDate,
): Temporal.PlainDate {
  switch (period) {
    case 'day':
      return date;
    case 'week':
      return date.subtract({ days: date.dayOfWeek - 1 });
    case 'month':
      return date.with({ day: 1 });
    case 'year':
      return date.with({ month: 1, day: 1 });
  }
}

function startOf(date: Temporal.PlainDate, timeZone: string): number {
  return date.toZonedDateTime(timeZone).epochMilliseconds;
}

function plainDateOf(at: number, timeZone: string): Temporal.PlainDate {
  return Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(timeZone).toPlainDate();
}

/** The calendar date of an instant in a zone. */
export function civilDateOf(at: number, timeZone: string): CivilDate {
  const { start } = boundsOf('day', at, timeZone);
  const key = `${start} ${timeZone}`;
  const known = rememberedDates.get(key);
  if (known !== undefined) return known;
  const { year, month, day } = plainDateOf(start, timeZone);
  const date = { year, month, day };
  if (rememberedDates.size >= MAX_REMEMBERED) rememberedDates.clear();
  rememberedDates.set(key, date);
  return date;
}

/** Start of a calendar date in a zone, epoch milliseconds. `date` is ISO, `2026-11-23`. */
export function startOfDate(date: string, timeZone: string): number {
  return startOf(Temporal.PlainDate.from(date), timeZone);
}

/** True for a real calendar date in the form `2026-11-23`. */
export function isIsoDate(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return false;
  try {
    Temporal.PlainDate.from(text);
    return true;
  } catch {
    return false;
  }
}

/** True for one of the periods. */
export function isPeriod(text: string): text is Period {
  return (PERIODS as readonly string[]).includes(text);
}
