import { createHash } from 'node:crypto';
import { redisStore } from '@spendcap/server/stores/redis';
import { Redis } from 'ioredis';
import { RateLimiterRedis, RateLimiterUnion } from 'rate-limiter-flexible';
import { createClient } from 'redis';
import { redisServer } from '../support/redis.ts';
import { limiterOn, reserveOne } from './fixtures.ts';
import { type Comparison, inFlight, SUBJECTS } from './harness.ts';

/** A private server without a log on disk, so that the client and the script are what is measured. */
async function openServer() {
  const server = await redisServer(['--appendonly', 'no']);
  await server.start();
  return { port: server.port, client: new Redis(server.port), stop: () => server.crash() };
}

/** Our hold of transaction, day and month, with idempotency, beside a count of day and month. */
export async function redisUnionComparison(): Promise<Comparison> {
  const { client, stop } = await openServer();
  const limiter = limiterOn(redisStore({ client }));
  const union = new RateLimiterUnion(
    new RateLimiterRedis({ ...counts, storeClient: client, keyPrefix: 'day', duration: 86_400 }),
    new RateLimiterRedis({
      ...{ ...counts, storeClient: client },
      ...{ keyPrefix: 'month', duration: 30 * 86_400 },
    }),
  );
  return {
    work: 'reserve on Redis, ioredis',
    ours: {
      name: 'limiter.reserve, hold kept',
      run: (count) => inFlight(count, (index) => reserveOne(limiter, index)),
    },
    beside: {
      name: 'RateLimiterUnion of day and month',
      run: (count) => inFlight(count, (index) => union.consume(subjectOf(index), 100)),
    },
    atLeast: 1.5,
    count: 10_000,
    close: async () => {
      await limiter.close();
      client.disconnect();
      await stop();
    },
  };
}

const counts = { points: 1e12 };
const subjectOf = (index: number): string => `sub_${(index * 7_919) % SUBJECTS}`;

/** The writes of a reserve and nothing else: no decision, no idempotency, no expiry. */
const BARE = `
local key, id, packed = KEYS[1], ARGV[1], ARGV[2]
redis.call('SET', key .. ':p:' .. id, packed, 'PX', 34560000000)
redis.call('SET', KEYS[2], key, 'PX', 34560000000)
redis.call('ZADD', key .. ':i', ARGV[3], id)
redis.call('ZADD', key .. ':h', ARGV[3], id)
redis.call('PEXPIRE', key .. ':h', 34560000000)
redis.call('SET', key .. ':a', ARGV[4], 'PX', 34560000000)
redis.call('PEXPIRE', key .. ':i', 34560000000)
return 1
`;
const SHA = createHash('sha1').update(BARE).digest('hex');
/** As long as the values that a reserve of the benchmark writes. */
const PURCHASE = 'p'.repeat(330);
const ACCOUNT = 'a'.repeat(75);

export async function redisBareComparison(kind: 'ioredis' | 'node-redis'): Promise<Comparison> {
  const { port, client, stop } = await openServer();
  const node = createClient({ url: `redis://127.0.0.1:${port}` });
  await node.connect();
  await client.script('LOAD', BARE);
  const limiter = limiterOn(redisStore({ client: kind === 'ioredis' ? client : node }));
  let ids = 0;
  const bare = (index: number): Promise<unknown> => {
    ids += 1;
    const key = `bare:{${subjectOf(index)}}`;
    const values = [`order-${ids}`, PURCHASE, String(Date.now()), ACCOUNT];
    const args = [SHA, '2', key, `bare:{order-${ids}}:s`, ...values];
    return kind === 'ioredis'
      ? client.call('EVALSHA', args)
      : node.sendCommand(['EVALSHA', ...args]);
  };
  return {
    work: `reserve on Redis, ${kind}`,
    ours: {
      name: 'limiter.reserve, calls share a trip',
      run: (count) => inFlight(count, (index) => reserveOne(limiter, index)),
    },
    beside: {
      name: 'one bare EVALSHA of the same writes',
      run: (count) => inFlight(count, bare),
    },
    atLeast: 0.9,
    count: 10_000,
    close: async () => {
      await limiter.close();
      client.disconnect();
      await node.close();
      await stop();
    },
  };
}

const PER_SUBJECT = 20;

/** What Redis takes for a subject and for a purchase. */
export async function redisBytes(): Promise<Record<string, string>> {
  const { client, stop } = await openServer();
  const limiter = limiterOn(redisStore({ client }));
  const used = async () => Number(/used_memory:(\d+)/.exec(await client.info('memory'))?.[1]);
  const reserve = (index: number) => reserveOne(limiter, index);
  const empty = await used();
  await inFlight(SUBJECTS, reserve);
  const withSubjects = await used();
  await inFlight(SUBJECTS * PER_SUBJECT, reserve);
  const perPurchase = ((await used()) - withSubjects) / (SUBJECTS * PER_SUBJECT);
  await limiter.close();
  client.disconnect();
  await stop();
  return {
    'Redis: bytes per subject': ((withSubjects - empty) / SUBJECTS - perPurchase).toFixed(0),
    'Redis: bytes per purchase': perPurchase.toFixed(0),
  };
}
