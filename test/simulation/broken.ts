import type { Store, StoredPurchase } from '@spendcap/core';
import * as ledger from '../../packages/server/src/ledger/ledger.ts';
import { memoryRows } from '../../packages/server/src/stores/memory/rows.ts';
import { anyStore } from '../support/any-store.ts';
import { KEEP_MS, type OpenLedger, sharedLedger } from './stores.ts';

type Verbs = Omit<Store, 'ready' | 'close'>;

/** A store with some of its verbs replaced. */
export function over(change: (inner: Store) => Partial<Verbs>): OpenLedger {
  return async () => {
    const inner = anyStore();
    return sharedLedger({ ...inner, ...change(inner) });
  };
}

/** A memory store with some row functions replaced, or with its rows changed after each verb. */
export function overRows(
  change: (rows: ledger.Rows) => Partial<ledger.Rows>,
  after: (rows: ledger.Rows, done: Done) => void = () => undefined,
): OpenLedger {
  return async () => {
    const { rows: inner, overdue } = memoryRows(KEEP_MS);
    const rows = { ...inner, ...change(inner) };
    const verb =
      <C extends object, R extends object>(
        name: string,
        run: (rows: ledger.Rows, command: C) => R,
      ) =>
      async (command: C): Promise<R> => {
        const result = run(rows, command);
        after(inner, { name, command, result } as unknown as Done);
        return result;
      };
    return sharedLedger({
      reserve: verb('reserve', ledger.reserve),
      commit: verb('commit', ledger.commit),
      release: verb('release', ledger.release),
      record: verb('record', ledger.record),
      attach: verb('attach', ledger.attach),
      refund: verb('refund', ledger.refund),
      reverseRefund: verb('reverseRefund', ledger.reverseRefund),
      get: verb('get', ledger.get),
      usage: verb('usage', ledger.usage),
      overdue: async (command) => overdue(command),
      ready: async () => undefined,
      close: async () => undefined,
    });
  };
}

interface Done {
  readonly name: string;
  readonly command: { readonly at: number; readonly amount?: number };
  readonly result: {
    readonly purchase?: StoredPurchase;
    readonly changed?: boolean;
    readonly replayed?: boolean;
    readonly outcome?: string;
  };
}

/** Adds to what the windows of a purchase have used. */
export function shift(rows: ledger.Rows, purchase: StoredPurchase, by: number): void {
  for (const counter of countersOf(rows, purchase, { within: true })) counter.used += by;
}

/** The windows that a purchase is in, or those that it is not in. */
export function countersOf(
  rows: ledger.Rows,
  { subject, reservedAt }: StoredPurchase,
  { within }: { readonly within: boolean },
) {
  const { counters = [] } = rows.account(subject) ?? {};
  return counters.filter(({ start, end }) => (start <= reservedAt && reservedAt < end) === within);
}
