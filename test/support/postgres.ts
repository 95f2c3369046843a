import { randomUUID } from 'node:crypto';
import { userInfo } from 'node:os';
import type { PostgresClient, PostgresPool } from '@spendcap/server/stores/postgres';
import pg from 'pg';

const DEFAULT_URL = 'postgres://127.0.0.1:5432/postgres';

let found: Promise<string | null> | undefined;

/** The address of the tests' server; `null`, after one printed line, if there is none. */
export function findPostgres(): Promise<string | null> {
  found ??= find();
  return found;
}

async function find(): Promise<string | null> {
  const named = process.env.SPENDCAP_TEST_POSTGRES_URL;
  const url = withUser(named ?? DEFAULT_URL);
  const client = new pg.Client({ connectionString: url });
  try {
    await client.connect();
    await client.end();
    return url;
  } catch (cause) {
    const required = named !== undefined || process.env.SPENDCAP_REQUIRE_SERVICES === '1';
    const message =
      'no PostgreSQL server: set SPENDCAP_TEST_POSTGRES_URL, or start one on port 5432';
    if (required) throw new Error(message, { cause });
    process.stderr.write(`SKIPPED, ${message}\n`);
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

type Query = PostgresClient['query'];

/** A pool whose connections all answer as this function does. */
export function poolAnswering(query: Query): PostgresPool {
  const client = { query, on: () => {}, removeListener: () => {}, release: () => {} };
  return { connect: async () => client };
}

/** A pool whose statements go through a function, which may send them on. */
export function interceptedPool(
  pool: pg.Pool,
  intercept: (query: Parameters<Query>[0], send: Query) => ReturnType<Query>,
): PostgresPool {
  return {
    async connect() {
      const client = await pool.connect();
      const listening = {
        on: client.on.bind(client),
        removeListener: client.removeListener.bind(client),
      };
      const query: Query = (given) => intercept(given, (sent) => client.query(sent));
      return { ...listening, query, release: client.release.bind(client) };
    },
  };
}

/** With the operating system's user, as `psql` has it, where the address names none. */
function withUser(address: string): string {
  const url = new URL(address);
  if (url.username === '') url.username = process.env.PGUSER ?? userInfo().username;
  return url.href;
}
