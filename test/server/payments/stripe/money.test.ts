import { describe, expect, it } from 'vitest';
import { fromStripe } from '../../../../packages/server/src/payments/stripe/money.ts';

describe('fromStripe', () => {
  it.each([
    [3000, 'cny', '30.00', 'CNY'],
    [1, 'USD', '0.01', 'USD'],
    [500, 'jpy', '500', 'JPY'],
    [1, 'krw', '1', 'KRW'],
    [500, 'vnd', '500', 'VND'],
    // Whole units for Stripe, two decimals in ISO 4217.
    [500, 'mga', '500.00', 'MGA'],
    // Hundredths for Stripe, no decimals in ISO 4217.
    [50_000, 'ugx', '500', 'UGX'],
    [50_000, 'isk', '500', 'ISK'],
    [1230, 'kwd', '1.230', 'KWD'],
    [1230, 'bhd', '1.230', 'BHD'],
    [50_000, 'huf', '500.00', 'HUF'],
    [50_000, 'twd', '500.00', 'TWD'],
  ])('%i %s is %s %s', (...row) => {
    const [minor, code, amount, currency] = row;
    expect(fromStripe(minor, code)).toEqual({ amount, currency });
  });

  it.each([
    [0, 'cny'],
    [-1, 'cny'],
    [1.5, 'cny'],
    [Number.NaN, 'cny'],
    [Number.POSITIVE_INFINITY, 'cny'],
    [2 ** 53, 'cny'],
    [2 ** 53 - 1, 'mga'],
    [1234, 'kwd'],
    [50_050, 'ugx'],
    [50_001, 'isk'],
  ])('refuses %d %s', (minor, code) => {
    expect(() => fromStripe(minor, code)).toThrow(
      expect.objectContaining({ code: 'invalid_amount' }),
    );
  });

  it.each([
    [1234, 'kwd', 'KWD in whole tens'],
    [550, 'ugx', 'UGX in whole hundreds'],
  ])('says what is wrong with %d %s', (minor, code, rule) => {
    expect(() => fromStripe(minor, code)).toThrow(rule);
  });

  it.each(['', 'yuan', 'xxx', '__proto__', 'cn'])('does not know the currency %j', (code) => {
    expect(() => fromStripe(100, code)).toThrow(
      expect.objectContaining({ code: 'invalid_currency' }),
    );
  });
});
