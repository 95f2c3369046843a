import { countedAmount, FOREVER, type StoredPurchase, type Window } from '@spendcap/core';
import { type Account, addToCounters, findCounter, overflows } from './account.ts';
import { unsafeTotal } from './store-kit.ts';

/** One refund of a purchase. `amount: null` is a reversal that arrived before its refund. */
export interface StoredRefund {
  readonly amount: number | null;
  readonly restored: number;
  readonly reversed: boolean;
}

/**
 * The rows of a synchronous store. A function of this file reads and writes them in one go, without
 * yielding, so a store is atomic if its rows are.
 */
export interface Rows {
  purchase(id: string): StoredPurchase | undefined;
  /** False, and nothing changed, if the id is taken. */
  addPurchase(purchase: StoredPurchase): boolean;
  savePurchase(purchase: StoredPurchase): void;
  /** The account that was added last, or nothing: it can always be rebuilt. */
  account(subject: string): Account | undefined;
  /** Caches a new account. The ledger changes it in place from then on. */
  addAccount(subject: string, account: Account): void;
  refund(id: string, refundId: string): StoredRefund | undefined;
  saveRefund(id: string, refundId: string, refund: StoredRefund): void;
  /** The subject's open holds with `onExpiry: 'release'`, however old. */
  openHolds(subject: string): readonly StoredPurchase[];
  /** The sum of `countedAmount` over the subject's purchases that a window selects. */
  sum(subject: string, window: Window): number;
}

/** A purchase, after the expired holds of its subject have ended. */
export function find(rows: Rows, id: string, at: number) {
  const first = rows.purchase(id);
  if (first === undefined) return undefined;
  const { expired } = accountOf(rows, first.subject, at);
  const purchase = expired.find((hold) => hold.id === id) ?? first;
  return { purchase, expired };
}

/** The subject's account, after its expired holds have ended: so no sweeper is needed. */
export function accountOf(rows: Rows, subject: string, at: number) {
  const known = rows.account(subject);
  if (known !== undefined && at < known.nextExpiry) {
    return { account: known, isNew: false, expired: NONE };
  }
  const account = known ?? { counters: [], nextExpiry: FOREVER };
  account.nextExpiry = FOREVER;
  const expired: StoredPurchase[] = [];
  for (const hold of rows.openHolds(subject)) {
    if (at < hold.expiresAt) {
      account.nextExpiry = Math.min(account.nextExpiry, hold.expiresAt);
      continue;
    }
    const ended: StoredPurchase = { ...hold, state: 'expired' };
    rows.savePurchase(ended);
    addToCounters(account, hold, -hold.amount);
    expired.push(ended);
  }
  return { account, isNew: known === undefined, expired };
}

const NONE: readonly StoredPurchase[] = [];

/**
 * Windows that an account keeps because they were read. Players can read any app's, so it is
 * limited.
 */
export const MAX_COUNTERS = 100;

/** Keeps a counter for every window of a purchase: a store may delete what no counter counts. */
export function keepCounters(
  account: Account,
  windows: readonly Window[],
  used: readonly number[],
): void {
  const { counters } = account;
  // With room to spare, reading them has added them all.
  if (counters.length < MAX_COUNTERS) return;
  for (const [index, window] of windows.entries()) {
    const { selector, start, end } = window;
    if (findCounter(counters, window) !== undefined) continue;
    counters.push({ selector, start, end, used: used[index] ?? 0 });
  }
}

/** Usage of each window; a window without a counter is summed from the purchases, once. */
export function usedIn(
  rows: Rows,
  account: Account,
  { subject, windows }: { readonly subject: string; readonly windows: readonly Window[] },
): number[] {
  return windows.map((window) => {
    const known = findCounter(account.counters, window);
    if (known !== undefined) return known.used;
    const { selector, start, end } = window;
    const used = rows.sum(subject, window);
    // An unsafe sum would bar every change of what it counts.
    if (account.counters.length < MAX_COUNTERS && Number.isSafeInteger(used)) {
      account.counters.push({ selector, start, end, used });
    }
    return used;
  });
}

/** Writes a purchase's next state and what that changes in the windows that count it. */
export function change(rows: Rows, before: StoredPurchase, next: StoredPurchase): void {
  const account = rows.account(next.subject);
  const difference = countedAmount(next) - countedAmount(before);
  if (account !== undefined && overflows(account, next, difference)) throw unsafeTotal();
  rows.savePurchase(next);
  if (account !== undefined) addToCounters(account, next, difference);
}
