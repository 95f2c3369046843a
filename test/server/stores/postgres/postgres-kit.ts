import {
  type PostgresStore,
  type PostgresStoreOptions,
  postgresStore,
} from '@spendcap/server/stores/postgres';
import type pg from 'pg';
import { onTestFinished } from 'vitest';
import { findPostgres, freshSchema, poolAnswering, poolOf } from '../../../support/postgres.ts';

export const url = await findPostgres();

export interface World {
  readonly store: PostgresStore;
  readonly pool: pg.Pool;
  readonly schema: string;
  /** Another store on the same ledger. */
  readonly open: (options?: Omit<PostgresStoreOptions, 'pool' | 'schema'>) => PostgresStore;
  /** `@` stands for the schema. */
  readonly query: (text: string) => Promise<Record<string, unknown>[]>;
  /** A transaction of its own, with a store in it. */
  readonly begin: () => Promise<Transaction>;
}

export interface Transaction {
  readonly store: PostgresStore;
  readonly query: World['query'];
  readonly end: (how: 'COMMIT' | 'ROLLBACK') => Promise<void>;
}

/** A migrated ledger, which is dropped at the end of the test. */
export async function world(): Promise<World> {
  const pool = poolOf(url ?? '', { max: 8 });
  const schema = freshSchema();
  onTestFinished(async () => {
    await pool.query(`DROP SCHEMA "${schema}" CASCADE`);
    await pool.end();
  });
  const open: World['open'] = (options = {}) => {
    const store = postgresStore({ pool, schema, ...options });
    onTestFinished(() => store.close());
    return store;
  };
  const store = open();
  await store.migrate();
  const named = (text: string): string => text.replaceAll('@', `"${schema}".`);
  const query: World['query'] = async (text) => (await pool.query(named(text))).rows;
  const begin: World['begin'] = async () => {
    const client = await pool.connect();
    await client.query('BEGIN');
    let open = true;
    const end: Transaction['end'] = async (how) => {
      if (!open) return;
      open = false;
      await client.query(how);
      client.release();
    };
    onTestFinished(() => end('ROLLBACK'));
    return {
      store: postgresStore({ pool: poolAnswering((query) => client.query(query)), schema }),
      query: async (text) => (await client.query(named(text))).rows,
      end,
    };
  };
  return { store, pool, schema, open, query, begin };
}
