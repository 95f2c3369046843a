import { formatMoney, isCurrency, type Money, SpendcapError } from '@spendcap/core';

/**
 * WeChat Pay's amounts are integers of fen, hundredths of a yuan, and an order has no other
 * currency.
 */
export interface WechatPayAmount {
  /** Fen, above zero. */
  readonly total: number;
  readonly currency?: 'CNY';
}

/** The amount of an order. @throws SpendcapError `invalid_amount` or `invalid_currency` */
export function fromFen(amount: WechatPayAmount): Money {
  const { total, currency = 'CNY' }: { total?: unknown; currency?: unknown } = amount ?? {};
  if (currency !== 'CNY') {
    throw new SpendcapError('invalid_currency', 'Orders of WeChat Pay are in CNY.');
  }
  const money = reportedMoney(total, currency);
  if (money === null) throw noFen('amount.total');
  return money;
}

/** @throws SpendcapError `invalid_amount` for an amount that no refund has */
export function checkFen(name: string, fen: unknown): void {
  if (reportedMoney(fen) === null) throw noFen(name);
}

function noFen(name: string): SpendcapError {
  return new SpendcapError('invalid_amount', `${name}: expected fen, a whole number above 0.`);
}

/** An amount in an answer or notification; `null` if it is none above zero. */
export function reportedMoney(fen: unknown, currency: unknown = 'CNY'): Money | null {
  if (typeof fen !== 'number' || !Number.isSafeInteger(fen) || fen <= 0) return null;
  if (typeof currency !== 'string' || !isCurrency(currency)) return null;
  return { amount: formatMoney(fen, currency), currency };
}
