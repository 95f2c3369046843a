import { GatewayError, refused } from './errors.ts';
import {
  assertInTime,
  type Biz,
  closeDue,
  closeTrade,
  findTrade,
  openTrade,
  readOrder,
  settleTrade,
  textIn,
} from './orders.ts';
import { queryRefund, refundTrade, refundWhole } from './refunds.ts';
import { type FakeTrade, newNumber, type State } from './state.ts';
import { chinaTime, yuan } from './wire.ts';

export interface Call {
  readonly biz: Biz;
  readonly notifyUrl: string | null;
  /** The buyer must enter a password first: `alipay.trade.pay` answers 10003. */
  readonly running: boolean;
  /** Whatever comes of it, the answer is a system error. */
  readonly isLost: boolean;
}

/** What a call answers: the fields of its response, and the code if it is not 10000. */
export interface Answer {
  readonly code?: string;
  readonly fields: object;
}

type Method = (state: State, call: Call) => Answer;

/** The methods of the gateway that this fake has. */
export const METHODS: ReadonlyMap<string, Method> = new Map<string, Method>([
  ['alipay.trade.create', createTrade],
  ['alipay.trade.precreate', precreate],
  ['alipay.trade.pay', pay],
  ['alipay.trade.query', (state, { biz }) => ({ fields: queryTrade(state, biz) })],
  ['alipay.trade.close', close],
  ['alipay.trade.cancel', cancel],
  ['alipay.trade.refund', (state, { biz }) => ({ fields: refundTrade(state, biz) })],
  ['alipay.trade.fastpay.refund.query', (state, { biz }) => ({ fields: queryRefund(state, biz) })],
]);

/** Executes one call. */
export function perform(state: State, method: string, call: Call): Answer {
  closeDue(state);
  const found = METHODS.get(method);
  if (found === undefined) throw new TypeError(`not a method of this fake: ${method}`);
  try {
    const answer = found(state, call);
    if (!call.isLost) return answer;
  } catch (error) {
    if (!call.isLost || !(error instanceof GatewayError)) throw error;
  }
  throw refused('SYSTEM_ERROR');
}

function numbers(trade: FakeTrade) {
  return { trade_no: trade.tradeNo, out_trade_no: trade.outTradeNo };
}

function createTrade(state: State, { biz, notifyUrl }: Call): Answer {
  const order = readOrder('create', biz, notifyUrl);
  const buyer = textIn(biz, 'buyer_id') ?? textIn(biz, 'buyer_open_id');
  if (buyer === null) throw refused('INVALID_PARAMETER');
  const trade = openTrade(state, order);
  trade.buyerId = buyer;
  return { fields: numbers(trade) };
}

/** The trade appears when the code is scanned. */
function precreate(state: State, { biz, notifyUrl }: Call): Answer {
  const order = readOrder('precreate', biz, notifyUrl);
  assertInTime(state, order);
  const trade = state.trades.get(order.outTradeNo);
  if (trade !== undefined) openTrade(state, order);
  const code = `https://qr.alipay.com/bax${newNumber(state)}`;
  const timeExpire = order.timeExpire ?? state.now() + order.timeoutMs;
  state.codes.set(code, { ...order, timeExpire });
  return { fields: { out_trade_no: order.outTradeNo, qr_code: code } };
}

/** The buyer has shown a payment code. */
function pay(state: State, { biz, notifyUrl, running }: Call): Answer {
  const order = readOrder('pay', biz, notifyUrl);
  if (!/^\d{16,24}$/.test(textIn(biz, 'auth_code') ?? '')) {
    throw refused('PAYMENT_AUTH_CODE_INVALID');
  }
  const trade = openTrade(state, order);
  if (running) return { code: '10003', fields: numbers(trade) };
  settleTrade(state, trade);
  const { trade_status: _, ...fields } = queryTrade(state, biz);
  return { fields: { ...fields, gmt_payment: chinaTime(state.now()) } };
}

function queryTrade(state: State, biz: Biz) {
  const trade = findTrade(state, biz);
  const paid = trade.paidAt === null ? '0.00' : yuan(trade.totalFen);
  return {
    ...numbers(trade),
    buyer_logon_id: 'bu***@example.com',
    buyer_user_id: trade.buyerId,
    trade_status: trade.status,
    total_amount: yuan(trade.totalFen),
    buyer_pay_amount: paid,
    receipt_amount: paid,
    invoice_amount: paid,
    point_amount: '0.00',
    ...(trade.passbackParams === null ? {} : { passback_params: trade.passbackParams }),
    ...(trade.paidAt === null
      ? {}
      : {
          send_pay_date: chinaTime(trade.paidAt),
          fund_bill_list: [{ amount: paid, fund_channel: 'ALIPAYACCOUNT' }],
        }),
  };
}

/** Does not touch a signed order that no buyer has opened yet: that has no trade. */
function close(state: State, { biz }: Call): Answer {
  const trade = findTrade(state, biz);
  if (trade.status !== 'WAIT_BUYER_PAY') throw refused('TRADE_STATUS_ERROR');
  closeTrade(state, trade);
  return { fields: numbers(trade) };
}

function cancel(state: State, { biz }: Call): Answer {
  const outTradeNo = textIn(biz, 'out_trade_no') ?? '';
  const trade = state.trades.get(outTradeNo);
  if (trade === undefined) return { fields: { out_trade_no: outTradeNo, retry_flag: 'N' } };
  const unpaid = trade.status === 'WAIT_BUYER_PAY';
  if (unpaid) closeTrade(state, trade);
  else if (trade.status === 'TRADE_SUCCESS') refundWhole(state, trade);
  return { fields: { ...numbers(trade), retry_flag: 'N', action: unpaid ? 'close' : 'refund' } };
}
