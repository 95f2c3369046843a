import type { Store } from '@spendcap/core';
import { anyStore } from '../support/any-store.ts';
import { countersOf, over, overRows, shift } from './broken.ts';
import type { Invariant } from './invariants.ts';
import type { OpenLedger } from './stores.ts';

/** A store that breaks one promise, and the invariant that detects it. */
export interface Mutant {
  readonly name: string;
  readonly breaks: Invariant;
  /** The most steps that a shortened history needs to show it. */
  readonly length: number;
  readonly open: OpenLedger;
}

export const MUTANTS: readonly Mutant[] = [
  {
    name: 'does not look at the last window',
    breaks: 'caps',
    length: 8,
    open: over((inner) => ({
      async reserve({ windows, ...command }) {
        const { subject } = command;
        // In one turn, so that it is as atomic as before in every other way.
        const [result, { used }] = await Promise.all([
          inner.reserve({ ...command, windows: windows.slice(0, -1) }),
          inner.usage({ subject, windows, at: 0 }),
        ]);
        return result.outcome === 'conflict' ? result : { ...result, used };
      },
    })),
  },
  {
    name: 'lets one cent pass',
    breaks: 'caps',
    length: 4,
    open: over((inner) => ({
      reserve: ({ windows, ...command }) =>
        inner.reserve({ ...command, windows: windows.map((w) => ({ ...w, cap: w.cap + 1 })) }),
    })),
  },
  {
    name: 'keeps a trace of a refusal',
    breaks: 'refusal',
    length: 8,
    open: over((inner) => ({
      async reserve(command) {
        const result = await inner.reserve(command);
        if (result.outcome === 'refused') await inner.reserve({ ...command, windows: [] });
        return result;
      },
    })),
  },
  {
    name: 'counts a replay again',
    breaks: 'conservation',
    length: 4,
    open: overRows(
      () => ({}),
      (rows, { result: { purchase, replayed } }) => {
        if (replayed === true && purchase?.state === 'reserved') shift(rows, purchase, 1);
      },
    ),
  },
  {
    name: 'takes another purchase under an id for the same',
    breaks: 'model',
    length: 4,
    open: over((inner) => ({
      async reserve(command) {
        const { purchase } = await inner.get({ id: command.id, at: command.at });
        const { subject, request } = purchase ?? command;
        return inner.reserve({ ...command, subject, request });
      },
    })),
  },
  {
    name: 'ends holds that wait to be reconciled',
    breaks: 'model',
    length: 4,
    open: over((inner) => ({
      reserve: (command) => inner.reserve({ ...command, onExpiry: 'release' }),
    })),
  },
  {
    name: 'never ends a hold',
    breaks: 'model',
    length: 4,
    open: overRows(() => ({ openHolds: () => [] })),
  },
  {
    name: 'gives back twice for two releases',
    breaks: 'negative',
    length: 4,
    open: overRows(
      () => ({}),
      (rows, { name, result: { purchase, changed } }) => {
        const again = name === 'release' && changed === false && purchase !== undefined;
        if (again) shift(rows, purchase, -purchase.amount);
      },
    ),
  },
  {
    name: 'takes a committed purchase for a reserved one',
    breaks: 'negative',
    length: 4,
    open: overRows((rows) => ({
      savePurchase: rows.savePurchase,
      purchase(id) {
        const found = rows.purchase(id);
        return found?.state === 'committed' && found.refunded === 0
          ? { ...found, state: 'reserved' }
          : found;
      },
    })),
  },
  {
    name: 'drops a late commit',
    breaks: 'model',
    length: 4,
    open: over((inner) => ({
      async commit(command) {
        const { purchase, expired } = await inner.get(command);
        if (purchase?.state !== 'expired' && purchase?.state !== 'released') {
          return inner.commit(command);
        }
        const charged = { committed: command.amount ?? purchase.amount, late: true };
        const settled = { ...purchase, ...charged, state: 'committed' as const };
        return { outcome: 'done', purchase: settled, changed: true, expired };
      },
    })),
  },
  {
    name: 'does not say that a commit was late',
    breaks: 'once',
    length: 4,
    open: overRows((rows) => ({
      savePurchase: (purchase) => rows.savePurchase({ ...purchase, late: false }),
    })),
  },
  {
    name: 'commits no more than was held',
    breaks: 'model',
    length: 4,
    open: over((inner) => ({
      async commit(command) {
        const { purchase } = await inner.get(command);
        const amount = Math.min(command.amount ?? Infinity, purchase?.amount ?? 0);
        return inner.commit(command.amount === undefined ? command : { ...command, amount });
      },
    })),
  },
  {
    name: 'keeps the unused part of a commit',
    breaks: 'conservation',
    length: 4,
    open: overRows(
      () => ({}),
      (rows, { name, result: { purchase, changed } }) => {
        if (name !== 'commit' || changed !== true || purchase === undefined) return;
        shift(rows, purchase, Math.max(0, purchase.amount - purchase.committed));
      },
    ),
  },
  {
    name: 'moves a purchase to the day of its commit',
    breaks: 'once',
    length: 4,
    open: overRows((rows) => {
      let at = 0;
      return {
        addPurchase(purchase) {
          at = Math.max(at, purchase.reservedAt);
          return rows.addPurchase(purchase);
        },
        savePurchase(purchase) {
          const moved = purchase.state === 'committed' ? { reservedAt: at } : {};
          rows.savePurchase({ ...purchase, ...moved });
        },
      };
    }),
  },
  {
    name: 'refunds into other windows as well',
    breaks: 'conservation',
    length: 5,
    open: overRows(
      () => ({}),
      (rows, { name, result: { purchase, changed } }) => {
        if (name !== 'refund' || changed !== true || purchase === undefined) return;
        for (const other of countersOf(rows, purchase, { within: false })) {
          other.used -= purchase.restored;
        }
      },
    ),
  },
  {
    name: 'gives allowance back for every refund',
    breaks: 'model',
    length: 4,
    open: over((inner) => ({
      refund: (command) => inner.refund({ ...command, restores: true }),
    })),
  },
  {
    name: 'forgets that a refund failed',
    breaks: 'model',
    length: 4,
    open: over((inner) => ({
      async reverseRefund(command) {
        const { purchase, expired } = await inner.get(command);
        if (purchase === null) return { outcome: 'not_found', expired };
        return { outcome: 'done', purchase, changed: false, expired };
      },
    })),
  },
  {
    name: 'records a charge again',
    breaks: 'conservation',
    length: 4,
    open: overRows(
      () => ({}),
      (rows, { name, result: { purchase, changed } }) => {
        if (name === 'record' && changed === false && purchase !== undefined) {
          shift(rows, purchase, purchase.committed);
        }
      },
    ),
  },
  {
    name: 'records a charge in the windows of its report',
    breaks: 'model',
    length: 3,
    open: over((inner) => ({
      record: (command) => inner.record({ ...command, chargedAt: command.at }),
    })),
  },
  {
    name: 'adds the totals of refunds up',
    breaks: 'model',
    length: 6,
    open: over((inner) => ({
      async refund({ total, ...command }) {
        if (total === undefined) return inner.refund(command);
        const refundId = `${command.refundId} ${total}`;
        return inner.refund({ ...command, amount: total, refundId });
      },
    })),
  },
  {
    name: 'loses the reference of its processor with the next change',
    breaks: 'model',
    length: 4,
    open: overRows((rows) => ({
      savePurchase(purchase) {
        const before = rows.purchase(purchase.id);
        const lost = before?.processorRef != null ? { processorRef: null } : {};
        rows.savePurchase({ ...purchase, ...lost });
      },
    })),
  },
  {
    name: "lists every processor's holds to each",
    breaks: 'model',
    length: 4,
    open: over((inner) => ({
      overdue: ({ processor: _any, ...command }) => inner.overdue(command),
    })),
  },
  {
    name: 'begins a window that is new to it at nothing',
    breaks: 'conservation',
    length: 4,
    open: overRows(() => ({ sum: () => 0 })),
  },
  {
    name: 'keeps a ledger for each process',
    breaks: 'model',
    length: 4,
    async open() {
      const stores: Store[] = [];
      return {
        async connect() {
          const store = anyStore();
          stores.push(store);
          return store;
        },
        remove: async () => void (await Promise.all(stores.map((store) => store.close()))),
      };
    },
  },
];
