import { SpendcapError } from '@spendcap/core';
import { describe, expect, test } from 'vitest';
import {
  checkWait,
  checkWhole,
  isolateDataErrors,
  misconfigured,
  repeatable,
  unavailable,
  within,
} from '../../../packages/server/src/ledger/store-kit.ts';

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
});

test('work within its time is waited for, and leaves no timer that keeps the process', async () => {
  const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
  const before = timers();
  const work = new Promise((resolve) => setTimeout(resolve, 5, 7));
  const inTime = within(performance.now() + 60_000, work, () => new Error('timed out'));
  await expect(inTime).resolves.toBe(7);
  expect(timers()).toBe(before);
});

test('the error of a store names its cause, and says whether a retry helps', () => {
  const cause = new Error('the driver');
  expect(unavailable('Down.', cause)).toMatchObject({
    ...{ code: 'store_unavailable', retryable: true, cause },
  });
  expect(misconfigured('Wrong.', cause)).toMatchObject({
    ...{ code: 'store_misconfigured', retryable: false, cause },
  });
  for (const error of [unavailable('Down.'), misconfigured('Wrong.')]) {
    expect('cause' in error).toBe(false);
  }
});

test('a call that may be repeated was not done, for all that its caller knows', () => {
  const cause = new Error('the connection');
  const lost = repeatable(new SpendcapError('outcome_unknown', 'No answer.', { cause }));
  expect(lost).toMatchObject({ code: 'store_unavailable', message: 'No answer.', cause });
  const other = new SpendcapError('invalid_amount', 'Too much.');
  expect(repeatable(other)).toBe(other);
});

test('options are whole numbers within both ends, and times fit a timer', () => {
  for (const count of [1, 5]) expect(() => checkWhole({ count }, 1, 5)).not.toThrow();
  for (const count of [0, 6, 1.5]) {
    expect(() => checkWhole({ count }, 1, 5)).toThrow(
      new TypeError('count must be a whole number from 1 to 5'),
    );
  }
  expect(() => checkWhole({ count: 0 }, 1)).toThrow(
    new TypeError('count must be a whole number from 1'),
  );
  expect(() => checkWait({ waitMs: 2_147_483_647 }, 0)).not.toThrow();
  expect(() => checkWait({ waitMs: 2_147_483_648 }, 0)).toThrow('from 0 to 2147483647');
});
