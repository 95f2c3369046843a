import type { Store } from '@spendcap/core';
import { type PostgresStore, postgresStore } from '../stores/postgres/index.ts';
import { storeFault, UsageError } from './usage-error.ts';

export const POSTGRES_URL = /^postgres(ql)?:\/\//;

export interface PostgresFlags {
  readonly store: string;
  readonly schema: string;
}

/** A store with a connection pool of its own that closes with it. */
async function openPostgres({ store: location, schema }: PostgresFlags): Promise<PostgresStore> {
  if (!URL.canParse(location)) throw new UsageError('--store is not a valid Postgres URL');
  const { default: pg } = await import('pg').catch(() => {
    throw new UsageError("--store postgres:// needs the package 'pg': npm install pg");
  });
  const pool = new pg.Pool({ connectionString: location, connectionTimeoutMillis: 5_000 });
  // An idle connection broke: the next call opens another.
  pool.on('error', () => undefined);
  const store = postgresStore({ pool, schema });
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    await store.close();
    await pool.end();
  };
  return {
    ...store,
    close: () => {
      closing ??= close();
      return closing;
    },
  };
}

/** A store that has been checked: reachable, migrated, durable. */
export async function openReadyPostgres(flags: PostgresFlags): Promise<Store> {
  const store = await openPostgres(flags);
  try {
    await store.ready();
    return store;
  } catch (error) {
    await store.close();
    throw storeFault(error);
  }
}

/** The time of a database server, in epoch milliseconds. */
export async function postgresTime(location: string): Promise<number> {
  const { default: pg } = await import('pg');
  const client = new pg.Client({ connectionString: location });
  await client.connect();
  try {
    const { rows } = await client.query('SELECT extract(epoch FROM clock_timestamp()) AS seconds');
    return Number(rows[0].seconds) * 1000;
  } finally {
    await client.end();
  }
}

/**
 * Creates or updates the schema of a store.
 *
 * @throws UsageError for a store that needs no migration, or cannot be migrated
 */
export async function migrate(flags: PostgresFlags): Promise<void> {
  if (!POSTGRES_URL.test(flags.store)) {
    throw new UsageError('--store must be postgres://...: other stores need no migration');
  }
  const store = await openPostgres(flags);
  try {
    await store.migrate();
  } catch (error) {
    throw storeFault(error);
  } finally {
    await store.close();
  }
}
