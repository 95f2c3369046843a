import {
  type CappedWindow,
  type Selector,
  SpendcapError,
  type StoredPurchase,
  type Window,
} from '@spendcap/core';

/**
 * What a store keeps for a subject beside the purchases, so that a verb costs the same however long the
 * history is. All of it can be worked out again from the purchases.
 */
export interface Account {
  /** Usage of every window that was asked for and has not ended. */
  readonly counters: readonly Counter[];
  /** When the first hold that ends by itself does so; `FOREVER` if none is open. */
  readonly nextExpiry: number;
}

export interface Counter extends Window {
  readonly used: number;
}

/** True if a window counts a purchase: by its selector and by the instant of the reservation. */
export function selects(window: Window, purchase: StoredPurchase): boolean {
  return (
    window.start <= purchase.reservedAt &&
    purchase.reservedAt < window.end &&
    matches(window.selector, purchase)
  );
}

function matches({ currency, app, categories }: Selector, purchase: StoredPurchase): boolean {
  return (
    currency === purchase.currency &&
    (app === null || app === purchase.app) &&
    (categories === null || (purchase.category !== null && categories.includes(purchase.category)))
  );
}

/** The counters with a change of one purchase's weight, in every window that counts it. */
export function withChange(
  counters: readonly Counter[],
  purchase: StoredPurchase,
  change: number,
): readonly Counter[] {
  if (change === 0) return counters;
  return counters.map((counter) => {
    if (!selects(counter, purchase)) return counter;
    const { selector, start, end } = counter;
    return { selector, start, end, used: safeSum(counter.used, change) };
  });
}

/** The counters that still matter: a window that has ended is worked out again if asked for. */
export function withoutEnded(counters: readonly Counter[], at: number): readonly Counter[] {
  return counters.every(({ end }) => at < end) ? counters : counters.filter(({ end }) => at < end);
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

function safeSum(used: number, change: number): number {
  const sum = used + change;
  if (!Number.isSafeInteger(sum)) {
    throw new SpendcapError('invalid_amount', 'The total would pass the safe integer range.');
  }
  return sum;
}
