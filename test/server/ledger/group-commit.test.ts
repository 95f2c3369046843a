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
