import type {
  AttachCommand,
  AttachResult,
  CommitCommand,
  GetCommand,
  GetResult,
  RecordCommand,
  RecordResult,
  ReleaseCommand,
  ReserveCommand,
  ReserveResult,
  SettleResult,
  StoredPurchase,
  UsageCommand,
  UsageResult,
} from '@spendcap/core';
import { addToCounters, dropEnded, fits, overflows } from './account.ts';
import { unsafeTotal } from './store-kit.ts';
import { accountOf, change, find, keepCounters, type Rows, usedIn } from './subject.ts';

export { refund, reverseRefund } from './refunds.ts';
export { MAX_COUNTERS, type Rows, type StoredRefund } from './subject.ts';

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
    processor: command.processor,
    processorRef: command.processorRef,
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
  return charge(rows, found, amount ?? found.purchase.amount);
}

interface Found {
  readonly purchase: StoredPurchase;
  readonly expired: readonly StoredPurchase[];
}

/** Money has moved: ends the purchase, `late` if its hold has ended already. */
function charge(rows: Rows, { purchase, expired }: Found, charged: number) {
  if (purchase.state === 'committed') {
    return purchase.committed === charged
      ? ({ outcome: 'done', purchase, changed: false, expired } as const)
      : ({ outcome: 'ended', purchase, expired } as const);
  }
  const late = purchase.state !== 'reserved';
  const next: StoredPurchase = { ...purchase, state: 'committed', committed: charged, late };
  change(rows, purchase, next);
  return { outcome: 'done', purchase: next, changed: true, expired } as const;
}

export function record(rows: Rows, command: RecordCommand): RecordResult {
  const { id, subject, amount, at } = command;
  const { account, isNew, expired } = accountOf(rows, subject, at);
  const before = rows.purchase(id);
  if (before !== undefined) {
    if (!mayBe(before, command)) return { outcome: 'conflict', expired };
    return charge(rows, { purchase: before, expired }, amount);
  }
  const purchase = recordedPurchase(command);
  const windows = command.windows.filter(({ end }) => at < end);
  const used = usedIn(rows, account, { subject, windows });
  if (overflows(account, purchase, amount)) throw unsafeTotal();
  rows.addPurchase(purchase);
  keepCounters(account, windows, used);
  addToCounters(account, purchase, amount);
  if (isNew) rows.addAccount(subject, account);
  return { outcome: 'done', purchase, changed: true, expired };
}

/** True unless the money is certainly not this purchase's. */
function mayBe(before: StoredPurchase, { subject, currency, processor }: RecordCommand): boolean {
  const same = before.subject === subject && before.currency === currency;
  const named = before.processor !== null && processor !== null;
  return same && !(named && before.processor !== processor);
}

/** The purchase that a record makes: as if it was held for no time, and committed after that. */
function recordedPurchase({ windows, chargedAt, ...rest }: RecordCommand): StoredPurchase {
  const onExpiry = 'reconcile';
  const held = newPurchase({ ...rest, windows: [], at: chargedAt, expiresAt: chargedAt, onExpiry });
  return { ...held, state: 'committed', committed: held.amount, late: true };
}

export function attach(rows: Rows, command: AttachCommand): AttachResult {
  const { id, processor, processorRef, at } = command;
  const found = find(rows, id, at);
  if (found === undefined) return { outcome: 'not_found', expired: [] };
  const { purchase, expired } = found;
  const known = purchase.processorRef;
  if (purchase.processor !== processor || (known !== null && known !== processorRef)) {
    return { outcome: 'conflict', purchase, expired };
  }
  if (known !== null) return { outcome: 'done', purchase, changed: false, expired };
  const next: StoredPurchase = { ...purchase, processorRef };
  rows.savePurchase(next);
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
