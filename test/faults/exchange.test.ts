import { setTimeout as sleep } from 'node:timers/promises';
import { type ReserveCommand, SpendcapError, type Store } from '@spendcap/core';
import { postgresStore } from '@spendcap/server/stores/postgres';
import { redisStore } from '@spendcap/server/stores/redis';
import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { capped, NOON, purchase, TODAY } from '../../packages/server/src/testing/fixtures.ts';
import { findPostgres, freshSchema, poolOf } from '../support/postgres.ts';
import { FAULTS, STEPS, type Trouble, troubleProxy } from '../support/proxy.ts';
import { freshPrefix, openRedis, REDIS_URL } from '../support/redis.ts';

/** Time for what the timers of a busy machine make late. */
const SLACK_MS = 1_000;

/** A store, and others on the same ledger through proxies of their own. */
interface World {
  readonly direct: Store;
  through(
    proxyPort: number,
    timeoutMs: number,
  ): Promise<{ readonly store: Store; close(): Promise<unknown> }>;
  readonly target: { readonly host: string; readonly port: number };
  close(): Promise<unknown>;
}

async function postgresWorld(url: string): Promise<World> {
  const schema = freshSchema();
  const pool = poolOf(url);
  const direct = postgresStore({ pool, schema });
  await direct.migrate();
  const target = new URL(url);
  return {
    direct,
    target: { host: target.hostname, port: Number(target.port || 5432) },
    async through(proxyPort, timeoutMs) {
      const address = new URL(url);
      Object.assign(address, { hostname: '127.0.0.1', port: String(proxyPort) });
      const other = poolOf(address.href, { connectionTimeoutMillis: timeoutMs });
      const store = postgresStore({ pool: other, schema, timeoutMs });
      return { store, close: () => other.end() };
    },
    async close() {
      await pool.query(`DROP SCHEMA "${schema}" CASCADE`);
      await pool.end();
    },
  };
}

async function redisWorld(url: string, kind: 'ioredis' | 'node-redis'): Promise<World> {
  const prefix = freshPrefix();
  const direct = await openRedis('ioredis', { url, prefix });
  const target = new URL(url);
  return {
    direct,
    target: { host: target.hostname, port: Number(target.port || 6379) },
    async through(proxyPort, timeoutMs) {
      const address = `redis://127.0.0.1:${proxyPort}`;
      if (kind === 'ioredis') {
        const socketTimeout = timeoutMs / 2;
        const client = new Redis(address, { retryStrategy: () => 20, socketTimeout });
        client.on('error', () => undefined);
        const store = redisStore({ client, prefix, timeoutMs });
        return { store, close: async () => client.disconnect() };
      }
      const client = createClient({
        ...{ url: address, pingInterval: timeoutMs / 4 },
        socket: { reconnectStrategy: 20, socketTimeout: timeoutMs / 2 },
      });
      client.on('error', () => undefined);
      await client.connect();
      const store = redisStore({ client, prefix, timeoutMs });
      return { store, close: async () => client.destroy() };
    },
    close: () => direct.close(),
  };
}

/** Each verb, and what the subject has used after it. */
function life(own: string) {
  const id = `${own} p`;
  const windows = [capped(TODAY, 1_000)];
  const hold = (change: Partial<ReserveCommand>) =>
    purchase(id, { subject: own, windows, ...change });
  const other = `${own} q`;
  return [
    [(store: Store) => store.reserve(hold({ amount: 100 })), 100],
    [(store: Store) => store.commit({ id, amount: 80, at: NOON }), 80],
    [
      (store: Store) => store.refund({ id, refundId: 'r', amount: 30, restores: true, at: NOON }),
      50,
    ],
    [(store: Store) => store.reverseRefund({ id, refundId: 'r', at: NOON }), 80],
    [(store: Store) => store.reserve(hold({ id: other, amount: 920 })), 1_000],
    [(store: Store) => store.release({ id: other, at: NOON }), 80],
  ] as const;
}

const codeOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => 'done',
    (error) => (SpendcapError.isInstance(error) ? error.code : `no coded error: ${error}`),
  );

const usedBy = async (store: Store, subject: string): Promise<number | undefined> =>
  (await store.usage({ subject, windows: [TODAY], at: NOON })).used[0];

/** Asks the same again, on the same store, until it is well. */
async function insist(ask: () => Promise<unknown>): Promise<void> {
  for (const begun = performance.now(); ; ) {
    const code = await codeOf(ask());
    if (code === 'done') return;
    if (performance.now() - begun > 10_000) throw new Error(`not well again: ${code}`);
  }
}

/** Does each verb with trouble in its way, then again without, and looks what came of both. */
async function goThrough(
  world: World,
  trouble: Trouble,
  { delayMs, timeoutMs }: { readonly delayMs: number; readonly timeoutMs: number },
): Promise<readonly string[]> {
  const own = `${trouble} ${delayMs}`;
  const proxy = await troubleProxy(world.target);
  const { store, close } = await world.through(proxy.port, timeoutMs);
  const codes: string[] = [];
  let before: number | undefined = 0;
  try {
    await insist(() => store.ready());
    for (const [verb, used] of life(own)) {
      proxy.make(trouble, { once: true, delayMs });
      const begun = performance.now();
      const code = await codeOf(verb(store));
      expect(performance.now() - begun).toBeLessThan(timeoutMs + SLACK_MS);
      expect(['done', 'outcome_unknown', 'store_unavailable']).toContain(code);
      codes.push(code);
      expect(proxy.struck()).toBe(codes.length);
      proxy.make('none');
      if (code === 'store_unavailable') expect(await usedBy(world.direct, own)).toBe(before);
      if (code === 'done') expect(await usedBy(world.direct, own)).toBe(used);
      await insist(() => verb(store));
      expect(await usedBy(world.direct, own)).toBe(used);
      before = used;
    }
    // What was held back comes now, and changes nothing.
    await sleep(trouble.startsWith('delay') ? delayMs : 0);
    expect(await usedBy(world.direct, own)).toBe(80);
  } finally {
    await proxy.close();
    await close();
  }
  return codes;
}

const postgres = await findPostgres();
const WORLDS = [
  ...(postgres === null ? [] : [['Postgres', () => postgresWorld(postgres)] as const]),
  ...(REDIS_URL === null
    ? []
    : (['ioredis', 'node-redis'] as const).map(
        (kind) => [kind, () => redisWorld(REDIS_URL ?? '', kind)] as const,
      )),
];
const TROUBLES = FAULTS.flatMap((fault) => STEPS.map((step) => [`${fault} ${step}`] as const));

describe.skipIf(WORLDS.length === 0).each(WORLDS)('%s', (_name, open) => {
  let world: World;
  beforeAll(async () => {
    world = await open();
  });
  afterAll(() => world.close());

  test.concurrent.each(TROUBLES)(
    '%s, at each verb: over in its time, and a retry finds the truth',
    async (trouble) => {
      // Longer than the store waits: its late effect is met by the retry, or comes after it.
      await goThrough(world, trouble, { timeoutMs: 400, delayMs: 600 });
    },
    60_000,
  );

  test.concurrent.each(STEPS)(
    'a short delay %s: slower, and nothing else',
    async (step) => {
      const codes = await goThrough(world, `delay ${step}`, { timeoutMs: 5_000, delayMs: 20 });
      expect(new Set(codes)).toEqual(new Set(['done']));
    },
    60_000,
  );
});
