import { orderNotFound, parameterError, WechatError } from './errors.ts';
import {
  type FakeWechatOrder,
  type FakeWechatTradeType,
  type JsonObject,
  objectIn,
} from './objects.ts';
import { emit, newNumber, type State } from './state.ts';
import { chinaTime } from './wire.ts';

const MINUTE = 60_000;
const DAY = 86_400_000;
const OUT_TRADE_NO = /^[0-9A-Za-z_\-|*]{6,32}$/;
/** RFC 3339 with an offset. */
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\+\d\d:\d\d|Z)$/;

/** `POST /v3/pay/transactions/{jsapi|app|h5|native}` */
export function prepay(state: State, type: FakeWechatTradeType, params: JsonObject): JsonObject {
  const given = checkOrder(state, type, params);
  const parameters = JSON.stringify([type, sorted(params)]);
  const known = state.orders.get(given.out_trade_no);
  if (known !== undefined) return reenter(state, known, parameters);
  const order: FakeWechatOrder = {
    ...given,
    trade_type: type,
    created: state.now(),
    expires: expiryOf(state.now(), params.time_expire),
    prepay_id: newNumber(state, 'wx', 34),
    trade_state: 'NOTPAY',
    paying: false,
    transaction_id: null,
    payer_total: null,
    success_time: null,
  };
  state.orders.set(order.out_trade_no, order);
  state.parameters.set(order.out_trade_no, parameters);
  return answerOf(order);
}

/** The same parameters give a new link to the same order, which revives one past its expiry. */
function reenter(state: State, order: FakeWechatOrder, parameters: string): JsonObject {
  closeAfterDays(state, order);
  if (order.trade_state === 'CLOSED') throw new WechatError(400, 'ORDER_CLOSED', '订单已关闭');
  if (order.trade_state !== 'NOTPAY' || state.parameters.get(order.out_trade_no) !== parameters) {
    throw new WechatError(403, 'OUT_TRADE_NO_USED', '商户订单号重复');
  }
  order.prepay_id = newNumber(state, 'wx', 34);
  if (order.expires <= state.now()) order.expires = state.now() + 120 * MINUTE;
  return answerOf(order);
}

function answerOf({ trade_type, prepay_id }: FakeWechatOrder): JsonObject {
  if (trade_type === 'NATIVE') return { code_url: `weixin://wxpay/bizpayurl?pr=${prepay_id}` };
  if (trade_type !== 'MWEB') return { prepay_id };
  return { h5_url: `https://wx.tenpay.com/cgi-bin/mmpayweb-bin/checkmweb?prepay_id=${prepay_id}` };
}

function checkOrder(state: State, type: FakeWechatTradeType, params: JsonObject) {
  const mchid = textIn(params, 'mchid', 32);
  if (mchid !== state.mchId) throw new WechatError(400, 'MCH_NOT_EXISTS', '商户号不存在');
  const appid = textIn(params, 'appid', 32);
  if (appid !== state.appId) {
    throw new WechatError(400, 'APPID_MCHID_NOT_MATCH', 'appid和mch_id不匹配');
  }
  const out_trade_no = textIn(params, 'out_trade_no', 32);
  if (!OUT_TRADE_NO.test(out_trade_no)) throw parameterError('/out_trade_no', '格式不正确');
  const notify_url = textIn(params, 'notify_url', 255);
  if (!/^https:\/\/[^?]+$/.test(notify_url)) throw parameterError('/notify_url', '格式不正确');
  const attach = params.attach === undefined ? null : textIn(params, 'attach', 128);
  const openid = type === 'JSAPI' ? textIn(objectIn(params, 'payer'), 'openid', 128) : 'o_fake';
  if (type === 'MWEB') checkScene(objectIn(params, 'scene_info'));
  const description = textIn(params, 'description', 127);
  const total = amountIn(params);
  return { mchid, appid, out_trade_no, notify_url, attach, openid, description, total };
}

function checkScene(scene: JsonObject): void {
  textIn(scene, 'payer_client_ip', 45);
  textIn(objectIn(scene, 'h5_info'), 'type', 32);
}

function amountIn(params: JsonObject): number {
  const { total, currency = 'CNY' } = objectIn(params, 'amount');
  if (typeof total !== 'number' || !Number.isInteger(total) || total <= 0) {
    throw parameterError('/amount/total', '金额不正确');
  }
  if (currency !== 'CNY') throw parameterError('/amount/currency', '仅支持CNY');
  return total;
}

export function textIn(params: JsonObject, name: string, most: number): string {
  const value = params[name];
  if (typeof value !== 'string' || value === '') throw parameterError(`/${name}`, '缺少参数');
  if (value.length > most) throw parameterError(`/${name}`, '长度超出限制');
  return value;
}

function expiryOf(now: number, given: unknown): number {
  if (given === undefined) return now + 7 * DAY;
  if (typeof given !== 'string' || !TIME.test(given)) {
    throw parameterError('/time_expire', '格式不正确');
  }
  return Math.min(Math.max(Date.parse(given), now + MINUTE), now + 15 * DAY);
}

function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(sorted);
  return Object.entries(value)
    .map(([name, member]) => [name, sorted(member)])
    .toSorted(([a], [b]) => (String(a) < String(b) ? -1 : 1));
}

/** Order numbers are case-sensitive. */
export function findOrder(state: State, outTradeNo: string): FakeWechatOrder {
  const order = state.orders.get(outTradeNo);
  if (order === undefined) throw orderNotFound();
  closeAfterDays(state, order);
  return order;
}

/** WeChat closes what was not paid for seven days; nobody can finish paying it then. */
function closeAfterDays(state: State, order: FakeWechatOrder): void {
  if (order.trade_state === 'NOTPAY' && state.now() >= order.created + 7 * DAY) {
    order.trade_state = 'CLOSED';
    order.paying = false;
  }
}

/** `GET /v3/pay/transactions/...`: what an unpaid order lacks is absent. */
export function transactionOf(order: FakeWechatOrder): JsonObject {
  const { appid, mchid, out_trade_no, attach, trade_state, openid, total } = order;
  const head = { appid, mchid, out_trade_no, trade_state, ...(attach === null ? {} : { attach }) };
  const payer = { openid };
  const trade_state_desc = trade_state === 'SUCCESS' ? '支付成功' : '订单未支付';
  if (order.transaction_id === null) {
    const amount = { total, currency: 'CNY', payer_currency: 'CNY' };
    return { ...head, trade_state_desc, payer, amount };
  }
  const { transaction_id, trade_type, success_time, payer_total } = order;
  const amount = { total, payer_total, currency: 'CNY', payer_currency: 'CNY' };
  const paid = { transaction_id, trade_type, bank_type: 'OTHERS', success_time };
  return { ...head, ...paid, trade_state_desc, payer, amount };
}

/** `POST .../close`: refused while the player is paying, without effect in the first 5 minutes. */
export function closeOrder(state: State, outTradeNo: string): void {
  const order = findOrder(state, outTradeNo);
  if (order.trade_state === 'CLOSED') throw new WechatError(400, 'ORDER_CLOSED', '订单已关闭');
  if (order.trade_state !== 'NOTPAY') throw new WechatError(400, 'ORDERPAID', '订单已支付');
  if (order.paying) throw new WechatError(202, 'USERPAYING', '用户支付中');
  if (state.now() >= order.created + 5 * MINUTE) order.trade_state = 'CLOSED';
}

/**
 * The player opens the cashier and enters the password: from here only `pay` or `cancel` ends it.
 */
export function beginPayment(state: State, outTradeNo: string): FakeWechatOrder {
  const order = findOrder(state, outTradeNo);
  if (order.trade_state !== 'NOTPAY') throw new Error(`The order is ${order.trade_state}.`);
  if (order.expires <= state.now()) throw new Error('The order has expired.');
  order.paying = true;
  return order;
}

/** The player pays. A payment that was begun in time may end after the expiry. */
export function finishPayment(state: State, outTradeNo: string, coupon: number): FakeWechatOrder {
  const order = findOrder(state, outTradeNo);
  if (!order.paying) beginPayment(state, outTradeNo);
  order.paying = false;
  order.trade_state = 'SUCCESS';
  order.transaction_id = newNumber(state, '4200', 24);
  order.payer_total = order.total - coupon;
  order.success_time = chinaTime(state.now());
  const { notify_url } = order;
  emit(state, { event_type: 'TRANSACTION.SUCCESS', notify_url }, transactionOf(order));
  return order;
}
