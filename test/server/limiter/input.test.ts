import { cnLive, createLimiter, type PurchaseRequest, type RecordRequest } from '@spendcap/server';
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
  ['processor', ['', 'x'.repeat(33), 'Acme', '1pay', '_pay', 'a b', 'a\n', 'ａ', 7, null, ['a']]],
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

const REFERENCES: readonly unknown[] = [
  ...['', 'x'.repeat(513), 'a b', 'a\n', 'a\u0000', 'é', lone, 7, null, ['a']],
];

const INSTANTS: readonly unknown[] = [
  ...['', 'now', '2026-11-24', '2026-11-24T04:00:00', '2026-11-24T04:00:00+08:00', 1, null],
  ...['2026-02-30T04:00:00Z', '2026-13-01T04:00:00Z', '2026-11-24T25:00:00Z', '2026-11-24T04:00Z'],
];

/**
 * Fails unless every call rejects with the code, repeats nothing of the input, and reaches no
 * store.
 */
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

const charged = (change: Partial<RecordRequest> & object): RecordRequest => ({
  ...{ id: 'new', amount: '30.00', currency: 'CNY', evidence: CHILD },
  ...change,
});

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
    await refusesAll('invalid_amount', AMOUNTS, (value, limiter) =>
      limiter.refund('held', { id: 'r1', total: value as string }),
    );
    await refusesAll('invalid_amount', AMOUNTS, (value, limiter) =>
      limiter.record(charged({ amount: value as string })),
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
    ['record', (id, limiter) => limiter.record(charged({ id: id as string }))],
    [
      'attach',
      (id, limiter) => limiter.attach(id as string, { processor: 'one', processorRef: 'x' }),
    ],
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

  test('in record', async () => {
    for (const [field, values] of FIELDS) {
      if (['guardianApproval', 'expiresInSeconds', 'onExpiry'].includes(field)) continue;
      await refusesAll('invalid_request', values, (value, limiter) =>
        limiter.record(charged({ [field]: value })),
      );
    }
    await refusesAll('invalid_request', INSTANTS, (value, limiter) =>
      limiter.record(charged({ chargedAt: value as string })),
    );
    await refusesAll('invalid_request', ['', 'a b', 7, null], (value, limiter) =>
      limiter.record(charged({ samePlayerAs: value as string })),
    );
  });

  test('a reference of a processor, and one without a processor', async () => {
    await refusesAll('invalid_request', REFERENCES, (value, limiter) =>
      limiter.reserve(wrong('processorRef', value, { processor: 'one_pay' })),
    );
    await refusesAll('invalid_request', [undefined, ...REFERENCES], (value, limiter) =>
      limiter.attach('held', { processor: 'one_pay', processorRef: value as string }),
    );
    await refusesAll('invalid_request', [undefined, 'A', ''], (value, limiter) =>
      limiter.attach('held', { processor: value as string, processorRef: 'ref' }),
    );
    await refusesAll('invalid_request', ['ref'], (value, limiter) =>
      limiter.reserve(wrong('processorRef', value)),
    );
  });

  test('in refund', async () => {
    await refusesAll('invalid_request', [true, null, 'no', 0], (value, limiter) =>
      limiter.refund('held', { id: 'r1', restores: value as false }),
    );
    await refusesAll('invalid_request', ['1.00'], (value, limiter) =>
      limiter.refund('held', { id: 'r1', amount: '1.00', total: value as string }),
    );
  });

  test('in overdue', async () => {
    const place = { id: 'a', expiresAt: '2026-11-23T04:00:00.000Z' };
    await refusesAll('invalid_request', ['', 'A', 7, null], (value, limiter) =>
      limiter.overdue({ processor: value as string }),
    );
    await refusesAll('invalid_request', INSTANTS, (value, limiter) =>
      limiter.overdue({ after: { ...place, expiresAt: value as string } }),
    );
    await refusesAll('invalid_request', IDS, (value, limiter) =>
      limiter.overdue({ after: { ...place, id: value as string } }),
    );
    await refusesAll('invalid_request', [null, 7, 'order-1'], (value, limiter) =>
      limiter.overdue({ after: value as never }),
    );
    await refusesAll('invalid_request', [0, 1_001, 1.5, '1', null], (value, limiter) =>
      limiter.overdue({ limit: value as number }),
    );
  });

  test('in release', async () => {
    await refusesAll('invalid_request', ['', 'a\u0000b', 'x'.repeat(201), 7], (reason, limiter) =>
      limiter.release('held', { reason: reason as string }),
    );
  });

  test('longer than 200 characters, of which an emoji is one', async () => {
    const { limiter } = setUp();
    bought(await limiter.reserve(order('held')));
    const tooLong = limiter.release('held', { reason: '🎁'.repeat(201) });
    await expect(tooLong).rejects.toMatchObject({ code: 'invalid_request' });
    const released = await limiter.release('held', { reason: '🎁'.repeat(200) });
    expect(released).toMatchObject({ state: 'released' });
  });
});

describe('the error of a wrong field', () => {
  type Call = (limiter: ReturnType<typeof setUp>['limiter']) => Promise<unknown>;
  const after = { id: 'p', expiresAt: '2026-11-23T04:00:00Z' };
  const charge = { id: 'p', amount: '1.00', currency: 'CNY', evidence: CHILD };
  const unreadable = {
    get note(): string {
      throw new Error('a getter that throws');
    },
  };

  test.each<[string, Call]>([
    ['id', (it) => it.commit('')],
    ['reason', (it) => it.release('p', { reason: '' })],
    ['processorRef', (it) => it.attach('p', { processor: 'acme_pay' } as never)],
    ['processorRef', (it) => it.reserve(order('p', { processorRef: 'pay_1' }))],
    ['processorRef', (it) => it.reserve(order('p', { processor: 'acme_pay', processorRef: '' }))],
    ['metadata', (it) => it.reserve(order('p', { metadata: null as never }))],
    ['metadata', (it) => it.reserve(order('p', { metadata: { '': '1' } }))],
    ['metadata', (it) => it.reserve(order('p', { metadata: unreadable }))],
    ['refund.id', (it) => it.refund('p', { id: '' })],
    ['refund.total', (it) => it.refund('p', { id: 'r', amount: '1.00', total: '1.00' })],
    ['refund.restores', (it) => it.refund('p', { id: 'r', restores: true as never })],
    ['refund.id', (it) => it.reverseRefund('p', { id: '' })],
    ['chargedAt', (it) => it.record({ ...charge, chargedAt: 'today' })],
    ['samePlayerAs', (it) => it.record({ ...charge, samePlayerAs: '' })],
    ['limit', (it) => it.overdue({ limit: 0 })],
    ['after', (it) => it.overdue({ after: null as never })],
    ['after.id', (it) => it.overdue({ after: { ...after, id: '' } })],
    ['after.expiresAt', (it) => it.overdue({ after: { ...after, expiresAt: 'today' } })],
  ])('names it: %s, %#', async (path, call) => {
    const attempt = call(setUp().limiter);
    await expect(attempt).rejects.toMatchObject({ code: 'invalid_request', errors: [{ path }] });
  });

  test('is not thrown at the ends of what is allowed', async () => {
    const { limiter } = setUp();
    for (const limit of [1, 1_000]) expect(await limiter.overdue({ limit, after })).toEqual([]);
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
    ['record', 'permit', (it) => it.record(charged({ permit: 'x' } as object))],
    ['attach', 'ref', (it) => it.attach('held', { ref: 'x' } as never)],
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
    processor: 'p'.repeat(32),
    processorRef: '~'.repeat(512),
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

describe('a request is what it was when it was checked', () => {
  test('if it changes while the evidence is verified', async () => {
    let verified: (evidence: typeof CHILD) => void = () => expect.fail('not called');
    const verify = () => new Promise<typeof CHILD>((resolve) => (verified = resolve));
    const { limiter } = setUp({ ageTokens: { verify } });
    const metadata: Record<string, string> = { slot: '1' };
    const request = {
      ...{ id: 'p', amount: '30.00', currency: 'CNY', product: 'gems', metadata },
      ageToken: 'a token',
    };
    const reserving = limiter.reserve(request);
    Object.assign(request, { id: 'not an id', product: '\u0000', evidence: ADULT });
    metadata.slot = '\u0000';
    verified(CHILD);
    const expected = { id: 'p', product: 'gems', metadata: { slot: '1' } };
    expect(bought(await reserving)).toMatchObject(expected);
  });

  test('of a refund as well', async () => {
    const { limiter } = setUp();
    bought(await limiter.reserve(order('p')));
    await limiter.commit('p');
    const refund = { id: 'r', amount: '1.00' };
    const refunding = limiter.refund('p', refund);
    refund.id = 'not an id';
    await refunding;
    expect(await limiter.reverseRefund('p', { id: 'r' })).toMatchObject({ refunded: '0.00' });
  });
});
