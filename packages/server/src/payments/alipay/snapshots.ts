import type { PricedSnapshot } from '../money.ts';
import { type Fields, textOf } from './answers.ts';
import { fromAlipay } from './money.ts';
import { outTradeNoOf } from './reference.ts';

/** Nobody has paid yet, and somebody may. */
export function openSnapshot(purchaseId: string): PricedSnapshot {
  return { purchaseId, state: 'open', captured: null, refunds: [] };
}

/** Alipay has no trade of this number. A signed order may still become one. */
export function unseenSnapshot(purchaseId: string): PricedSnapshot {
  return { purchaseId, state: 'unseen', captured: null, refunds: [] };
}

/** True if an answer is about the trade of this purchase. */
export function isTradeOf(answer: Fields, purchaseId: string): boolean {
  return textOf(answer, 'out_trade_no') === outTradeNoOf(purchaseId);
}

/**
 * What a trade says, as a query or a notification shows it.
 *
 * | trade_status | |
 * |---|---|
 * | `WAIT_BUYER_PAY` | open |
 * | `TRADE_SUCCESS`, `TRADE_FINISHED` | paid; `refund_fee` is the running total of its refunds |
 * | `TRADE_CLOSED`, with a time of payment or refund | paid and refunded in full |
 * | `TRADE_CLOSED` otherwise | never paid, and nobody can pay any more |
 *
 * @throws SpendcapError `invalid_amount` for an amount that is none
 */
export function snapshotOfTrade(trade: Fields, purchaseId: string): PricedSnapshot {
  const status = textOf(trade, 'trade_status');
  const refunded = textOf(trade, 'refund_fee');
  if (status === 'TRADE_SUCCESS' || status === 'TRADE_FINISHED') {
    return paidSnapshot(trade, purchaseId, refunded);
  }
  if (status !== 'TRADE_CLOSED') return openSnapshot(purchaseId);
  if (!PAID.some((name) => textOf(trade, name) !== undefined)) {
    return { purchaseId, state: 'closed', captured: null, refunds: [] };
  }
  return paidSnapshot(trade, purchaseId, refunded ?? textOf(trade, 'total_amount'));
}

/** Times and amounts that only a trade has which was paid. */
const PAID = ['gmt_payment', 'send_pay_date', 'gmt_refund', 'refund_fee'];

/** A trade that was paid, and how much of it was refunded so far. */
export function paidSnapshot(trade: Fields, purchaseId: string, refunded?: string): PricedSnapshot {
  return {
    purchaseId,
    state: 'closed',
    captured: fromAlipay(textOf(trade, 'total_amount') ?? ''),
    refunds: refunded === undefined ? [] : { total: fromAlipay(refunded) },
  };
}
