import { GatewayError, refused } from './errors.ts';
import { notify } from './notices.ts';
import { type Biz, findTrade, textIn } from './orders.ts';
import type { FakeAlipayRefund, FakeTrade, State } from './state.ts';
import { chinaTime, parseYuan, yuan } from './wire.ts';

/** `alipay.trade.refund`. Its `refund_fee` is cumulative; `fund_change` is of this call. */
export function refundTrade(state: State, biz: Biz): object {
  const trade = findTrade(state, biz);
  const fen = parseYuan(textIn(biz, 'refund_amount'));
  if (fen === null) throw refused('INVALID_PARAMETER');
  const outRequestNo = textIn(biz, 'out_request_no') ?? trade.outTradeNo;
  const before = trade.refunds.get(outRequestNo);
  if (before !== undefined) {
    if (before.fen !== fen) throw refused('DISCORDANT_REPEAT_REQUEST');
    return refundAnswer(state, trade, 'N');
  }
  assertRefundable(trade, fen, textIn(biz, 'out_request_no') !== null);
  const refund: FakeAlipayRefund = { outRequestNo, fen, state: 'pending' };
  trade.refunds.set(outRequestNo, refund);
  if (state.refundState === 'pending') return refundAnswer(state, trade, 'N');
  giveBack(state, trade, refund);
  return refundAnswer(state, trade, 'Y');
}

function assertRefundable(trade: FakeTrade, fen: number, named: boolean): void {
  if (trade.status === 'TRADE_CLOSED') throw refused('TRADE_HAS_CLOSE');
  if (trade.status === 'TRADE_FINISHED') throw refused('TRADE_HAS_FINISHED');
  if (trade.status !== 'TRADE_SUCCESS') throw refused('TRADE_STATUS_ERROR');
  if (!named && fen < trade.totalFen) throw new GatewayError('40001', 'isv.missing-out-request-no');
  if (requestedFen(trade) + fen > trade.totalFen) throw refused('REFUND_AMT_NOT_EQUAL_TOTAL');
}

/** Of all refunds that have succeeded or still may. */
function requestedFen({ refunds }: FakeTrade): number {
  return [...refunds.values()]
    .filter(({ state }) => state !== 'failed')
    .reduce((sum, each) => sum + each.fen, 0);
}

function refundAnswer(state: State, trade: FakeTrade, change: 'Y' | 'N'): object {
  return {
    trade_no: trade.tradeNo,
    out_trade_no: trade.outTradeNo,
    buyer_user_id: trade.buyerId,
    fund_change: change,
    refund_fee: yuan(trade.refundedFen),
    ...(change === 'Y' ? { gmt_refund_pay: chinaTime(state.now()) } : {}),
  };
}

/** The money of a refund moves: a full refund closes the trade. */
function giveBack(state: State, trade: FakeTrade, refund: FakeAlipayRefund): void {
  refund.state = 'succeeded';
  trade.refundedFen += refund.fen;
  if (trade.refundedFen === trade.totalFen) {
    trade.status = 'TRADE_CLOSED';
    trade.closedAt = state.now();
  }
  notify(state, trade, refund);
}

/** A pending refund succeeds or fails. */
export function finishRefund(
  state: State,
  at: { readonly outTradeNo: string; readonly outRequestNo: string },
  outcome: 'succeeded' | 'failed',
): void {
  const trade = state.trades.get(at.outTradeNo);
  const refund = trade?.refunds.get(at.outRequestNo);
  if (trade === undefined || refund?.state !== 'pending') throw new TypeError('No pending refund.');
  if (outcome === 'succeeded') giveBack(state, trade, refund);
  else refund.state = 'failed';
}

/** `alipay.trade.fastpay.refund.query`: `refund_status` is absent until the money has moved. */
export function queryRefund(state: State, biz: Biz): object {
  const trade = findTrade(state, biz);
  const refund = trade.refunds.get(textIn(biz, 'out_request_no') ?? trade.outTradeNo);
  if (refund === undefined) return {};
  return {
    trade_no: trade.tradeNo,
    out_trade_no: trade.outTradeNo,
    out_request_no: refund.outRequestNo,
    total_amount: yuan(trade.totalFen),
    refund_amount: yuan(refund.fen),
    ...(refund.state === 'succeeded' ? { refund_status: 'REFUND_SUCCESS' } : {}),
  };
}

/** `alipay.trade.cancel`: closes what is unpaid, refunds what is paid. */
export function refundWhole(state: State, trade: FakeTrade): void {
  const outRequestNo = `cancel_${trade.outTradeNo}`;
  const fen = trade.totalFen - requestedFen(trade);
  if (fen === 0) return;
  const refund: FakeAlipayRefund = { outRequestNo, fen, state: 'pending' };
  trade.refunds.set(outRequestNo, refund);
  giveBack(state, trade, refund);
}
