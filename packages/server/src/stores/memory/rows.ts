import {
  countedAmount,
  type OverdueCommand,
  type StoredPurchase,
  type Window,
} from '@spendcap/core';
import { type Account, changeWeight, selects } from '../../ledger/account.ts';
import type { Rows, StoredRefund } from '../../ledger/ledger.ts';
import { endedQueue } from './retention.ts';

/** A purchase's place in memory; empty once it has been let go of. */
interface Cell {
  purchase: StoredPurchase | null;
  /** Until when a retry must find it, epoch milliseconds. */
  keepUntil: number;
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
 * `keepEndedMs` have passed since its hold would have ended and since it last changed; so is a hold
 * that is past its time, though nobody has looked at its subject since.
 */
export function memoryRows(keepEndedMs: number) {
  const tables: Tables = {
    cells: new Map(),
    refunds: new Map(),
    subjects: new Map(),
    reconcilable: new Set(),
  };
  let now = 0;
  const ended = endedQueue((id, at) => visit(tables, id, at));
  const rows = rowsOf(tables, ({ id, expiresAt }) => {
    const keepUntil = Math.max(expiresAt, now) + keepEndedMs;
    ended.add(id, keepUntil);
    return keepUntil;
  });
  const dropEnded = (at: number): void => {
    now = at;
    ended.drop(at);
  };
  const overdue = ({ at, limit }: OverdueCommand): StoredPurchase[] =>
    [...tables.reconcilable]
      .flatMap(({ purchase }) => purchase ?? [])
      .filter(({ expiresAt }) => expiresAt <= at)
      .sort((a, b) => a.expiresAt - b.expiresAt)
      .slice(0, limit);
  return { rows, dropEnded, overdue };
}

/** `keep` plans the end of a purchase that may leave, and says until when it is kept at least. */
function rowsOf(tables: Tables, keep: (purchase: StoredPurchase) => number): Rows {
  const { cells, refunds, subjects, reconcilable } = tables;
  return {
    purchase: (id) => cells.get(id)?.purchase ?? undefined,
    addPurchase(purchase) {
      if (cells.has(purchase.id)) return false;
      const release = purchase.onExpiry === 'release';
      const cell: Cell = { purchase, keepUntil: release ? keep(purchase) : Infinity };
      cells.set(purchase.id, cell);
      const subject = subjectOf(tables, purchase.subject);
      subject.cells.push(cell);
      if (release) subject.open.push(cell);
      else reconcilable.add(cell);
      return true;
    },
    savePurchase(purchase) {
      const cell = cells.get(purchase.id);
      if (cell === undefined) return;
      cell.purchase = purchase;
      reconcilable.delete(cell);
      cell.keepUntil = keep(purchase);
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
        if (purchase !== null && selects(window, purchase)) total += countedAmount(purchase);
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

/** Lets go of a purchase that is over, or says when to look again. */
function visit(tables: Tables, id: string, at: number): number | null {
  const cell = tables.cells.get(id);
  const purchase = cell?.purchase;
  if (cell === undefined || purchase == null) return null;
  const subject = subjectOf(tables, purchase.subject);
  // Its hold is past its time by now: it counts in no window, though no verb has ended it.
  const lapsed = purchase.state === 'reserved';
  const counters = lapsed || countedAmount(purchase) === 0 ? [] : (subject.account?.counters ?? []);
  const ends = counters.filter((window) => selects(window, purchase)).map(({ end }) => end);
  const until = Math.max(cell.keepUntil, ...ends);
  if (at < until) return until;
  if (lapsed && subject.account !== undefined) {
    changeWeight(subject.account, purchase, -purchase.amount);
  }
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
