import { Temporal } from 'temporal-polyfill';
import type { Period } from './wire.ts';

/** A calendar date, without time or zone. */
export interface CivilDate {
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
  readonly day: number;
}

/** The `[start, end)` of a period in epoch milliseconds. */
export interface PeriodBounds {
  readonly start: number;
  readonly end: number;
}

/** The end of a `lifetime` window: a safe integer, so that every store can represent it. */
export const FOREVER = Number.MAX_SAFE_INTEGER;

const LIFETIME: PeriodBounds = { start: 0, end: FOREVER };

/** A period with windows. */
export type CalendarPeriod = Exclude<Period, 'transaction'>;
type EndingPeriod = Exclude<CalendarPeriod, 'lifetime'>;

/**
 * Cache of the latest windows of each zone and period. Several of each, because looking up last
 * week's evidence must not evict the current window.
 */
const windowCache = new Map<string, Record<EndingPeriod, PeriodBounds[]>>();
const MAX_ZONES = 512;
const MAX_WINDOWS = 8;

/** The dates of cached days. */
const dates = new WeakMap<PeriodBounds, CivilDate>();

/** True for the IANA name of a time zone known to this runtime; false for offsets (`+08:00`). */
export function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/**
 * The window of a period that contains an instant: midnight to midnight in the zone, weeks starting
 * on Monday (ISO 8601). A day with a clock change may have 23 or 25 hours. If the change skips
 * midnight, the day begins at its first existing instant.
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
  const windows = cachedIn(timeZone)[period];
  for (const window of windows) {
    if (window.start <= at && at < window.end) return window;
  }
  const bounds = computeBounds(period, at, timeZone);
  windows.unshift(bounds);
  if (windows.length > MAX_WINDOWS) windows.pop();
  return bounds;
}

function cachedIn(timeZone: string): Record<EndingPeriod, PeriodBounds[]> {
  const known = windowCache.get(timeZone);
  if (known !== undefined) return known;
  if (windowCache.size >= MAX_ZONES) windowCache.clear();
  const empty = { day: [], week: [], month: [], year: [] };
  windowCache.set(timeZone, empty);
  return empty;
}

function computeBounds(period: EndingPeriod, at: number, timeZone: string): PeriodBounds {
  const step = { [`${period}s`]: 1 };
  const first = firstDay(period, plainDateOf(at, timeZone));
  const next = first.add(step);
  const bounds = { start: startOf(first, timeZone), end: startOf(next, timeZone) };
  if (at < bounds.end) return bounds;
  // The clock went back over midnight into yesterday: the new window has begun and stays begun.
  return { start: bounds.end, end: startOf(next.add(step), timeZone) };
}

function firstDay(period: EndingPeriod, date: Temporal.PlainDate): Temporal.PlainDate {
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

/**
 * The calendar date whose day window contains an instant, in a zone. A day that has begun is not
 * left again if the clock goes back over midnight.
 *
 * @param at epoch milliseconds
 * @param timeZone IANA name
 */
export function civilDateOf(at: number, timeZone: string): CivilDate {
  const window = boundsOf('day', at, timeZone);
  const known = dates.get(window);
  if (known !== undefined) return known;
  const { year, month, day } = plainDateOf(window.start, timeZone);
  const date = { year, month, day };
  dates.set(window, date);
  return date;
}

/** Start of an ISO date (`2026-11-23`) in a zone, in epoch milliseconds. */
export function startOfDate(date: string, timeZone: string): number {
  return startOf(Temporal.PlainDate.from(date), timeZone);
}

/** True for an existing calendar date in ISO form (`2026-11-23`). */
export function isIsoDate(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return false;
  try {
    Temporal.PlainDate.from(text);
    return true;
  } catch {
    return false;
  }
}
