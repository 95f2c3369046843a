import { counted, type OverdueCommand, type StoredPurchase, type Window } from '@spendcap/core';
import { type Account, selects } from './account.ts';
import { endedQueue } from './ended-queue.ts';
import type { Rows, StoredRefund } from './ledger.ts';

/** A purchase's place in memory; empty once it has been let go of. */
interface Cell {
  purchase: StoredPurchase | null;
}

/** What is kept for one subject. Its lists may hold cells that are over until they are next swept. */
interface Subject {
  account: Account | undefined;
  cells: Cell[];
  emptied: number;
  /** Holds that end by themselves. */
  open: Cell[];
}

/** The tables of a ledger in memory. */
interface Tables {
  readonly cells: Map<string, Cell>;
  readonly refunds: Map<string, Map<string, StoredRefund>>;
  readonly subjects: Map<string, Subject>;
  /** Open holds that do not end by themselves. */
  readonly reconcilable: Set<Cell>;
}

/**
 * The ledger's rows in memory. An ended purchase is let go of when no window counts it any more and
 * `keepEndedMs` have passed since its hold would have ended.
 */
export function memoryRows(keepEndedMs: number) {
  const tables: Tables = {
    cells: new Map(),
    refunds: new Map(),
    subjects: new Map(),
    reconcilable: new Set(),
  };
  const ended = endedQueue((id, at) => visit(tables, id, { at, keepEndedMs }));
  const rows = rowsOf(tables, ({ id, expiresAt }) => ended.add(id, expiresAt));
  const overdue = ({ at, limit }: OverdueCommand): StoredPurchase[] =>
    [...tables.reconcilable]
      .flatMap(({ purchase }) => purchase ?? [])
      .filter(({ expiresAt }) => expiresAt <= at)
      .sort((a, b) => a.expiresAt - b.expiresAt)
      .slice(0, limit);
  return { rows, dropEnded: ended.drop, overdue };
}

function rowsOf(tables: Tables, onEnd: (purchase: StoredPurchase) => void): Rows {
  const { cells, refunds, subjects, reconcilable } = tables;
  return {
    purchase: (id) => cells.get(id)?.purchase ?? undefined,
    addPurchase(purchase) {
      if (cells.has(purchase.id)) return false;
      const cell: Cell = { purchase };
      cells.set(purchase.id, cell);
      const subject = subjectOf(tables, purchase.subject);
      subject.cells.push(cell);
      if (purchase.onExpiry === 'release') subject.open.push(cell);
      else reconcilable.add(cell);
      return true;
    },
    savePurchase(purchase) {
      const cell = cells.get(purchase.id);
      if (cell === undefined) return;
      cell.purchase = purchase;
      reconcilable.delete(cell);
      onEnd(purchase);
    },
    account: (name) => subjects.get(name)?.account,
    addAccount(name, account) {
      // Who has bought nothing takes no memory.
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
        if (purchase !== null && selects(window, purchase)) total += counted(purchase);
      }
      return total;
    },
  };
}

function subjectOf({ subjects }: Tables, name: string): Subject {
  let subject = subjects.get(name);
  if (subject === undefined) {
    subject = { account: undefined, cells: [], emptied: 0, open: [] };
    subjects.set(name, subject);
  }
  return subject;
}

/** Lets go of an ended purchase, or says when to look again. */
function visit(
  tables: Tables,
  id: string,
  { at, keepEndedMs }: { readonly at: number; readonly keepEndedMs: number },
): number | null {
  const cell = tables.cells.get(id);
  const purchase = cell?.purchase;
  if (cell === undefined || purchase == null || purchase.state === 'reserved') return null;
  const subject = subjectOf(tables, purchase.subject);
  const counters = counted(purchase) === 0 ? [] : (subject.account?.counters ?? []);
  const ends = counters.filter((window) => selects(window, purchase)).map(({ end }) => end);
  const until = Math.max(purchase.expiresAt + keepEndedMs, ...ends);
  if (at < until) return until;
  cell.purchase = null;
  tables.cells.delete(id);
  tables.refunds.delete(id);
  subject.emptied += 1;
  if (subject.emptied === subject.cells.length) tables.subjects.delete(purchase.subject);
  else if (subject.emptied * 2 > subject.cells.length) sweep(subject);
  return null;
}

/** Closes the gaps in a subject's lists: at half empty, so that each cell is moved about once. */
function sweep(subject: Subject): void {
  subject.cells = subject.cells.filter(({ purchase }) => purchase !== null);
  subject.open = subject.open.filter(({ purchase }) => purchase?.state === 'reserved');
  subject.emptied = 0;
}
