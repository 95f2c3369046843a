import {
  type ReserveCommand,
  type ReserveResult,
  SpendcapError,
  type Store,
  type StoredPurchase,
} from '@spendcap/core';

const MAX_PENDING = 10_000;

/**
 * Purchases that `onUnavailable: 'allow_adults'` admitted during an outage of the store. Each is
 * written to the ledger before any other verb touches it, so that none is lost while the process
 * lives.
 */
export function outageQueue(store: Store) {
  const pending = new Map<string, ReserveCommand>();
  let flushing: Promise<void> | undefined;

  const flushEach = async (): Promise<void> => {
    for (const [id, command] of pending) {
      try {
        await store.reserve(command);
        pending.delete(id);
      } catch (error) {
        // The outage continues: the rest would fail as well.
        if (SpendcapError.isInstance(error) && error.retryable) return;
      }
    }
  };

  return {
    /** How many purchases are pending. */
    get size(): number {
      return pending.size;
    },
    /**
     * Admits the purchase and queues it. A repeated id is a replay or a conflict, as in a store.
     */
    add(command: ReserveCommand): ReserveResult {
      const before = pending.get(command.id);
      if (before !== undefined) {
        const same = before.subject === command.subject && before.request === command.request;
        if (!same) return { outcome: 'conflict', expired: [] };
        return heldWithoutStore(before, { replayed: true });
      }
      if (pending.size >= MAX_PENDING) {
        throw new SpendcapError('overloaded', 'Too many purchases are pending from the outage.');
      }
      pending.set(command.id, { ...command, windows: [] });
      return heldWithoutStore(command, { replayed: false });
    },
    /** Writes one pending purchase to the store, if it is one. Rejects while the outage lasts. */
    async flush(id: string): Promise<void> {
      const command = pending.get(id);
      if (command === undefined) return;
      await store.reserve(command);
      pending.delete(id);
    },
    /**
     * Writes all pending purchases to the store; those it rejects stay pending. Never rejects,
     * since the purchase whose success triggered it is unrelated.
     */
    flushAll(): Promise<void> {
      flushing ??= flushEach().finally(() => {
        flushing = undefined;
      });
      return flushing;
    },
  };
}

/** The result of a hold without windows, in place of the store's. */
function heldWithoutStore(command: ReserveCommand, { replayed }: { readonly replayed: boolean }) {
  const { windows: _none, at, ...rest } = command;
  const nothing = { committed: 0, refunded: 0, restored: 0, late: false } as const;
  const purchase: StoredPurchase = { ...rest, ...nothing, reservedAt: at, state: 'reserved' };
  return { outcome: 'held', purchase, replayed, used: [], expired: [] } as const;
}
