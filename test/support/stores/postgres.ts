import { postgresStore } from '@spendcap/server/stores/postgres';
import type pg from 'pg';
import { atEnd } from '../at-end.ts';
import { findPrograms, ownPostgres, type PostgresPrograms } from '../own-postgres.ts';
import { findPgbouncer, pgbouncer } from '../pgbouncer.ts';
import { findPostgres, freshSchema, poolOf } from '../postgres.ts';
import {
  type ConnectOptions,
  closing,
  type Kept,
  type Ledger,
  noServer,
  not,
  openStores,
  type ServerKind,
  type StoreEntry,
} from './entry.ts';

const DEFAULT_PORT = 5_432;

const operators = new Map<string, pg.Pool>();

/** The pool that makes, reads and drops the schemas of a server: one in this process. */
function operatorOf(url: string): pg.Pool {
  const known = operators.get(url);
  if (known !== undefined) return known;
  const made = poolOf(url, { max: 2, allowExitOnIdle: true });
  operators.set(url, made);
  atEnd(() => void made.end());
  return made;
}

async function tablesOf(url: string, schema: string): Promise<readonly Kept[]> {
  const operator = operatorOf(url);
  const { rows } = await operator.query<{ name: string }>(
    'SELECT table_name AS name FROM information_schema.tables WHERE table_schema = $1',
    [schema],
  );
  const tables = rows.map(async ({ name }) => {
    const all = await operator.query(`SELECT t::text AS row FROM "${schema}"."${name}" t`);
    return { where: name, bytes: Buffer.from(JSON.stringify(all.rows)) };
  });
  return Promise.all(tables);
}

/** A migrated schema on a server. */
async function openLedgerAt(url: string, schema = freshSchema()): Promise<Ledger> {
  const operator = operatorOf(url);
  await postgresStore({ pool: operator, schema }).migrate();
  const stores = openStores();
  const { hostname, port } = new URL(url);
  return {
    async connect({ timeoutMs, maxBatch, proxyPort }: ConnectOptions = {}) {
      const address = new URL(url);
      if (proxyPort !== undefined) {
        Object.assign(address, { hostname: '127.0.0.1', port: String(proxyPort) });
      }
      const wait = timeoutMs === undefined ? {} : { connectionTimeoutMillis: timeoutMs };
      const pool = poolOf(address.href, wait);
      const limits = {
        ...(timeoutMs === undefined ? {} : { timeoutMs }),
        ...(maxBatch === undefined ? {} : { maxBatch }),
      };
      return stores.add(closing(postgresStore({ pool, schema, ...limits }), () => pool.end()));
    },
    endpoint: { host: hostname, port: Number(port || DEFAULT_PORT) },
    dump: () => tablesOf(url, schema),
    async remove() {
      await stores.close();
      await operator.query(`DROP SCHEMA "${schema}" CASCADE`);
    },
  };
}

const STOPS = ['fast', 'immediate', 'kill'] as const;

function serverKind(programs: PostgresPrograms): ServerKind {
  return {
    name: `PostgreSQL ${programs.version}`,
    stops: STOPS,
    async create() {
      const { url, start, stop } = await ownPostgres(programs);
      return {
        address: url,
        openLedger: () => openLedgerAt(url, 'spendcap'),
        start,
        stop: (how) => stop(STOPS.find((known) => known === how) ?? 'kill'),
      };
    },
  };
}

const url = async (): Promise<string> => (await findPostgres()) ?? '';

export const postgres: StoreEntry = {
  name: 'postgres',
  drivers: ['pg'],
  isHere: async () => (await findPostgres()) !== null,
  openLedger: async () => openLedgerAt(await url()),
  suites: {
    options: {
      numbers: { maxBatch: 'from 1', maxQueue: 'from 1', timeoutMs: 'wait from 1' },
      create: (options) => postgresStore({ pool: { connect: noServer }, ...options }),
    },
    properties: { histories: 100 },
    simulation: { reorders: true },
    linearizability: { subjects: 2, overdue: true },
    network: { resends: [false] },
    restart: { kinds: () => findPrograms('Postgres servers that are stopped').map(serverKind) },
    privacy: true,
  },
};

let pooler: Promise<string> | undefined;

/** Where the pooler is; started when it is first needed. */
async function poolerUrl(): Promise<string> {
  const { url: own, stop } = await pgbouncer(findPgbouncer('a pooler') ?? '', await url());
  atEnd(stop);
  return own;
}

/** A pooler only changes what a connection keeps between two statements. */
const SAME = not('it is the store of postgres, whose rules do not depend on the connection');

export const postgresPooler: StoreEntry = {
  name: 'postgres through PgBouncer',
  drivers: ['pg'],
  isHere: async () =>
    (await findPostgres()) !== null && findPgbouncer('Postgres through a pooler') !== null,
  async openLedger() {
    pooler ??= poolerUrl();
    return openLedgerAt(await pooler);
  },
  suites: {
    options: SAME,
    properties: SAME,
    simulation: SAME,
    linearizability: SAME,
    network: SAME,
    restart: SAME,
    privacy: SAME,
  },
};
