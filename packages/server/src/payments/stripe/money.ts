import { currencyExponent, formatMoney, SpendcapError } from '@spendcap/core';

/** An amount as the limiter has it: a decimal string and an ISO 4217 code. */
export interface Money {
  readonly amount: string;
  readonly currency: string;
}

// Stripe counts these in whole units, whatever ISO 4217 says (it has decimals for MGA).
const WHOLE_UNITS = new Set(
  'BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF'.split(' '),
);

// These have no decimals, and yet Stripe counts them in hundredths, of which only whole units are
// legal.
const HUNDREDTHS = new Set(['ISK', 'UGX']);

/**
 * Turns Stripe's integer amount into a decimal string, exactly.
 * Source: docs.stripe.com/currencies, "zero-decimal", "special cases" and "three-decimal".
 *
 * @param minor an integer of Stripe's smallest unit, above zero
 * @param code ISO 4217, in any case
 * @throws SpendcapError `invalid_amount` if it is not, or is no legal amount of the currency;
 * `invalid_currency`
 */
export function fromStripe(minor: number, code: string): Money {
  if (typeof code !== 'string') throw new SpendcapError('invalid_currency', 'A currency is text.');
  const currency = code.toUpperCase();
  const exponent = currencyExponent(currency);
  if (!Number.isSafeInteger(minor) || minor <= 0) throw invalid();
  const stripeExponent = WHOLE_UNITS.has(currency) ? 0 : HUNDREDTHS.has(currency) ? 2 : exponent;
  // The third decimal of a three-decimal currency must be zero.
  if (exponent === 3 && minor % 10 !== 0) throw invalid();
  const scaled = (minor * 10 ** exponent) / 10 ** stripeExponent;
  if (!Number.isSafeInteger(scaled)) throw invalid();
  return { amount: formatMoney(scaled, currency), currency };
}

function invalid(): SpendcapError {
  return new SpendcapError(
    'invalid_amount',
    'A Stripe amount is an integer above zero that the currency allows.',
  );
}
