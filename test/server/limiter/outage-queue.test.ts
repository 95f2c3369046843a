import { type ReserveCommand, SpendcapError, type Store } from '@spendcap/core';
import { expect, test } from 'vitest';
import { outageQueue } from '../../../packages/server/src/limiter/outage-queue.ts';
import { purchase } from '../../../packages/server/src/testing/fixtures.ts';

/** A queue before a store that only notes which purchases it is given. */
function world(faultOf: (id: string) => unknown = () => undefined) {
  const taken: string[] = [];
  const reserve = async ({ id }: ReserveCommand) => {
    const fault = faultOf(id);
    if (fault !== undefined) throw fault;
    taken.push(id);
  };
  return { queue: outageQueue({ reserve } as object as Store), taken };
}

test('each outage is written when it ends, and nothing is written twice', async () => {
  const { queue, taken } = world();
  for (const id of ['first', 'second']) {
    queue.add(purchase(id));
    await Promise.all([queue.flushAll(), queue.flushAll()]);
    expect(queue.size).toBe(0);
  }
  expect(taken).toEqual(['first', 'second']);
});

test('a purchase that the store refuses for good does not keep the others from it', async () => {
  const refusal = new SpendcapError('invalid_amount', 'The total is too large.');
  const { queue, taken } = world((id) => (id === 'bad' ? refusal : undefined));
  for (const id of ['bad', 'good']) queue.add(purchase(id));
  await queue.flushAll();
  expect([taken, queue.size]).toEqual([['good'], 1]);
});

test('of 10,000 that wait no more pass, and a retry of one of them still does', () => {
  const { queue } = world();
  for (let index = 0; index < 10_000; index += 1) queue.add(purchase(`p${index}`));
  expect(() => queue.add(purchase('one-more'))).toThrow(
    expect.objectContaining({ code: 'overloaded', retryable: true }),
  );
  expect(queue.add(purchase('p0'))).toMatchObject({ outcome: 'held', replayed: true });
});
