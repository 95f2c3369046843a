import { countedAmount, type StoredPurchase, type Window } from '@spendcap/core';
import { type Account, addToCounters, selects } from '../../ledger/account.ts';
import type { Rows, StoredRefund } from '../../ledger/ledger.ts';
import { overdueHolds } from './overdue.ts';
import { retentionQueue } from './retention.ts';

/** A purchase's place in memory; empty once it is deleted. */
interface Cell {
  purchase: StoredPurchase | null;
  /** Until when a retry must find it, epoch milliseconds. */
  keepUntil: number;
}

/** What is kept for one subject. Its lists may contain ended cells until the next sweep. */
interface Subject {
  account: Account | undefined;
  cells: Cell[];
  emptied: number;
  /** Open holds with `onExpiry: 'release'`. */
  open: Cell[];
}

/** The tables of a ledger in memory. */
interface Tables {
  readonly cells: Map<string, Cell>;
  readonly refunds: Map<string, Map<string, StoredRefund>>;
  readonly subjects: Map<string, Subject>;
  /** Open holds with `onExpiry: 'reconcile'`. */
  readonly reconcilable: ReturnType<typeof overdueHolds>;
}

/**
 * The ledger's rows in memory. An ended purchase is deleted when no window counts it and
 * `keepEndedMs` have passed since its hold would have expired and since it last changed. So is an
 * expired hold whose subject no verb has looked at since.
 */
export function memoryRows(keepEndedMs: number) {
  const cells: Tables['cells'] = new Map();
  const reconcilable = overdueHolds((id) => cells.get(id)?.purchase ?? undefined);
  const tables: Tables = { cells, refunds: new Map(), subjects: new Map(), reconcilable };
  let now = 0;
  const ended = retentionQueue((id, at) => visit(tables, id, at));
  const rows = rowsOf(tables, ({ id, expiresAt }) => {
    const keepUntil = Math.max(expiresAt, now) + keepEndedMs;
    ended.add(id, keepUntil);
    return keepUntil;
  });
  const dropEnded = (at: number): void => {
    now = at;
    ended.drop(at);
  };
  return { rows, dropEnded, overdue: reconcilable.list };
}

/** `keep` schedules the deletion of a purchase and returns until when it is kept at least. */
function rowsOf(tables: Tables, keep: (purchase: StoredPurchase) => number): Rows {
  const { cells, refunds, subjects, reconcilable } = tables;
  return {
    purchase: (id) => cells.get(id)?.purchase ?? undefined,
    addPurchase(purchase) {
      if (cells.has(purchase.id)) return false;
      const cell: Cell = { purchase, keepUntil: Infinity };
      cells.set(purchase.id, cell);
      const subject = subjectOf(tables, purchase.subject);
      subject.cells.push(cell);
      if (isReconcilable(purchase)) {
        reconcilable.add(purchase);
        return true;
      }
      cell.keepUntil = keep(purchase);
      if (purchase.state === 'reserved') subject.open.push(cell);
      return true;
    },
    savePurchase(purchase) {
      const cell = cells.get(purchase.id);
      if (cell?.purchase == null) return;
      const wasReconcilable = isReconcilable(cell.purchase);
      cell.purchase = purchase;
      if (purchase.state === 'reserved') return;
      if (wasReconcilable) reconcilable.remove(purchase);
      cell.keepUntil = keep(purchase);
    },
    account: (name) => subjects.get(name)?.account,
    addAccount(name, account) {
      // A subject without purchases takes no memory.
      const subject = subjects.get(name);
      if (subject !== undefined) subject.account = account;
    },
    refund: (id, refundId) => refunds.get(id)?.get(refundId),
    saveRefund(id, refundId, refund) {
      const known = refunds.get(id);
      if (known === undefined) refunds.set(id, new Map([[refundId, refund]]));
      else known.set(refundId, refund);
    },
    openHolds(name) {
      const subject = subjects.get(name);
      if (subject === undefined) return [];
      subject.open = subject.open.filter(({ purchase }) => purchase?.state === 'reserved');
      return subject.open.flatMap(({ purchase }) => purchase ?? []);
    },
    sum(name: string, window: Window) {
      let total = 0;
      for (const { purchase } of subjects.get(name)?.cells ?? []) {
        if (purchase !== null && selects(window, purchase)) total += countedAmount(purchase);
      }
      return total;
    },
  };
}

/** It stays until it is settled, however long that takes. */
const isReconcilable = ({ state, onExpiry }: StoredPurchase): boolean =>
  state === 'reserved' && onExpiry === 'reconcile';

function subjectOf({ subjects }: Tables, name: string): Subject {
  let subject = subjects.get(name);
  if (subject === undefined) {
    subject = { account: undefined, cells: [], emptied: 0, open: [] };
    subjects.set(name, subject);
  }
  return subject;
}

/** Deletes a purchase that has ended, or returns when to visit it next. */
function visit(tables: Tables, id: string, at: number): number | null {
  const cell = tables.cells.get(id);
  const purchase = cell?.purchase;
  if (cell === undefined || purchase == null) return null;
  const subject = subjectOf(tables, purchase.subject);
  // An expired hold counts in no window, though no verb has ended it.
  const lapsed = purchase.state === 'reserved';
  const counters = lapsed || countedAmount(purchase) === 0 ? [] : (subject.account?.counters ?? []);
  const ends = counters.filter((window) => selects(window, purchase)).map(({ end }) => end);
  const until = Math.max(cell.keepUntil, ...ends);
  if (at < until) return until;
  if (lapsed && subject.account !== undefined) {
    addToCounters(subject.account, purchase, -purchase.amount);
  }
  cell.purchase = null;
  tables.cells.delete(id);
  tables.refunds.delete(id);
  subject.emptied += 1;
  if (subject.emptied === subject.cells.length) tables.subjects.delete(purchase.subject);
  else if (subject.emptied * 2 > subject.cells.length) sweep(subject);
  return null;
}

/**
 * Removes deleted cells from a subject's lists: at half empty, so that each cell is moved about
 * once.
 */
function sweep(subject: Subject): void {
  subject.cells = subject.cells.filter(({ purchase }) => purchase !== null);
  subject.open = subject.open.filter(({ purchase }) => purchase?.state === 'reserved');
  subject.emptied = 0;
}
