import type { Store } from '@spendcap/core';
import type { Ledger as StoreLedger } from '../support/stores/entry.ts';
import type { InSuite } from '../support/stores.ts';
import { DAY } from './policies.ts';

/** One empty ledger that several simulated processes share. */
export type Ledger = Pick<StoreLedger, 'connect' | 'remove'>;
export type OpenLedger = () => Promise<Ledger>;

/** Longer than any history: a store may forget, the model does not. */
export const KEEP_MS = 4_000 * DAY;

/** A ledger in this process, which all of the simulated processes have in common. */
export function sharedLedger(store: Store): Ledger {
  return { connect: async () => ({ ...store, close: async () => undefined }), remove: store.close };
}

/** How a history opens a ledger of a store. */
export function openerOf({ openLedger, needs }: InSuite<'simulation'>): OpenLedger {
  if (!needs.reorders) return () => openLedger({ keepMs: KEEP_MS });
  return async () => {
    const ledger = await openLedger({ keepMs: KEEP_MS });
    return { ...ledger, connect: async () => inOneOrder(await ledger.connect()) };
  };
}

/**
 * A store that runs the fast path of a batch first may let a reserve overtake a release of the same
 * subject that was made before it (docs/postgres.md). The model knows one order, so a call by id
 * waits for those before it, and those after it wait for it.
 */
function inOneOrder(store: Store): Store {
  let last: Promise<unknown> = Promise.resolve();
  let since: Promise<unknown>[] = [];
  const settled = (answer: Promise<unknown>) => answer.catch(() => undefined);
  const together =
    <C, R>(verb: (command: C) => Promise<R>) =>
    (command: C): Promise<R> => {
      const answer = last.then(() => verb(command));
      since.push(settled(answer));
      return answer;
    };
  const alone =
    <C, R>(verb: (command: C) => Promise<R>) =>
    (command: C): Promise<R> => {
      const answer = Promise.all([last, ...since]).then(() => verb(command));
      last = settled(answer);
      since = [];
      return answer;
    };
  return {
    ...store,
    reserve: together(store.reserve),
    usage: together(store.usage),
    commit: alone(store.commit),
    release: alone(store.release),
    record: alone(store.record),
    attach: alone(store.attach),
    refund: alone(store.refund),
    reverseRefund: alone(store.reverseRefund),
    get: alone(store.get),
    overdue: alone(store.overdue),
  };
}
