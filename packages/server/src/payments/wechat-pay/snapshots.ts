import type { Money, PaymentSnapshot, RefundSnapshot } from '@spendcap/core';
import type { JsonObject } from './client.ts';
import { reportedMoney } from './money.ts';

/** Nobody can pay these any more. `REVOKED` is that of code payments. */
const CLOSED = new Set(['CLOSED', 'REVOKED']);
/** `REFUND`: paid, and at least one refund was begun; it says nothing about how that ended. */
const PAID = new Set(['SUCCESS', 'REFUND']);

/**
 * What a transaction says, from a query or a notification. The captured amount is `amount.total`,
 * which counts against the cap; `payer_total` is less if WeChat or the merchant paid a part by
 * coupon, and the player has still bought for the total.
 *
 * @returns `null` if it is no transaction
 */
export function transactionSnapshot(transaction: JsonObject): PaymentSnapshot | null {
  const { out_trade_no: purchaseId, trade_state: state } = transaction;
  if (typeof purchaseId !== 'string' || typeof state !== 'string') return null;
  if (!PAID.has(state)) {
    const isClosed = CLOSED.has(state);
    return { purchaseId, state: isClosed ? 'closed' : 'open', captured: null, refunds: [] };
  }
  const captured = totalOf(transaction);
  return captured === null ? null : { purchaseId, state: 'closed', captured, refunds: [] };
}

/**
 * What a refund says, from an answer (`status`) or a notification (`refund_status`). Only `SUCCESS`
 * gives back, and `amount.refund`: the part of the total, coupons included.
 *
 * | status | refund |
 * |---|---|
 * | `SUCCESS` | succeeded |
 * | `PROCESSING` | pending: all that an accepted refund says |
 * | `ABNORMAL` | pending: the bank refused, and the merchant has to act |
 * | `CLOSED` | failed |
 *
 * @returns `null` if it is no refund
 */
export function refundSnapshot(refund: JsonObject): PaymentSnapshot | null {
  const { out_trade_no: purchaseId, out_refund_no: id } = refund;
  const status = refund.refund_status ?? refund.status;
  if (typeof purchaseId !== 'string' || typeof id !== 'string' || id === '') return null;
  const captured = totalOf(refund);
  const { refund: fen, currency } = amountIn(refund);
  const amount = reportedMoney(fen, currency);
  if (captured === null || amount === null) return null;
  return {
    purchaseId,
    state: 'closed',
    captured,
    refunds: [{ id, amount, state: stateOf(status) }],
  };
}

function stateOf(status: unknown): RefundSnapshot['state'] {
  if (status === 'SUCCESS') return 'succeeded';
  return status === 'CLOSED' ? 'failed' : 'pending';
}

function totalOf(object: JsonObject): Money | null {
  const { total, currency } = amountIn(object);
  return reportedMoney(total, currency);
}

function amountIn({ amount }: JsonObject): JsonObject {
  return typeof amount === 'object' && amount !== null ? (amount as JsonObject) : {};
}
