import type { CappedWindow, Selector, StoredPurchase, Window } from '@spendcap/core';

/**
 * What a store caches for a subject, so that a verb costs the same however long the history is. It
 * can be rebuilt from the purchases. It is changed in place, since copying it would be most of the
 * cost of a purchase.
 */
export interface Account {
  /** Usage of every window that was requested and has not ended. */
  counters: Counter[];
  /**
   * When the first open hold with `onExpiry: 'release'` expires, or earlier; `FOREVER` without one.
   */
  nextExpiry: number;
}

export interface Counter extends Window {
  used: number;
}

/** The fields of a purchase that decide which windows count it. */
export type Counted = Pick<StoredPurchase, 'reservedAt' | 'currency' | 'app' | 'category'>;

/** True if a window counts a purchase: by its selector and by the instant of the reservation. */
export function selects(window: Window, purchase: Counted): boolean {
  return (
    window.start <= purchase.reservedAt &&
    purchase.reservedAt < window.end &&
    matches(window.selector, purchase)
  );
}

function matches({ currency, app, categories }: Selector, purchase: Counted): boolean {
  return (
    currency === purchase.currency &&
    (app === null || app === purchase.app) &&
    (categories === null || (purchase.category !== null && categories.includes(purchase.category)))
  );
}

/** True if changing what a purchase counts would take a total out of the safe integers. */
export function overflows(account: Account, purchase: StoredPurchase, change: number): boolean {
  return account.counters.some(
    (counter) => selects(counter, purchase) && !Number.isSafeInteger(counter.used + change),
  );
}

/** Adds to every counter that counts a purchase. */
export function addToCounters(account: Account, purchase: StoredPurchase, change: number): void {
  if (change === 0) return;
  for (const counter of account.counters) {
    if (selects(counter, purchase)) counter.used += change;
  }
}

/** Drops the windows that have ended. One that is requested later is summed again. */
export function dropEnded(account: Account, at: number): void {
  if (account.counters.some(({ end }) => end <= at)) {
    account.counters = account.counters.filter(({ end }) => at < end);
  }
}

/** The counter of a window, if the account has it. */
export function findCounter(counters: readonly Counter[], window: Window): Counter | undefined {
  return counters.find(
    (counter) =>
      counter.start === window.start &&
      counter.end === window.end &&
      sameSelector(counter.selector, window.selector),
  );
}

function sameSelector(a: Selector, b: Selector): boolean {
  if (a === b) return true;
  if (a.currency !== b.currency || a.app !== b.app) return false;
  if (a.categories === null || b.categories === null) return a.categories === b.categories;
  const other = b.categories;
  return (
    a.categories.length === other.length &&
    a.categories.every((category, index) => category === other[index])
  );
}

/** True if an amount fits into every window beside its usage. */
export function fits(
  windows: readonly CappedWindow[],
  used: readonly number[],
  amount: number,
): boolean {
  return windows.every(({ cap }, index) => (used[index] ?? 0) + amount <= cap);
}
