import { describe, expect, it } from 'vitest';
import { priceOf } from '../../../../packages/server/src/payments/apple/money.ts';

describe('a price of Apple', () => {
  it.each([
    [1990, 'USD', '1.99'],
    [6000, 'CNY', '6.00'],
    [160_000, 'JPY', '160'],
    [1_100_000, 'KRW', '1100'],
    [1_500_500, 'HUF', '1500.50'],
    [30_000, 'TWD', '30.00'],
    [1235, 'KWD', '1.235'],
    [1, 'BHD', '0.001'],
  ])('of %i thousandths in %s is %s', (price, currency, amount) => {
    expect(priceOf({ price, currency })).toEqual({ amount, currency });
  });

  it.each([
    [1995, 'USD'],
    [160_500, 'JPY'],
    [Number.MAX_SAFE_INTEGER, 'CNY'],
  ])('of %i thousandths in %s, between two of its smallest units, is none', (price, currency) => {
    expect(() => priceOf({ price, currency })).toThrow(
      expect.objectContaining({ code: 'transaction_invalid', why: 'price' }),
    );
  });

  it('that is absent is the held one, and of nothing is none', () => {
    expect(priceOf({ currency: 'USD' })).toBe('held');
    expect(priceOf({ price: 0, currency: 'USD' })).toBeNull();
  });
});
