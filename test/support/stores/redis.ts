import { redisStore } from '@spendcap/server/stores/redis';
import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { atEnd } from '../at-end.ts';
import { canStartRedis, findRedis, freshPrefix, type RedisServer, redisServer } from '../redis.ts';
import {
  type ConnectOptions,
  closing,
  type Kept,
  type Ledger,
  noServer,
  openStores,
  type ServerKind,
  type StoreEntry,
} from './entry.ts';

const DEFAULT_PORT = 6_379;
/** After how long a client reconnects. */
const RECONNECT_MS = 20;
/** Settings with which a server keeps what it has acknowledged. */
const DURABLE = ['--appendonly', 'yes', '--appendfsync', 'always'];

export const DRIVERS = ['ioredis', 'node-redis'] as const;

/** The options of a store that callers may set, and its prefix. */
export function storeOptions(
  prefix: string,
  keepMs: number | undefined,
  { timeoutMs, maxBatch }: ConnectOptions,
) {
  return {
    prefix,
    ...(keepMs === undefined ? {} : { keepMs }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(maxBatch === undefined ? {} : { maxBatch }),
  };
}

/** A client that gives up on a silent proxy before its store does. */
async function clientOf(url: string, options: ConnectOptions) {
  const { driver = 'ioredis', timeoutMs = 2_000, proxyPort, resends } = options;
  const address = proxyPort === undefined ? url : `redis://127.0.0.1:${proxyPort}`;
  const silence = proxyPort === undefined ? {} : { socketTimeout: timeoutMs / 2 };
  if (driver === 'ioredis') {
    const retries = resends === undefined ? {} : { maxRetriesPerRequest: resends ? null : 0 };
    const client = new Redis(address, {
      ...{ retryStrategy: () => RECONNECT_MS, ...silence, ...retries },
    });
    client.on('error', () => undefined);
    return { client, end: async () => client.disconnect() };
  }
  const client = createClient({
    url: address,
    ...(proxyPort === undefined ? {} : { pingInterval: timeoutMs / 4 }),
    socket: { reconnectStrategy: RECONNECT_MS, ...silence },
  });
  client.on('error', () => undefined);
  await client.connect();
  return { client, end: async () => client.destroy() };
}

const operators = new Map<string, Redis>();

/** The client that reads and deletes what the tests' stores have written: one for each server. */
export function operatorOf(url: string): Redis {
  const known = operators.get(url);
  if (known !== undefined) return known;
  const made = new Redis(url, { retryStrategy: () => RECONNECT_MS });
  made.on('error', () => undefined);
  operators.set(url, made);
  atEnd(() => made.disconnect());
  return made;
}

async function keysOf(operator: Redis, prefix: string): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const keys of operator.scanStream({ match: `${prefix}*`, count: 1_000 })) {
    found.push(...(keys as string[]));
  }
  return [...new Set(found)];
}

export async function dumpOf(operator: Redis, prefix: string): Promise<readonly Kept[]> {
  const read: Readonly<Record<string, (key: string) => Promise<unknown>>> = {
    string: (key) => operator.get(key),
    hash: (key) => operator.hgetall(key),
    zset: (key) => operator.zrange(key, '0', '-1', 'WITHSCORES'),
    set: (key) => operator.smembers(key),
    list: (key) => operator.lrange(key, 0, -1),
  };
  const keys = await keysOf(operator, prefix);
  const outputs = keys.map(async (key) => {
    const type = await operator.type(key);
    const value = await read[type]?.(key);
    if (value === undefined) throw new Error(`no reader for a key of type ${type}`);
    return { where: `redis ${type}`, bytes: Buffer.from(JSON.stringify([key, value])) };
  });
  return Promise.all(outputs);
}

export async function wipe(operator: Redis, prefix: string): Promise<void> {
  for (const key of await keysOf(operator, prefix)) await operator.unlink(key);
}

/** Keys of a prefix of their own on a server. */
async function openLedgerAt(
  url: string,
  { keepMs, prefix = freshPrefix() }: { readonly keepMs?: number; readonly prefix?: string } = {},
): Promise<Ledger> {
  const operator = operatorOf(url);
  const stores = openStores();
  const { hostname, port } = new URL(url);
  return {
    async connect(options = {}) {
      const { client, end } = await clientOf(url, options);
      const store = redisStore({ client, ...storeOptions(prefix, keepMs, options) });
      return stores.add(closing(store, end));
    },
    endpoint: { host: hostname, port: Number(port || DEFAULT_PORT) },
    dump: () => dumpOf(operator, prefix),
    async remove() {
      await stores.close();
      await wipe(operator, prefix);
    },
  };
}

/** A client that reports no failure of its connection. */
const SILENT = { on: () => undefined, off: () => undefined };

const STOPS = ['stop', 'crash'] as const satisfies readonly (keyof RedisServer)[];

const DURABLE_SERVER: ServerKind = {
  name: 'Redis, appendfsync always',
  stops: STOPS,
  async create() {
    const server = await redisServer(DURABLE);
    const address = `redis://127.0.0.1:${server.port}`;
    return {
      address,
      openLedger: () => openLedgerAt(address, { prefix: 'spendcap:' }),
      start: server.start,
      stop: (how) => server[STOPS.find((known) => known === how) ?? 'crash'](),
    };
  },
};

export const redis: StoreEntry = {
  name: 'redis',
  drivers: DRIVERS,
  isHere: async () => (await findRedis()) !== null,
  openLedger: async (options = {}) => openLedgerAt((await findRedis()) ?? '', options),
  suites: {
    options: {
      numbers: {
        ...{ maxBatch: 'from 1', maxQueue: 'from 1', minReplicas: 'from 0' },
        ...{ timeoutMs: 'wait from 1', keepMs: 'from 1' },
      },
      create: (options) =>
        redisStore({ client: { ...SILENT, isReady: true, sendCommand: noServer }, ...options }),
    },
    properties: { histories: 200 },
    simulation: { reorders: false },
    linearizability: { subjects: 2, overdue: true },
    network: { resends: [false, true] },
    restart: {
      kinds: () => (canStartRedis('Redis servers that are stopped') ? [DURABLE_SERVER] : []),
    },
    privacy: true,
  },
};
