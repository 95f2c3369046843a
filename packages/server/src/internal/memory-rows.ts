import { counted, type OverdueCommand, type StoredPurchase, type Window } from '@spendcap/core';
import { type Account, selects } from './account.ts';
import { endedQueue } from './ended-queue.ts';
import type { Rows, StoredRefund } from './ledger.ts';

/** What is kept for one subject. */
interface Subject {
  account: Account | undefined;
  readonly purchases: Set<string>;
  /** Holds that end by themselves. */
  readonly open: Set<string>;
}

/** The tables of a ledger in memory. */
interface Tables {
  readonly purchases: Map<string, StoredPurchase>;
  readonly refunds: Map<string, Map<string, StoredRefund>>;
  readonly subjects: Map<string, Subject>;
  /** Open holds that do not end by themselves. */
  readonly reconcilable: Set<string>;
}

/**
 * The ledger's rows in memory. An ended purchase is let go of when no window counts it any more and
 * `keepEndedMs` have passed since its hold would have ended.
 */
export function memoryRows(keepEndedMs: number) {
  const tables: Tables = {
    purchases: new Map(),
    refunds: new Map(),
    subjects: new Map(),
    reconcilable: new Set(),
  };
  const ended = endedQueue((id, at) => visit(tables, id, { at, keepEndedMs }));
  const rows = rowsOf(tables, ({ id, expiresAt }) => ended.add(id, expiresAt));
  const overdue = ({ at, limit }: OverdueCommand): StoredPurchase[] =>
    [...withIds(tables, tables.reconcilable)]
      .filter(({ expiresAt }) => expiresAt <= at)
      .sort((a, b) => a.expiresAt - b.expiresAt)
      .slice(0, limit);
  return { rows, dropEnded: ended.drop, overdue };
}

function rowsOf(tables: Tables, onEnd: (purchase: StoredPurchase) => void): Rows {
  const { purchases, refunds, subjects, reconcilable } = tables;
  return {
    purchase: (id) => purchases.get(id),
    addPurchase(purchase) {
      if (purchases.has(purchase.id)) return false;
      purchases.set(purchase.id, purchase);
      const subject = subjectOf(tables, purchase.subject);
      subject.purchases.add(purchase.id);
      const open = purchase.onExpiry === 'release' ? subject.open : reconcilable;
      open.add(purchase.id);
      return true;
    },
    savePurchase(purchase) {
      purchases.set(purchase.id, purchase);
      subjects.get(purchase.subject)?.open.delete(purchase.id);
      reconcilable.delete(purchase.id);
      onEnd(purchase);
    },
    account: (name) => subjects.get(name)?.account,
    saveAccount(name, account) {
      subjectOf(tables, name).account = account;
    },
    refund: (id, refundId) => refunds.get(id)?.get(refundId),
    saveRefund(id, refundId, refund) {
      const known = refunds.get(id);
      if (known === undefined) refunds.set(id, new Map([[refundId, refund]]));
      else known.set(refundId, refund);
    },
    openHolds: (name) => [...withIds(tables, subjects.get(name)?.open)],
    sum(name: string, window: Window) {
      let total = 0;
      for (const purchase of withIds(tables, subjects.get(name)?.purchases)) {
        if (selects(window, purchase)) total += counted(purchase);
      }
      return total;
    },
  };
}

function subjectOf({ subjects }: Tables, name: string): Subject {
  let subject = subjects.get(name);
  if (subject === undefined) {
    subject = { account: undefined, purchases: new Set(), open: new Set() };
    subjects.set(name, subject);
  }
  return subject;
}

function* withIds({ purchases }: Tables, ids: Iterable<string> = []): Generator<StoredPurchase> {
  for (const id of ids) {
    const purchase = purchases.get(id);
    if (purchase !== undefined) yield purchase;
  }
}

/** Lets go of an ended purchase, or says when to look again. */
function visit(
  tables: Tables,
  id: string,
  { at, keepEndedMs }: { readonly at: number; readonly keepEndedMs: number },
): number | null {
  const { purchases, refunds, subjects } = tables;
  const purchase = purchases.get(id);
  if (purchase === undefined || purchase.state === 'reserved') return null;
  const subject = subjects.get(purchase.subject);
  const counters = counted(purchase) === 0 ? [] : (subject?.account?.counters ?? []);
  const ends = counters.filter((window) => selects(window, purchase)).map(({ end }) => end);
  const until = Math.max(purchase.expiresAt + keepEndedMs, ...ends);
  if (at < until) return until;
  purchases.delete(id);
  refunds.delete(id);
  subject?.purchases.delete(id);
  if (subject?.purchases.size === 0) subjects.delete(purchase.subject);
  return null;
}
