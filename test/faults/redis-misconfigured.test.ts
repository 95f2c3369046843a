import { spawn } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createLimiter, parsePolicy, usAppStore } from '@spendcap/server';
import { type RedisStoreOptions, redisStore } from '@spendcap/server/stores/redis';
import { Cluster, Redis } from 'ioredis';
import { createClient } from 'redis';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../../packages/sandbox/src/spendcap-server.ts';
import { charge, NOON, purchase, TODAY } from '../../packages/server/src/testing/fixtures.ts';
import { canStartRedis, type RedisServer, redisCluster, redisServer } from '../support/redis.ts';
import { temporaryFile } from '../support/temporary.ts';

const MISCONFIGURED = { code: 'store_misconfigured', retryable: false };
const UNAVAILABLE = { code: 'store_unavailable', retryable: true };
const saying = (text: string) => ({ ...MISCONFIGURED, message: expect.stringContaining(text) });

const PAGE = readFileSync(new URL('../../docs/redis.md', import.meta.url), 'utf8');
/** The rights that docs/redis.md lists: for any setup, on a cluster, and with `minReplicas`. */
const [RIGHTS = [], CLUSTER_RIGHTS = [], REPLICA_RIGHTS = []] = [
  ...PAGE.matchAll(/^(?:ACL SETUSER .* nocommands )?(\+.*)$/gm),
].map(([, rights = '']) => rights.split(' '));
const USER = ['on', '>secret', 'resetkeys', '~spendcap:*', 'nocommands'];

interface Login {
  readonly username?: string;
  readonly password?: string;
}

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

const clientOf = (port: number, login: Login = {}): Redis => {
  const client = new Redis(port, '127.0.0.1', { retryStrategy: () => 20, ...login });
  client.on('error', () => undefined);
  undo.push(() => client.disconnect());
  return client;
};

const started = async (settings: readonly string[]): Promise<RedisServer> => {
  const server = await redisServer(settings);
  await server.start();
  undo.push(() => server.crash());
  return server;
};

const storeOn = (port: number, options: Omit<RedisStoreOptions, 'client'> = {}) =>
  redisStore({ client: clientOf(port), timeoutMs: 500, ...options });

/** Each verb once, on all of the paths that it has. */
async function useAllOf(store: ReturnType<typeof redisStore>): Promise<void> {
  const windows = [{ ...TODAY, cap: 10_000 }];
  for (const id of ['a', 'b', 'c']) await store.reserve(purchase(id, { windows }));
  const processor = 'one_pay';
  await store.reserve(purchase('open', { onExpiry: 'reconcile', processor, windows }));
  await store.reserve(purchase('large', { amount: 9_999, windows }));
  await store.commit({ id: 'a', at: NOON });
  await store.commit({ id: 'b', amount: 1, at: NOON });
  await store.refund({ id: 'a', refundId: 'r', restores: true, at: NOON });
  await store.reverseRefund({ id: 'a', refundId: 'r', at: NOON });
  await store.record(charge('d', { amount: 1, windows }));
  await store.attach({ id: 'open', processor, processorRef: 'ref', at: NOON });
  await store.usage({ subject: 'subject-a', windows, at: NOON });
  const later = NOON + 3_600_000;
  expect(await store.get({ id: 'c', at: later })).toMatchObject({ purchase: { state: 'expired' } });
  for (const query of [{}, { processor }]) {
    const [open] = await store.overdue({ at: later, limit: 10, ...query });
    expect(open?.id).toBe('open');
    const next = { at: later, limit: 10, ...query, ...(open && { after: open }) };
    expect(await store.overdue(next)).toEqual([]);
  }
  await store.release({ id: 'open', at: later });
  await store.ready();
}

describe.skipIf(!canStartRedis('a misconfigured Redis'))('a server that is set up wrongly', () => {
  let server: RedisServer;
  let operator: Redis;

  beforeAll(async () => {
    server = await redisServer();
    await server.start();
    operator = new Redis(server.port);
  });
  afterEach(async () => {
    await operator.flushall();
  });
  afterAll(async () => {
    operator.disconnect();
    await server.crash();
  });

  const allow = (...rules: readonly string[]) =>
    operator.call('ACL', ['SETUSER', 'limiter', 'reset', ...USER, ...rules]);
  const asUser = (options: Omit<RedisStoreOptions, 'client'> = {}) =>
    redisStore({
      client: clientOf(server.port, { username: 'limiter', password: 'secret' }),
      ...{ timeoutMs: 500, ...options },
    });

  test.each([
    ['an evicting policy', ['--maxmemory-policy', 'allkeys-lru'], 'maxmemory-policy noeviction'],
    ['an evicting policy', ['--maxmemory-policy', 'volatile-ttl'], 'maxmemory-policy noeviction'],
    ['a cluster', ['--cluster-enabled', 'yes'], 'use a cluster client'],
    ['no HGETALL', ['--rename-command', 'HGETALL', ''], 'HGETALL'],
    ['no EVAL', ['--rename-command', 'EVAL', ''], 'lacks a command'],
  ])('%s: %o', async (_, settings, advice) => {
    const { port } = await started(settings);
    const store = storeOn(port);
    await expect(store.reserve(purchase('p'))).rejects.toMatchObject(saying(advice));
    await expect(store.ready()).rejects.toMatchObject(saying(advice));
    expect(await clientOf(port).dbsize()).toBe(0);
  });

  test('a client for a cluster on one server', async () => {
    // It takes a list of slots for the sign of a cluster, and Redis has one on request.
    const store = redisStore({
      client: Object.assign(clientOf(server.port), { isCluster: true, nodes: () => [operator] }),
    });
    await expect(store.ready()).rejects.toMatchObject(saying('client for one server'));
  });

  test('the address of a Sentinel', async () => {
    const port = await freePort(0);
    const file = temporaryFile('sentinel.conf');
    writeFileSync(file, `port ${port}\nsentinel monitor ledger 127.0.0.1 ${server.port} 1\n`);
    const sentinel = spawn('redis-server', [file, '--sentinel'], { stdio: 'ignore' });
    undo.push(() => sentinel.kill('SIGKILL'));
    const store = storeOn(port, { timeoutMs: 5_000 });
    await expect(store.ready()).rejects.toMatchObject(saying('Sentinel'));
  });

  test.each([
    ['a wrong password', { username: 'limiter', password: 'wrong' }],
    ['an unknown user', { username: 'nobody', password: 'secret' }],
  ])('%s', async (_, login) => {
    await allow(...RIGHTS);
    const store = redisStore({ client: clientOf(server.port, login), timeoutMs: 500 });
    await expect(store.reserve(purchase('p'))).rejects.toMatchObject(saying('authenticate'));
    await expect(store.ready()).rejects.toMatchObject(saying('authenticate'));
    await store.close();
  });

  test('no password where one is demanded, until it is no longer demanded', async () => {
    const { port } = await started([]);
    await clientOf(port).config('SET', 'requirepass', 'secret');
    const client = clientOf(port);
    const store = redisStore({ client, timeoutMs: 500 });
    await expect(store.reserve(purchase('p'))).rejects.toMatchObject(saying('authenticate'));
    await clientOf(port, { password: 'secret' }).config('SET', 'requirepass', '');
    await expect
      .poll(() => store.reserve(purchase('p')).catch((error: unknown) => error))
      .toMatchObject({ outcome: 'held' });
  });

  test('node-redis: a password that is changed while it serves', async () => {
    await allow(...RIGHTS);
    const client = createClient({
      ...{ url: `redis://127.0.0.1:${server.port}`, username: 'limiter', password: 'secret' },
      socket: { reconnectStrategy: 20 },
    });
    await client.connect();
    undo.push(() => client.destroy());
    const store = redisStore({ client, timeoutMs: 500 });
    await store.reserve(purchase('p'));
    await operator.call('ACL', 'SETUSER', 'limiter', 'resetpass', '>other');
    await operator.call('CLIENT', 'KILL', 'USER', 'limiter');
    await expect
      .poll(() => store.get({ id: 'p', at: NOON }).catch((error: unknown) => error))
      .toMatchObject(saying('authenticate'));
  });

  test('the documented rights are enough, and each that is missing is found before a write', async () => {
    const rights = RIGHTS;
    await allow(...rights);
    await useAllOf(asUser());
    await operator.flushall();
    for (const right of rights) {
      await allow(...rights.filter((other) => other !== right));
      const store = asUser();
      const problem = /^.(info|eval)$/.test(right) ? 'right' : right.slice(1).toUpperCase();
      await expect(store.reserve(purchase('p')), right).rejects.toMatchObject(saying(problem));
      await expect(store.ready(), right).rejects.toMatchObject(saying(problem));
    }
    expect(await operator.dbsize()).toBe(0);
  });

  test('on a cluster the documented rights are enough too', async () => {
    const ports = await redisCluster();
    for (const port of ports) {
      await clientOf(port).call('ACL', [
        'SETUSER',
        'limiter',
        ...USER,
        ...RIGHTS,
        ...CLUSTER_RIGHTS,
      ]);
    }
    const redisOptions = { username: 'limiter', password: 'secret' };
    const client = new Cluster(
      ports.map((port) => ({ host: '127.0.0.1', port })),
      { redisOptions },
    );
    undo.push(() => client.disconnect());
    await useAllOf(redisStore({ client }));
    for (const port of ports) {
      await clientOf(port).call('ACL', ['SETUSER', 'limiter', '-incrby']);
    }
    const store = redisStore({ client });
    await expect(store.reserve(purchase('q'))).rejects.toMatchObject(saying('INCRBY'));

    const refused = new Cluster(
      ports.map((port) => ({ host: '127.0.0.1', port })),
      { redisOptions: { ...redisOptions, password: 'wrong' }, clusterRetryStrategy: () => 20 },
    );
    undo.push(() => refused.disconnect());
    const other = redisStore({ client: refused, timeoutMs: 1_000 });
    await expect(other.reserve(purchase('q'))).rejects.toMatchObject(saying('authenticate'));
  });

  test('no right to other keys than those of its prefix', async () => {
    await allow(...RIGHTS);
    const store = asUser({ prefix: 'other:' });
    await expect(store.reserve(purchase('p'))).rejects.toMatchObject(saying('other:*'));
  });

  test('minReplicas needs rights of its own', async () => {
    const replica = await started(['--replicaof', '127.0.0.1', String(server.port)]);
    await allow(...RIGHTS);
    const lacking = asUser({ minReplicas: 1 });
    await expect(lacking.ready()).rejects.toMatchObject(saying('WAIT'));
    await allow(...RIGHTS, ...REPLICA_RIGHTS);
    const store = asUser({ minReplicas: 1, timeoutMs: 5_000 });
    await expect
      .poll(() => store.ready().catch((error: unknown) => error), { timeout: 10_000 })
      .toBeUndefined();
    await useAllOf(store);
    await replica.crash();
  });

  test('a right that is lost while it serves', async () => {
    const rights = RIGHTS;
    await allow(...rights);
    const store = asUser();
    await store.reserve(purchase('p'));
    await allow(...rights.filter((right) => right !== '+hset'));
    await expect(store.reserve(purchase('q'))).rejects.toMatchObject(saying('right'));
    await allow(...rights.filter((right) => right !== '+evalsha'));
    await expect(store.reserve(purchase('q'))).rejects.toMatchObject(saying('right'));
    await allow(...rights);
    expect(await store.reserve(purchase('q'))).toMatchObject({ outcome: 'held' });
  });

  test('another server with the same address is checked before it is written to', async () => {
    const { port } = await started([]);
    const store = storeOn(port);
    await store.reserve(purchase('p'));
    // What a server that takes over has not: the setting and the script.
    const other = clientOf(port);
    await other.config('SET', 'maxmemory-policy', 'allkeys-lru');
    await other.script('FLUSH');
    await expect(store.reserve(purchase('q'))).rejects.toMatchObject(saying('noeviction'));
    await other.config('SET', 'maxmemory-policy', 'noeviction');
    expect((await store.get({ id: 'q', at: NOON })).purchase).toBeNull();
  });

  test('no adult passes unrecorded, as in an outage', async () => {
    const policy = parsePolicy({ ...usAppStore(), onUnavailable: 'allow_adults' });
    const evidence = {
      subject: 'adult',
      statements: [{ kind: 'range', min: 30, maxExclusive: 31, asOf: Date.now() }],
      kind: 'test',
      assurance: 'verified',
      expiresAt: Date.now() + 60_000,
    } as const;
    const order = { id: 'o', amount: '1.00', currency: 'USD', evidence };
    const wrong = clientOf(server.port, { username: 'nobody', password: 'wrong' });
    const misconfigured = createLimiter({
      ...{ policy, store: redisStore({ client: wrong, timeoutMs: 500 }) },
    });
    await expect(misconfigured.reserve(order)).rejects.toMatchObject(MISCONFIGURED);
    const unreachable = createLimiter({ policy, store: storeOn(1) });
    expect(await unreachable.reserve(order)).toMatchObject({ allowed: true });
  });
});

describe.skipIf(!canStartRedis('a Redis that cannot serve now'))(
  'a server that cannot serve now',
  () => {
    test('a replica is unavailable until it is promoted, and a master that becomes one', async () => {
      const { port: first } = await started([]);
      const { port } = await started(['--replicaof', '127.0.0.1', String(first)]);
      const store = storeOn(port);
      await expect(store.ready()).rejects.toMatchObject(UNAVAILABLE);
      await expect(store.usage({ subject: 's', windows: [], at: NOON })).rejects.toMatchObject({
        ...UNAVAILABLE,
        message: 'Redis is a replica, which accepts no writes.',
      });
      const operator = clientOf(port);
      await operator.call('REPLICAOF', 'NO', 'ONE');
      expect(await store.reserve(purchase('p'))).toMatchObject({ outcome: 'held' });
      await operator.call('REPLICAOF', '127.0.0.1', first);
      await expect(store.reserve(purchase('q'))).rejects.toMatchObject(UNAVAILABLE);
    });

    test('too few replicas: ready() says so, before a write cannot be confirmed', async () => {
      const { port } = await started([]);
      const store = storeOn(port, { minReplicas: 1 });
      await expect(store.ready()).rejects.toMatchObject({
        ...UNAVAILABLE,
        message: 'Redis has 0 replicas, and minReplicas is 1.',
      });
      await started(['--replicaof', '127.0.0.1', String(port)]);
      await expect
        .poll(() => store.ready().catch((error: unknown) => error), { timeout: 10_000 })
        .toBeUndefined();
    });

    test('too few replicas for a server that demands them itself', async () => {
      const { port } = await started(['--min-replicas-to-write', '1']);
      await expect(storeOn(port).reserve(purchase('p'))).rejects.toMatchObject(UNAVAILABLE);
    });
  },
);

test('a cluster whose masters the client does not know yet is unavailable', async () => {
  const client = {
    ...{ isOpen: true, masters: [], on: () => undefined, off: () => undefined },
    sendCommand: async () => null,
  };
  const store = redisStore({ client, timeoutMs: 100 });
  await expect(store.get({ id: 'p', at: NOON })).rejects.toMatchObject(UNAVAILABLE);
});

test('a certificate that is not trusted', async () => {
  const sendCommand = () => Promise.reject(new Error('not connected'));
  const client = Object.assign(new EventEmitter(), { isReady: false, sendCommand });
  const call = redisStore({ client, timeoutMs: 500 }).get({ id: 'p', at: NOON });
  const code = 'DEPTH_ZERO_SELF_SIGNED_CERT';
  client.emit('error', Object.assign(new Error('self-signed certificate'), { code }));
  await expect(call).rejects.toMatchObject(saying(code));
});

test.each([
  ['NOPERM this user has no permissions', 'store_misconfigured'],
  ['NOAUTH Authentication required.', 'store_misconfigured'],
  ['MOVED 3999 127.0.0.1:6381', 'store_misconfigured'],
  ["ERR unknown command 'EVALSHA', with args beginning with: 'secret'", 'store_misconfigured'],
  ['LOADING Redis is loading the dataset in memory', 'store_unavailable'],
  ['READONLY You can not write against a read only replica.', 'store_unavailable'],
  ['MASTERDOWN Link with MASTER is down', 'store_unavailable'],
  ['NOREPLICAS Not enough good replicas to write.', 'store_unavailable'],
  ['MISCONF Redis is configured to save RDB snapshots', 'store_unavailable'],
  ['OOM command not allowed', 'store_unavailable'],
  ['BUSY Redis is busy running a script.', 'store_unavailable'],
  ['CLUSTERDOWN The cluster is down', 'store_unavailable'],
  ['ERR max number of clients reached', 'store_unavailable'],
  ['WRONGTYPE Operation against a key', 'store_unavailable'],
])('%s: %s, and nothing that was sent is quoted', async (reply, code) => {
  const info = 'redis_version:7.2.0\r\nrole:master';
  const client = {
    ...{ isReady: true, on: () => undefined, off: () => undefined },
    sendCommand: async ([name = '']: readonly string[]) => {
      if (name === 'INFO') return info;
      if (name === 'EVAL') return [];
      throw new Error(reply);
    },
  };
  const error = await redisStore({ client })
    .get({ id: 'p', at: NOON })
    .catch((caught: Error) => caught);
  expect(error).toMatchObject({ code });
  expect(String(error)).not.toContain('secret');
});
