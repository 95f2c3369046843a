import { describe, expect, it } from 'vitest';
import { moneyOf } from '../../../../packages/server/src/payments/google-play/money.ts';

describe('an amount of Google Play', () => {
  it.each([
    [{ units: '1', nanos: 990_000_000 }, 'USD', '1.99'],
    [{ nanos: 10_000_000 }, 'USD', '0.01'],
    [{ units: '9800' }, 'JPY', '9800'],
    [{ units: '1100' }, 'KRW', '1100'],
    [{ units: '1500', nanos: 500_000_000 }, 'HUF', '1500.50'],
    [{ units: '1', nanos: 235_000_000 }, 'KWD', '1.235'],
    [{ units: '99999999999', nanos: 990_000_000 }, 'CNY', '99999999999.99'],
  ])('%j in %s is %s', (value, currencyCode, amount) => {
    expect(moneyOf({ ...value, currencyCode })).toEqual({ amount, currency: currencyCode });
  });

  it.each([
    [{ units: '1', nanos: 995_000_000 }, 'USD'],
    [{ units: '160', nanos: 500_000_000 }, 'JPY'],
    [{ units: '1', nanos: 235_500_000 }, 'KWD'],
  ])('%j in %s, between two of its smallest units, is none', (value, currencyCode) => {
    expect(() => moneyOf({ ...value, currencyCode })).toThrow(
      expect.objectContaining({ code: 'invalid_amount' }),
    );
  });
});
