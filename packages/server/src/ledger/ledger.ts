import {
  type CommitCommand,
  countedAmount,
  FOREVER,
  type GetCommand,
  type GetResult,
  type RefundCommand,
  type RefundResult,
  type ReleaseCommand,
  type ReserveCommand,
  type ReserveResult,
  type ReverseRefundCommand,
  type SettleResult,
  type StoredPurchase,
  type UsageCommand,
  type UsageResult,
  type Window,
} from '@spendcap/core';
import { type Account, addToCounters, dropEnded, findCounter, fits, overflows } from './account.ts';
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

export function reserve(rows: Rows, command: ReserveCommand): ReserveResult {
  const { subject, at, amount, windows } = command;
  const { account, isNew, expired } = accountOf(rows, subject, at);
  const used = usedIn(rows, account, { subject, windows });
  const purchase = newPurchase(command);
  // A replay is answered as before, whether or not there is room for another purchase.
  const room = fits(windows, used, amount);
  const tooMuch = overflows(account, purchase, amount);
  if (!room || tooMuch || !rows.addPurchase(purchase)) {
    // Kept, so that a subject whose purchases are all refused is summed once.
    if (isNew) rows.addAccount(subject, account);
    const before = rows.purchase(command.id);
    if (before === undefined && !room) return { outcome: 'refused', used, expired };
    if (before === undefined) throw unsafeTotal();
    const same = before.subject === subject && before.request === command.request;
    if (!same) return { outcome: 'conflict', expired };
    return { outcome: 'held', purchase: before, replayed: true, used, expired };
  }
  keepCounters(account, windows, used);
  dropEnded(account, at);
  addToCounters(account, purchase, amount);
  if (purchase.onExpiry === 'release' && purchase.expiresAt < account.nextExpiry) {
    account.nextExpiry = purchase.expiresAt;
  }
  if (isNew) rows.addAccount(subject, account);
  for (let index = 0; index < used.length; index += 1) used[index] = (used[index] ?? 0) + amount;
  return { outcome: 'held', purchase, replayed: false, used, expired };
}

/** The purchase that a reserve makes. */
export function newPurchase(command: ReserveCommand): StoredPurchase {
  return {
    id: command.id,
    request: command.request,
    subject: command.subject,
    amount: command.amount,
    currency: command.currency,
    app: command.app,
    category: command.category,
    reservedAt: command.at,
    expiresAt: command.expiresAt,
    onExpiry: command.onExpiry,
    basis: command.basis,
    state: 'reserved',
    committed: 0,
    refunded: 0,
    restored: 0,
    late: false,
  };
}

export function commit(rows: Rows, { id, amount, at }: CommitCommand): SettleResult {
  const found = find(rows, id, at);
  if (found === undefined) return { outcome: 'not_found', expired: [] };
  const { purchase, expired } = found;
  const charged = amount ?? purchase.amount;
  if (purchase.state === 'committed') {
    return purchase.committed === charged
      ? { outcome: 'done', purchase, changed: false, expired }
      : { outcome: 'ended', purchase, expired };
  }
  const late = purchase.state !== 'reserved';
  const next: StoredPurchase = { ...purchase, state: 'committed', committed: charged, late };
  change(rows, purchase, next);
  return { outcome: 'done', purchase: next, changed: true, expired };
}

export function release(rows: Rows, { id, at }: ReleaseCommand): SettleResult {
  const found = find(rows, id, at);
  if (found === undefined) return { outcome: 'not_found', expired: [] };
  const { purchase, expired } = found;
  if (purchase.state === 'committed') return { outcome: 'ended', purchase, expired };
  if (purchase.state !== 'reserved') return { outcome: 'done', purchase, changed: false, expired };
  const next: StoredPurchase = { ...purchase, state: 'released' };
  change(rows, purchase, next);
  return { outcome: 'done', purchase: next, changed: true, expired };
}

export function refund(rows: Rows, command: RefundCommand): RefundResult {
  const found = find(rows, command.id, command.at);
  if (found === undefined) return { outcome: 'not_found', expired: [] };
  const { purchase, expired } = found;
  const before = rows.refund(command.id, command.refundId);
  if (before !== undefined) {
    const same =
      command.amount === undefined || (before.amount ?? command.amount) === command.amount;
    return same
      ? { outcome: 'done', purchase, changed: false, expired }
      : { outcome: 'conflict', purchase, expired };
  }
  if (purchase.state !== 'committed') return { outcome: 'not_committed', purchase, expired };
  const left = purchase.committed - purchase.refunded;
  const amount = command.amount ?? left;
  if (amount > left || amount === 0) return { outcome: 'exceeds', purchase, expired };
  const restored = command.restores ? amount : 0;
  const next: StoredPurchase = {
    ...purchase,
    refunded: purchase.refunded + amount,
    restored: purchase.restored + restored,
  };
  change(rows, purchase, next);
  rows.saveRefund(command.id, command.refundId, { amount, restored, reversed: false });
  return { outcome: 'done', purchase: next, changed: true, expired };
}

export function reverseRefund(rows: Rows, command: ReverseRefundCommand): RefundResult {
  const found = find(rows, command.id, command.at);
  if (found === undefined) return { outcome: 'not_found', expired: [] };
  const { purchase, expired } = found;
  const before = rows.refund(command.id, command.refundId);
  if (before === undefined) {
    // The refund has not arrived yet. When it does, it must change nothing.
    const never = { amount: null, restored: 0, reversed: true };
    rows.saveRefund(command.id, command.refundId, never);
    return { outcome: 'done', purchase, changed: false, expired };
  }
  if (before.reversed) return { outcome: 'done', purchase, changed: false, expired };
  const next: StoredPurchase = {
    ...purchase,
    refunded: purchase.refunded - (before.amount ?? 0),
    restored: purchase.restored - before.restored,
  };
  change(rows, purchase, next);
  rows.saveRefund(command.id, command.refundId, { ...before, reversed: true });
  return { outcome: 'done', purchase: next, changed: true, expired };
}

export function get(rows: Rows, { id, at }: GetCommand): GetResult {
  const found = find(rows, id, at);
  return found ?? { purchase: null, expired: [] };
}

export function usage(rows: Rows, { subject, windows, at }: UsageCommand): UsageResult {
  const { account, isNew, expired } = accountOf(rows, subject, at);
  const used = usedIn(rows, account, { subject, windows });
  if (isNew) rows.addAccount(subject, account);
  return { used, expired };
}

/** A purchase, after the expired holds of its subject have ended. */
function find(rows: Rows, id: string, at: number) {
  const first = rows.purchase(id);
  if (first === undefined) return undefined;
  const { expired } = accountOf(rows, first.subject, at);
  const purchase = expired.find((hold) => hold.id === id) ?? first;
  return { purchase, expired };
}

/** The subject's account, after its expired holds have ended: so no sweeper is needed. */
function accountOf(rows: Rows, subject: string, at: number) {
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
function keepCounters(account: Account, windows: readonly Window[], used: readonly number[]): void {
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
function usedIn(
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
function change(rows: Rows, before: StoredPurchase, next: StoredPurchase): void {
  const account = rows.account(next.subject);
  const difference = countedAmount(next) - countedAmount(before);
  if (account !== undefined && overflows(account, next, difference)) throw unsafeTotal();
  rows.savePurchase(next);
  if (account !== undefined) addToCounters(account, next, difference);
}
