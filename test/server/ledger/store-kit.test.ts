import { SpendcapError, type Store } from '@spendcap/core';
import { memoryStore } from '@spendcap/server/stores/memory';
import { postgresStore } from '@spendcap/server/stores/postgres';
import { redisStore } from '@spendcap/server/stores/redis';
import { sqliteStore } from '@spendcap/server/stores/sqlite';
import { describe, expect, test } from 'vitest';
import { isolateDataErrors, within } from '../../../packages/server/src/ledger/store-kit.ts';

/** None of these reaches a server: wrong options are found before. */
const nowhere = () => Promise.reject(new Error('no server'));
const pool = { query: nowhere };
const client = { isReady: true, sendCommand: nowhere };

type Options = Readonly<Record<string, number>>;
const STORES: Readonly<Record<string, (options: Options) => Store>> = {
  memory: (options) => memoryStore(options),
  sqlite: (options) => sqliteStore({ path: ':memory:', ...options }),
  postgres: (options) => postgresStore({ pool, ...options }),
  redis: (options) => redisStore({ client, ...options }),
};

const COUNTS = [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY];
const WAITS = [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31];
const CASES: readonly (readonly [store: string, option: string, wrong: readonly number[]])[] = [
  ['memory', 'keepEndedMs', COUNTS],
  ['sqlite', 'maxBatch', COUNTS],
  ['sqlite', 'maxQueue', COUNTS],
  ['sqlite', 'busyTimeoutMs', WAITS],
  ['postgres', 'maxBatch', COUNTS],
  ['postgres', 'maxQueue', COUNTS],
  ['postgres', 'timeoutMs', [0, ...WAITS]],
  ['redis', 'maxBatch', COUNTS],
  ['redis', 'maxQueue', COUNTS],
];

describe('wrong options', () => {
  test.each(CASES)('of the %s store: %s', (store, option, wrong) => {
    for (const value of wrong) {
      expect(() => STORES[store]?.({ [option]: value })).toThrow(
        new RegExp(`^${option} must be a whole number from `),
      );
    }
  });
});

describe.each(Object.keys(STORES))('a closed %s store', (name) => {
  test('refuses every call, and may be closed again', async () => {
    const store = STORES[name]?.({}) as Store;
    await Promise.all([store.close(), store.close()]);
    await store.close();
    const code = (call: Promise<unknown>) => call.catch((error: SpendcapError) => error.code);
    expect(await code(store.get({ id: 'p', at: 0 }))).toBe('store_unavailable');
    expect(await code(store.ready())).toBe('store_unavailable');
  });
});

describe('a batch that fails', () => {
  const failed = new SpendcapError('store_unavailable', 'The database failed.');
  const run = (seen: string[]) => async (commands: readonly string[]) => {
    seen.push(commands.join());
    if (commands.includes('bad')) throw new Error('bad');
    return commands.map((value) => ({ value }));
  };

  test('for the data of one command fails for that one alone', async () => {
    const seen: string[] = [];
    const transactions = { run: run(seen), isDataError: () => true, toError: () => failed };
    expect(await isolateDataErrors(['a', 'bad', 'b'], transactions)).toEqual([
      { value: 'a' },
      { error: failed },
      { value: 'b' },
    ]);
    expect(seen).toEqual(['a,bad,b', 'a', 'bad', 'b']);
  });

  test('for another reason fails whole, and is not run again', async () => {
    const seen: string[] = [];
    const transactions = { run: run(seen), isDataError: () => false, toError: () => failed };
    const outcomes = await isolateDataErrors(['a', 'bad', 'b'], transactions);
    expect(outcomes).toEqual([{ error: failed }, { error: failed }, { error: failed }]);
    expect(seen).toEqual(['a,bad,b']);
  });
});

test('work that takes too long is not waited for, and its late failure is nobody’s', async () => {
  const late = new Promise((_, reject) => setTimeout(() => reject(new Error('late')), 20));
  const soon = performance.now() + 5;
  await expect(within(soon, late, () => new Error('timed out'))).rejects.toThrow('timed out');
  await new Promise((resolve) => setTimeout(resolve, 30));
  await expect(
    within(performance.now() + 60_000, Promise.resolve(7), () => new Error()),
  ).resolves.toBe(7);
});
