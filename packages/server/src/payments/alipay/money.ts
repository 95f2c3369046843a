import { formatMoney, type Money, parseAmount, parseMoney, SpendcapError } from '@spendcap/core';

/** Alipay's mainland products charge yuan only. */
const CURRENCY = 'CNY';

/** 100,000,000.00 yuan, the maximum of `total_amount`. */
const MAX_FEN = 10_000_000_000;

/**
 * The amount of an order, for the limiter and, with two decimals, for Alipay.
 * Source: `total_amount` of the AlipayTrade*PayModel, "0.01 to 100000000".
 *
 * @throws SpendcapError `invalid_amount` unless it is a decimal string of yuan that Alipay can
 *   charge
 */
export function yuanOf(text: unknown): Money {
  const fen = parseAmount(typeof text === 'string' ? text : '', CURRENCY);
  if (fen > MAX_FEN) {
    throw new SpendcapError('invalid_amount', 'Alipay charges at most 100000000.00 CNY.');
  }
  return { amount: formatMoney(fen, CURRENCY), currency: CURRENCY };
}

/** An amount that Alipay reports; zero is allowed. @throws SpendcapError `invalid_amount` */
export function fromAlipay(text: string): Money {
  return { amount: formatMoney(parseMoney(text, CURRENCY), CURRENCY), currency: CURRENCY };
}
