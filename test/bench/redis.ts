import { createHash } from 'node:crypto';
import { redisStore } from '@spendcap/server/stores/redis';
import { Redis } from 'ioredis';
import { RateLimiterRedis, RateLimiterUnion } from 'rate-limiter-flexible';
import { createClient } from 'redis';
import { redisServer } from '../support/redis.ts';
import { evidenceOf, limiterOn, reserveFor, reserveOne } from './fixtures.ts';
import { type Comparison, inFlight, SUBJECTS } from './harness.ts';

/**
 * A round of a second: in one of a quarter, the compiler and the collector warm up for most of it.
 */
const COUNT = 100_000;

/**
 * A private server without a log on disk, so that the client and the script are what is measured.
 */
export async function openServer() {
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
    count: COUNT,
    close: async () => {
      await limiter.close();
      client.disconnect();
      await stop();
    },
  };
}

const counts = { points: 1e12 };
const subjectOf = (index: number): string => `sub_${(index * 7_919) % SUBJECTS}`;

/** The writes of a reserve and nothing else: no decision, no idempotency, nothing read. */
const BARE = `
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[5])
redis.call('HSET', KEYS[1], 'u', ARGV[3], ARGV[2], ARGV[4])
return 1
`;
const SHA = createHash('sha1').update(BARE).digest('hex');
const LIFETIME = String(400 * 86_400_000 + 1_800_000);

/**
 * One purchase of the store's, so that the bare side writes the same fields at the same lengths.
 */
async function sample(
  client: Redis,
): Promise<{ readonly account: string; readonly record: string }> {
  const store = redisStore({ client, prefix: 'sample:' });
  await reserveFor(limiterOn(store), evidenceOf('sub'));
  const { u, w, ...holds } = await client.hgetall('sample:{sub}');
  const [record] = Object.values(holds);
  if (u === undefined || w === undefined || record === undefined)
    throw new Error('the store has another layout');
  return { account: 'u'.repeat(await client.hstrlen('sample:{sub}', 'u')), record };
}

export async function redisBareComparison(kind: 'ioredis' | 'node-redis'): Promise<Comparison> {
  const { port, client, stop } = await openServer();
  const node = createClient({ url: `redis://127.0.0.1:${port}` });
  await node.connect();
  await client.script('LOAD', BARE);
  const { account, record } = await sample(client);
  const limiter = limiterOn(redisStore({ client: kind === 'ioredis' ? client : node }));
  let ids = 0;
  const bare = (index: number): Promise<unknown> => {
    ids += 1;
    const [subject, id] = [`{${subjectOf(index)}}`, `{order-${ids}}`];
    const keys = [`spendbare:${subject}`, `spendbare:${id}:s`];
    const args = [SHA, '2', ...keys, subject, id, account, record, LIFETIME];
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
    count: COUNT,
    close: async () => {
      await limiter.close();
      client.disconnect();
      await node.close();
      await stop();
    },
  };
}

/** Holds an amount in two windows, each a counter of its own, and remembers the purchase. */
const HOLD_BY_HAND = `
local used = redis.call('MGET', KEYS[1], KEYS[2])
local amount = tonumber(ARGV[1])
for n = 1, 2 do
  if (tonumber(used[n]) or 0) + amount > tonumber(ARGV[1 + n]) then return 0 end
end
if not redis.call('SET', KEYS[3], ARGV[6], 'PX', ARGV[7], 'NX') then return 2 end
for n = 1, 2 do
  redis.call('INCRBY', KEYS[n], ARGV[1])
  if not used[n] then redis.call('PEXPIRE', KEYS[n], ARGV[3 + n]) end
end
return 1
`;
/** Marks a purchase as charged, once, and returns it. */
const COMMIT_BY_HAND = `
local purchase = redis.call('GET', KEYS[1])
if not purchase or purchase:sub(1, 1) ~= '[' then return purchase end
redis.call('SET', KEYS[1], '+' .. purchase, 'KEEPTTL')
return purchase
`;

/**
 * A purchase from its hold to its commit beside what a studio would write: counters without a
 * ledger. Nothing there expires an open hold, gives back a refund, or answers for another window
 * later.
 */
export async function redisPurchaseComparison(): Promise<Comparison> {
  const { client, stop } = await openServer();
  const hold = String(await client.script('LOAD', HOLD_BY_HAND));
  const commit = String(await client.script('LOAD', COMMIT_BY_HAND));
  const { record } = await sample(client);
  const limiter = limiterOn(redisStore({ client }));
  const evaluate = (args: string[]): Promise<unknown> => client.call('EVALSHA', args);
  let ids = 0;
  const byHand = async (index: number): Promise<void> => {
    ids += 1;
    const subject = subjectOf(index);
    const purchase = `byhand:order-${ids}`;
    const keys = [`byhand:day:${subject}`, `byhand:month:${subject}`, purchase];
    const windows = [...['1000000000000', '1000000000000'], ...['86400000', '2592000000']];
    const held = await evaluate([hold, '3', ...keys, '100', ...windows, record, LIFETIME]);
    if (held !== 1) throw new Error('not held by hand');
    const committed = await evaluate([commit, '1', purchase]);
    if (committed !== record) throw new Error('not committed by hand');
  };
  return {
    work: 'reserve + commit on Redis, ioredis',
    ours: {
      name: 'limiter.reserve, limiter.commit',
      run: (count) =>
        inFlight(count, async (index) => limiter.commit(await reserveOne(limiter, index))),
    },
    beside: {
      name: 'two bare EVALSHA by hand',
      run: (count) => inFlight(count, byHand),
    },
    atLeast: 0.9,
    count: COUNT / 2,
    close: async () => {
      await limiter.close();
      client.disconnect();
      await stop();
    },
  };
}

const PER_SUBJECT = 20;

/** What Redis takes for a subject and for a purchase: `used_memory` before and after. */
export async function redisBytes(): Promise<Record<string, string>> {
  const { client, stop } = await openServer();
  const limiter = limiterOn(redisStore({ client }));
  const used = async () => Number(/used_memory:(\d+)/.exec(await client.info('memory'))?.[1]);
  const players = Array.from({ length: SUBJECTS }, (_, index) => evidenceOf(`sub_${index}`));
  const reserve = (index: number) => {
    const evidence = players[index % SUBJECTS] ?? evidenceOf('');
    const id = `order-${index}`;
    return limiter.reserve({ id, evidence, amount: '1.00', currency: 'CNY' });
  };
  const count = SUBJECTS * PER_SUBJECT;
  const empty = await used();
  await inFlight(SUBJECTS, reserve);
  const withSubjects = await used();
  await inFlight(count, (index) => reserve(SUBJECTS + index));
  const held = await used();
  await inFlight(SUBJECTS + count, (index) => limiter.commit(`order-${index}`));
  const committed = await used();
  await limiter.close();
  client.disconnect();
  await stop();
  const perHold = (held - withSubjects) / count;
  return {
    'Redis: bytes per subject': ((withSubjects - empty) / SUBJECTS - perHold).toFixed(0),
    'Redis: bytes per open hold': perHold.toFixed(0),
    'Redis: bytes per committed purchase, 21 of each subject': (
      (committed - empty) /
      (SUBJECTS + count)
    ).toFixed(0),
  };
}
