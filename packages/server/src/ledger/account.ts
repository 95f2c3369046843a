import type { CappedWindow, Selector, StoredPurchase, Window } from '@spendcap/core';

/**
 * What a store keeps for a subject beside the purchases, so that a verb costs the same however long the
 * history is. All of it can be worked out again from the purchases. It is changed in place, since a
 * copy for each purchase would be most of what a purchase costs.
 */
export interface Account {
  /** Usage of every window that was asked for and has not ended. */
  counters: Counter[];
  /** When the first hold that ends by itself does so, or earlier; `FOREVER` if none is open. */
  nextExpiry: number;
}

export interface Counter extends Window {
  used: number;
}

/** What of a purchase decides which windows count it. */
export type Bought = Pick<StoredPurchase, 'reservedAt' | 'currency' | 'app' | 'category'>;

/** True if a window counts a purchase: by its selector and by the instant of the reservation. */
export function selects(window: Window, purchase: Bought): boolean {
  return (
    window.start <= purchase.reservedAt &&
    purchase.reservedAt < window.end &&
    matches(window.selector, purchase)
  );
}

function matches({ currency, app, categories }: Selector, purchase: Bought): boolean {
  return (
    currency === purchase.currency &&
    (app === null || app === purchase.app) &&
    (categories === null || (purchase.category !== null && categories.includes(purchase.category)))
  );
}

/** True if a change of one purchase's weight would take a total out of the safe integers. */
export function overflows(account: Account, purchase: StoredPurchase, change: number): boolean {
  return account.counters.some(
    (counter) => selects(counter, purchase) && !Number.isSafeInteger(counter.used + change),
  );
}

/** Changes the weight of one purchase in every window that counts it. */
export function changeWeight(account: Account, purchase: StoredPurchase, change: number): void {
  if (change === 0) return;
  for (const counter of account.counters) {
    if (selects(counter, purchase)) counter.used += change;
  }
}

/** Drops the windows that have ended: one that is asked for all the same is worked out again. */
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

/** True if every window has room for an amount beside what it has used. */
export function fits(
  windows: readonly CappedWindow[],
  used: readonly number[],
  amount: number,
): boolean {
  return windows.every(({ cap }, index) => (used[index] ?? 0) + amount <= cap);
}
