import { cnLive, createLimiter, type PurchaseRequest } from '@spendcap/server';
import { describe, expect, test } from 'vitest';
import { anyStore } from '../../support/any-store.ts';
import { ADULT, bought, CHILD, flaky, order, setUp, usedOf } from './limiter-kit.ts';

const AMOUNTS: readonly unknown[] = [
  ...['0', '0.00', '-1', '+1', '1e3', '0.001', '１００', '٣', 'NaN', 'Infinity', '', ' 1', '1\n'],
  ...['01', '.5', '5.', '1,000', '0x10', '1_0', '9999999999999999', '1'.repeat(100_000)],
  ...[30, 0, Number.NaN, 30n, null, {}, ['1'], true],
];

const IDS: readonly unknown[] = [
  ...['', 'x'.repeat(300), 'x'.repeat(129), 'a\u0000b', 'a\nb', 'a\n', 'a b', '-a', '../a', 'ａ'],
  ...['a\u200bb', 'é', null, undefined, 7, {}, ['a']],
];

const lone = '\ud800';

const FIELDS: readonly (readonly [string, readonly unknown[]])[] = [
  [
    'category',
    ['', 'x'.repeat(65), 'a b', 'a\u0007', 'Tip', 'TIP', 'tip ', 'ｔｉｐ', 7, null, ['tip']],
  ],
  ['app', ['', 'x'.repeat(65), 'a/b', 'a\n', 7, null]],
  ['product', ['', 'x'.repeat(201), 'a\u0000', `a${lone}`, 7, null]],
  ['guardianApproval', ['', 'x'.repeat(201), 'a\u0085', true, null]],
  ['expiresInSeconds', [0, 9, -1, 10.5, 2_592_001, Number.NaN, Infinity, '60', null]],
  ['onExpiry', ['', 'keep', 'toString', null, true]],
  [
    'metadata',
    [
      Object.fromEntries(Array.from({ length: 21 }, (_, n) => [`k${n}`, ''])),
      { ['x'.repeat(41)]: '' },
      { '': 'x' },
      { x: 'x'.repeat(201) },
      { x: 'a\u0000b' },
      { 'a\nb': 'x' },
      { x: lone },
      { x: 7 },
      { x: null },
      { x: { y: 'z' } },
      JSON.parse('{"__proto__":{"polluted":"yes"}}'),
      ['x'],
      'x',
      null,
    ],
  ],
];

/** Fails unless every call rejects with the code, repeats nothing of the input, and reaches no store. */
async function refusesAll(
  code: string,
  values: readonly unknown[],
  call: (value: unknown, limiter: ReturnType<typeof setUp>['limiter']) => Promise<unknown>,
) {
  const { store, state } = flaky();
  const { limiter, events } = setUp({ store });
  bought(await limiter.reserve(order('held')));
  state.calls.length = 0;
  events.length = 0;
  for (const value of values) {
    const error: unknown = await call(value, limiter).catch((thrown: unknown) => thrown);
    expect(error, JSON.stringify(String(value).slice(0, 40))).toMatchObject({
      code,
      status: 400,
      retryable: false,
    });
    if (typeof value === 'string' && value.length > 5) {
      expect((error as Error).message).not.toContain(value);
    }
  }
  expect(state.calls.filter((verb) => verb !== 'get')).toEqual([]);
  expect(events).toEqual([]);
  expect(await limiter.get('held')).toMatchObject({ state: 'reserved', held: '30.00' });
  expect(usedOf(await limiter.allowance({ evidence: CHILD })).day).toBe('30.00');
}

const wrong = (field: string, value: unknown, rest: Partial<PurchaseRequest> = {}) =>
  ({ ...order('new', rest), [field]: value }) as PurchaseRequest;

describe('an amount that is none', () => {
  test.each([
    ['a minor', { evidence: CHILD }],
    ['an adult', { evidence: ADULT }],
    ['a stranger', { evidence: undefined as never }],
  ])('of %s', async (_who, rest) => {
    await refusesAll('invalid_amount', AMOUNTS, (value, limiter) =>
      limiter.reserve(wrong('amount', value, rest)),
    );
    await refusesAll('invalid_amount', AMOUNTS, (value, limiter) =>
      limiter.check(wrong('amount', value, rest)),
    );
  });

  test('of a commit or a refund', async () => {
    await refusesAll('invalid_amount', AMOUNTS, (value, limiter) =>
      limiter.commit('held', { amount: value as string }),
    );
    await refusesAll('invalid_amount', AMOUNTS, (value, limiter) =>
      limiter.refund('held', { id: 'r1', amount: value as string }),
    );
  });
});

test('a currency that is none', async () => {
  const currencies = [
    'cny',
    'XXX',
    'CN',
    '',
    'CNYY',
    'toString',
    '__proto__',
    null,
    undefined,
    156,
  ];
  await refusesAll('invalid_currency', currencies, (value, limiter) =>
    limiter.reserve(wrong('currency', value)),
  );
  await refusesAll('invalid_request', ['cny', 'XXX', '', 'USD', null], (value, limiter) =>
    limiter.allowance({ evidence: CHILD, currency: value as string }),
  );
});

describe('an id that is none', () => {
  const verbs: readonly [string, Parameters<typeof refusesAll>[2]][] = [
    ['reserve', (id, limiter) => limiter.reserve(wrong('id', id))],
    ['commit', (id, limiter) => limiter.commit(id as string)],
    ['release', (id, limiter) => limiter.release(id as string)],
    ['refund', (id, limiter) => limiter.refund(id as string, { id: 'r1' })],
    ['refund of it', (id, limiter) => limiter.refund('held', { id: id as string })],
    ['reverseRefund', (id, limiter) => limiter.reverseRefund(id as string, { id: 'r1' })],
    ['reverseRefund of it', (id, limiter) => limiter.reverseRefund('held', { id: id as string })],
    ['get', (id, limiter) => limiter.get(id as string)],
  ];
  test.each(verbs)('%s', async (_verb, call) => {
    await refusesAll('invalid_request', IDS, call);
  });
});

describe('a field that is wrong', () => {
  test.each(FIELDS)('%s', async (field, values) => {
    await refusesAll('invalid_request', values, (value, limiter) =>
      limiter.reserve(wrong(field, value)),
    );
    const { limiter } = setUp();
    await expect(limiter.reserve(wrong(field, values[0]))).rejects.toMatchObject({
      errors: [{ path: field }],
    });
  });

  test('in check and allowance', async () => {
    for (const field of ['category', 'app', 'guardianApproval']) {
      await refusesAll('invalid_request', ['', 'a\u0000b', 7, null], (value, limiter) =>
        limiter.check(wrong(field, value)),
      );
    }
    for (const field of ['category', 'app']) {
      await refusesAll('invalid_request', ['', 'a b', 7, null], (value, limiter) =>
        limiter.allowance(wrong(field, value)),
      );
    }
  });

  test('in release', async () => {
    await refusesAll('invalid_request', ['', 'a\u0000b', 'x'.repeat(201), 7], (reason, limiter) =>
      limiter.release('held', { reason: reason as string }),
    );
  });
});

describe('a name that is not known', () => {
  const calls: [
    string,
    string,
    (limiter: ReturnType<typeof setUp>['limiter']) => Promise<unknown>,
  ][] = [
    ['reserve', 'catgory', (it) => it.reserve(wrong('catgory', 'tip'))],
    ['check', 'catgory', (it) => it.check(wrong('catgory', 'tip'))],
    ['allowance', 'catgory', (it) => it.allowance({ catgory: 'tip' } as object)],
    ['commit', 'amout', (it) => it.commit('held', { amout: '1.00' } as object)],
    ['release', 'why', (it) => it.release('held', { why: 'x' } as object)],
    [
      'refund',
      'refund.amout',
      (it) => it.refund('held', { id: 'r', amout: '1' } as { id: string }),
    ],
    [
      'reverseRefund',
      'refund.of',
      (it) => it.reverseRefund('held', { id: 'r', of: 1 } as { id: string }),
    ],
    ['overdue', 'max', (it) => it.overdue({ max: 1 } as object)],
  ];
  test.each(calls)('%s', async (_verb, path, call) => {
    await refusesAll('invalid_request', ['value'], (_value, limiter) => call(limiter));
    await expect(call(setUp().limiter)).rejects.toMatchObject({ errors: [{ path }] });
  });

  test('createLimiter', () => {
    const options = { policy: cnLive(), store: anyStore(), agetokens: {} };
    expect(() => createLimiter(options)).toThrow(/createLimiter has no option "agetokens"/);
  });

  test('one object may serve check and reserve', async () => {
    const { limiter } = setUp();
    expect((await limiter.check(order('a', { product: 'gems' }))).allowed).toBe(true);
  });
});

describe('a category that the policy does not list', () => {
  test.each(['tips', 'gift'])('%s is an error and no way round a ban', async (category) => {
    const { limiter } = setUp({ policy: cnLive() });
    const request = order('a', { category });
    for (const call of [
      () => limiter.reserve(request),
      () => limiter.check(request),
      () => limiter.allowance({ evidence: CHILD, category }),
    ]) {
      await expect(call()).rejects.toMatchObject({
        code: 'invalid_request',
        errors: [{ path: 'category', message: 'must be one of tip, top_up, item, subscription' }],
      });
    }
  });

  test('passes where the policy lists it, or lists none', async () => {
    const listed = setUp({ policy: cnLive({ categories: ['gift'] }) });
    bought(await listed.limiter.reserve(order('a', { category: 'gift' })));
    bought(await setUp().limiter.reserve(order('a', { category: 'gift' })));
  });
});

test('the longest of everything is taken', async () => {
  const { limiter } = setUp();
  const metadata = Object.fromEntries(
    Array.from({ length: 20 }, (_, n) => [`${n}`.padStart(40, 'k'), '值'.repeat(200)]),
  );
  const request = order('x'.repeat(128), {
    category: 'c'.repeat(64),
    app: 'a'.repeat(64),
    product: '钻'.repeat(200),
    guardianApproval: 'g'.repeat(200),
    metadata,
    expiresInSeconds: 2_592_000,
    onExpiry: 'reconcile',
  });
  expect(bought(await limiter.reserve(request))).toMatchObject({ metadata, app: request.app });
  expect(await limiter.reserve(request)).toMatchObject({ replayed: true });
});

test('names of prototypes are names like any other', async () => {
  const { limiter } = setUp();
  const metadata = JSON.parse('{"__proto__":"x","constructor":"y","toString":"z"}');
  const request = order('__proto__x', { category: 'constructor', app: 'toString', metadata });
  await expect(limiter.reserve(request)).rejects.toMatchObject({ code: 'invalid_request' });
  const purchase = bought(await limiter.reserve({ ...request, id: 'constructor' }));
  expect(Object.entries(purchase.metadata).sort()).toEqual([
    ['__proto__', 'x'],
    ['constructor', 'y'],
    ['toString', 'z'],
  ]);
  expect(await limiter.reserve({ ...request, id: 'constructor' })).toMatchObject({
    replayed: true,
  });
  expect(await limiter.get('toString')).toBeNull();
  expect(Object.getPrototypeOf(purchase.metadata)).toBe(Object.prototype);
});
