import { GatewayError, refused } from './errors.ts';
import { notify } from './notices.ts';
import { PRODUCTS, type Product } from './products.ts';
import type { FakeTrade, Order, State } from './state.ts';
import { newNumber } from './state.ts';
import { parseChinaTime, parseYuan } from './wire.ts';

/** `biz_content` of a call. */
export type Biz = Readonly<Record<string, unknown>>;

export function textIn(biz: Biz, name: string): string | null {
  const value = biz[name];
  if (value === undefined || value === null || value === '') return null;
  if (typeof value !== 'string') throw refused('INVALID_PARAMETER');
  return value;
}

function required(biz: Biz, name: string): string {
  const text = textIn(biz, name);
  if (text === null) throw new GatewayError('40001', `isv.missing-${name.replaceAll('_', '-')}`);
  return text;
}

/** The order in `biz_content`, checked as the models document it. */
export function readOrder(product: Product, biz: Biz, notifyUrl: string | null): Order {
  const outTradeNo = required(biz, 'out_trade_no');
  const subject = required(biz, 'subject');
  const totalFen = parseYuan(required(biz, 'total_amount'));
  const code = textIn(biz, 'product_code');
  const expires = textIn(biz, 'time_expire');
  const timeExpire = expires === null ? null : parseChinaTime(expires);
  const valid =
    /^\w{1,64}$/.test(outTradeNo) &&
    !/[/=&]/.test(subject) &&
    subject.length <= 256 &&
    (expires === null || timeExpire !== null) &&
    (code === null ? product !== 'page' : PRODUCTS[product].productCodes.includes(code));
  if (!valid || totalFen === null) throw refused('INVALID_PARAMETER');
  return {
    product,
    outTradeNo,
    totalFen,
    subject,
    passbackParams: textIn(biz, 'passback_params'),
    notifyUrl,
    timeExpire,
    timeoutMs: timeoutIn(biz, PRODUCTS[product].timeoutMs),
  };
}

const UNITS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `timeout_express`: 1m to 15d. `1c`, until midnight, is not supported here. */
function timeoutIn(biz: Biz, otherwise: number): number {
  const text = textIn(biz, 'timeout_express');
  if (text === null) return otherwise;
  const match = /^([1-9]\d{0,4})([mhd])$/.exec(text);
  const milliseconds = Number(match?.[1]) * (UNITS[match?.[2] ?? ''] ?? Number.NaN);
  if (!(milliseconds <= 15 * 86_400_000)) throw refused('INVALID_PARAMETER');
  return milliseconds;
}

/**
 * The trade of an order: made now, or the one that exists. The same number with other parameters,
 * or of an ended trade, is refused.
 */
export function openTrade(state: State, order: Order): FakeTrade {
  closeDue(state);
  const existing = state.trades.get(order.outTradeNo);
  if (existing !== undefined) return reopened(existing, order);
  assertInTime(state, order);
  const at = state.now();
  const trade: FakeTrade = {
    tradeNo: newNumber(state),
    outTradeNo: order.outTradeNo,
    product: order.product,
    totalFen: order.totalFen,
    subject: order.subject,
    passbackParams: order.passbackParams,
    notifyUrl: order.notifyUrl,
    createdAt: at,
    expiresAt: order.timeExpire ?? at + order.timeoutMs,
    refunds: new Map(),
    status: 'WAIT_BUYER_PAY',
    buyerId: '2088000000000001',
    refundedFen: 0,
    paidAt: null,
    closedAt: null,
  };
  state.trades.set(order.outTradeNo, trade);
  return trade;
}

/** Refuses an order past its `time_expire`. */
export function assertInTime(state: State, { timeExpire }: Order): void {
  if (timeExpire !== null && timeExpire <= state.now()) {
    throw refused('NOW_TIME_AFTER_EXPIRE_TIME_ERROR');
  }
}

function reopened(trade: FakeTrade, order: Order): FakeTrade {
  if (trade.status === 'TRADE_CLOSED') throw refused('TRADE_HAS_CLOSE');
  if (trade.status !== 'WAIT_BUYER_PAY') throw refused('TRADE_HAS_SUCCESS');
  if (trade.totalFen !== order.totalFen || trade.subject !== order.subject) {
    throw refused('CONTEXT_INCONSISTENT');
  }
  return trade;
}

/** The buyer's money moves. */
export function settleTrade(state: State, trade: FakeTrade): void {
  trade.status = 'TRADE_SUCCESS';
  trade.paidAt = state.now();
  notify(state, trade);
}

/** An unpaid trade is closed: nobody can pay it any more. */
export function closeTrade(state: State, trade: FakeTrade): void {
  trade.status = 'TRADE_CLOSED';
  trade.closedAt = state.now();
  if (PRODUCTS[trade.product].notifiesClose) notify(state, trade);
}

/** Closes unpaid trades that have expired, as Alipay does automatically. */
export function closeDue(state: State): void {
  for (const trade of state.trades.values()) {
    if (trade.status === 'WAIT_BUYER_PAY' && trade.expiresAt <= state.now()) {
      closeTrade(state, trade);
    }
  }
}

/** The trade of `trade_no`, which wins, or `out_trade_no`. */
export function findTrade(state: State, biz: Biz): FakeTrade {
  const tradeNo = textIn(biz, 'trade_no');
  const outTradeNo = textIn(biz, 'out_trade_no');
  if (tradeNo === null && outTradeNo === null) throw refused('INVALID_PARAMETER');
  const trade =
    tradeNo === null
      ? state.trades.get(outTradeNo ?? '')
      : [...state.trades.values()].find((each) => each.tradeNo === tradeNo);
  if (trade === undefined) throw refused('TRADE_NOT_EXIST');
  return trade;
}
