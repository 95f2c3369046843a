import type { KeyLike } from 'node:crypto';
import { GatewayError } from './errors.ts';
import { assertInTime, closeDue, openTrade, readOrder, settleTrade } from './orders.ts';
import { SIGNED_ORDERS } from './products.ts';
import type { FakeTrade, Order, State } from './state.ts';
import { isSignedCall, type Params } from './wire.ts';

/** What the buyer's device returns to the app. */
export interface FakeAlipayResult {
  /** 9000 paid, 4000 refused, 6001 left by the buyer. */
  readonly resultStatus: '9000' | '4000' | '6001';
  /** With 4000: `ACQ.TRADE_HAS_CLOSE`, ... */
  readonly subCode: string | null;
}

/** One buyer's payment page. Without a call it stays open. */
export interface FakeAlipayCashier {
  /** The buyer logs in or scans: only now the trade of a signed order exists. */
  identify(buyerId?: string): FakeAlipayResult;
  /**
   * The buyer pays. `late`: the payment began before `time_expire` or a close, and only its
   * confirmation arrives now, so that neither stops it.
   */
  pay(options?: { readonly late?: boolean }): FakeAlipayResult;
  /** The buyer leaves. An existing trade can still be paid. */
  cancel(): FakeAlipayResult;
}

/**
 * Opens the payment page of an order string (`app.pay`), a page address or form (`page.pay`,
 * `wap.pay`), a QR code (`precreate`) or a trade number (`create`, `pay`).
 */
export function openCashier(state: State, text: string, key: KeyLike): FakeAlipayCashier {
  const answer = (act: () => void): FakeAlipayResult => {
    try {
      act();
      return { resultStatus: '9000', subCode: null };
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      return { resultStatus: '4000', subCode: error.subCode };
    }
  };
  return {
    identify: (buyerId) =>
      answer(() => {
        const trade = enter(state, text, key);
        if (buyerId !== undefined) trade.buyerId = buyerId;
      }),
    pay: ({ late = false } = {}) =>
      answer(() =>
        settleTrade(state, late ? enterLate(state, text, key) : enter(state, text, key)),
      ),
    cancel: () => ({ resultStatus: '6001', subCode: null }),
  };
}

/** The trade, made if this is the buyer's first step. It must be payable now. */
function enter(state: State, text: string, key: KeyLike): FakeTrade {
  closeDue(state);
  const existing = tradeNumbered(state, text);
  if (existing !== undefined) {
    if (existing.status === 'TRADE_CLOSED') throw new GatewayError('40004', 'ACQ.TRADE_HAS_CLOSE');
    if (existing.status === 'WAIT_BUYER_PAY') return existing;
    throw new GatewayError('40004', 'ACQ.TRADE_HAS_SUCCESS');
  }
  const order = orderIn(state, text, key);
  assertInTime(state, order);
  return openTrade(state, order);
}

function enterLate(state: State, text: string, key: KeyLike): FakeTrade {
  const existing = tradeNumbered(state, text);
  const { outTradeNo } = existing ?? orderIn(state, text, key);
  const trade = state.trades.get(outTradeNo);
  if (trade === undefined) {
    return openTrade(state, { ...orderIn(state, text, key), timeExpire: null });
  }
  if (trade.paidAt !== null) throw new GatewayError('40004', 'ACQ.TRADE_HAS_SUCCESS');
  trade.closedAt = null;
  return trade;
}

function tradeNumbered(state: State, text: string): FakeTrade | undefined {
  return [...state.trades.values()].find(({ tradeNo }) => tradeNo === text);
}

function orderIn(state: State, text: string, key: KeyLike): Order {
  const scanned = state.codes.get(text);
  if (scanned !== undefined) return scanned;
  const params = signedParams(text);
  const product = SIGNED_ORDERS.get(params.method ?? '');
  if (product === undefined)
    throw new TypeError('Not an order string, page, code or trade number.');
  assertSigned(state, params, key);
  return readOrder(product, parseBiz(params), params.notify_url || null);
}

/** @throws GatewayError unless the merchant has signed the parameters */
export function assertSigned(state: State, params: Params, key: KeyLike): void {
  if (params.app_id !== state.appId) throw new GatewayError('40002', 'isv.invalid-app-id', true);
  if (params.sign_type !== 'RSA2') throw new GatewayError('40002', 'isv.invalid-signature-type');
  if (params.version !== '1.0') throw new GatewayError('40002', 'isv.invalid-version');
  if (!/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/.test(params.timestamp ?? '')) {
    throw new GatewayError('40002', 'isv.invalid-timestamp');
  }
  if (!isSignedCall(params, key)) throw new GatewayError('40002', 'isv.invalid-signature');
}

/** @throws GatewayError for a `biz_content` that is no JSON object */
export function parseBiz({ biz_content: text = '{}' }: Params): Readonly<Record<string, unknown>> {
  try {
    const biz: unknown = JSON.parse(text);
    if (typeof biz === 'object' && biz !== null && !Array.isArray(biz)) {
      return biz as Readonly<Record<string, unknown>>;
    }
  } catch {
    // Reported below.
  }
  throw new GatewayError('40002', 'isv.invalid-parameter');
}

/** The parameters of an order string, of a page's address, or of the form that posts to it. */
function signedParams(text: string): Params {
  const action = /<form action="([^"]+)"/.exec(text)?.[1];
  if (action !== undefined) {
    const inputs = [...text.matchAll(/<input [^>]*name="([^"]+)" value="([^"]*)"/g)].map(
      ([, name = '', value = '']) => [name, value.replaceAll('&quot;', '"')] as const,
    );
    return { ...Object.fromEntries(new URL(action).searchParams), ...Object.fromEntries(inputs) };
  }
  const query = /^https?:/.test(text) ? new URL(text).searchParams : new URLSearchParams(text);
  return Object.fromEntries(query);
}
