import type { Store } from '@spendcap/core';
import { closing, type StoreEntry, type SuiteName, type Suites } from './stores/entry.ts';
import { memory } from './stores/memory.ts';
import { postgres, postgresPooler } from './stores/postgres.ts';
import { redis } from './stores/redis.ts';
import { redisClusters } from './stores/redis-cluster.ts';
import { sqlite } from './stores/sqlite.ts';

/** Every store. What is added here is tested by conformance and by each suite that applies. */
export const STORES: readonly StoreEntry[] = [
  memory,
  sqlite,
  postgres,
  postgresPooler,
  redis,
  redisClusters,
];

/** A store in a suite, with what the suite has to know of it. */
export type InSuite<S extends SuiteName> = StoreEntry & { readonly needs: Suites[S] };

/** The stores that a suite applies to, whether this machine can run them or not. */
export function storesOf<S extends SuiteName>(suite: S): readonly InSuite<S>[] {
  return STORES.flatMap((entry) => {
    const needs: Suites[S] | { readonly not: string } = entry.suites[suite];
    return typeof needs === 'object' && 'not' in needs ? [] : [{ ...entry, needs }];
  });
}

/** Separated by commas: limits the suites to these stores. */
const ONLY = process.env.SPENDCAP_TEST_STORES?.split(',');

/** Of these, the ones that this machine can run; the others each print one line, or throw. */
export async function runnable<E extends StoreEntry>(entries: readonly E[]): Promise<readonly E[]> {
  const wanted = entries.filter(({ name }) => ONLY?.includes(name) ?? true);
  const here = await Promise.all(wanted.map((entry) => entry.isHere()));
  return wanted.filter((_, index) => here[index]);
}

/** The servers that a test may stop, of each store that has one, with the store's drivers. */
export function ownServers({ newest = false }: { readonly newest?: boolean } = {}) {
  return storesOf('restart').flatMap(({ drivers, needs }) =>
    needs
      .kinds()
      .slice(newest ? -1 : 0)
      .map((kind) => ({ ...kind, drivers })),
  );
}

/** Each store by each of its drivers, for example `redis by ioredis`. */
export function byDriver<E extends StoreEntry>(entries: readonly E[]) {
  return entries.flatMap((entry) => {
    const { name, drivers } = entry;
    if (drivers.length < 2) return [{ name, entry, driver: drivers[0] }];
    return drivers.map((driver) => ({ name: `${name} by ${driver}`, entry, driver }));
  });
}

/** A store on an empty ledger of its own, which `close()` deletes. */
export async function freshStore(
  { openLedger }: StoreEntry,
  { driver, ...options }: { readonly driver?: string | undefined; readonly keepMs?: number } = {},
): Promise<Store> {
  const ledger = await openLedger(options);
  return closing(await ledger.connect({ driver }), ledger.remove);
}
