import { describe, expect, test } from 'vitest';
import { reserveCommand } from '../../../../packages/server/src/stores/redis/encode.ts';
import { NOON, purchase } from '../../../../packages/server/src/testing/fixtures.ts';
import { freshStore, runnable, STORES } from '../../../support/stores.ts';

const END = NOON + 1_800_000;

test('a record is no longer without a processor, else has it and its reference at the end', () => {
  const recordOf = (command: ReturnType<typeof purchase>) => reserveCommand(command, 1).record;
  const numbers = `1000,${NOON},${END},1,"CNY",null,null,12`;
  const rest = '\nrequest of p{"policy":"test@1"}';
  expect(recordOf(purchase('p'))).toBe(`[${numbers}]${rest}`);
  const named = purchase('p', { processor: 'one_pay' });
  expect(recordOf(named)).toBe(`[${numbers},"one_pay",null]${rest}`);
  const referred = { ...named, processorRef: '"1"' };
  expect(recordOf(referred)).toBe(`[${numbers},"one_pay","\\"1\\""]${rest}`);
});

const REDIS = STORES.filter(({ name }) => name === 'redis');

describe.each(await runnable(REDIS))('attach of $name', (entry) => {
  test.each(['null]\n"\\/', 'é\u0001\u007f😀', ' '.repeat(600)])(
    'takes the reference %j, whatever else the record has',
    async (processorRef) => {
      const store = await freshStore(entry);
      const odd = { request: 'null]\n[null,null]\n', basis: '\nnull]', processor: 'null]' };
      await store.reserve(purchase('p', odd));
      const { purchase: before } = await store.get({ id: 'p', at: NOON });
      await store.attach({ id: 'p', processor: 'null]', processorRef, at: NOON });
      await store.commit({ id: 'p', at: NOON });
      const { purchase: kept } = await store.get({ id: 'p', at: NOON });
      expect(kept).toEqual({ ...before, state: 'committed', committed: 1_000, processorRef });
      await store.close();
    },
  );
});
