import { Worker } from 'node:worker_threads';
import { sqliteStore } from '@spendcap/server/stores/sqlite';
import { afterEach, expect, test, vi } from 'vitest';
import { capped, MONTH, NOON, purchase } from '../../../../packages/server/src/testing/fixtures.ts';
import { temporaryFile } from '../../../support/temporary.ts';

const windows = [capped(MONTH, 1_000_000)];
/** Enough that the thread receives the first ones before the batch is complete. */
const MANY = 40;

afterEach(() => vi.restoreAllMocks());

/** Lets messages of one kind fail, as many as are said. */
function failing(isOfKind: (message: unknown) => boolean, times: number): void {
  const post = Worker.prototype.postMessage;
  let left = times;
  vi.spyOn(Worker.prototype, 'postMessage').mockImplementation(function (this: Worker, message) {
    if (!isOfKind(message) || left === 0) return post.call(this, message);
    left -= 1;
    throw new RangeError('Out of memory');
  });
}

const isBatch = (message: unknown) => String(message).startsWith('[');
const isBeginning = (message: unknown) => String(message).startsWith('+');

async function reserveMany(store: ReturnType<typeof sqliteStore>, prefix: string) {
  const calls = Array.from({ length: MANY }, (_, index) =>
    store.reserve(purchase(`${prefix}-${index}`, { windows, amount: 1 })).then(
      ({ outcome }) => outcome as string,
      ({ code }: { code: string }) => code,
    ),
  );
  return new Set(await Promise.all(calls));
}

test('a batch that does not get to the thread was not done, and no later one waits', async () => {
  const store = sqliteStore({ path: temporaryFile('thread.db') });
  failing(isBatch, 1);
  expect(await reserveMany(store, 'lost')).toEqual(new Set(['store_unavailable']));
  expect(await reserveMany(store, 'next')).toEqual(new Set(['held']));
  const { subject } = purchase('any');
  expect(await store.usage({ subject, windows, at: NOON })).toMatchObject({ used: [MANY] });
  await store.close();
});

test('commands that could not be sent early are sent with their batch', async () => {
  const store = sqliteStore({ path: temporaryFile('thread.db') });
  failing(isBeginning, 1);
  expect(await reserveMany(store, 'all')).toEqual(new Set(['held']));
  await store.close();
});
