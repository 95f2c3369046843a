import { exchange, formatMoney, parseAmount, parseMoney } from '@spendcap/core';
import { describe, expect, test } from 'vitest';
import { loadVectors, outcomeOf } from './load.ts';

interface ReadCase {
  readonly name?: string;
  readonly text: string;
  readonly currency: string;
  readonly minor?: number;
  readonly error?: string;
}

interface ExchangeCase {
  readonly name?: string;
  readonly minor: number;
  readonly from: string;
  readonly to: string;
  readonly rate: string;
  readonly rounding: 'up' | 'down';
  readonly result?: number;
  readonly error?: string;
}

interface MoneyVectors {
  readonly parseMoney: readonly ReadCase[];
  readonly parseAmount: readonly ReadCase[];
  readonly formatMoney: readonly { minor: number; currency: string; text: string }[];
  readonly exchange: readonly ExchangeCase[];
}

const vectors = loadVectors<MoneyVectors>('money.json');

for (const [verb, read] of Object.entries({ parseMoney, parseAmount })) {
  describe(verb, () => {
    for (const { name = 'read', text, currency, minor, error } of vectors[verb as 'parseMoney']) {
      const title = `${name}: ${JSON.stringify(text.slice(0, 30))} ${JSON.stringify(currency)}`;
      test(title, () => {
        const expected = error === undefined ? { value: minor } : { code: error };
        expect(outcomeOf(() => read(text, currency))).toMatchObject(expected);
      });
    }
  });
}

describe('formatMoney', () => {
  test.each(vectors.formatMoney)('$minor $currency is $text', ({ minor, currency, text }) => {
    expect(formatMoney(minor, currency)).toBe(text);
    expect(parseMoney(text, currency)).toBe(minor);
  });
});

describe('exchange', () => {
  for (const { name = '', minor, result, error, ...options } of vectors.exchange) {
    const { from, to, rate, rounding } = options;
    test(`${minor} ${from} to ${to} at ${JSON.stringify(rate)}, ${rounding} ${name}`, () => {
      const expected = error === undefined ? { value: result } : { code: error };
      expect(outcomeOf(() => exchange(minor, options))).toMatchObject(expected);
    });
  }
});
