import { CURRENCIES, currencyExponent, isCurrency, SpendcapError } from '@spendcap/core';
import { describe, expect, test } from 'vitest';

const NOT_A_CURRENCY = [
  '',
  ' ',
  'cny',
  'Cny',
  'CN',
  'CNYY',
  'CNY ',
  'ABC',
  'XXX',
  'XTS',
  'XAU',
  'XDR',
  'CLF',
  'UYW',
  'CHE',
  'USN',
  'DEM',
  'HRK',
  'ANG',
  'BGN',
  'constructor',
  '__proto__',
  'hasOwnProperty',
  'size',
  'ＣＮＹ',
];

describe('currencyExponent', () => {
  test.each([
    ['CNY', 2],
    ['USD', 2],
    ['EUR', 2],
    ['MGA', 2],
    ['MRU', 2],
    ['ISK', 0],
    ['JPY', 0],
    ['KRW', 0],
    ['VND', 0],
    ['XOF', 0],
    ['BHD', 3],
    ['IQD', 3],
    ['KWD', 3],
    ['TND', 3],
  ])('%s has %d decimals', (code, exponent) => {
    expect(currencyExponent(code)).toBe(exponent);
    expect(isCurrency(code)).toBe(true);
  });

  test.each(NOT_A_CURRENCY)('refuses %j', (code) => {
    expect(isCurrency(code)).toBe(false);
    expect(() => currencyExponent(code)).toThrow(SpendcapError);
    expect(() => currencyExponent(code)).toThrow(
      expect.objectContaining({ code: 'invalid_currency' }),
    );
  });

  test.each([undefined, null, 156, {}, ['CNY']])('refuses %j, which is no text', (code) => {
    expect(() => currencyExponent(code as unknown as string)).toThrow(
      expect.objectContaining({ code: 'invalid_currency' }),
    );
  });

  test('an error does not repeat what was sent', () => {
    expect(() => currencyExponent('secret-4111')).not.toThrow(/secret/);
  });
});

describe('CURRENCIES', () => {
  test('is sorted, without doubles, and cannot be changed', () => {
    expect(CURRENCIES).toEqual([...new Set(CURRENCIES)].sort());
    expect(Object.isFrozen(CURRENCIES)).toBe(true);
  });

  test('has three capital letters each', () => {
    expect(CURRENCIES.filter((code) => !/^[A-Z]{3}$/.test(code))).toEqual([]);
  });

  test('is the count of ISO 4217 by decimals', () => {
    const count = (exponent: number) =>
      CURRENCIES.filter((code) => currencyExponent(code) === exponent).length;
    expect([count(0), count(2), count(3)]).toEqual([16, 132, 7]);
  });
});
