import type { ReserveCommand, Store, Window } from '@spendcap/core';
import { redisStore } from '@spendcap/server/stores/redis';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  ALL,
  capped,
  charge,
  DAY,
  HOUR,
  NOON,
  purchase,
  T0,
  TODAY,
} from '../../packages/server/src/testing/fixtures.ts';
import { canStartRedis, redisServer } from '../support/redis.ts';

const KEEP_MS = 40 * DAY;
const windows = [capped(TODAY, 100_000)];
/** Of a purchase at noon that is held for half an hour. */
const NEEDED_TO = NOON + HOUR / 2 + KEEP_MS;

const usedIn = async (store: Store, window: Window, at: number): Promise<number | undefined> =>
  (await store.usage({ subject: 'subject-a', windows: [window], at })).used[0];

describe.skipIf(!canStartRedis('purchase ids in Redis'))('a purchase id in Redis', () => {
  const undo: (() => unknown)[] = [];
  let store: Store;
  let direct: Redis;
  beforeEach(async () => {
    const server = await redisServer(['--appendonly', 'no']);
    await server.start();
    direct = new Redis(server.port, '127.0.0.1');
    store = redisStore({ client: direct, keepMs: KEEP_MS });
    undo.push(
      () => server.crash(),
      () => direct.disconnect(),
    );
  });
  afterEach(async () => {
    for (const step of undo.splice(0).reverse()) await step();
  });

  /** Does to the keys what so much time would do. */
  async function pass(ms: number): Promise<void> {
    for (const key of await direct.keys('spendcap:*')) {
      const left = await direct.pttl(key);
      if (left >= 0) await direct.pexpire(key, left - ms);
    }
  }

  test('names its purchase as long as a window that was requested later counts it', async () => {
    await store.reserve(purchase('p', { windows }));
    await store.commit({ id: 'p', at: NOON });
    // The subject is kept somewhat longer than its purchase must be: this ends in between.
    const later: Window = { selector: ALL, start: T0, end: NEEDED_TO + 2 * HOUR };
    expect(await usedIn(store, later, NOON)).toBe(1_000);

    const at = NEEDED_TO + HOUR;
    await pass(at - NOON);
    const again = await store.reserve(purchase('p', { at: NOON, windows: [] }));
    expect(again).toMatchObject({ outcome: 'held', replayed: true });
    expect(await usedIn(store, later, at)).toBe(1_000);
  });

  test('of a charge that is recorded late is kept from then on, not from the charge', async () => {
    const chargedAt = NOON - 30 * DAY;
    await store.record(charge('p', { chargedAt, windows: [{ ...TODAY, end: NOON }] }));
    for (const key of await direct.keys('spendcap:*')) {
      const left = await direct.pttl(key);
      expect(left > KEEP_MS - HOUR && left < 1.01 * KEEP_MS, `${key} ${left}`).toBe(true);
    }
    const year: Window = { selector: ALL, start: T0, end: T0 + 365 * DAY };
    await store.record(charge('q', { windows: [year] }));
    for (const key of ['{q}:s', '{subject-a}']) {
      expect(await direct.pttl(`spendcap:${key}`), key).toBeGreaterThan(year.end - NOON - HOUR);
    }
  });

  test('of a purchase that gets its reference late is kept from then on', async () => {
    await store.reserve(purchase('p', { processor: 'one_pay' }));
    await store.commit({ id: 'p', at: NOON });
    const at = NOON + 30 * DAY;
    await pass(at - NOON);
    await store.attach({ id: 'p', processor: 'one_pay', processorRef: 'ref', at });
    expect(await direct.pttl('spendcap:{p}:s')).toBeGreaterThan(KEEP_MS - HOUR);
  });

  test('that was given to another subject stays there when a window counts its first', async () => {
    await store.reserve(purchase('p', { windows }));
    await store.reserve(purchase('longer', { windows, expiresAt: NOON + 9 * DAY }));
    await store.commit({ id: 'p', at: NOON });
    await store.commit({ id: 'longer', at: NOON });

    const at = NEEDED_TO + HOUR;
    await pass(at - NOON);
    const other = purchase('p', { subject: 'subject-b', at, onExpiry: 'reconcile' });
    expect(await store.reserve(other)).toMatchObject({ outcome: 'held', replayed: false });
    // The first one is still in the page that it shares.
    const later: Window = { selector: ALL, start: T0, end: at + 40 * DAY };
    expect(await usedIn(store, later, at)).toBe(2_000);
    const committed = await store.commit({ id: 'p', at });
    expect(committed).toMatchObject({ changed: true, purchase: { subject: 'subject-b' } });
  });

  test('that was given to a later purchase of its subject is kept for that one', async () => {
    await store.reserve(purchase('p', { windows }));
    await store.reserve(purchase('longer', { windows, expiresAt: NOON + 9 * DAY }));
    await store.commit({ id: 'p', at: NOON });
    await store.commit({ id: 'longer', at: NOON });

    const at = NEEDED_TO + HOUR;
    await pass(at - NOON);
    await store.reserve(purchase('p', { at, request: 'later' }));
    const soon: Window = { selector: ALL, start: T0, end: at + DAY };
    expect(await usedIn(store, soon, at)).toBe(3_000);
    expect(await direct.pttl('spendcap:{p}:s')).toBeGreaterThan(KEEP_MS);
  });

  test('of a reconcile hold is kept from its commit, and its subject from the last one', async () => {
    const held = { windows, onExpiry: 'reconcile', processor: 'one_pay' } as const;
    for (const id of ['p', 'q']) await store.reserve(purchase(id, held));
    await store.attach({ id: 'q', processor: 'one_pay', processorRef: 'ref', at: NOON });
    for (const id of ['p', 'q']) {
      expect(await direct.pttl('spendcap:{subject-a}')).toBe(-1);
      expect((await store.overdue({ at: NOON + DAY, limit: 9 })).at(0)?.id).toBe(id);
      await store.commit({ id, at: NOON });
      expect(await direct.pttl(`spendcap:{${id}}:s`)).toBeGreaterThan(KEEP_MS);
    }
    expect(await direct.pttl('spendcap:{subject-a}')).toBeGreaterThan(KEEP_MS);
    expect(await direct.keys('spendcap:overdue*')).toEqual([]);
    const settled = await store.get({ id: 'q', at: NOON });
    expect(settled.purchase).toMatchObject({ state: 'committed', processorRef: 'ref' });
  });

  test.each<[string, Partial<ReserveCommand>]>([
    ['ordinary', {}],
    ['reconcile', { onExpiry: 'reconcile' }],
    ["processor's", { onExpiry: 'reconcile', processor: 'one_pay' }],
  ])(
    'of an %s hold is held and committed on the fast path, with its reference too',
    async (_, how) => {
      const { processor = null } = how;
      await store.reserve(purchase('p', { windows, ...how }));
      await direct.config('RESETSTAT');
      await store.reserve(purchase('q', { windows, ...how }));
      // Only the slow path reads the windows too.
      expect(await direct.info('commandstats')).not.toContain('cmdstat_hmget:');
      if (processor !== null) {
        await store.attach({ id: 'q', processor, processorRef: 'ref', at: NOON });
      }
      await direct.config('RESETSTAT');
      for (const id of ['p', 'q']) await store.commit({ id, at: NOON });
      const commands = await direct.info('commandstats');
      expect(commands).toContain('cmdstat_hmget:calls=2,');
      // Only the slow path reads the purchase apart from the subject.
      expect(commands).not.toContain('cmdstat_hget:');
    },
  );
});
