import { currencyExponent, formatMoney, type Money, SpendcapError } from '@spendcap/core';
import type { AppleTransaction } from './types.ts';
import { invalidTransaction } from './verify.ts';

/** Apple's prices are thousandths of the currency's unit, for every currency. */
const APPLE_EXPONENT = 3;

/**
 * What a transaction has cost, exactly; `held` if it states no price, `null` if nothing.
 *
 * @throws SpendcapError `transaction_invalid` for what is no amount of the currency
 */
export function priceOf({ price, currency }: AppleTransaction): Money | 'held' | null {
  if (price === undefined) return 'held';
  if (price === 0) return null;
  if (!Number.isSafeInteger(price) || price < 0 || typeof currency !== 'string') {
    throw invalidPrice();
  }
  try {
    const decimals = APPLE_EXPONENT - currencyExponent(currency);
    const minor = price / 10 ** decimals;
    if (!Number.isSafeInteger(minor)) throw invalidPrice();
    return { amount: formatMoney(minor, currency), currency };
  } catch (error) {
    // A currency that is none.
    throw SpendcapError.isInstance(error) ? invalidPrice() : error;
  }
}

function invalidPrice(): SpendcapError {
  return invalidTransaction('price', 'The price of a transaction is no amount of its currency.');
}
