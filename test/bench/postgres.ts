import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { findPostgres, freshSchema, poolOf } from '../support/postgres.ts';
import { postgres } from '../support/stores/postgres.ts';
import { freshStore } from '../support/stores.ts';
import { evidenceOf, limiterOn, reserveFor, reserveOne } from './fixtures.ts';
import { type Comparison, IN_FLIGHT, inFlight, SUBJECTS } from './harness.ts';

/** Connections of the transaction that one would write by hand. */
const CONNECTIONS = 16;

/** Our one statement for the calls that wait, beside a transaction of six statements for each. */
export async function postgresComparison(): Promise<Comparison | null> {
  const url = await findPostgres();
  if (url === null) return null;
  const limiter = limiterOn(await freshStore(postgres));
  const byHand = await handWritten(url);
  return {
    work: 'reserve on Postgres',
    ours: {
      name: 'limiter.reserve',
      run: (count) => inFlight(count, (index) => reserveOne(limiter, index)),
    },
    beside: {
      name: `transaction by hand, ${CONNECTIONS} connections`,
      run: (count) =>
        inFlight(count, (index) => byHand.reserve(`sub_${(index * 7_919) % SUBJECTS}`)),
    },
    atLeast: 10,
    count: 10_000,
    besideCount: 2_000,
    close: async () => {
      await limiter.close();
      await byHand.close();
    },
  };
}

/** Reserve and commit: two of our calls, beside two transactions by hand. */
export async function postgresPurchaseComparison(): Promise<Comparison | null> {
  const url = await findPostgres();
  if (url === null) return null;
  const limiter = limiterOn(await freshStore(postgres));
  const byHand = await handWritten(url);
  return {
    work: 'reserve + commit on Postgres',
    ours: {
      name: 'limiter.reserve, limiter.commit',
      run: (count) =>
        inFlight(count, async (index) => limiter.commit(await reserveOne(limiter, index))),
    },
    beside: {
      name: `two transactions by hand, ${CONNECTIONS} connections`,
      run: (count) =>
        inFlight(count, async (index) =>
          byHand.commit(await byHand.reserve(`sub_${(index * 7_919) % SUBJECTS}`)),
        ),
    },
    atLeast: 8,
    count: 5_000,
    besideCount: 1_000,
    close: async () => {
      await limiter.close();
      await byHand.close();
    },
  };
}

/** 64 concurrent calls that all need the same row, beside 64 that need a row each. */
export async function oneSubjectComparison(): Promise<Comparison | null> {
  const url = await findPostgres();
  if (url === null) return null;
  const limiter = limiterOn(await freshStore(postgres));
  const players = Array.from({ length: IN_FLIGHT }, (_, index) => evidenceOf(`sub_${index}`));
  const run = (subjects: number) => (count: number) =>
    inFlight(count, async (index) => {
      const player = players[index % subjects];
      if (player !== undefined) await reserveFor(limiter, player);
    });
  return {
    work: `${IN_FLIGHT} concurrent calls on Postgres`,
    ours: { name: 'one subject', run: run(1) },
    beside: { name: `${IN_FLIGHT} subjects`, run: run(IN_FLIGHT) },
    atLeast: 0.5,
    count: 5_000,
    close: () => limiter.close(),
  };
}

/** The work of a purchase as one would write it: a transaction for each step, and a row lock. */
async function handWritten(url: string) {
  const pool = poolOf(url, { max: CONNECTIONS });
  const schema = freshSchema();
  const counters = `"${schema}".counters`;
  const purchases = `"${schema}".purchases`;
  await pool.query(`CREATE SCHEMA "${schema}";
    CREATE TABLE ${counters} (subject text, period text, used bigint NOT NULL,
      PRIMARY KEY (subject, period));
    CREATE TABLE ${purchases} (id text PRIMARY KEY, subject text NOT NULL, amount bigint NOT NULL,
      state text NOT NULL DEFAULT 'reserved', at timestamptz NOT NULL DEFAULT now())`);

  const inTransaction = async (work: (client: pg.PoolClient) => Promise<void>): Promise<void> => {
    const client = await pool.connect();
    try {
      await client.query('BEGIN');
      await work(client);
      await client.query('COMMIT');
    } finally {
      client.release();
    }
  };

  return {
    /** Returns the id. */
    async reserve(subject: string): Promise<string> {
      const id = randomUUID();
      await inTransaction(async (client) => {
        await client.query(
          `INSERT INTO ${counters} VALUES ($1, 'day', 0), ($1, 'month', 0) ON CONFLICT DO NOTHING`,
          [subject],
        );
        const { rows } = await client.query(
          `SELECT used FROM ${counters} WHERE subject = $1 ORDER BY period FOR UPDATE`,
          [subject],
        );
        if (rows.some(({ used }) => Number(used) + 100 > 1e12)) throw new Error('refused');
        await client.query(`UPDATE ${counters} SET used = used + 100 WHERE subject = $1`, [
          subject,
        ]);
        const values = [id, subject];
        await client.query(
          `INSERT INTO ${purchases} (id, subject, amount) VALUES ($1, $2, 100)`,
          values,
        );
      });
      return id;
    },
    async commit(id: string): Promise<void> {
      await inTransaction(async (client) => {
        const { rows } = await client.query(
          `SELECT state FROM ${purchases} WHERE id = $1 FOR UPDATE`,
          [id],
        );
        if (rows[0]?.state !== 'reserved') throw new Error('it has ended');
        await client.query(`UPDATE ${purchases} SET state = 'committed' WHERE id = $1`, [id]);
      });
    },
    async close(): Promise<void> {
      await pool.query(`DROP SCHEMA "${schema}" CASCADE`);
      await pool.end();
    },
  };
}
