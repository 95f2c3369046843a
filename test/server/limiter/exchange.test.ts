import { cnGame, type Exchange } from '@spendcap/server';
import { describe, expect, test } from 'vitest';
import {
  ADULT,
  bought,
  CHILD,
  codesOf,
  flaky,
  NOON,
  onePolicy,
  order,
  setUp,
  usedOf,
} from './limiter-kit.ts';

const RATES: Readonly<Record<string, string>> = { USD: '7.12', JPY: '0.0476', KWD: '23.1' };

/**
 * A limiter in CNY that also sells in other currencies, and the questions that its exchange got.
 */
function exchanging(rates: Record<string, unknown> = { ...RATES }) {
  const questions: unknown[] = [];
  const exchange: Exchange = (question) => {
    questions.push(question);
    return rates[question.from] as string;
  };
  return { ...setUp({ policy: cnGame(), exchange }), rates, questions };
}

const dollars = (id: string, amount: string) => order(id, { amount, currency: 'USD' });

describe('a purchase in another currency', () => {
  test('holds what it is worth in the currency of the caps', async () => {
    const { limiter, questions } = exchanging();
    const decision = await limiter.reserve(dollars('a', '5.00'));
    expect(bought(decision)).toMatchObject({
      amount: '5.00',
      currency: 'USD',
      capCurrency: 'CNY',
      held: '35.60',
    });
    expect(decision.allowance.currency).toBe('CNY');
    expect(usedOf(decision.allowance)).toMatchObject({ day: '35.60', month: '35.60' });
    expect(questions).toEqual([{ from: 'USD', to: 'CNY', at: NOON }]);
  });

  test.each([
    ['USD', '0.01', '0.08'],
    ['USD', '7.02', '49.99'],
    ['JPY', '1', '0.05'],
    ['JPY', '500', '23.80'],
    ['KWD', '1.234', '28.51'],
    ['KWD', '0.001', '0.03'],
  ])('%s %s rounds up to CNY %s', async (currency, amount, held) => {
    const { limiter } = exchanging();
    expect(bought(await limiter.reserve(order('a', { amount, currency })))).toMatchObject({ held });
  });

  test('is refused above the cap, in the currency of the caps', async () => {
    const { limiter } = exchanging();
    expect(await limiter.reserve(dollars('a', '7.03'))).toMatchObject({
      allowed: false,
      reasons: [{ code: 'transaction_cap_exceeded', limit: { cap: '50.00' } }],
    });
    const { id: _none, ...request } = dollars('a', '7.02');
    expect(await limiter.check(request)).toMatchObject({ allowed: true });
    expect(await limiter.get('a')).toBeNull();
  });

  test('in the policy currency asks for no rate', async () => {
    const { limiter, questions } = exchanging();
    bought(await limiter.reserve(order('a')));
    expect(questions).toEqual([]);
  });

  test('and the same id in another currency is a conflict', async () => {
    const { limiter } = exchanging();
    bought(await limiter.reserve(dollars('a', '5.00')));
    const other = order('a', { amount: '5.00' });
    await expect(limiter.reserve(other)).rejects.toMatchObject({ code: 'purchase_conflict' });
  });
});

describe('the rate of the hold stays', () => {
  test('when the same id is retried, whatever the rate is by then', async () => {
    const { limiter, rates } = exchanging();
    bought(await limiter.reserve(dollars('a', '5.00')));
    for (const rate of ['6.5', '9', '900']) {
      rates.USD = rate;
      const again = await limiter.reserve(dollars('a', '5.00'));
      expect(again).toMatchObject({ replayed: true, purchase: { held: '35.60' } });
    }
  });

  test('for a commit of less, and for refunds, which round down', async () => {
    const { limiter, rates } = exchanging();
    bought(await limiter.reserve(dollars('a', '5.00')));
    rates.USD = '9';
    expect(await limiter.commit('a', { amount: '2.01' })).toMatchObject({ committed: '14.32' });
    const part = { id: 'r1', amount: '0.01' };
    expect(await limiter.refund('a', part)).toMatchObject({ refunded: '0.07' });
    expect(await limiter.refund('a', part)).toMatchObject({ refunded: '0.07' });
    expect(await limiter.refund('a', { id: 'r2', amount: '1.00' })).toMatchObject({
      refunded: '7.19',
    });
    await expect(limiter.refund('a', { id: 'r3', amount: '5.00' })).rejects.toMatchObject({
      code: 'refund_exceeds_purchase',
    });
    expect(await limiter.refund('a', { id: 'r3' })).toMatchObject({ refunded: '14.32' });
    expect(usedOf(await limiter.allowance({ evidence: CHILD })).day).toBe('0.00');
  });

  test('a refund of the whole price gives the whole hold back, however it is written', async () => {
    const { limiter } = exchanging();
    for (const [id, amount] of [
      ['a', '5.01'],
      ['b', undefined],
    ] as const) {
      bought(await limiter.reserve(dollars(id, '5.01')));
      expect(await limiter.commit(id, { amount: '5.01' })).toMatchObject({ committed: '35.68' });
      const refund = { id: 'r1', ...(amount === undefined ? {} : { amount }) };
      expect(await limiter.refund(id, refund)).toMatchObject({ refunded: '35.68' });
      expect(await limiter.refund(id, refund)).toMatchObject({ refunded: '35.68' });
    }
    expect(usedOf(await limiter.allowance({ evidence: CHILD })).month).toBe('0.00');
  });

  test('for a charge of more than was held', async () => {
    const { limiter, events } = exchanging();
    bought(await limiter.reserve(dollars('a', '5.00')));
    expect(await limiter.commit('a', { amount: '6.00' })).toMatchObject({ committed: '42.72' });
    expect(events.at(-1)).toMatchObject({ type: 'purchase.committed', overHold: true });
  });

  test('when the limiter has lost its exchange, or changed its currency', async () => {
    const { limiter, store } = exchanging();
    for (const id of ['a', 'b']) bought(await limiter.reserve(dollars(id, '5.00')));
    const plain = setUp({ store }).limiter;
    expect(await plain.commit('a', { amount: '2.00' })).toMatchObject({
      committed: '14.24',
      currency: 'USD',
      capCurrency: 'CNY',
    });
    expect(await plain.refund('a', { id: 'r1', amount: '1.00' })).toMatchObject({
      refunded: '7.12',
    });
    const policy = onePolicy([{ period: 'day', max: '9000' }], { currency: 'JPY' });
    const yen = setUp({ policy, store }).limiter;
    expect(await yen.commit('b', { amount: '2.00' })).toMatchObject({ committed: '14.24' });
    expect(usedOf(await yen.allowance({ evidence: CHILD })).day).toBe('0');
  });
});

describe('without a rate nothing is sold', () => {
  test.each(['', '0', '-7', '7,12', '1e3', 'NaN', 7.12, undefined, null, '1'.repeat(13)])(
    'a rate of %j',
    async (rate) => {
      const { store, state } = flaky();
      const { limiter, events } = setUp({ store, exchange: () => rate as string });
      await expect(limiter.reserve(dollars('a', '5.00'))).rejects.toMatchObject({
        code: 'exchange_unavailable',
        status: 503,
        retryable: true,
      });
      expect(state.calls).toEqual([]);
      expect(events).toEqual([]);
    },
  );

  test('an exchange that throws or rejects', async () => {
    const cause = new Error('no rates today');
    for (const exchange of [
      () => {
        throw cause;
      },
      () => Promise.reject(cause),
    ]) {
      const { limiter } = setUp({ exchange });
      for (const evidence of [CHILD, ADULT]) {
        const request = { ...dollars('a', '5.00'), evidence };
        await expect(limiter.reserve(request)).rejects.toMatchObject({
          code: 'exchange_unavailable',
          cause,
        });
        await expect(limiter.check(request)).rejects.toMatchObject({
          code: 'exchange_unavailable',
        });
      }
      expect(await limiter.get('a')).toBeNull();
    }
  });

  test('an amount whose worth is beyond the safe range', async () => {
    const { limiter } = exchanging();
    const request = { ...dollars('a', '90071992547409.91'), evidence: ADULT };
    await expect(limiter.reserve(request)).rejects.toMatchObject({ code: 'invalid_amount' });
  });

  test('an unknown currency is not looked up', async () => {
    const { limiter, questions } = exchanging();
    await expect(limiter.reserve(order('a', { currency: 'XXX' }))).rejects.toMatchObject({
      code: 'invalid_currency',
    });
    expect(questions).toEqual([]);
  });

  test('without an exchange the refusal names the currency and the allowance', async () => {
    const { limiter } = setUp();
    bought(await limiter.reserve(order('b')));
    const refused = await limiter.reserve(dollars('a', '5.00'));
    expect(codesOf(refused)).toEqual(['currency_not_supported']);
    expect(usedOf(refused.allowance).day).toBe('30.00');
  });
});
