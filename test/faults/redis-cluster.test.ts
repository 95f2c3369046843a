import type { ReserveCommand } from '@spendcap/core';
import { redisStore } from '@spendcap/server/stores/redis';
import { Cluster } from 'ioredis';
import { describe, expect, test } from 'vitest';
import { canStartRedis, redisCluster } from '../support/redis.ts';

const AT = Date.UTC(2026, 10, 30, 12);
const DAY_MS = 86_400_000;

const PURCHASE: ReserveCommand = {
  ...{
    id: 'p',
    request: 'p',
    subject: 'a',
    amount: 10,
    currency: 'CNY',
    app: null,
    category: null,
    processor: null,
    processorRef: null,
  },
  ...{ at: AT, expiresAt: AT + DAY_MS, onExpiry: 'release', basis: '{}', windows: [] },
};

describe.skipIf(!canStartRedis('faults of a Redis cluster'))('Redis cluster', () => {
  test('a retry after a day that a server refuses keeps the purchase’s subject', async () => {
    const ports = await redisCluster();
    const client = new Cluster(ports.map((port) => ({ host: '127.0.0.1', port })));
    const store = redisStore({ client });
    await store.reserve(PURCHASE);
    await client.del('spendcap:{p}:n'); // It lives for a day.

    const call = client.call.bind(client);
    const isHold = (args: readonly string[]) => args[2] === 'spendcap:{a}';
    client.call = ((name: string, args: string[]) =>
      isHold(args)
        ? Promise.reject(new Error("READONLY You can't write against a read only replica."))
        : call(name, args)) as typeof client.call;
    await expect(store.reserve(PURCHASE)).rejects.toMatchObject({ code: 'store_unavailable' });
    client.call = call as typeof client.call;

    expect(await store.commit({ id: 'p', at: AT })).toMatchObject({ outcome: 'done' });
    await store.close();
    client.disconnect();
  });

  test('a lost reply before the hold is unavailable, and after it unknown', async () => {
    const ports = await redisCluster();
    const client = new Cluster(ports.map((port) => ({ host: '127.0.0.1', port })));
    const store = redisStore({ client });
    await store.ready();
    const call = client.call.bind(client);
    const losing = (key: string) =>
      ((name: string, args: string[]) =>
        args[2] === key
          ? call(name, args).then(() => Promise.reject(new Error('Connection is closed.')))
          : call(name, args)) as typeof client.call;

    client.call = losing('spendcap:{p}:s');
    await expect(store.reserve(PURCHASE)).rejects.toMatchObject({ code: 'store_unavailable' });
    client.call = losing('spendcap:{a}');
    await expect(store.reserve(PURCHASE)).rejects.toMatchObject({ code: 'outcome_unknown' });
    client.call = call as typeof client.call;

    expect(await store.reserve(PURCHASE)).toMatchObject({ outcome: 'held', replayed: true });
    await store.close();
    client.disconnect();
  });
});
