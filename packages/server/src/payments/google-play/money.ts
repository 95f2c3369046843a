import {
  currencyExponent,
  formatMoney,
  isCurrency,
  type Money,
  SpendcapError,
} from '@spendcap/core';
import { objectOf } from './fields.ts';

const NANO_DIGITS = 9;
/** Up to here, in whole units, every amount fits into a safe integer of minor units. */
const UNITS = /^\d{1,11}$/;

/**
 * Google's `Money`: whole units as text and billionths as a number, each absent if it is zero.
 *
 * @throws SpendcapError `invalid_amount`, also for an amount between two of the currency's smallest
 *   units; `invalid_currency`
 */
export function moneyOf(value: unknown): Money {
  const { currencyCode: currency, units = '0', nanos = 0 } = objectOf(value);
  if (typeof currency !== 'string' || !isCurrency(currency)) {
    throw new SpendcapError('invalid_currency', 'Google Play named no currency that is known.');
  }
  const isWhole = typeof nanos === 'number' && Number.isInteger(nanos);
  const areUnits = typeof units === 'string' && UNITS.test(units);
  if (!areUnits || !isWhole || nanos < 0 || nanos >= 10 ** NANO_DIGITS) throw invalid();
  const exponent = currencyExponent(currency);
  const nanosInMinor = 10 ** (NANO_DIGITS - exponent);
  if (nanos % nanosInMinor !== 0) throw invalid();
  const minor = Number(units) * 10 ** exponent + nanos / nanosInMinor;
  return { amount: formatMoney(minor, currency), currency };
}

function invalid(): SpendcapError {
  return new SpendcapError('invalid_amount', 'Google Play stated an amount that is no price.');
}
