import { randomUUID } from 'node:crypto';
import { userInfo } from 'node:os';
import type { Store } from '@spendcap/core';
import { type PostgresStoreOptions, postgresStore } from '@spendcap/server/stores/postgres';
import pg from 'pg';

const USUAL = 'postgres://127.0.0.1:5432/postgres';

/** Where the tests' server is, or `null` with one loud line if there is none. */
export async function findPostgres(): Promise<string | null> {
  const named = process.env.SPENDCAP_TEST_POSTGRES_URL;
  const url = withUser(named ?? USUAL);
  const client = new pg.Client({ connectionString: url });
  try {
    await client.connect();
    await client.end();
    return url;
  } catch (cause) {
    const wanted = named !== undefined || process.env.SPENDCAP_REQUIRE_SERVICES === '1';
    const told = 'no PostgreSQL server: set SPENDCAP_TEST_POSTGRES_URL, or start one on port 5432';
    if (wanted) throw new Error(told, { cause });
    process.stderr.write(`SKIPPED, ${told}\n`);
    return null;
  }
}

/** A name that no other test uses. */
export function freshSchema(): string {
  return `spendcap_${randomUUID().replaceAll('-', '')}`;
}

export function poolOf(url: string, config: pg.PoolConfig = {}): pg.Pool {
  const pool = new pg.Pool({ connectionString: url, max: 4, ...config });
  // An idle connection that the test cuts.
  pool.on('error', () => undefined);
  return pool;
}

/** A migrated store in a schema of its own, which goes when the store is closed. */
export async function freshPostgres(
  url: string,
  options: Partial<PostgresStoreOptions> = {},
): Promise<Store> {
  const pool = poolOf(url);
  const schema = freshSchema();
  const store = postgresStore({ pool, schema, ...options });
  await store.migrate();
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    await store.close();
    await pool.query(`DROP SCHEMA "${schema}" CASCADE`);
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

/** With the operating system's user, as `psql` has it, where the address names none. */
function withUser(address: string): string {
  const url = new URL(address);
  if (url.username === '') url.username = process.env.PGUSER ?? userInfo().username;
  return url.href;
}
