import { orderNotFound, parameterError, WechatError } from './errors.ts';
import {
  type FakeWechatOrder,
  type FakeWechatRefund,
  type JsonObject,
  objectIn,
} from './objects.ts';
import { findOrder, textIn } from './orders.ts';
import { emit, newNumber, type State } from './state.ts';
import { chinaTime } from './wire.ts';

const MOST_REFUNDS = 50;
const YEAR = 365 * 86_400_000;

/** `POST /v3/refund/domestic/refunds`: the number is the idempotency key. */
export function createRefund(state: State, params: JsonObject): JsonObject {
  const out_refund_no = textIn(params, 'out_refund_no', 64);
  if (!/^[0-9A-Za-z_\-|*@]+$/.test(out_refund_no)) {
    throw parameterError('/out_refund_no', '格式不正确');
  }
  const order = orderOf(state, params);
  const refund = amountIn(params, order);
  const known = state.refunds.get(out_refund_no);
  if (known !== undefined) {
    const same = known.out_trade_no === order.out_trade_no && known.refund === refund;
    if (!same) throw new WechatError(400, 'INVALID_REQUEST', '退款单号已使用,参数不一致');
    return refundOf(state, known);
  }
  checkRefundable(state, order, refund);
  const made: FakeWechatRefund = {
    refund_id: newNumber(state, '5030', 24),
    out_refund_no,
    out_trade_no: order.out_trade_no,
    transaction_id: order.transaction_id ?? '',
    notify_url:
      params.notify_url === undefined ? order.notify_url : textIn(params, 'notify_url', 256),
    create_time: chinaTime(state.now()),
    refund,
    status: 'PROCESSING',
    success_time: null,
  };
  state.refunds.set(out_refund_no, made);
  order.trade_state = 'REFUND';
  return refundOf(state, made);
}

function orderOf(state: State, params: JsonObject): FakeWechatOrder {
  if (params.transaction_id === undefined) {
    return findOrder(state, textIn(params, 'out_trade_no', 32));
  }
  const id = textIn(params, 'transaction_id', 32);
  for (const order of state.orders.values()) if (order.transaction_id === id) return order;
  throw orderNotFound();
}

function amountIn(params: JsonObject, order: FakeWechatOrder): number {
  const { refund, total, currency } = objectIn(params, 'amount');
  if (typeof refund !== 'number' || !Number.isInteger(refund) || refund <= 0) {
    throw parameterError('/amount/refund', '金额不正确');
  }
  if (total !== order.total) throw parameterError('/amount/total', '订单金额不一致');
  if (currency !== 'CNY') throw parameterError('/amount/currency', '仅支持CNY');
  return refund;
}

function checkRefundable(state: State, order: FakeWechatOrder, refund: number): void {
  if (order.transaction_id === null) throw new WechatError(403, 'TRADE_ERROR', '订单未支付');
  const paidAt = Date.parse(order.success_time ?? '');
  if (state.now() > paidAt + YEAR) throw new WechatError(403, 'TRADE_ERROR', '订单已超过一年');
  const others = refundsOf(state, order.out_trade_no);
  const taken = others.reduce((sum, other) => sum + other.refund, 0);
  if (others.length >= MOST_REFUNDS || taken + refund > order.total) {
    throw new WechatError(400, 'INVALID_REQUEST', '退款金额大于可退金额');
  }
}

/** Every refund of an order that has not failed. */
function refundsOf(state: State, outTradeNo: string): readonly FakeWechatRefund[] {
  return [...state.refunds.values()].filter(
    ({ out_trade_no, status }) => out_trade_no === outTradeNo && status !== 'CLOSED',
  );
}

/** `GET /v3/refund/domestic/refunds/{out_refund_no}` */
export function findRefund(state: State, outRefundNo: string): FakeWechatRefund {
  const refund = state.refunds.get(outRefundNo);
  if (refund === undefined) throw new WechatError(404, 'RESOURCE_NOT_EXISTS', '退款单不存在');
  return refund;
}

export function refundOf(state: State, made: FakeWechatRefund): JsonObject {
  const { notify_url: _, refund, success_time, ...rest } = made;
  const order = findOrder(state, made.out_trade_no);
  return {
    ...rest,
    ...(success_time === null ? {} : { success_time }),
    channel: 'ORIGINAL',
    user_received_account: '支付用户零钱',
    funds_account: 'AVAILABLE',
    amount: { ...amountOf(order, refund), currency: 'CNY', discount_refund: 0 },
    promotion_detail: [],
  };
}

/** Coupons are refunded in proportion to the amount. */
function amountOf({ total, payer_total }: FakeWechatOrder, refund: number) {
  const paid = payer_total ?? total;
  return { total, refund, payer_total: paid, payer_refund: Math.floor((refund * paid) / total) };
}

/** The bank settles a refund. `ABNORMAL` may still succeed; the others are final. */
export function finishRefund(
  state: State,
  outRefundNo: string,
  status: 'SUCCESS' | 'CLOSED' | 'ABNORMAL',
): FakeWechatRefund {
  const made = findRefund(state, outRefundNo);
  if (made.status === 'SUCCESS' || made.status === 'CLOSED') {
    throw new Error(`The refund is ${made.status}.`);
  }
  made.status = status;
  if (status === 'SUCCESS') made.success_time = chinaTime(state.now());
  const { out_trade_no, transaction_id, out_refund_no, refund_id, success_time, notify_url } = made;
  emit(
    state,
    { event_type: `REFUND.${status}`, notify_url },
    {
      mchid: state.mchId,
      out_trade_no,
      transaction_id,
      out_refund_no,
      refund_id,
      refund_status: status,
      ...(success_time === null ? {} : { success_time }),
      user_received_account: '支付用户零钱',
      amount: amountOf(findOrder(state, out_trade_no), made.refund),
    },
  );
  return made;
}
