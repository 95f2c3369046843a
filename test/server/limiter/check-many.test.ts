import { type Allowance, cnLive, type DecisionBatch, type ShelfProduct } from '@spendcap/server';
import { describe, expect, test } from 'vitest';
import { freshStore, runnable, STORES } from '../../support/stores.ts';
import {
  ADULT,
  aged,
  bought,
  CHILD,
  flaky,
  NOON,
  onePolicy,
  order,
  player,
  setUp,
  TEEN,
} from './limiter-kit.ts';

const price = (amount: string, rest: Partial<ShelfProduct> = {}): ShelfProduct => ({
  amount,
  currency: 'CNY',
  ...rest,
});

/** A limit that counts only tips, beside one that counts everything. */
const TIPS = onePolicy([
  { period: 'day', max: '100.00' },
  { period: 'day', max: '20.00', categories: ['tip'] },
  { period: 'transaction', max: '60.00', categories: ['gem'] },
]);

describe('checkMany decides on each product as check does', () => {
  const shelf = ['0.01', '20.00', '20.01', '50.00', '60.01', '1000'].flatMap((amount) => [
    price(amount),
    price(amount, { category: 'tip' }),
    price(amount, { category: 'gem' }),
  ]);

  test.each([
    { name: 'limits of a category', policy: TIPS, evidence: CHILD },
    { name: 'an adult', policy: TIPS, evidence: ADULT },
    { name: 'a child', policy: undefined, evidence: CHILD },
    { name: 'an age that is not precise', policy: undefined, evidence: player('p', aged(7, 17)) },
    { name: 'no evidence', policy: undefined, evidence: undefined },
    { name: 'a forbidden category', policy: cnLive(), evidence: TEEN },
  ])('$name', async ({ policy, evidence }) => {
    const { limiter } = setUp(policy && { policy });
    const products = policy === undefined || policy === TIPS ? shelf : shelf.filter(isTipOrPlain);
    const who = evidence && { evidence };
    if (evidence !== undefined && policy !== cnLive()) {
      const decision = await limiter.reserve(order('first', { ...who, amount: '12.34' }));
      if (decision.allowed) bought(decision);
    }
    const batch = await limiter.checkMany({ products, ...who });
    const { allowance } = batch;
    const decisions = decisionsIn(batch);
    expect(decisions).toHaveLength(products.length);
    expect(new Set(batch.reasons.map((each) => JSON.stringify(each))).size).toBe(
      batch.reasons.length,
    );
    for (const [index, product] of products.entries()) {
      const { allowance: _, ...alone } = await limiter.check({ ...product, ...who });
      expect(decisions[index], JSON.stringify(product)).toEqual(alone);
    }
    expect(allowance).toEqual(await limiter.allowance({ ...who }));
  });

  const isTipOrPlain = ({ category }: ShelfProduct) => category !== 'gem';
});

test('each app has its own allowance where the policy says so', async () => {
  const policy = onePolicy([{ period: 'day', max: '50.00' }], { scope: 'app' });
  const { limiter } = setUp({ policy });
  bought(await limiter.reserve(order('order-1', { app: 'chess' })));
  const request = { products: [price('30.00')], evidence: CHILD };
  await expect(limiter.checkMany(request)).rejects.toMatchObject({
    errors: [{ path: 'app', message: 'is required by this policy' }],
  });
  for (const [app, allowed] of [
    ['chess', false],
    ['go', true],
  ] as const) {
    expect((await limiter.checkMany({ ...request, app })).decisions).toMatchObject([{ allowed }]);
  }
});

test('another currency is converted, each at one rate, or refused', async () => {
  const pairs: string[] = [];
  const exchange = ({ from, to }: { from: string; to: string }) => {
    pairs.push(from);
    expect(to).toBe('CNY');
    return from === 'USD' ? '7' : '0.05';
  };
  const products = ['7.00', '7.15', '8.00'].map((amount) => price(amount, { currency: 'USD' }));
  products.push(price('1000', { currency: 'JPY' }), price('48.00'));
  const { limiter } = setUp({ exchange });
  const { decisions } = await limiter.checkMany({ products, evidence: CHILD });
  expect(decisions.map(({ allowed }) => allowed)).toEqual([true, false, false, true, true]);
  expect(pairs).toEqual(['USD', 'JPY']);
  const without = await setUp().limiter.checkMany({ products, evidence: CHILD });
  const alone = decisionsIn(without);
  expect(alone[0]).toMatchObject({ reasons: [{ code: 'currency_not_supported' }] });
  expect(alone[4]).toEqual({ allowed: true });
});

test.each<[string, unknown, string]>([
  ['no products', [], 'products'],
  ['101 products', Array(101).fill(price('1')), 'products'],
  ['no list', { length: 1 }, 'products'],
  ['a product that is no object', [price('1'), null], 'products.1'],
  ['a misspelled field', [price('1'), { ...price('1'), catgory: 'tip' }], 'products.1.catgory'],
  ['a category of another form', [price('1', { category: 'Tip' })], 'products.0.category'],
  ['a number', [price('1'), price('1'), price(48 as never)], 'products.2.amount'],
  ['NaN', [price(Number.NaN as never)], 'products.0.amount'],
  ['a negative amount', [price('-1.00')], 'products.0.amount'],
  ['nothing', [price('0.00')], 'products.0.amount'],
  ['a currency of no country', [price('1', { currency: 'ZZZ' })], 'products.0.currency'],
])('%s is refused with the name of the field, and nothing is read', async (_, products, path) => {
  const { store, state } = flaky();
  const { limiter } = setUp({ store });
  for (const evidence of [{ evidence: CHILD }, {}]) {
    const request = { products: products as readonly ShelfProduct[], ...evidence };
    await expect(limiter.checkMany(request)).rejects.toMatchObject({
      status: 400,
      errors: [{ path }],
    });
  }
  expect(state.calls).toEqual([]);
});

test('an app of another form, or a category that the policy does not have, is refused', async () => {
  const policy = onePolicy([{ period: 'day', max: '50.00' }], { categories: ['tip'] });
  const { limiter } = setUp({ policy });
  const products = [price('1.00', { category: 'tip' }), price('1.00', { category: 'gift' })];
  await expect(limiter.checkMany({ products, evidence: CHILD })).rejects.toMatchObject({
    ...{ code: 'invalid_request', errors: [{ path: 'products.1.category' }] },
  });
  const app = { products: [price('1.00')], app: '../chess', evidence: CHILD };
  await expect(limiter.checkMany(app)).rejects.toMatchObject({ errors: [{ path: 'app' }] });
});

describe.each(await runnable(STORES))('on $name', (entry) => {
  test('a shelf of 100 is one read of the store', async () => {
    const { store, state } = flaky(await freshStore(entry));
    const { limiter } = setUp({ store });
    const products = Array.from({ length: 100 }, (_, index) => price(`${index + 1}.00`));
    try {
      bought(await limiter.reserve(order('before', { amount: '30.00' })));
      state.calls.length = 0;
      const { decisions, allowance } = await limiter.checkMany({ products, evidence: CHILD });
      expect(state.calls).toEqual(['usage']);
      expect(decisions.filter(({ allowed }) => allowed)).toHaveLength(50);
      expect(usedToday(allowance)).toBe('30.00');
      expect(allowance.at).toBe(new Date(NOON).toISOString());
    } finally {
      await store.close();
    }
  });
});

/** Each as `check` returns it, without the allowance. */
function decisionsIn({ decisions, reasons }: DecisionBatch) {
  return decisions.map(({ allowed, reasons: places }) =>
    allowed && places.length === 0
      ? { allowed }
      : { allowed, reasons: places.map((at) => reasons[at]) },
  );
}

function usedToday({ limits }: Allowance): string | undefined {
  return limits.find(({ period }) => period === 'day')?.used;
}

test('a price in another currency is rounded up, as when it is bought', async () => {
  const policy = onePolicy([{ period: 'day', max: '0.07' }]);
  const { limiter } = setUp({ policy, exchange: () => '7.12' });
  const cent = { amount: '0.01', currency: 'USD' };
  const batch = await limiter.checkMany({ products: [cent], evidence: CHILD });
  expect(batch.decisions).toEqual([{ allowed: false, reasons: [0] }]);
  expect(batch.reasons).toMatchObject([{ code: 'day_cap_exceeded', limit: { cap: '0.07' } }]);
  expect(await limiter.reserve(order('a', cent))).toMatchObject({ allowed: false });
});

test('a rate that is no number is a fault of the exchange, not of a product', async () => {
  const { limiter } = setUp({ exchange: () => 'seven' });
  const products = [price('1.00', { currency: 'USD' })];
  const error = await limiter.checkMany({ products, evidence: CHILD }).catch((caught) => caught);
  expect(error).toMatchObject({ code: 'exchange_unavailable', retryable: true });
  expect(error.errors).toBeUndefined();
});
