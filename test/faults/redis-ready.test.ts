import { rmSync } from 'node:fs';
import { type RedisStoreOptions, redisStore } from '@spendcap/server/stores/redis';
import { Cluster, Redis } from 'ioredis';
import { afterEach, describe, expect, test } from 'vitest';
import { purchase } from '../../packages/server/src/testing/fixtures.ts';
import { canStartRedis, redisCluster, redisServer } from '../support/redis.ts';

const UNAVAILABLE = { code: 'store_unavailable', retryable: true };

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

async function started(settings: readonly string[]) {
  const server = await redisServer(['--appendonly', 'no', ...settings]);
  await server.start();
  undo.push(() => server.crash());
  return server.port;
}

function clientOf(port: number): Redis {
  const client = new Redis(port, '127.0.0.1', { retryStrategy: () => 20 });
  client.on('error', () => undefined);
  undo.push(() => client.disconnect());
  return client;
}

const storeOn = (client: RedisStoreOptions['client']) => redisStore({ client, timeoutMs: 1_000 });

describe.skipIf(!canStartRedis('a Redis that takes no writes'))('Redis is not ready', () => {
  /** Ready and a purchase fail alike, until the setting is as before. */
  async function isReadyAgainAfter(
    operator: Redis,
    [name, value, good]: readonly [string, string, string],
  ) {
    const store = storeOn(clientOf(operator.options.port ?? 0));
    await store.ready();
    await operator.config('SET', name, value);
    for (let turn = 0; turn < 2; turn += 1) {
      await expect(store.ready()).rejects.toMatchObject(UNAVAILABLE);
      await expect(store.reserve(purchase('p'))).rejects.toMatchObject(UNAVAILABLE);
    }
    expect(await operator.dbsize()).toBe(0);
    await operator.config('SET', name, good);
    await store.ready();
    expect(await store.reserve(purchase('p'))).toMatchObject({ outcome: 'held' });
  }

  test('at maxmemory', async () => {
    const operator = clientOf(await started(['--maxmemory-policy', 'noeviction']));
    await isReadyAgainAfter(operator, ['maxmemory', '1', '0']);
  });

  test('with fewer replicas than min-replicas-to-write', async () => {
    const operator = clientOf(await started([]));
    await isReadyAgainAfter(operator, ['min-replicas-to-write', '1', '0']);
  });

  test('as a replica', async () => {
    const master = await started([]);
    const store = storeOn(clientOf(await started(['--replicaof', '127.0.0.1', String(master)])));
    await expect(store.ready()).rejects.toMatchObject(UNAVAILABLE);
  });

  test('when it could not save a snapshot, and so refuses writes', async () => {
    const operator = clientOf(await started(['--save', '3600 1']));
    const store = storeOn(operator);
    await store.ready();
    const [, folder = ''] = (await operator.config('GET', 'dir')) as string[];
    rmSync(folder, { recursive: true });
    await operator.call('BGSAVE');
    await expect.poll(() => operator.info('persistence')).toContain('rdb_last_bgsave_status:err');
    await expect(store.ready()).rejects.toMatchObject(UNAVAILABLE);
  });

  test('when one master of a cluster is full, and ready again after', async () => {
    const ports = await redisCluster();
    const client = new Cluster(ports.map((port) => ({ host: '127.0.0.1', port })));
    undo.push(() => client.disconnect());
    const store = storeOn(client);
    await store.ready();
    const operator = clientOf(ports[1] ?? 0);
    await operator.config('SET', 'maxmemory', '1');
    await expect(store.ready()).rejects.toMatchObject(UNAVAILABLE);
    await operator.config('SET', 'maxmemory', '0');
    await store.ready();
  }, 30_000);
});
