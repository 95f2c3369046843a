import {
  type ReserveCommand,
  SpendcapError,
  type Store,
  type StoredPurchase,
} from '@spendcap/core';

const MAX_UNRECORDED = 10_000;

/**
 * Purchases that `onUnavailable: 'allow_adults'` let pass while the store was down. Each is
 * written to the ledger before anything else is done with it, so that none is forgotten.
 */
export function unrecordedPurchases(store: Store) {
  const waiting = new Map<string, ReserveCommand>();

  return {
    /** Lets the purchase pass, and remembers to record it. */
    add(command: ReserveCommand): StoredPurchase {
      if (waiting.size >= MAX_UNRECORDED) {
        throw new SpendcapError('overloaded', 'Too many purchases wait to be recorded.');
      }
      const { windows: _none, at, ...asked } = command;
      waiting.set(command.id, { ...command, windows: [] });
      return {
        ...asked,
        reservedAt: at,
        state: 'reserved',
        committed: 0,
        refunded: 0,
        restored: 0,
        late: false,
      };
    },
    /** Records a purchase that waits, if this one does. Rejects while the store is still down. */
    async record(id: string): Promise<void> {
      const command = waiting.get(id);
      if (command === undefined) return;
      await store.reserve(command);
      waiting.delete(id);
    },
    /** Records all that wait, now that the store answers again. */
    async recordAll(): Promise<void> {
      for (const command of waiting.values()) {
        await store.reserve(command);
        waiting.delete(command.id);
      }
    },
    get size(): number {
      return waiting.size;
    },
  };
}
