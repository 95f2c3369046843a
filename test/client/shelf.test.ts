import { createClient, type FetchInit, type Product } from '@spendcap/client';
import type { Allowance, Decision, LimitAllowance } from '@spendcap/core/wire';
import { cnGame, cnLive, createHandler, createLimiter } from '@spendcap/server';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { aged, NOON, player } from '../server/limiter/limiter-kit.ts';
import { anyStore } from '../support/any-store.ts';
import { allowed, answer, allowance as empty, fakeFetch, paid } from './fake-api.ts';

const url = 'https://pay.example';
const price = (amount: string, category?: string): Product => ({
  amount,
  currency: 'CNY',
  ...(category && { category }),
});

/** A client of a real server, for a player of twelve. */
function world(policy = cnGame()) {
  const evidence = player('child', aged(12, 13));
  const limiter = createLimiter({
    policy,
    store: anyStore(),
    ageTokens: { verify: async () => evidence },
    now: () => NOON,
  });
  const handler = createHandler(limiter, { apiKeys: ['an-example-key-of-a-test'] });
  const paths: string[] = [];
  const fetch = (to: string, init: FetchInit) => {
    paths.push(new URL(to).pathname);
    return handler(new Request(to, init));
  };
  return { limiter, evidence, paths, client: createClient({ url, ageToken: 'a.b.c', fetch }) };
}

const codes = (decision: Decision | null | undefined) =>
  decision?.allowed ? [] : decision?.reasons.map(({ code }) => code);

test('a shelf is one request, which brings the allowance too', async () => {
  const { client, paths } = world();
  const decisions = await client.affordable(['30.00', '60.00'].map((each) => price(each)));
  expect(decisions.map(codes)).toEqual([[], ['transaction_cap_exceeded']]);
  // As `explainRefusal` takes it.
  expect(decisions[1]).toMatchObject({ allowed: false, allowance: { currency: 'CNY' } });
  expect(client.getSnapshot().allowance.status).toBe('ready');
  expect(paths).toEqual(['/v1/decisions/batch']);
});

test('the reasons of each product are found by their places, however many share one', async () => {
  const [first, second] = [{ code: 'day_cap_exceeded' }, { code: 'forbidden_category' }];
  const places = [[1], [], [0, 1], [1]];
  const decisions = places.map((reasons) => ({ allowed: reasons.length === 0, reasons }));
  const { fetch } = fakeFetch(answer({ decisions, reasons: [first, second], allowance: empty }));
  const client = createClient({ url, ageToken: 't', fetch });
  const found = await client.affordable(places.map(() => price('1.00')));
  const allowance = empty;
  expect(found).toEqual([
    { allowed: false, allowance, reasons: [second] },
    { allowed: true, allowance },
    { allowed: false, allowance, reasons: [first, second] },
    { allowed: false, allowance, reasons: [second] },
  ]);
});

test.each<[string, object]>([
  ['a place without a reason', { decisions: [{ allowed: false, reasons: [1] }], reasons: [{}] }],
  ['places that are no list', { decisions: [{ allowed: false, reasons: 0 }], reasons: [{}] }],
  ['no reasons', { decisions: [{ allowed: false, reasons: [0] }] }],
  ['a decision that is none', { decisions: [null], reasons: [] }],
  ['a decision too few', { decisions: [], reasons: [] }],
])('an answer with %s is no decision', async (_, shelf) => {
  const { fetch } = fakeFetch(answer({ ...shelf, allowance: empty }));
  const answered = createClient({ url, ageToken: 't', fetch }).affordable([price('1.00')]);
  await expect(answered).rejects.toMatchObject({ code: 'unexpected_response' });
});

test('a longer shelf is a request for each hundred, and an empty one is none', async () => {
  const { client, paths } = world();
  const products = Array.from({ length: 201 }, (_, index) => price(`${index + 1}.00`));
  const decisions = await client.affordable(products);
  expect(decisions.map(({ allowed }) => allowed).lastIndexOf(true)).toBe(49);
  expect(decisions).toHaveLength(201);
  expect(paths).toHaveLength(3);
  expect(await client.affordable([])).toEqual([]);
  expect(paths).toHaveLength(3);
});

describe('preview', () => {
  test('has no decision before there is an allowance, nor in another currency', async () => {
    const { client, paths } = world();
    expect(client.preview(price('30.00'))).toBeNull();
    await client.refresh();
    expect(client.preview({ amount: '1.00', currency: 'USD' })).toBeNull();
    expect(paths).toEqual(['/v1/allowance']);
  });

  test('decides as the server does, from what is left', async () => {
    const { client, limiter, evidence } = world();
    const bought = { id: 'p', amount: '45.00', currency: 'CNY', evidence };
    for (const id of ['a', 'b']) await limiter.reserve({ ...bought, id });
    await client.refresh();
    for (const amount of ['0.01', '9.99', '10', '10.00', '10.01', '50.00', '50.01', '1000.5']) {
      const decision = client.preview(price(amount));
      expect(codes(decision), amount).toEqual(codes(await client.check(price(amount))));
    }
  });

  test.each([undefined, 'tip', 'item'])(
    'decides on the category %s as the server does',
    async (c) => {
      const { client } = world(cnLive());
      await client.refresh();
      for (const amount of ['1.00', '100000.00']) {
        const wanted = price(amount, c);
        const preview = client.preview(wanted);
        expect(codes(preview)).toEqual(codes(await client.check(wanted)));
      }
    },
  );

  test('takes the allowance of an older server, without its categories', async () => {
    const { blockedCategories: _, ...older } = empty;
    const client = createClient({ url, ageToken: 't', fetch: fakeFetch(answer(older)).fetch });
    await client.refresh();
    expect(codes(client.preview(price('1.00', 'tip')))).toEqual([]);
  });

  test('prefers what the server has decided about the same allowance', async () => {
    const answers = [
      {
        decisions: [{ allowed: false, reasons: [0] }],
        reasons: [{ code: 'forbidden_category' }],
        allowance: empty,
      },
      { ...empty, limits: [{ ...limit, remaining: '1.00' }] },
    ];
    const { fetch } = fakeFetch(...answers.map((each) => answer(each)));
    const client = createClient({ url, ageToken: 't', fetch });
    await client.affordable([price('5.00', 'loot_box')]);
    expect(codes(client.preview(price('5.00', 'loot_box')))).toEqual(['forbidden_category']);
    expect(codes(client.preview(price('5.00')))).toEqual([]);
    await client.refresh();
    expect(codes(client.preview(price('5.00', 'loot_box')))).toEqual(['day_cap_exceeded']);
  });

  const limit: LimitAllowance = {
    ...{ id: 'x', period: 'day', categories: null, cap: '50.00', used: '0.00', resetsAt: null },
    remaining: '50.00',
  };

  test.each<[string, Partial<LimitAllowance>, string[]]>([
    ['amounts that a float would round', { remaining: '9007199254740993.00' }, []],
    ['a limit of another category', { categories: ['tip'], remaining: '0.00' }, []],
    [
      'a period of a newer server',
      { period: 'hour' as 'day', remaining: '0.00' },
      ['hour_cap_exceeded'],
    ],
    ['a limit of a newer server without an amount', { remaining: undefined as never }, []],
    [
      'categories of a newer server',
      { categories: { not: 'tip' } as never, remaining: '0.00' },
      ['day_cap_exceeded'],
    ],
  ])('takes %s', async (_, change, expected) => {
    const allowance: Allowance = { ...empty, limits: [{ ...limit, ...change }] };
    const client = createClient({ url, ageToken: 't', initialAllowance: allowance });
    expect(codes(client.preview(price('9007199254740993')))).toEqual(expected);
  });
});

test.each([48, -1, '-1.00', Number.NaN, '', '1e3', '１２', null, undefined])(
  'a price of %j is refused with the name of the field, before any request',
  async (amount) => {
    const { client, paths } = world();
    const product = { amount, currency: 'CNY' } as Product;
    const at = (path: string) => ({
      name: 'SpendcapClientError',
      code: 'invalid_request',
      retryable: false,
      message: `\`${path}\` must be a string such as "48.00".`,
    });
    await expect(client.check(product)).rejects.toMatchObject(at('amount'));
    await expect(client.checkout(product, paid)).rejects.toMatchObject(at('amount'));
    await expect(client.affordable([price('1'), product])).rejects.toMatchObject(
      at('products[1].amount'),
    );
    expect(() => client.preview(product)).toThrow('`amount` must be a string');
    expect(paths).toEqual([]);
  },
);

test.each([null, undefined, {}, 'x'])('a shelf of %j is refused as no list', async (products) => {
  const { client } = world();
  await expect(client.affordable(products as never)).rejects.toMatchObject({
    code: 'invalid_request',
    message: '`products` must be a list.',
  });
});

describe('a retry', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());
  const overloaded = answer({ code: 'overloaded', retryable: true }, 503);

  test.each([
    { name: 'a lost connection', first: () => Promise.reject(new TypeError()) as never, calls: 2 },
    { name: 'an overloaded server', first: overloaded, calls: 2 },
    { name: 'a proxy that has no server', first: answer('<html>', 502), calls: 2 },
    { name: 'a refused token', first: answer({ code: 'age_token_invalid' }, 401), calls: 1 },
    {
      name: 'too many proofs',
      first: answer({ code: 'too_many_proofs', retryable: true }, 429),
      calls: 1,
    },
  ])('after $name: $calls requests', async ({ first, calls: expected }) => {
    const { fetch, calls } = fakeFetch(first, answer(allowed));
    const check = createClient({ url, ageToken: 't', fetch }).check(price('1.00'));
    const outcome = check.then(
      () => 2,
      () => 1,
    );
    await vi.advanceTimersByTimeAsync(500);
    expect(await outcome).toBe(expected);
    expect(calls).toHaveLength(expected);
  });

  test('is not made after the caller has left, and never by `checkout` of the payment', async () => {
    const controller = new AbortController();
    const { fetch, calls } = fakeFetch(overloaded);
    const client = createClient({ url, ageToken: 't', fetch });
    const check = client.check(price('1.00'), { signal: controller.signal });
    controller.abort();
    await expect(check).rejects.toMatchObject({ code: 'aborted' });
    await vi.advanceTimersByTimeAsync(1_000);
    expect(calls.length).toBeLessThan(2);
    const pay = vi.fn(overloaded);
    const shop = createClient({ url, ageToken: 't', fetch: fakeFetch(answer(allowed)).fetch });
    expect(await shop.checkout(price('1.00'), pay)).toMatchObject({ status: 'unknown' });
    expect(pay).toHaveBeenCalledTimes(1);
  });
});
