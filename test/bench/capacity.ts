import { readFileSync } from 'node:fs';
import type { Limiter } from '@spendcap/server';
import { postgresStore } from '@spendcap/server/stores/postgres';
import { redisStore } from '@spendcap/server/stores/redis';
import { findPostgres, freshSchema, poolOf } from '../support/postgres.ts';
import { evidenceOf, limiterOn } from './fixtures.ts';
import { inFlight, SUBJECTS } from './harness.ts';
import { openServer } from './redis.ts';

const PURCHASES = 20_000;
const ROUNDS = 5;
/** What Linux counts the time of a process in. */
const TICK_US = 10_000;

interface Server {
  readonly name: string;
  readonly limiter: Limiter;
  /** Time that the server's processes have used, in microseconds. */
  readonly used: () => Promise<number>;
  readonly close: () => Promise<void>;
}

/**
 * Processor time of a purchase's reserve and commit, in our process and in the database, in
 * microseconds: unlike a rate it can be added up for any number of machines. Least of some rounds,
 * since others on the machine can only add to it. Needs Linux and both servers on this machine.
 */
export async function capacityTable(): Promise<readonly Record<string, string>[]> {
  const rows: Record<string, string>[] = [];
  for (const open of [openPostgres, openRedis]) {
    const server = await open();
    if (server === null) continue;
    const { name, limiter } = server;
    const players = Array.from({ length: SUBJECTS }, (_, index) => evidenceOf(`sub_${index}`));
    const reserve = (round: number) => (index: number) => {
      const evidence = players[(index * 7_919) % SUBJECTS] ?? evidenceOf('');
      const id = `order-${round}-${index}`;
      return limiter.reserve({ id, evidence, amount: '1.00', currency: 'CNY' });
    };
    const reserves: Cost[] = [];
    const commits: Cost[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      reserves.push(await costOf(server, reserve(round)));
      commits.push(
        await costOf(server, (index) =>
          limiter.commit(`order-${round}-${(index * 7_919) % PURCHASES}`),
        ),
      );
    }
    // The first round made the accounts, and the code warm.
    rows.push(rowOf(`${name}: reserve`, reserves.slice(1)), rowOf(`${name}: commit`, commits));
    await server.close();
  }
  return rows;
}

interface Cost {
  readonly ours: number;
  readonly theirs: number;
}

async function costOf(server: Server, call: (index: number) => Promise<unknown>): Promise<Cost> {
  const [begun, before] = [process.cpuUsage(), await server.used()];
  await inFlight(PURCHASES, call);
  const { user, system } = process.cpuUsage(begun);
  const theirs = (await server.used()) - before;
  return { ours: (user + system) / PURCHASES, theirs: theirs / PURCHASES };
}

function rowOf(work: string, costs: readonly Cost[]): Record<string, string> {
  const least = (of: (cost: Cost) => number) => Math.min(...costs.map(of)).toFixed(1);
  return {
    work,
    'process, us': least(({ ours }) => ours),
    'database, us': least(({ theirs }) => theirs),
  };
}

async function openPostgres(): Promise<Server | null> {
  const url = await findPostgres();
  if (url === null) return null;
  const pool = poolOf(url, { max: 3, idleTimeoutMillis: 0 });
  const schema = freshSchema();
  const store = postgresStore({ pool, schema });
  await store.migrate();
  const sleeps = Array.from({ length: 3 }, () =>
    pool.query('SELECT pg_backend_pid() AS pid, pg_sleep(0.1)'),
  );
  const pids = (await Promise.all(sleeps)).map(({ rows }) => Number(rows[0]?.pid));
  return {
    name: 'Postgres',
    limiter: limiterOn(store),
    used: async () => pids.reduce((sum, pid) => sum + timeOf(pid), 0),
    async close() {
      await store.close();
      await pool.query(`DROP SCHEMA "${schema}" CASCADE`);
      await pool.end();
    },
  };
}

async function openRedis(): Promise<Server> {
  const { client, stop } = await openServer();
  const store = redisStore({ client });
  const pid = Number(/process_id:(\d+)/.exec(await client.info('server'))?.[1]);
  return {
    name: 'Redis',
    limiter: limiterOn(store),
    used: async () => timeOf(pid),
    async close() {
      await store.close();
      client.disconnect();
      await stop();
    },
  };
}

/** What Linux says that a process of this machine has used, in microseconds. */
function timeOf(pid: number): number {
  const [, fields = ''] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ');
  const words = fields.split(' ');
  return (Number(words[11]) + Number(words[12])) * TICK_US;
}
