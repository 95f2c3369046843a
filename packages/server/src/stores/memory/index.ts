import { assertOptions, type Store } from '@spendcap/core';
import {
  attach,
  commit,
  get,
  type Rows,
  record,
  refund,
  release,
  reserve,
  reverseRefund,
  usage,
} from '../../ledger/ledger.ts';
import { checkWhole, lifecycle } from '../../ledger/store-kit.ts';
import { memoryRows } from './rows.ts';

/** Options of `memoryStore`. */
export interface MemoryStoreOptions {
  /**
   * How long an ended purchase is kept at least, so that a retry gets the same answer, in
   * milliseconds. Default 24 hours. What a window still counts stays until that window ends.
   */
  readonly keepEndedMs?: number;
}

const HOUR_MS = 3_600_000;

/**
 * A ledger in this process's memory: for tests, demos and single processes that may lose it. It
 * keeps every promise of the store contract except durability. An ended purchase is deleted when no
 * window that was requested counts it and `keepEndedMs` have passed: after that a late commit or a
 * refund finds nothing, its id may be used again, and a limit added later does not count it.
 *
 * @throws TypeError for an unknown option, or if `keepEndedMs` is no whole number from 1
 * @example
 * ```ts
 * import { memoryStore } from '@spendcap/server/stores/memory';
 * const store = memoryStore();
 * await store.get({ id: 'order-1', at: 0 }); // => { purchase: null, expired: [] }
 * ```
 */
export function memoryStore(options: MemoryStoreOptions = {}): Store {
  assertOptions('memoryStore', options, { keepEndedMs: true });
  const { keepEndedMs = 24 * HOUR_MS } = options;
  checkWhole({ keepEndedMs }, 1);
  const { rows, dropEnded, overdue } = memoryRows(keepEndedMs);
  const { assertOpen, close } = lifecycle(async () => undefined);
  const verb =
    <C extends { readonly at: number }, R>(apply: (rows: Rows, command: C) => R) =>
    async (command: C): Promise<R> => {
      assertOpen();
      dropEnded(command.at);
      return apply(rows, command);
    };
  return {
    reserve: verb(reserve),
    commit: verb(commit),
    release: verb(release),
    record: verb(record),
    attach: verb(attach),
    refund: verb(refund),
    reverseRefund: verb(reverseRefund),
    get: verb(get),
    usage: verb(usage),
    overdue: verb((_, command) => overdue(command)),
    ready: async () => assertOpen(),
    close,
  };
}
