import type {
  CappedWindow,
  RecordCommand,
  ReserveCommand,
  Selector,
  Store,
  Window,
} from '@spendcap/core';

/** One guarantee of the store contract. `run` gets an empty store and rejects on a violation. */
export interface StoreCase {
  readonly name: string;
  readonly run: (store: Store) => Promise<void>;
}

export const HOUR = 3_600_000;
export const DAY = 24 * HOUR;
/** Midnight of 30 November 2026 in UTC: the last day of a month. */
export const T0 = Date.UTC(2026, 10, 30);
export const NOON = T0 + 12 * HOUR;

export const ALL: Selector = { currency: 'CNY', app: null, categories: null };

/** The day that begins at `T0`, and the next one. */
export const TODAY: Window = { selector: ALL, start: T0, end: T0 + DAY };
export const TOMORROW: Window = { selector: ALL, start: T0 + DAY, end: T0 + 2 * DAY };
/** November and December 2026. */
export const MONTH: Window = { selector: ALL, start: Date.UTC(2026, 10, 1), end: T0 + DAY };
export const NEXT_MONTH: Window = { selector: ALL, start: T0 + DAY, end: Date.UTC(2027, 0, 1) };

export function capped(window: Window, cap: number): CappedWindow {
  return { ...window, cap };
}

/** A purchase of 10.00 at noon without caps, held for half an hour. */
export function purchase(id: string, change: Partial<ReserveCommand> = {}): ReserveCommand {
  const at = change.at ?? NOON;
  return {
    id,
    request: `request of ${id}`,
    subject: 'subject-a',
    amount: 1_000,
    currency: 'CNY',
    app: null,
    category: null,
    processor: null,
    processorRef: null,
    at,
    expiresAt: at + HOUR / 2,
    onExpiry: 'release',
    basis: '{"policy":"test@1"}',
    windows: [],
    ...change,
  };
}

/** 10.00 that were charged at noon without a hold, and are recorded then. */
export function charge(id: string, change: Partial<RecordCommand> = {}): RecordCommand {
  const { at, expiresAt: _end, onExpiry: _then, ...rest } = purchase(id);
  return { ...rest, chargedAt: at, at, ...change };
}

export async function used(store: Store, window: Window, at = NOON): Promise<number> {
  const { used } = await store.usage({ subject: 'subject-a', windows: [window], at });
  return used[0] ?? Number.NaN;
}
