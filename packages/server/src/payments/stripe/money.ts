import { currencyExponent, formatMoney, SpendcapError } from '@spendcap/core';

/** An amount for the limiter: a decimal string and an ISO 4217 code. */
export interface Money {
  readonly amount: string;
  readonly currency: string;
}

// Stripe counts these in whole units, also MGA, which has decimals in ISO 4217.
const WHOLE_UNITS = new Set(
  'BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF'.split(' '),
);

// These have no decimals, but Stripe counts them in hundredths and accepts only whole units.
const HUNDREDTHS = new Set(['ISK', 'UGX']);

/**
 * Converts Stripe's integer amount to a decimal string, exactly.
 * Source: docs.stripe.com/currencies, "zero-decimal", "special cases" and "three-decimal".
 *
 * @param minor an integer of Stripe's smallest unit, above zero
 * @param code ISO 4217, in any case
 * @throws SpendcapError `invalid_amount` otherwise, or if the currency does not allow the amount;
 * `invalid_currency`
 */
export function fromStripe(minor: number, code: string): Money {
  if (typeof code !== 'string') {
    throw new SpendcapError('invalid_currency', 'currency: expected an ISO 4217 code.');
  }
  const currency = code.toUpperCase();
  const exponent = currencyExponent(currency);
  if (!Number.isSafeInteger(minor) || minor <= 0) throw invalid();
  const stripeExponent = WHOLE_UNITS.has(currency) ? 0 : HUNDREDTHS.has(currency) ? 2 : exponent;
  // The third decimal of a three-decimal currency must be zero.
  if (exponent === 3 && minor % 10 !== 0) throw invalid(`, ${currency} in whole tens`);
  const scaled = (minor * 10 ** exponent) / 10 ** stripeExponent;
  if (!Number.isSafeInteger(scaled)) {
    throw invalid(HUNDREDTHS.has(currency) ? `, ${currency} in whole hundreds` : '');
  }
  return { amount: formatMoney(scaled, currency), currency };
}

function invalid(rule = ''): SpendcapError {
  const message = `Pass a positive integer in the smallest currency unit of Stripe${rule}.`;
  return new SpendcapError('invalid_amount', message);
}
