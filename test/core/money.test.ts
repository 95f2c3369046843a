import {
  CURRENCIES,
  currencyExponent,
  exchange,
  formatMoney,
  parseAmount,
  parseMoney,
} from '@spendcap/core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

const currency = fc.constantFrom(...CURRENCIES);
const route = fc.record({ from: currency, to: currency });
const minorUnits = fc.oneof(
  fc.nat({ max: 100_000 }),
  fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
);
/** A rate as an exact fraction: `scaled` trillionths. */
const rate = fc
  .bigInt({ min: 1n, max: 10n ** 18n })
  .map((scaled) => ({ scaled, text: `${scaled / 10n ** 12n}.${pad(scaled % 10n ** 12n)}` }));

function pad(fraction: bigint): string {
  return fraction.toString().padStart(12, '0');
}

const invalidAmount = expect.objectContaining({ code: 'invalid_amount' });

describe('parseMoney and formatMoney', () => {
  test.each([
    { code: 'CNY', message: 'Pass a decimal string such as "48.00" (CNY: at most 2 decimals).' },
    { code: 'JPY', message: 'Pass a decimal string such as "48" (JPY: at most 0 decimals).' },
    { code: 'KWD', message: 'Pass a decimal string such as "48.000" (KWD: at most 3 decimals).' },
  ])('an invalid amount in $code names the form, not the amount', ({ code, message }) => {
    expect(() => parseMoney(48 as unknown as string, code)).toThrow(message);
    expect(() => parseMoney('4.8000', code)).toThrow(message);
    expect(() => parseAmount('0', code)).toThrow('The amount must be above zero.');
  });

  test('give back what they were given, in every currency', () => {
    for (const code of CURRENCIES) {
      fc.assert(
        fc.property(minorUnits, (minor) => parseMoney(formatMoney(minor, code), code) === minor),
        { numRuns: 20 },
      );
    }
  });

  test('a plain decimal is read or refused as exact arithmetic says', () => {
    const text = fc.oneof(
      fc.stringMatching(/^(0|[1-9][0-9]{0,18})(\.[0-9]{1,4})?$/),
      fc.stringMatching(/^[0-9.]{1,18}$/),
    );
    fc.assert(
      fc.property(text, currency, (written, code) => {
        const minor = exactMinor(written, currencyExponent(code));
        if (minor === null) expect(() => parseMoney(written, code)).toThrow(invalidAmount);
        else expect(parseMoney(written, code)).toBe(Number(minor));
      }),
      { numRuns: 2_000 },
    );
  });

  test('nothing but a plain decimal is ever read', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), currency, (text, code) => {
        fc.pre(!/^[0-9.]+$/.test(text));
        expect(() => parseMoney(text, code)).toThrow(invalidAmount);
      }),
    );
  });

  test.each([48, 48.5, Number.NaN, 48n, null, undefined, {}, ['48'], true])(
    'refuse %s, which is no text',
    (value) => {
      expect(() => parseMoney(value as unknown as string, 'CNY')).toThrow(invalidAmount);
      expect(() => parseAmount(value as unknown as string, 'CNY')).toThrow(invalidAmount);
    },
  );

  test('refuse a million digits without reading them', () => {
    expect(() => parseMoney('9'.repeat(1_000_000), 'CNY')).toThrow(invalidAmount);
  });

  test('an error does not repeat the amount', () => {
    expect(() => parseMoney('123456.789', 'CNY')).not.toThrow(/123456/);
  });

  test.each([-1, 0.5, Number.NaN, Infinity, Number.MAX_SAFE_INTEGER + 1])(
    'no minor units: %d',
    (minor) => {
      expect(() => formatMoney(minor, 'CNY')).toThrow(RangeError);
      const options = { from: 'CNY', to: 'USD', rate: '0.14', rounding: 'up' } as const;
      expect(() => exchange(minor, options)).toThrow(RangeError);
    },
  );

  test('minor units as text are no minor units', () => {
    expect(() => formatMoney('4800' as unknown as number, 'CNY')).toThrow(RangeError);
  });
});

describe('parseAmount', () => {
  test('is parseMoney without zero', () => {
    fc.assert(
      fc.property(minorUnits, currency, (minor, code) => {
        const text = formatMoney(minor, code);
        if (minor === 0) expect(() => parseAmount(text, code)).toThrow(invalidAmount);
        else expect(parseAmount(text, code)).toBe(minor);
      }),
    );
  });
});

describe('exchange', () => {
  test('is the exact product, rounded once', () => {
    fc.assert(
      fc.property(minorUnits, route, rate, (minor, { from, to }, { scaled, text }) => {
        // The product in units of 10^-15, so that every exponent stays whole.
        const shift = 10n ** BigInt(3 + currencyExponent(to) - currencyExponent(from));
        const product = BigInt(minor) * scaled * shift;
        const down = product / 10n ** 15n;
        const up = down * 10n ** 15n === product ? down : down + 1n;
        for (const [rounding, exact] of [['down', down] as const, ['up', up] as const]) {
          const run = () => exchange(minor, { from, to, rate: text, rounding });
          if (exact > BigInt(Number.MAX_SAFE_INTEGER)) expect(run).toThrow(invalidAmount);
          else expect(run()).toBe(Number(exact));
        }
      }),
      { numRuns: 1_000 },
    );
  });

  test.each(['Up', 'ceil', undefined, null])('rounds by no other rule: %s', (rounding) => {
    const options = { from: 'USD', to: 'CNY', rate: '7.12', rounding } as never;
    expect(() => exchange(999, options)).toThrow(TypeError);
  });

  test('rounded up, something never becomes nothing', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_000 }), currency, currency, (minor, from, to) => {
        const tiny = { from, to, rate: '0.000000000001', rounding: 'up' } as const;
        expect(exchange(minor, tiny)).toBe(1);
      }),
    );
  });

  test('parts given back never exceed the whole taken', () => {
    const parts = fc.array(fc.nat({ max: 100_000 }), { minLength: 1, maxLength: 10 });
    const modestRate = fc.integer({ min: 1, max: 10_000_000 }).map((n) => `${n / 1_000}`);
    fc.assert(
      fc.property(parts, route, modestRate, (refunds, { from, to }, text) => {
        const whole = refunds.reduce((sum, part) => sum + part, 0);
        const taken = exchange(whole, { from, to, rate: text, rounding: 'up' });
        const given = refunds
          .map((part) => exchange(part, { from, to, rate: text, rounding: 'down' }))
          .reduce((sum, part) => sum + part, 0);
        expect(given).toBeLessThanOrEqual(taken);
      }),
    );
  });

  test('there and back again at the inverse rate never profits the spender', () => {
    const scaledRate = fc.bigInt({ min: 10n ** 8n, max: 10n ** 16n });
    fc.assert(
      fc.property(fc.nat({ max: 1_000_000 }), route, scaledRate, (n, { from, to }, r) => {
        const there = `${r / 10n ** 12n}.${pad(r % 10n ** 12n)}`;
        const inverse = 10n ** 24n / r;
        const back = `${inverse / 10n ** 12n}.${pad(inverse % 10n ** 12n)}`;
        const bought = exchange(n, { from, to, rate: there, rounding: 'down' });
        const returned = exchange(bought, { from: to, to: from, rate: back, rounding: 'down' });
        expect(returned).toBeLessThanOrEqual(n);
      }),
    );
  });

  test('a rate that is a number is refused', () => {
    const options = { from: 'USD', to: 'CNY', rate: 7.12 as unknown as string } as const;
    expect(() => exchange(100, { ...options, rounding: 'up' })).toThrow(
      expect.objectContaining({ code: 'exchange_unavailable', retryable: true }),
    );
  });
});

/** The amount in minor units by integer arithmetic alone; `null` if it must be refused. */
function exactMinor(text: string, exponent: number): bigint | null {
  const [whole = '', fraction, ...rest] = text.split('.');
  if (rest.length > 0 || whole === '' || fraction === '') return null;
  if (whole.length > 1 && whole.startsWith('0')) return null;
  if ((fraction?.length ?? 0) > exponent) return null;
  const minor = BigInt(whole + (fraction ?? '').padEnd(exponent, '0'));
  return minor > BigInt(Number.MAX_SAFE_INTEGER) ? null : minor;
}
