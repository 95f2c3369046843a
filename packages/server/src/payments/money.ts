import {
  formatMoney,
  type Money,
  type PaymentSnapshot,
  type Purchase,
  parseMoney,
  type RefundShare,
} from '@spendcap/core';

/** A snapshot that states its amount, or that nothing was captured. */
export type PricedSnapshot = PaymentSnapshot & { readonly captured: Money | null };

/** The amount that a purchase was reserved with. */
export function priceOf({ amount, currency }: Purchase): Money {
  return { amount, currency };
}

/** True if both are the same amount of the same currency: `30` and `30.00` are. */
export function isSame(some: Money, other: Money): boolean {
  if (some.currency !== other.currency) return false;
  return some.amount === other.amount || minorOf(some) === minorOf(other);
}

/** @throws SpendcapError `invalid_amount`, `invalid_currency` */
export function isZero(money: Money): boolean {
  return minorOf(money) === 0;
}

/** True if an amount is in the currency of another and not above it. */
export function covers(held: Money, amount: Money): boolean {
  return held.currency === amount.currency && minorOf(amount) <= minorOf(held);
}

/** The sum; of amounts in several currencies, those in the first one's. */
export function addMoney(some: Money | null, other: Money | null): Money | null {
  if (some === null) return other;
  if (other === null || other.currency !== some.currency) return some;
  const sum = minorOf(some) + minorOf(other);
  return { amount: formatMoney(sum, some.currency), currency: some.currency };
}

/**
 * The share of a price that corresponds to a part of the total, in the total's currency, rounded
 * down; `null` if it is 0.
 */
export function shareOf(price: Money, part: Money, total: Money): string | null {
  const share = (BigInt(minorOf(price)) * BigInt(minorOf(part))) / BigInt(minorOf(total));
  return share === 0n ? null : formatMoney(Number(share), price.currency);
}

/** A share of an amount, to the nearest minor unit. */
export function partOf(whole: Money, { milliPercent }: RefundShare): Money {
  const part = (BigInt(minorOf(whole)) * BigInt(milliPercent) + 50_000n) / 100_000n;
  return { amount: formatMoney(Number(part), whole.currency), currency: whole.currency };
}

function minorOf({ amount, currency }: Money): number {
  return parseMoney(amount, currency);
}
