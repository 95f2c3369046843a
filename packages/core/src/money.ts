import { Decimal } from 'decimal.js';
import { currencyExponent } from './currency.ts';
import { SpendcapError } from './errors.ts';

/** How a currency is turned into another one. */
export interface ExchangeOptions {
  /** ISO 4217 code of the given amount. */
  readonly from: string;
  /** ISO 4217 code of the result. */
  readonly to: string;
  /** Units of `to` for one unit of `from`: `"7.12"`, at most 12 digits on each side of the point. */
  readonly rate: string;
  /** To the next minor unit of `to`: `up` is against the spender, `down` in the spender's favour. */
  readonly rounding: 'up' | 'down';
}

const PLAIN_DECIMAL = /^(?:0|[1-9][0-9]*)(?:\.[0-9]+)?$/;
const PLAIN_RATE = /^(?:0|[1-9][0-9]{0,11})(?:\.[0-9]{1,12})?$/;

/** The largest safe integer has 16 digits, and there may be a point. */
const MAX_AMOUNT_LENGTH = 17;

/** 16 digits of an amount times 24 of a rate, moved by at most 3 places: every product is exact. */
const Exact = Decimal.clone({ precision: 50 });

/**
 * Reads a decimal string as an integer of minor units; zero is allowed. Plain ASCII digits only,
 * with no more decimals than the currency has, within the safe-integer range.
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
  // The length comes first, so that hostile input costs nothing.
  if (typeof text !== 'string' || text.length > MAX_AMOUNT_LENGTH || !PLAIN_DECIMAL.test(text)) {
    throw invalidAmount();
  }
  const point = text.indexOf('.');
  const decimals = point === -1 ? 0 : text.length - point - 1;
  if (decimals > exponent) throw invalidAmount();
  const digits = point === -1 ? text : text.slice(0, point) + text.slice(point + 1);
  // Beyond the safe range this may be inexact, yet never so far that it would come back into it.
  const minor = Number(digits) * 10 ** (exponent - decimals);
  if (minor > Number.MAX_SAFE_INTEGER) throw invalidAmount();
  return minor;
}

/**
 * Reads the amount of a purchase: as `parseMoney`, and zero is refused too.
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
  if (minor === 0) throw invalidAmount();
  return minor;
}

/**
 * Writes minor units as a decimal string with all the decimals that the currency has.
 *
 * @param minor a safe integer, zero or more
 * @throws RangeError if it is not; SpendcapError `invalid_currency`
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
  if (exponent === 0) return String(minor);
  const digits = String(minor).padStart(exponent + 1, '0');
  return `${digits.slice(0, -exponent)}.${digits.slice(-exponent)}`;
}

/**
 * Turns minor units of one currency into minor units of another, exactly and with one rounding.
 * Rounded up, a positive amount never becomes zero, so that small purchases cannot pass for free.
 *
 * @param minor a safe integer, zero or more
 * @throws SpendcapError `exchange_unavailable` if the rate is not a positive plain decimal,
 * `invalid_amount` if the result is beyond the safe range, `invalid_currency`; RangeError
 * @example
 * ```ts
 * import { exchange } from '@spendcap/core';
 * exchange(999, { from: 'USD', to: 'CNY', rate: '7.12', rounding: 'up' }); // => 7113
 * exchange(999, { from: 'USD', to: 'CNY', rate: '7.12', rounding: 'down' }); // => 7112
 * ```
 */
export function exchange(minor: number, { from, to, rate, rounding }: ExchangeOptions): number {
  assertMinorUnits(minor);
  const shift = currencyExponent(to) - currencyExponent(from);
  const exact = parseRate(rate).times(minor).times(`1e${shift}`);
  const rounded = rounding === 'up' ? exact.ceil() : exact.floor();
  if (rounded.greaterThan(Number.MAX_SAFE_INTEGER)) throw invalidAmount();
  return rounded.toNumber();
}

/** A rate comes from the operator's source of rates: a bad one is a fault of that source. */
function parseRate(text: string): Decimal {
  if (typeof text === 'string' && PLAIN_RATE.test(text)) {
    const rate = new Exact(text);
    if (!rate.isZero()) return rate;
  }
  throw new SpendcapError('exchange_unavailable', 'The rate is not a positive plain decimal.');
}

function assertMinorUnits(minor: number): void {
  if (!Number.isSafeInteger(minor) || minor < 0) {
    throw new RangeError('Minor units must be a safe integer, zero or more.');
  }
}

function invalidAmount(): SpendcapError {
  return new SpendcapError(
    'invalid_amount',
    'An amount is plain digits with no more decimals than its currency has, within range.',
  );
}
