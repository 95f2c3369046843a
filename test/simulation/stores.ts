import { randomUUID } from 'node:crypto';
import type { Store } from '@spendcap/core';
import { memoryStore } from '@spendcap/server/stores/memory';
import { postgresStore } from '@spendcap/server/stores/postgres';
import { redisStore } from '@spendcap/server/stores/redis';
import { sqliteStore } from '@spendcap/server/stores/sqlite';
import { Redis } from 'ioredis';
import { findPostgres, freshSchema, poolOf } from '../support/postgres.ts';
import { removeTemporaryFiles, temporaryFile } from '../support/temporary.ts';
import { DAY } from './policies.ts';

/** One empty ledger that several processes share. */
export interface Ledger {
  /** The store as one process opens it. */
  connect(): Promise<Store>;
  /** Away with all of it. */
  close(): Promise<void>;
}

export const STORE_NAMES = ['memory', 'sqlite', 'postgres', 'redis'] as const;
export type StoreName = (typeof STORE_NAMES)[number];
export type OpenLedger = () => Promise<Ledger>;

/** Longer than any history: the memory store may forget, the model does not. */
export const KEEP_MS = 4_000 * DAY;

/** A ledger in this process, which all of the simulated processes have in common. */
export function sharedLedger(store: Store): Ledger {
  return { connect: async () => ({ ...store, close: async () => undefined }), close: store.close };
}

async function openMemory(): Promise<Ledger> {
  return sharedLedger(memoryStore({ keepEndedMs: KEEP_MS }));
}

async function openSqlite(): Promise<Ledger> {
  const path = temporaryFile('simulated.db');
  return { connect: async () => sqliteStore({ path }), close: async () => removeTemporaryFiles() };
}

/**
 * Of the calls that share a statement Postgres does the usual ones first, also where one came later
 * than a release of the same subject (docs/postgres.md). The model knows one course of things, so a
 * call by id waits for those before it, and those after wait for it.
 */
function inOneOrder(store: Store): Store {
  let last: Promise<unknown> = Promise.resolve();
  let since: Promise<unknown>[] = [];
  const over = (answer: Promise<unknown>) => answer.catch(() => undefined);
  const together =
    <C, R>(verb: (command: C) => Promise<R>) =>
    (command: C): Promise<R> => {
      const answer = last.then(() => verb(command));
      since.push(over(answer));
      return answer;
    };
  const alone =
    <C, R>(verb: (command: C) => Promise<R>) =>
    (command: C): Promise<R> => {
      const answer = Promise.all([last, ...since]).then(() => verb(command));
      last = over(answer);
      since = [];
      return answer;
    };
  return {
    ...store,
    reserve: together(store.reserve),
    usage: together(store.usage),
    commit: alone(store.commit),
    release: alone(store.release),
    refund: alone(store.refund),
    reverseRefund: alone(store.reverseRefund),
    get: alone(store.get),
    overdue: alone(store.overdue),
  };
}

async function openPostgres(url: string): Promise<Ledger> {
  const pool = poolOf(url, { max: 4 });
  const schema = freshSchema();
  await postgresStore({ pool, schema }).migrate();
  return {
    connect: async () => inOneOrder(postgresStore({ pool, schema })),
    async close() {
      await pool.query(`DROP SCHEMA "${schema}" CASCADE`);
      await pool.end();
    },
  };
}

async function openRedisLedger(url: string): Promise<Ledger> {
  const { openRedis } = await import('../support/redis.ts');
  const prefix = `spendcap-simulated-${randomUUID()}:`;
  const main = await openRedis('ioredis', { url, prefix });
  return {
    async connect() {
      const client = new Redis(url);
      const store = redisStore({ client, prefix });
      const close = async () => {
        await store.close();
        client.disconnect();
      };
      return { ...store, close };
    },
    close: main.close,
  };
}

/** How to open a ledger of a store; `null`, told loudly, where this machine has no server for it. */
export async function openerOf(name: StoreName): Promise<OpenLedger | null> {
  switch (name) {
    case 'memory':
      return openMemory;
    case 'sqlite':
      return openSqlite;
    case 'postgres': {
      const url = await findPostgres();
      return url === null ? null : () => openPostgres(url);
    }
    case 'redis': {
      const { REDIS_URL: url } = await import('../support/redis.ts');
      return url === null ? null : () => openRedisLedger(url);
    }
  }
}
