import { describe, expect, test } from 'vitest';
import { groupCommit, type Outcome } from '../../../packages/server/src/ledger/group-commit.ts';

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** A store that never answers, so that it shows what goes without waiting for it. */
function world(oneTickApart: boolean) {
  const sizes: number[] = [];
  const queue = groupCommit<number, number>({
    runBatch: (commands) => {
      sizes.push(commands.length);
      return new Promise<readonly Outcome<number>[]>(() => {});
    },
    ...{ oneTickApart, maxBatch: 4, maxInFlight: 3, maxQueue: 100 },
  });
  const submit = (count: number) => {
    for (let index = 0; index < count; index += 1) void queue.submit(index);
  };
  return { sizes, submit };
}

describe('batches', () => {
  test('a full one is sent immediately, and the rest at the end of the tick', async () => {
    const { sizes, submit } = world(false);
    submit(6);
    expect(sizes).toEqual([4]);
    await turn();
    expect(sizes).toEqual([4, 2]);
  });

  test('for a client that flushes at the end of a tick they are one tick apart', async () => {
    const { sizes, submit } = world(true);
    submit(8);
    await turn();
    expect(sizes).toEqual([4]);
    for (let count = 0; count < 3; count += 1) await turn();
    expect(sizes).toEqual([4, 4]);
  });

  test('with many waiting they are not, however long a tick takes', () => {
    const { sizes, submit } = world(true);
    submit(30);
    expect(sizes).toEqual([4, 4, 4]);
  });
});

describe('a store that breaks its contract', () => {
  const OPTIONS = { maxBatch: 4, maxQueue: 100 };
  const UNKNOWN = { code: 'outcome_unknown', retryable: true };
  const done = async (commands: readonly number[]) => commands.map((value) => ({ value }));

  test.each<[string, () => Promise<readonly Outcome<number>[]>]>([
    ['rejects', () => Promise.reject(new Error('broken'))],
    [
      'throws',
      () => {
        throw new Error('broken');
      },
    ],
    ['returns too little', async () => [{ value: 0 }]],
  ])('and %s leaves its calls unknown, and the next batch runs', async (_name, broken) => {
    let runs = 0;
    const runBatch = (commands: readonly number[]) => {
      runs += 1;
      return runs === 1 ? broken() : done(commands);
    };
    const queue = groupCommit<number, number>({ runBatch, ...OPTIONS });
    const calls = [queue.submit(0), queue.submit(1)];
    await expect(calls[1]).rejects.toMatchObject(UNKNOWN);
    await Promise.allSettled(calls);
    expect(await queue.submit(2)).toBe(2);
    expect(await queue.idle()).toBeUndefined();
  });

  test('and throws when it prepares, runs the whole batch all the same', async () => {
    const prepare = () => {
      throw new Error('broken');
    };
    const queue = groupCommit<number, number>({
      ...{ runBatch: done, prepare, maxBatch: 64, maxQueue: 100 },
    });
    const calls = Array.from({ length: 20 }, (_, index) => queue.submit(index));
    expect(await Promise.all(calls)).toEqual(Array.from({ length: 20 }, (_, index) => index));
  });
});
