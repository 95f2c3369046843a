import { SpendcapError } from '@spendcap/core';
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

/** A store that answers each batch when `answer` is called: with a failure for negative numbers. */
function slow(options: { readonly maxInFlight?: number; readonly prepare?: boolean } = {}) {
  const batches: (readonly number[])[] = [];
  const prepared: (readonly number[])[] = [];
  const waiting: (() => void)[] = [];
  const failed = new SpendcapError('store_unavailable', 'The database failed.');
  const queue = groupCommit<number, number>({
    runBatch: (commands) => {
      batches.push(commands);
      return new Promise((resolve) => {
        waiting.push(() =>
          resolve(commands.map((value) => (value < 0 ? { error: failed } : { value }))),
        );
      });
    },
    ...(options.prepare ? { prepare: (commands) => void prepared.push(commands) } : {}),
    ...{ maxBatch: options.prepare ? 64 : 4, maxQueue: options.prepare ? 200 : 6 },
    ...(options.maxInFlight === undefined ? {} : { maxInFlight: options.maxInFlight }),
  });
  const answer = async () => {
    waiting.shift()?.();
    // One for what waits for the answer, one for the next batch.
    await turn();
    await turn();
  };
  const submit = (from: number, to: number) => {
    for (let value = from; value < to; value += 1) void queue.submit(value);
  };
  return { batches, prepared, queue, answer, submit, failed };
}

describe('while the store works', () => {
  test('calls wait for the batch in flight, and share the next one', async () => {
    const { batches, queue, answer } = slow();
    const calls = [1, 2, 3].map((value) => queue.submit(value));
    await turn();
    const later = [4, 5].map((value) => queue.submit(value));
    await turn();
    expect(batches).toEqual([[1, 2, 3]]);
    await answer();
    expect(batches).toEqual([
      [1, 2, 3],
      [4, 5],
    ]);
    await answer();
    expect(await Promise.all([...calls, ...later])).toEqual([1, 2, 3, 4, 5]);
  });

  test('one call that waits alone is sent once the batch in flight has ended', async () => {
    const { queue, answer } = slow();
    const calls = [queue.submit(1)];
    await turn();
    calls.push(queue.submit(2));
    await answer();
    await answer();
    expect(await Promise.all(calls)).toEqual([1, 2]);
  });

  test('as many batches are in flight as it may have, and no more', async () => {
    const { batches, answer, submit } = slow({ maxInFlight: 2 });
    submit(0, 14);
    await turn();
    expect(batches.map(({ length }) => length)).toEqual([4, 4]);
    await answer();
    expect(batches.map(({ length }) => length)).toEqual([4, 4, 4]);
    await answer();
    expect(batches.map(({ length }) => length)).toEqual([4, 4, 4, 2]);
  });

  test('a call beyond those that may wait is overloaded, and those that wait are served', async () => {
    const { queue, answer } = slow();
    const sent = [1, 2, 3, 4].map((value) => queue.submit(value));
    const waiting = [5, 6, 7, 8, 9, 10].map((value) => queue.submit(value));
    await expect(queue.submit(11)).rejects.toMatchObject({ code: 'overloaded', retryable: true });
    for (let batch = 0; batch < 3; batch += 1) await answer();
    expect(await Promise.all([...sent, ...waiting])).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    const after = queue.submit(12);
    await turn();
    await answer();
    expect(await after).toBe(12);
  });

  test('one call of a batch may fail, and only that one', async () => {
    const { queue, answer, failed } = slow();
    const calls = [1, -1, 2].map((value) => queue.submit(value));
    const settled = Promise.allSettled(calls);
    await turn();
    await answer();
    expect(await settled).toEqual([
      { status: 'fulfilled', value: 1 },
      { status: 'rejected', reason: failed },
      { status: 'fulfilled', value: 2 },
    ]);
  });

  test('idle waits for what is in flight and for what waits', async () => {
    const { queue, answer, submit } = slow();
    let idle = 0;
    const watch = () => void queue.idle().then(() => (idle += 1));
    watch();
    await turn();
    expect(idle).toBe(1);
    submit(0, 6);
    watch();
    await turn();
    watch();
    await answer();
    expect(idle).toBe(1);
    await answer();
    expect(idle).toBe(3);
  });

  test('idle waits for every batch in flight, also after one of them has ended', async () => {
    const { queue, answer, submit } = slow({ maxInFlight: 2 });
    submit(0, 8);
    await turn();
    let idle = false;
    void queue.idle().then(() => {
      idle = true;
    });
    await answer();
    expect(idle).toBe(false);
    await answer();
    expect(idle).toBe(true);
  });

  test('each waiting call is prepared once, when enough of them are new and none is in flight', async () => {
    const { batches, prepared, answer, submit } = slow({ prepare: true });
    submit(0, 40);
    const firsts = () => prepared.map((commands) => [commands[0], commands.length]);
    expect(firsts()).toEqual([
      [0, 16],
      [16, 16],
    ]);
    await turn();
    expect(batches.map(({ length }) => length)).toEqual([40]);
    submit(40, 60);
    expect(prepared).toHaveLength(2);
    await answer();
    await answer();
    submit(60, 75);
    expect(prepared).toHaveLength(2);
    submit(75, 76);
    expect(firsts().slice(2)).toEqual([[60, 16]]);
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

  test('and throws when it prepares, still runs the whole batch', async () => {
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
