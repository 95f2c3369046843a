import { setTimeout as sleep } from 'node:timers/promises';
import type { Store } from '@spendcap/core';
import { postgresStore } from '@spendcap/server/stores/postgres';
import { redisStore } from '@spendcap/server/stores/redis';
import { Redis } from 'ioredis';
import { afterEach, describe, expect, test } from 'vitest';
import { findPostgres, freshSchema, poolOf } from '../support/postgres.ts';
import { type Trouble, troubleProxy } from '../support/proxy.ts';
import {
  canStartRedis,
  freshPrefix,
  openCluster,
  openRedis,
  REDIS_URL,
  redisCluster,
} from '../support/redis.ts';
import { checkHistory } from './checker.ts';
import { oneByOne } from './ledger.ts';
import { type Client, type History, randomOf, record } from './record.ts';

const BUDGET_MS = Number(process.env.SPENDCAP_LINEARIZABILITY_MS ?? 5_000);
const TIMEOUT_MS = 400;
const seed = Number(process.env.SPENDCAP_SEED ?? Date.now() % 1_000_000_000);

type Proxy = Awaited<ReturnType<typeof troubleProxy>>;

/** Several stores on one ledger, each with connections of its own. The first has no trouble. */
interface World {
  readonly clients: readonly [Client, ...Client[]];
  readonly proxy?: Proxy;
}

const undo: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

const proxyOf = async (url: string, port: number): Promise<Proxy> => {
  const target = new URL(url);
  const proxy = await troubleProxy({ host: target.hostname, port: Number(target.port || port) });
  undo.push(() => proxy.close());
  return proxy;
};

async function postgresWorld(url: string, troubled: boolean): Promise<World> {
  const schema = freshSchema();
  const poolTo = (address: string) => {
    const pool = poolOf(address);
    undo.push(() => pool.end());
    return pool;
  };
  const operator = poolTo(url);
  undo.push(() => operator.query(`DROP SCHEMA "${schema}" CASCADE`));
  await postgresStore({ pool: operator, schema }).migrate();
  // Small batches, or there would be little that is in each other's way.
  const open = (address: string): Store =>
    postgresStore({ pool: poolTo(address), schema, maxBatch: 2, timeoutMs: TIMEOUT_MS });
  const clients = [url, url, url].map((address) => ({ store: open(address) })) as [Client];
  if (!troubled) return { clients: [...clients, { store: open(url) }] };
  const proxy = await proxyOf(url, 5432);
  const address = new URL(url);
  Object.assign(address, { hostname: '127.0.0.1', port: String(proxy.port) });
  return { clients: [...clients, { store: open(address.href) }], proxy };
}

async function redisWorld(url: string, troubled: boolean): Promise<World> {
  const prefix = freshPrefix();
  const options = { prefix, url, maxBatch: 2, timeoutMs: TIMEOUT_MS };
  const kinds = ['ioredis', 'node-redis', 'ioredis'] as const;
  const stores = await Promise.all(kinds.map((kind) => openRedis(kind, options)));
  undo.push(...stores.map((store) => () => store.close()));
  const clients = stores.map((store) => ({ store })) as [Client];
  if (!troubled) return { clients };
  const proxy = await proxyOf(url, 6379);
  const through = (maxRetriesPerRequest: number | null): Store => {
    const retry = { maxRetriesPerRequest, retryStrategy: () => 10 };
    const client = new Redis({ host: '127.0.0.1', port: proxy.port, ...retry });
    client.on('error', () => undefined);
    undo.push(async () => client.disconnect());
    return redisStore({ client, prefix, maxBatch: 2, timeoutMs: TIMEOUT_MS });
  };
  return {
    clients: [...clients, { store: through(0) }, { store: through(null), resends: true }],
    proxy,
  };
}

/** What takes several trips there is not one step: docs/redis.md says which. */
async function clusterWorld(): Promise<World> {
  const ports = await redisCluster();
  const options = { prefix: freshPrefix(), maxBatch: 2, timeoutMs: TIMEOUT_MS };
  const stores = await Promise.all(
    (['ioredis', 'node-redis', 'ioredis'] as const).map((kind) =>
      openCluster(kind, ports, options),
    ),
  );
  undo.push(...stores.map((store) => () => store.close()));
  return { clients: stores.map((store) => ({ store })) as [Client] };
}

/** Makes one trouble after another until it is told to stop. */
async function trouble(proxy: Proxy, random: () => number, stopped: () => boolean): Promise<void> {
  const troubles: readonly Trouble[] = [
    'cut before request',
    'cut before answer',
    'lose before answer',
    'lose before request',
  ];
  while (!stopped()) {
    await sleep(random() * 40);
    const next = troubles[Math.floor(random() * troubles.length)] ?? 'none';
    proxy.make(next);
    await sleep(random() * 15);
    proxy.make('none');
    if (next.startsWith('lose')) proxy.cut();
  }
}

/** What histories on a store may have. */
interface Limits {
  readonly maxSubjects: number;
  readonly overdue: boolean;
}

/** Records and checks small histories, side by side, until the time is up. */
async function histories({ clients, proxy }: World, limits: Limits) {
  const random = randomOf(seed);
  const last = clients[0].store;
  const until = performance.now() + BUDGET_MS;
  const found: History[] = [];
  const troubled = proxy && trouble(proxy, random, () => performance.now() >= until);
  for (let round = 0; performance.now() < until; round += 1) {
    const groups = Array.from({ length: 4 }, (_, group) => {
      const { maxSubjects, overdue } = limits;
      const subjects = 1 + (group % maxSubjects);
      const scene = { own: `${round}-${group}-`, subjects, overdue, random };
      return record({ ...scene, clients: [...clients, ...clients], callsEach: 5, last });
    });
    for (const history of await Promise.all(groups)) {
      const verdict = checkHistory(history, oneByOne);
      if (verdict.outcome !== 'linearizable') throw new Error(`seed ${seed}: ${verdict.message}`);
      found.push(history);
    }
  }
  await troubled;
  return count(found);
}

/** What the histories had in them: a check of nothing would always pass. */
function count(found: readonly History[]) {
  const calls = found.flat();
  const tell = (matches: (text: string) => boolean): number =>
    calls.filter(({ answered }) => answered !== undefined && matches(JSON.stringify(answered)))
      .length;
  const overlapping = found.flatMap((history) =>
    history.filter(({ called, answered }) =>
      history.some(
        (other) => other.called < called && (other.answered?.at ?? 0) > called && answered,
      ),
    ),
  );
  return {
    histories: found.length,
    calls: calls.length,
    overlapping: overlapping.length,
    unknown: found.flatMap((history) => history.filter((call) => isLost(history, call))).length,
    refused: tell((text) => text.includes('"refused"')),
    late: tell((text) => text.includes('"late":true')),
    expired: tell((text) => text.includes('"expired":["')),
  };
}

/** Nobody was answered: what may have been sent twice is written down a second time without an answer. */
const isLost = (history: History, { called, answered }: History[number]): boolean =>
  answered === undefined && !history.some((other) => other.called === called && other.answered);

const ANY: Limits = { maxSubjects: 2, overdue: true };
const postgres = await findPostgres();
const cluster = canStartRedis('histories on a Redis cluster');

describe('what several stores on one ledger answer could have been answered one by one', () => {
  const check = (name: string, open: () => Promise<World>, limits = ANY) =>
    test(
      name,
      async () => {
        console.info(`${name}: SPENDCAP_SEED=${seed}`);
        const world = await open();
        const told = await histories(world, limits);
        console.info(`${name}: ${JSON.stringify(told)}`);
        const { calls, overlapping, unknown, refused, late, expired } = told;
        expect(overlapping).toBeGreaterThan(calls / 2);
        for (const some of [refused, late, expired]) expect(some).toBeGreaterThan(0);
        if (world.proxy !== undefined) expect(unknown).toBeGreaterThan(0);
      },
      BUDGET_MS + 30_000,
    );

  describe.skipIf(postgres === null)('Postgres', () => {
    check('Postgres', () => postgresWorld(postgres ?? '', false));
    check('Postgres through cuts', () => postgresWorld(postgres ?? '', true));
  });
  describe.skipIf(REDIS_URL === null)('Redis', () => {
    check('Redis', () => redisWorld(REDIS_URL ?? '', false));
    check('Redis through cuts', () => redisWorld(REDIS_URL ?? '', true));
  });
  describe.skipIf(!cluster)('Redis cluster', () => {
    check('Redis cluster', clusterWorld, { maxSubjects: 1, overdue: false });
  });
});
