import type { SpendcapError } from '@spendcap/core';
import { describe, expect, test } from 'vitest';
import type { NumberKind } from '../support/stores/entry.ts';
import { storesOf } from '../support/stores.ts';

const NEVER = [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY];
const NO_WAIT = [...NEVER, 2 ** 31];
const WRONG: Readonly<Record<NumberKind, readonly number[]>> = {
  'from 0': NEVER,
  'from 1': [0, ...NEVER],
  'wait from 0': NO_WAIT,
  'wait from 1': [0, ...NO_WAIT],
};

describe.each(storesOf('options'))('$name', ({ name, needs: { create, numbers } }) => {
  test.each(Object.entries(numbers))('refuses a wrong %s: %s', (option, kind) => {
    for (const value of WRONG[kind]) {
      expect(() => create({ [option]: value }), String(value)).toThrow(
        new RegExp(`^${option} must be a whole number from `),
      );
    }
  });

  test('refuses a misspelled option', () => {
    for (const option of ['maxbatch', 'keepEnded', 'toString']) {
      expect(() => create({ [option]: 1 })).toThrow(
        new RegExp(`^${name}Store has no option "${option}", only `),
      );
    }
  });

  test('refuses every call once it is closed, and may be closed again', async () => {
    const store = create({});
    await Promise.all([store.close(), store.close()]);
    await store.close();
    const code = (call: Promise<unknown>) => call.catch((error: SpendcapError) => error.code);
    expect(await code(store.get({ id: 'p', at: 0 }))).toBe('store_unavailable');
    expect(await code(store.ready())).toBe('store_unavailable');
  });
});
