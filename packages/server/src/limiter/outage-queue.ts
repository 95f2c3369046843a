import {
  type ReserveCommand,
  type ReserveResult,
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
  let recording: Promise<void> | undefined;

  const recordEach = async (): Promise<void> => {
    for (const [id, command] of waiting) {
      try {
        await store.reserve(command);
        waiting.delete(id);
      } catch (error) {
        // Down again: the rest would fail as well.
        if (SpendcapError.isInstance(error) && error.retryable) return;
      }
    }
  };

  return {
    /** How many wait. */
    get size(): number {
      return waiting.size;
    },
    /** Lets the purchase pass and remembers to record it; asked again, answers as a store does. */
    add(command: ReserveCommand): ReserveResult {
      const before = waiting.get(command.id);
      if (before !== undefined) {
        const same = before.subject === command.subject && before.request === command.request;
        if (!same) return { outcome: 'conflict', expired: [] };
        return heldWithout(before, { replayed: true });
      }
      if (waiting.size >= MAX_UNRECORDED) {
        throw new SpendcapError('overloaded', 'Too many purchases wait to be recorded.');
      }
      waiting.set(command.id, { ...command, windows: [] });
      return heldWithout(command, { replayed: false });
    },
    /** Records a purchase that waits, if this one does. Rejects while the store is still down. */
    async record(id: string): Promise<void> {
      const command = waiting.get(id);
      if (command === undefined) return;
      await store.reserve(command);
      waiting.delete(id);
    },
    /**
     * Records what waits, now that the store answers again; what it does not take goes on waiting. Never
     * rejects, since the purchase that found the store well has nothing to do with it.
     */
    recordAll(): Promise<void> {
      recording ??= recordEach().finally(() => {
        recording = undefined;
      });
      return recording;
    },
  };
}

/** The answer of a store that is down, for a purchase that no window counts. */
function heldWithout(command: ReserveCommand, { replayed }: { readonly replayed: boolean }) {
  const { windows: _none, at, ...asked } = command;
  const nothing = { committed: 0, refunded: 0, restored: 0, late: false } as const;
  const purchase: StoredPurchase = { ...asked, ...nothing, reservedAt: at, state: 'reserved' };
  return { outcome: 'held', purchase, replayed, used: [], expired: [] } as const;
}
