import { setTimeout as sleep } from 'node:timers/promises';
import type { ReserveCommand, Store, Window } from '@spendcap/core';
import { redisStore } from '@spendcap/server/stores/redis';
import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { afterEach, describe, expect, test } from 'vitest';
import { openRedis as openCommandsRedis } from '../../packages/server/src/cli/redis.ts';
import { codeOf } from '../support/code-of.ts';
import { troubleProxy } from '../support/proxy.ts';
import { canStartRedis, redisServer } from '../support/redis.ts';

const AT = Date.UTC(2026, 10, 30, 12);
const HOUR = 3_600_000;
/** Of the hash that keeps what ends then. */
const PAGE = Math.floor(AT / (32 * 24 * HOUR));
const CAP = 1_000;
const ALL = { currency: 'CNY', app: null, categories: null };
const DAY: Window = { selector: ALL, start: AT - 12 * HOUR, end: AT + 12 * HOUR };
const DURABLE = ['--appendonly', 'yes', '--appendfsync', 'always'];

function purchase(id: string, subject: string, amount = 10): ReserveCommand {
  return {
    ...{
      id,
      request: id,
      subject,
      amount,
      currency: 'CNY',
      app: null,
      category: null,
      processor: null,
      processorRef: null,
    },
    ...{ at: AT, expiresAt: AT + HOUR, onExpiry: 'release', basis: '{}' },
    windows: [{ ...DAY, cap: CAP }],
  };
}

const usedBy = async (store: Store, subject: string): Promise<number | undefined> =>
  (await store.usage({ subject, windows: [DAY], at: AT })).used[0];

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

async function world({ settings = DURABLE, timeoutMs = 1_500 } = {}) {
  const server = await redisServer(settings);
  await server.start();
  const proxy = await troubleProxy({ host: '127.0.0.1', port: server.port });
  const client = new Redis(proxy.port, '127.0.0.1', { retryStrategy: () => 30 });
  client.on('error', () => undefined);
  const store = redisStore({ client, timeoutMs });
  const direct = new Redis(server.port, '127.0.0.1', { retryStrategy: () => 30 });
  direct.on('error', () => undefined);
  undo.push(() => server.crash());
  undo.push(
    () => proxy.close(),
    () => client.disconnect(),
    () => direct.disconnect(),
  );
  return { server, proxy, client, store, direct };
}

describe.skipIf(!canStartRedis('faults of Redis'))('Redis', () => {
  test('kill -9 in mid-burst: what was answered is there, once, and no cap is passed', async () => {
    const { server, store } = await world();
    for (let round = 0; round < 4; round += 1) {
      const calls = Array.from({ length: 2_000 }, (_, index) => ({
        id: `${round}-${index}`,
        subject: `${round}-${index % 15}`,
      }));
      const answered = new Map<string, string>();
      let killed: Promise<void> | undefined;
      const results = calls.map(async ({ id, subject }) => {
        const result = await store.reserve(purchase(id, subject)).catch(() => undefined);
        if (result !== undefined) answered.set(id, result.outcome);
        if (answered.size > 150 + 300 * round) killed ??= server.crash();
      });
      await Promise.all(results);
      await killed;
      await server.start();
      expect(answered.size).toBeLessThan(calls.length);
      const kept = new Map<string, number>();
      for (const { id, subject } of calls) {
        const { purchase: found } = await store.get({ id, at: AT });
        if (answered.get(id) === 'held') expect(found?.state, id).toBe('reserved');
        if (answered.get(id) === 'refused') expect(found).toBeNull();
        if (found !== null) kept.set(subject, (kept.get(subject) ?? 0) + found.amount);
      }
      expect(kept.size).toBeGreaterThan(0);
      for (const [subject, total] of kept) {
        expect(total).toBeLessThanOrEqual(CAP);
        expect(await usedBy(store, subject)).toBe(total);
      }
      // The caller retries everything, as it must when an answer is lost: nothing counts twice.
      await Promise.all(calls.map(({ id, subject }) => store.reserve(purchase(id, subject))));
      for (const subject of kept.keys()) expect(await usedBy(store, subject)).toBe(CAP);
    }
  });

  test.each([
    ['lose before answer', 'outcome_unknown', true],
    ['lose before request', 'outcome_unknown', false],
    ['refuse', 'store_unavailable', false],
  ] as const)('%s: %s in time, and it recovers', async (trouble, code, isDone) => {
    const { proxy, store, client } = await world({ timeoutMs: 400 });
    await store.reserve(purchase('before', 'a'));
    proxy.make(trouble);
    if (trouble === 'refuse') await sleep(50);
    const began = performance.now();
    expect(await codeOf(store.reserve(purchase('p', 'a')))).toBe(code);
    expect(performance.now() - began).toBeLessThan(1_000);
    if (trouble === 'refuse') expect(await codeOf(store.ready())).toBe('store_unavailable');
    proxy.make('none');
    client.disconnect(true);
    const recovered = await store.reserve(purchase('q', 'b'));
    expect(recovered.outcome).toBe('held');
    const again = await store.reserve(purchase('p', 'a'));
    expect(again).toMatchObject({ outcome: 'held', used: [20] });
    if (isDone) expect(again).toMatchObject({ replayed: true });
  });

  test("a connection of the command's that falls silent is given up, and another takes over", async () => {
    const { proxy } = await world();
    const store = await openCommandsRedis(`redis://127.0.0.1:${proxy.port}`);
    undo.push(() => store.close());
    proxy.make('lose before answer', { once: true });
    expect(await codeOf(store.reserve(purchase('p', 'a')))).toBe('outcome_unknown');
    await expect
      .poll(() => codeOf(store.reserve(purchase('p', 'a'))), { timeout: 10_000 })
      .toBe('done');
    expect(await usedBy(store, 'a')).toBe(10);
  });

  test('a server that has forgotten the script goes on as before', async () => {
    const { store, direct } = await world();
    await store.reserve(purchase('p', 'a'));
    await direct.call('SCRIPT', 'FLUSH');
    await store.reserve(purchase('q', 'a'));
    expect(await usedBy(store, 'a')).toBe(20);
  });

  test('a call that fails in mid-step fails alone, and what it began is counted again', async () => {
    const { store, direct } = await world();
    await Promise.all([store.reserve(purchase('p', 'a')), store.reserve(purchase('q', 'b'))]);
    await direct.set(`spendcap:{a}:${PAGE}`, 'of another type');
    const codes = await Promise.all([
      codeOf(store.commit({ id: 'p', at: AT })),
      codeOf(store.commit({ id: 'q', at: AT })),
      codeOf(store.reserve(purchase('r', 'b'))),
    ]);
    expect(codes).toEqual(['store_unavailable', 'done', 'done']);
    await direct.del(`spendcap:{a}:${PAGE}`);
    expect(await usedBy(store, 'a')).toBe(10);
    expect(await store.commit({ id: 'p', amount: 4, at: AT })).toMatchObject({ changed: true });
    expect(await usedBy(store, 'a')).toBe(4);
  });

  test('a full queue rejects immediately, and a full memory refuses without a trace', async () => {
    const { direct, client } = await world();
    const store = redisStore({ client, maxQueue: 5 });
    const codes = await Promise.all(
      Array.from({ length: 9 }, (_, index) => codeOf(store.reserve(purchase(`p${index}`, 'a')))),
    );
    expect(codes.filter((code) => code === 'overloaded')).toHaveLength(4);
    await direct.config('SET', 'maxmemory', '1');
    expect(await codeOf(store.reserve(purchase('full', 'a')))).toBe('store_unavailable');
    await direct.config('SET', 'maxmemory', '0');
    expect((await store.get({ id: 'full', at: AT })).purchase).toBeNull();
    expect(await usedBy(store, 'a')).toBe(50);
  });

  test('keys expire when no window needs them, and never before', async () => {
    const { client, direct } = await world();
    const store = redisStore({ client, keepMs: 1_000 });
    await store.reserve({ ...purchase('short', 'a'), windows: [] });
    await store.reserve(purchase('day', 'b'));
    const life = { selector: ALL, start: 0, end: Number.MAX_SAFE_INTEGER, cap: CAP };
    await store.reserve({ ...purchase('life', 'c'), windows: [life] });
    await store.reserve({ ...purchase('open', 'd'), onExpiry: 'reconcile' });
    const ttl = (key: string) => direct.pttl(`spendcap:${key}`);
    // An open hold's key lives somewhat longer than it must, so that not each hold has to extend
    // it.
    const near = (ms: number, expected: number) => ms > expected - 30_000 && ms < 1.01 * expected;
    for (const key of ['{a}', '{short}:s']) {
      expect(near(await ttl(key), HOUR + 1_000), key).toBe(true);
    }
    for (const key of ['{b}', '{day}:s']) expect(near(await ttl(key), 12 * HOUR), key).toBe(true);
    for (const key of ['{c}', '{life}:s']) {
      expect(await ttl(key)).toBeGreaterThan(100 * 366 * 24 * HOUR);
    }
    for (const key of ['{d}', '{open}:s']) expect(await ttl(key), key).toBe(-1);
    await store.commit({ id: 'open', at: AT });
    for (const key of ['{d}', `{d}:${PAGE}`, '{open}:s']) {
      expect(near(await ttl(key), 12 * HOUR), key).toBe(true);
    }
    // So does the key of a subject whose next hold lasts longer.
    const longer = { ...purchase('longer', 'a'), windows: [], expiresAt: AT + 3 * HOUR };
    await store.reserve(longer);
    for (const key of ['{a}', '{longer}:s']) {
      expect(near(await ttl(key), 3 * HOUR + 1_000), key).toBe(true);
    }
    // A year that is requested later keeps what it counts.
    const year = { selector: ALL, start: AT - HOUR, end: AT + 8_000 * HOUR };
    await store.usage({ subject: 'a', windows: [year], at: AT });
    for (const key of ['{a}', '{short}:s']) {
      expect(near(await ttl(key), 8_000 * HOUR), key).toBe(true);
    }
  });

  test('purchases refused in ever other apps leave no more windows behind than there may be', async () => {
    const { store, direct } = await world();
    await store.reserve(purchase('p', 'a'));
    const inApp = (app: string) => ({ ...purchase(app, 'a', CAP + 1), app });
    const windows = (app: string) => [{ ...DAY, selector: { ...ALL, app }, cap: CAP }];
    const apps = Array.from({ length: 300 }, (_, index) => `app-${index}`);
    const results = await Promise.all(
      apps.map((app) => store.reserve({ ...inApp(app), windows: windows(app) })),
    );
    expect(new Set(results.map(({ outcome }) => outcome))).toEqual(new Set(['refused']));
    expect(String(await direct.hget('spendcap:{a}', 'w')).split('\n')).toHaveLength(100);
  });

  test('what has ended leaves, however long the subject is kept', async () => {
    const { client, direct } = await world();
    const store = redisStore({ client, keepMs: 1 });
    const brief = (id: string, at: number) => ({
      ...{ ...purchase(id, 'a'), at, expiresAt: at + 50 },
      windows: [],
    });
    await store.reserve({ ...purchase('long', 'a'), windows: [] });
    for (let index = 0; index < 5; index += 1) await store.reserve(brief(`p${index}`, AT));
    const { expired } = await store.reserve(brief('last', AT + 160));
    expect(expired).toHaveLength(5);
    await expect.poll(() => direct.exists(`spendcap:{a}:${PAGE}`)).toBe(0);
    const fields = await direct.hkeys('spendcap:{a}');
    expect(fields.toSorted()).toEqual(['u', 'w', '{last}', '{long}']);
  });

  test('what was committed leaves in its time, however long its subject is kept', async () => {
    const { client, direct, store } = await world();
    const page = `spendcap:{a}:${PAGE}`;
    await store.reserve(purchase('p', 'a'));
    await store.commit({ id: 'p', at: AT });
    const needed = HOUR + 400 * 24 * HOUR;
    const ttl = await direct.pttl(page);
    expect(ttl > needed - 30_000 && ttl < 1.01 * needed, String(ttl)).toBe(true);

    await store.reserve({ ...purchase('open', 'b'), onExpiry: 'reconcile' });
    await store.commit({ id: 'open', at: AT });
    expect(await direct.pttl('spendcap:{b}')).toBeGreaterThan(0);
    expect(await direct.zcard('spendcap:overdue')).toBe(0);

    const brief = redisStore({ client, prefix: 'brief:', keepMs: 1 });
    await brief.reserve({ ...purchase('long', 'a'), windows: [] });
    await brief.reserve({ ...purchase('p', 'a'), expiresAt: AT + 50, windows: [] });
    expect(await brief.commit({ id: 'p', at: AT + 10 })).toMatchObject({ changed: true });
    await expect.poll(() => direct.exists(`brief:{a}:${PAGE}`)).toBe(0);
    expect(await direct.hkeys('brief:{a}')).toContain('{long}');
  });

  test('a purchase of a clock that runs behind, in an earlier page, is found after its commit', async () => {
    const { store } = await world();
    const begin = PAGE * 32 * 24 * HOUR;
    const hold = (id: string, at: number) => ({
      ...{ ...purchase(id, 'a'), at, expiresAt: at + HOUR, windows: [] },
    });
    await store.reserve(hold('now', begin));
    await store.reserve(hold('earlier', begin - 1));
    expect(await store.commit({ id: 'earlier', at: begin })).toMatchObject({ changed: true });
    const { purchase: found } = await store.get({ id: 'earlier', at: begin });
    expect(found).toMatchObject({ state: 'committed' });
  });

  test('minReplicas: unknown while no replica confirms, done when one does', async () => {
    // Without a file: here one waits for the replica, not for the disk.
    const { client, server } = await world({ settings: ['--appendonly', 'no'] });
    const store = redisStore({ client, minReplicas: 1, timeoutMs: 600 });
    expect(await codeOf(store.reserve(purchase('p', 'a')))).toBe('outcome_unknown');
    const replica = await redisServer(['--replicaof', '127.0.0.1', String(server.port)]);
    undo.push(() => replica.crash());
    await replica.start();
    await expect
      .poll(() => codeOf(store.reserve(purchase('p', 'a'))), { timeout: 10_000 })
      .toBe('done');
    expect(await usedBy(store, 'a')).toBe(10);
  });

  test('minReplicas: a refusal after the hold was made leaves the outcome unknown', async () => {
    const { client, store: reader } = await world({ settings: ['--appendonly', 'no'] });
    const store = redisStore({ client, minReplicas: 1 });
    // The first pipeline finds a server without the script, the second one a replica.
    const refusals = ['NOSCRIPT No matching script.', 'READONLY You are a read only replica.'];
    client.pipeline = (() => {
      const refused = new Error(refusals.shift());
      const exec = async () => [[null, 1], [refused], [refused], [null, 0], [null, 1]];
      return { call: () => undefined, exec };
    }) as unknown as typeof client.pipeline;
    expect(await codeOf(store.reserve(purchase('p', 'a')))).toBe('outcome_unknown');
    expect((await reader.get({ id: 'p', at: AT })).purchase).toMatchObject({ state: 'reserved' });
  });

  test('node-redis: down is store_unavailable, and it recovers', async () => {
    const { server } = await world();
    const client = createClient({
      ...{ url: `redis://127.0.0.1:${server.port}`, disableOfflineQueue: true },
      socket: { reconnectStrategy: 30 },
    });
    client.on('error', () => undefined);
    await client.connect();
    undo.push(() => client.destroy());
    const store = redisStore({ client, timeoutMs: 400 });
    await store.reserve(purchase('p', 'a'));
    await server.crash();
    expect(['store_unavailable', 'outcome_unknown']).toContain(
      await codeOf(store.reserve(purchase('q', 'a'))),
    );
    expect(await codeOf(store.reserve(purchase('q', 'a')))).toBe('store_unavailable');
    await server.start();
    await expect.poll(() => usedBy(store, 'a').catch(() => -1)).toBe(10);
  });
});

test('wrong options and an old server are refused with what to do', async () => {
  const info = (text: string) => ({
    ...{ isReady: true, on: () => undefined, off: () => undefined },
    sendCommand: async () => `# Server\r\n${text}\r\n`,
  });
  const old = redisStore({ client: info('redis_version:6.2.14') });
  await expect(old.ready()).rejects.toMatchObject({
    code: 'store_misconfigured',
    message: 'Redis 6.2.14 is too old: use Redis 7, Valkey 7.2, or newer.',
  });
  const cluster = info('redis_version:7.2.4\r\nvalkey_version:8.0.1\r\nserver_mode:cluster');
  await expect(redisStore({ client: cluster }).ready()).rejects.toMatchObject({
    message: 'Redis is a cluster: use a cluster client.',
  });
  const client = info('redis_version:7.0.0');
  expect(() => redisStore({ client: {} as typeof client })).toThrow(TypeError);
  for (const wrong of [{ prefix: '{x}' }, { timeoutMs: 0 }, { minReplicas: 1.5 }, { keepMs: -1 }]) {
    expect(() => redisStore({ client, ...wrong })).toThrow(TypeError);
  }
});
