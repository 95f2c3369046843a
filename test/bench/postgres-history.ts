import { postgresStore } from '@spendcap/server/stores/postgres';
import type pg from 'pg';
import { findPostgres, freshSchema, poolOf } from '../support/postgres.ts';
import { postgres } from '../support/stores/postgres.ts';
import { freshStore } from '../support/stores.ts';
import { evidenceOf, limiterOn, reserveOne } from './fixtures.ts';
import { type Comparison, inFlight, SUBJECTS } from './harness.ts';

const PAST_PURCHASES = 10_000_000;
/** Among them the players who buy now, with a hundred each. */
const PAST_SUBJECTS = 100_000;

/** A database with a year of others' and own purchases beside an empty one. */
export async function postgresHistoryComparison(): Promise<Comparison | null> {
  const url = await findPostgres();
  if (url === null) return null;
  const pool = poolOf(url);
  const schema = freshSchema();
  const store = postgresStore({ pool, schema });
  await store.migrate();
  await fill(pool, schema);
  const full = limiterOn(store);
  const empty = limiterOn(await freshStore(postgres));
  const run = (limiter: typeof full) => (count: number) =>
    inFlight(count, (index) => reserveOne(limiter, index));
  return {
    work: 'reserve on Postgres with 10,000,000 past purchases',
    ours: { name: 'long history', run: run(full) },
    beside: { name: 'empty table', run: run(empty) },
    atLeast: 0.85,
    count: 10_000,
    close: async () => {
      await empty.close();
      await full.close();
      await pool.query(`DROP SCHEMA "${schema}" CASCADE`);
      await pool.end();
    },
  };
}

/**
 * Makes the past on the server: the rows first and then their indexes, which is a third of the
 * time.
 */
async function fill(pool: pg.Pool, schema: string): Promise<void> {
  const client = await pool.connect();
  const step = async (text: string): Promise<void> => {
    const begun = performance.now();
    await client.query(text.replaceAll('@', `"${schema}".`));
    const seconds = ((performance.now() - begun) / 1_000).toFixed(0);
    process.stderr.write(`  ${text.trim().split('\n')[0]} ${seconds} s\n`);
  };
  await client.query(`SET maintenance_work_mem = '512MB'`);
  await client.query(`ALTER TABLE "${schema}".refunds DROP CONSTRAINT refunds_purchase_fkey`);
  await client.query(`ALTER TABLE "${schema}".purchases DROP CONSTRAINT purchases_pkey`);
  await client.query(`DROP INDEX "${schema}".purchases_of_subject`);
  await step(`INSERT INTO @purchases (amount, reserved_at, expires_at, committed, reconcile, state, id,
      subject, currency, request, basis)
    SELECT 100, at, at + 1800000, 100, false, 'committed', gen_random_uuid(),
      'sub_' || n % ${PAST_SUBJECTS}, 'CNY',
      '{"amount":100,"currency":"CNY"}',
      '{"policy":"cn-game@2024-01-01","ageRange":[12,13],"evidence":"age_token","assurance":null}'
    FROM (SELECT n, ${Date.now()} - (${PAST_PURCHASES} - n) * 3153::bigint AS at
      FROM generate_series(1, ${PAST_PURCHASES}) AS n) AS past`);
  await step('ALTER TABLE @purchases ADD CONSTRAINT purchases_pkey PRIMARY KEY (id)');
  await step('CREATE INDEX purchases_of_subject ON @purchases (subject, reserved_at)');
  await step('VACUUM ANALYZE @purchases');
  await step('CHECKPOINT');
  client.release();
}

const PER_SUBJECT = 20;

/**
 * What the ledger takes on disk and in the server's log, after as many purchases of each subject.
 */
export async function postgresBytes(): Promise<Record<string, string> | null> {
  const url = await findPostgres();
  if (url === null) return null;
  const pool = poolOf(url);
  const schema = freshSchema();
  const store = postgresStore({ pool, schema });
  await store.migrate();
  const limiter = limiterOn(store);
  const players = Array.from({ length: SUBJECTS }, (_, index) => evidenceOf(`sub_${index}`));
  const purchases = SUBJECTS * PER_SUBJECT;
  const begun = await walOf(pool);
  await inFlight(purchases, (index) => {
    const evidence = players[index % SUBJECTS] ?? evidenceOf('');
    return limiter.reserve({ id: idOf(index), evidence, amount: '1.00', currency: 'CNY' });
  });
  const held = await walOf(pool);
  // Not in the order in which they were made: some buyers take longer than others.
  await inFlight(purchases, (index) => limiter.commit(idOf((index * 7_919) % purchases)));
  const committed = await walOf(pool);
  const each = async (table: string, rows: number): Promise<string> => {
    const { rows: found } = await pool.query(
      `SELECT sum(pg_total_relation_size(inhrelid)) AS size FROM (
        SELECT '"${schema}".${table}'::regclass AS inhrelid UNION
        SELECT inhrelid FROM pg_inherits WHERE inhparent = '"${schema}".${table}'::regclass) AS t`,
    );
    return (Number(found[0]?.size) / rows).toFixed(0);
  };
  const bytes = {
    'Postgres: bytes per subject': await each('accounts', SUBJECTS),
    'Postgres: bytes per committed purchase': await each('purchases', purchases),
    'Postgres: bytes of log entries per committed purchase': await each('entries', purchases),
    'Postgres: bytes of WAL per reserve': ((held - begun) / purchases).toFixed(0),
    'Postgres: bytes of WAL per commit': ((committed - held) / purchases).toFixed(0),
  };
  await limiter.close();
  await pool.query(`DROP SCHEMA "${schema}" CASCADE`);
  await pool.end();
  return bytes;
}

/** As random as a UUID, since that is what most callers use, and the same for the same purchase. */
function idOf(index: number): string {
  const hash = (index * 2_654_435_761) % 2 ** 32;
  return `${hash.toString(16).padStart(8, '0')}-0000-4000-8000-${String(index).padStart(12, '0')}`;
}

async function walOf(pool: pg.Pool): Promise<number> {
  const { rows } = await pool.query(`SELECT pg_current_wal_lsn() - '0/0' AS bytes`);
  return Number(rows[0]?.bytes);
}
