import type { PaymentSnapshot } from '@spendcap/core';
import { callError } from '../outcome.ts';
import { applyOrLater } from '../start.ts';
import { type Fields, textOf } from './answers.ts';
import { type CallParams, execSigned } from './client.ts';
import type { AlipaySettle } from './methods.ts';
import { fromAlipay } from './money.ts';
import { look } from './processor.ts';
import { purchaseIdOf } from './reference.ts';
import { isTradeOf } from './snapshots.ts';
import type { Deps } from './start.ts';

/**
 * Closes, cancels or refunds a trade, then queries it and applies what that says. The answer is
 * Alipay's, also if it refused.
 *
 * @throws TypeError without `out_trade_no`, or `out_request_no` for a refund
 * @throws SpendcapError `outcome_unknown`: repeat the call with the same parameters
 */
export async function settleTrade(
  deps: Deps,
  method: AlipaySettle,
  params: CallParams,
): Promise<Fields> {
  const purchaseId = assertNamed(method, params.bizContent);
  try {
    const answer = await execSigned(deps.sdk, method, { ...params, at: deps.now() });
    if (purchaseId !== null) await applyTrade(deps, purchaseId, answer);
    return answer;
  } catch (error) {
    throw callError(deps.processor, error);
  }
}

/** The purchase of a trade; `null` if its number is none of ours. */
function assertNamed(method: AlipaySettle, biz: Fields): string | null {
  // Alipay prefers trade_no, which could name another trade than out_trade_no.
  if (biz.trade_no !== undefined) throw new TypeError('bizContent.trade_no: use out_trade_no');
  if (typeof biz.out_trade_no !== 'string')
    throw new TypeError('bizContent.out_trade_no: required');
  if (method === 'alipay.trade.refund' && typeof biz.out_request_no !== 'string') {
    throw new TypeError('bizContent.out_request_no: required, a retry with it refunds once');
  }
  return purchaseIdOf(biz.out_trade_no);
}

async function applyTrade(deps: Deps, purchaseId: string, answer: Fields): Promise<void> {
  let snapshot: PaymentSnapshot;
  try {
    snapshot = await look(deps, purchaseId);
  } catch {
    // The call is done; a notification or the reconciler settles it.
    return;
  }
  const isAnswered = isTradeOf(answer, purchaseId);
  const refundFee = isAnswered ? textOf(answer, 'refund_fee') : undefined;
  await applyOrLater(deps, withRefunds(snapshot, refundFee));
}

/** A query does not say how much was refunded in part; the answer of a refund does, as a total. */
function withRefunds(snapshot: PaymentSnapshot, refundFee: string | undefined): PaymentSnapshot {
  const { captured, refunds } = snapshot;
  if (captured === null || refundFee === undefined || 'total' in refunds) return snapshot;
  return { ...snapshot, refunds: { total: fromAlipay(refundFee) } };
}
