import {
  type AgeEvidence,
  cnGame,
  createLimiter,
  generatePermitKey,
  permits,
} from '@spendcap/server';
import { redisStore } from '@spendcap/server/stores/redis';
import { Redis } from 'ioredis';
import { afterEach, describe, expect, test } from 'vitest';
import { troubleProxy } from '../support/proxy.ts';
import { canStartRedis, type RedisServer, redisServer } from '../support/redis.ts';

const PLAYERS = 8;
const ORDERS_EACH = 3;
const PARTIES = { issuer: 'https://limiter.example', audience: 'https://pay.example' };

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

async function startRedis(...settings: string[]): Promise<RedisServer> {
  const server = await redisServer(['--appendonly', 'no', ...settings]);
  undo.push(() => server.crash());
  await server.start();
  return server;
}

/** A limiter on Redis, at an address that can be moved to another server. */
async function world(first: RedisServer) {
  const target = { host: '127.0.0.1', port: first.port };
  const proxy = await troubleProxy(target);
  const client = new Redis(proxy.port, '127.0.0.1', { retryStrategy: () => 20 });
  client.on('error', () => undefined);
  undo.push(
    () => proxy.close(),
    () => client.disconnect(),
  );
  const late: string[] = [];
  const limiter = createLimiter({
    policy: cnGame(),
    store: redisStore({ client }),
    permits: permits({ key: await generatePermitKey(), ...PARTIES }),
    onEvent: (event) => {
      if (event.late === true) late.push(event.purchaseId);
    },
  });
  const failOver = (to: RedisServer) => {
    target.port = to.port;
    proxy.cut();
  };
  return { limiter, late, failOver };
}

type Limiter = Awaited<ReturnType<typeof world>>['limiter'];

function player(number: number): AgeEvidence {
  const asOf = Date.now();
  return {
    subject: `player-${number}`,
    statements: [{ kind: 'range', min: 17, maxExclusive: 18, asOf }],
    ...{ kind: 'age_token', assurance: 'verified', expiresAt: asOf + 600_000 },
  };
}

/** Holds of 50.00 each, with the permits that their charges are made on. */
async function holdAll(limiter: Limiter, prefix: string): Promise<ReadonlyMap<string, string>> {
  const numbers = Array.from({ length: PLAYERS * ORDERS_EACH }, (_, index) => index);
  const pairs = numbers.map(async (index) => {
    const id = `${prefix}-${index}`;
    const order = { id, amount: '50.00', currency: 'CNY', evidence: player(index % PLAYERS) };
    const answer = await limiter.reserve(order);
    if (!answer.allowed || answer.permit === null) throw new Error(`${id} was not held`);
    return [id, answer.permit] as const;
  });
  return new Map(await Promise.all(pairs));
}

async function usedToday(limiter: Limiter, number: number): Promise<string | undefined> {
  const { limits } = await limiter.allowance({ evidence: player(number) });
  return limits.find(({ period }) => period === 'day')?.used;
}

const countLost = async (limiter: Limiter, ids: Iterable<string>): Promise<number> => {
  const found = await Promise.all([...ids].map((id) => limiter.get(id)));
  return found.filter((purchase) => purchase === null).length;
};

describe.skipIf(!canStartRedis('holds that Redis loses'))('what Redis loses', () => {
  test('without a file, kill -9 loses every answered hold; every charge is still recorded', async () => {
    const server = await startRedis();
    const { limiter, late } = await world(server);
    const held = await holdAll(limiter, 'order');
    const [settled = ''] = held.keys();
    await limiter.commit(settled);
    await server.crash();
    await server.start();
    await limiter.ready();

    const lost = await countLost(limiter, held.keys());
    console.info(`Redis without a file: ${lost} of ${held.size} answered holds lost by kill -9`);
    expect(lost).toBe(held.size);

    // Each charge is reported twice, for example by its caller and by a webhook.
    const report = () =>
      Promise.all([...held].map(([id, permit]) => limiter.commit(id, { permit })));
    for (const reported of [await report(), await report()]) {
      expect(reported.every(({ state, late }) => state === 'committed' && late)).toBe(true);
    }
    expect(await countLost(limiter, held.keys())).toBe(0);
    expect(late.toSorted()).toEqual([...held.keys()].toSorted());
    for (let number = 0; number < PLAYERS; number += 1) {
      expect(await usedToday(limiter, number)).toBe('150.00');
    }
  });

  test('a failover to a replica that is behind: the same for what it had not received', async () => {
    const master = await startRedis();
    const replica = await startRedis('--replicaof', '127.0.0.1', String(master.port));
    const operator = new Redis(replica.port, '127.0.0.1');
    undo.push(() => operator.disconnect());
    await expect
      .poll(async () => String(await operator.info('replication')), { timeout: 10_000 })
      .toContain('master_link_status:up');
    const { limiter, late, failOver } = await world(master);
    const kept = await holdAll(limiter, 'kept');
    await expect.poll(() => countAt(operator)).toBe(kept.size);

    // From now on the replica receives nothing, as in a network partition.
    await operator.call('REPLICAOF', 'NO', 'ONE');
    const [some = ''] = kept.keys();
    await limiter.release(some);
    const evidence = player(0);
    const answer = await limiter.reserve({
      id: 'lost',
      amount: '50.00',
      currency: 'CNY',
      evidence,
    });
    const permit = (answer.allowed && answer.permit) || '';
    await master.crash();
    failOver(replica);
    await limiter.ready();

    expect(await limiter.get('lost')).toBeNull();
    expect(await countLost(limiter, kept.keys())).toBe(0);
    // Its end was lost, and is reported again. Then there is no room left, but the money has moved.
    expect(await limiter.commit('lost', { permit })).toMatchObject({ late: true });
    expect(await usedToday(limiter, 0)).toBe('200.00');
    await limiter.release(some);
    expect(await usedToday(limiter, 0)).toBe('150.00');
    expect(late).toEqual(['lost']);
  });
});

/** How many purchases a server has. */
const countAt = async (server: Redis): Promise<number> =>
  (await server.keys('spendcap:*:s')).length;
