import { Decimal } from 'decimal.js';
import { currencyExponent } from './currency.ts';
import { SpendcapError } from './errors.ts';
import { assertOptions, type OptionNames } from './option-names.ts';
import { recentTexts } from './recent-texts.ts';

/** Options of `exchange`. */
export interface ExchangeOptions {
  /** ISO 4217 code of the amount. */
  readonly from: string;
  /** ISO 4217 code of the result. */
  readonly to: string;
  /** Units of `to` per unit of `from`: `"7.12"`, at most 12 digits before and after the point. */
  readonly rate: string;
  /** To the next minor unit of `to`: `up` counts more against the cap, `down` less. */
  readonly rounding: 'up' | 'down';
}

const EXCHANGE_OPTIONS: OptionNames<ExchangeOptions> = {
  from: true,
  to: true,
  rate: true,
  rounding: true,
};

const PLAIN_DECIMAL = /^(?:0|[1-9][0-9]*)(?:\.[0-9]+)?$/;
const PLAIN_RATE = /^(?:0|[1-9][0-9]{0,11})(?:\.[0-9]{1,12})?$/;

/** 16 digits of the largest safe integer and a decimal point. */
const MAX_AMOUNT_LENGTH = 17;

/**
 * 16 digits of an amount times 24 of a rate, shifted by at most 3 places: every product is exact.
 */
const Exact = Decimal.clone({ precision: 50 });

/**
 * Parses a decimal string to an integer of minor units; zero is allowed. ASCII digits only, with at
 * most the currency's decimals, within the safe-integer range.
 *
 * @throws SpendcapError `invalid_amount` or `invalid_currency`
 * @example
 * ```ts
 * import { parseMoney } from '@spendcap/core';
 * parseMoney('48.00', 'CNY'); // => 4800
 * parseMoney('48', 'CNY'); // => 4800
 * parseMoney('500', 'JPY'); // => 500
 * ```
 */
export function parseMoney(text: string, currency: string): number {
  const exponent = currencyExponent(currency);
  // The length is checked before the pattern, so that hostile input costs nothing.
  if (typeof text !== 'string' || text.length > MAX_AMOUNT_LENGTH || !PLAIN_DECIMAL.test(text)) {
    throw invalidAmount(currency, exponent);
  }
  const point = text.indexOf('.');
  const decimals = point === -1 ? 0 : text.length - point - 1;
  if (decimals > exponent) throw invalidAmount(currency, exponent);
  const digits = point === -1 ? text : text.slice(0, point) + text.slice(point + 1);
  // Above the safe range this may be inexact, but it never rounds back into that range.
  const minor = Number(digits) * 10 ** (exponent - decimals);
  if (minor > Number.MAX_SAFE_INTEGER) throw invalidAmount(currency, exponent);
  return minor;
}

/**
 * Parses the amount of a purchase: like `parseMoney`, but rejects zero.
 *
 * @throws SpendcapError `invalid_amount` or `invalid_currency`
 * @example
 * ```ts
 * import { parseAmount } from '@spendcap/core';
 * parseAmount('1.234', 'KWD'); // => 1234
 * ```
 */
export function parseAmount(text: string, currency: string): number {
  const minor = parseMoney(text, currency);
  if (minor === 0) throw new SpendcapError('invalid_amount', 'The amount must be above zero.');
  return minor;
}

/**
 * Formats minor units as a decimal string with all decimals of the currency.
 *
 * @param minor a safe integer, zero or more
 * @throws RangeError otherwise; SpendcapError `invalid_currency`
 * @example
 * ```ts
 * import { formatMoney } from '@spendcap/core';
 * formatMoney(4800, 'CNY'); // => '48.00'
 * formatMoney(500, 'JPY'); // => '500'
 * ```
 */
export function formatMoney(minor: number, currency: string): string {
  assertMinorUnits(minor);
  const exponent = currencyExponent(currency);
  return exponent === 0 ? String(minor) : textOf[exponent](minor);
}

/** Kept, because prices, caps and what is left of them are mostly the same few amounts. */
const textOf = {
  2: recentTexts((minor) => withPoint(minor, 2), 1_024),
  3: recentTexts((minor) => withPoint(minor, 3), 1_024),
};

function withPoint(minor: number, exponent: number): string {
  const digits = String(minor).padStart(exponent + 1, '0');
  return `${digits.slice(0, -exponent)}.${digits.slice(-exponent)}`;
}

/**
 * Converts minor units of one currency to minor units of another, exact up to one rounding.
 * Rounding up never turns a positive amount into zero, so that small purchases still count.
 *
 * @param minor a safe integer, zero or more
 * @throws SpendcapError `exchange_unavailable` if the rate is not a positive plain decimal,
 * `invalid_amount` if the result exceeds the safe range, `invalid_currency`
 * @throws RangeError if `minor` is not a safe integer of zero or more
 * @throws TypeError for an unknown option, or another rounding
 * @example
 * ```ts
 * import { exchange } from '@spendcap/core';
 * exchange(999, { from: 'USD', to: 'CNY', rate: '7.12', rounding: 'up' }); // => 7113
 * exchange(999, { from: 'USD', to: 'CNY', rate: '7.12', rounding: 'down' }); // => 7112
 * ```
 */
export function exchange(minor: number, options: ExchangeOptions): number {
  assertOptions('exchange', options, EXCHANGE_OPTIONS);
  const { from, to, rate, rounding } = options;
  if (rounding !== 'up' && rounding !== 'down')
    throw new TypeError('rounding: expected up or down');
  assertMinorUnits(minor);
  const shift = currencyExponent(to) - currencyExponent(from);
  const exact = parseRate(rate).times(minor).times(`1e${shift}`);
  const rounded = rounding === 'up' ? exact.ceil() : exact.floor();
  if (rounded.greaterThan(Number.MAX_SAFE_INTEGER)) {
    throw invalidAmount(to, currencyExponent(to));
  }
  return rounded.toNumber();
}

/** Rates come from the operator's `exchange`, so a bad rate is a failure of that source. */
function parseRate(text: string): Decimal {
  if (typeof text === 'string' && PLAIN_RATE.test(text)) {
    const rate = new Exact(text);
    if (!rate.isZero()) return rate;
  }
  throw new SpendcapError('exchange_unavailable', 'The rate is not a positive plain decimal.');
}

function assertMinorUnits(minor: number): void {
  if (!Number.isSafeInteger(minor) || minor < 0) {
    throw new RangeError('minor: expected a safe integer, zero or more.');
  }
}

function invalidAmount(currency: string, exponent: number): SpendcapError {
  const example = formatMoney(48 * 10 ** exponent, currency);
  return new SpendcapError(
    'invalid_amount',
    `Pass a decimal string such as "${example}" (${currency}: at most ${exponent} decimals).`,
  );
}
