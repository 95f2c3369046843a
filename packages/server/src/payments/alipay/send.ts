import { type PaymentSnapshot, SpendcapError } from '@spendcap/core';
import { applyOrLater } from '../start.ts';
import { type Fields, isAnswer, textOf } from './answers.ts';
import { type CallParams, execSigned, succeeded } from './client.ts';
import type { AlipayStart } from './methods.ts';
import { queried } from './processor.ts';
import { isTradeOf, openSnapshot, paidSnapshot, snapshotOfTrade } from './snapshots.ts';
import type { Deps } from './start.ts';

/** `10003`: the trade is made, and the buyer still has to enter a password. */
const DONE = ['10000', '10003'];

/** The number has been paid, or its trade was closed: by an earlier call with it. */
const ENDED = new Set(['TRADE_HAS_SUCCESS', 'TRADE_HAS_CLOSE']);

export interface Sending {
  readonly method: AlipayStart;
  readonly params: CallParams;
  readonly purchaseId: string;
}

/**
 * Sends an order.
 *
 * @returns Alipay's answer; that of a query if the order has been paid before
 * @throws SpendcapError `purchase_ended` if nobody can pay it any more, `purchase_conflict` if its
 *   number was paid with another amount
 * @throws AlipayAnswerError, or what the client throws
 */
export async function sendOrder(
  deps: Deps,
  { method, params, purchaseId }: Sending,
): Promise<Fields> {
  const answer = await execSigned(deps.sdk, method, { ...params, at: deps.now() });
  try {
    return succeeded(answer, DONE);
  } catch (error) {
    if (!isAnswer(error, ENDED)) throw error;
    const trade = await queried(deps, purchaseId);
    const snapshot = snapshotOfTrade(trade, purchaseId);
    if (snapshot.captured?.amount === params.bizContent.total_amount) return trade;
    if (snapshot.captured !== null) {
      throw new SpendcapError('purchase_conflict', 'Another order has this number. Use a new id.');
    }
    await applyOrLater(deps, snapshot);
    throw new SpendcapError('purchase_ended', 'The trade was closed. Use a new id to buy again.', {
      cause: error,
    });
  }
}

/** What the answer to a sent order says. Only a `pay`, or a query, can say that it is paid. */
export function sentSnapshot(
  answer: Fields,
  { method, purchaseId }: Pick<Sending, 'method' | 'purchaseId'>,
): PaymentSnapshot {
  if (!isTradeOf(answer, purchaseId)) return openSnapshot(purchaseId);
  if (textOf(answer, 'trade_status') !== undefined) return snapshotOfTrade(answer, purchaseId);
  const code = textOf(answer, 'code');
  // The v3 API has no code for "the buyer still has to enter a password".
  const isDone = code === '10000' || (code === undefined && textOf(answer, 'gmt_payment'));
  const isPaid =
    method === 'alipay.trade.pay' && isDone && textOf(answer, 'total_amount') !== undefined;
  return isPaid ? paidSnapshot(answer, purchaseId) : openSnapshot(purchaseId);
}
