import { assertOptions } from '@spendcap/core';
import { type FakeAlipayCashier, openCashier } from './fake-alipay/cashier.ts';
import type { FakeAlipayFault } from './fake-alipay/faults.ts';
import { fakeKeys } from './fake-alipay/keys.ts';
import { closeDue } from './fake-alipay/orders.ts';
import { finishRefund } from './fake-alipay/refunds.ts';
import type { FakeAlipayNotice, FakeTrade, State } from './fake-alipay/state.ts';
import { createTransport, type FakeAlipayCall, serve } from './fake-alipay/transport.ts';
import { chinaTime, signNotification } from './fake-alipay/wire.ts';

/** Options of `fakeAlipay`. */
export interface FakeAlipayOptions {
  /** Epoch milliseconds. Default `Date.now`. */
  readonly now?: () => number;
  /** Default `2021000000000001`. */
  readonly appId?: string;
  /** Default `2088000000000001`. */
  readonly sellerId?: string;
}

/** Options of `FakeAlipay.notification`. */
export interface FakeAlipayNotificationOptions {
  readonly url?: string;
  /** Parameters to replace before Alipay signs: another merchant's, or another amount. */
  readonly replace?: Readonly<Record<string, string>>;
  /** Parameters to replace after the signature. */
  readonly tamper?: Readonly<Record<string, string>>;
  /** Signs with a key that is not Alipay's. */
  readonly forged?: boolean;
}

/** The configuration of `alipay-sdk` for a running fake: `new AlipaySdk(server.config)`. */
export interface FakeAlipayConfig {
  readonly appId: string;
  readonly privateKey: string;
  readonly keyType: 'PKCS8';
  readonly alipayPublicKey: string;
  readonly gateway: string;
  readonly endpoint: string;
}

/** A running `FakeAlipay` server. */
export interface FakeAlipayServer {
  readonly config: FakeAlipayConfig;
  /** Stops the server and closes its connections. */
  close(): Promise<void>;
}

/** An in-process Alipay, see `fakeAlipay`. Its objects are live: do not modify them. */
export interface FakeAlipay {
  readonly appId: string;
  readonly sellerId: string;
  /** For `new AlipaySdk`, whose calls would go to the real gateway: sign and verify only. */
  readonly config: Omit<FakeAlipayConfig, 'gateway' | 'endpoint'>;
  /** The API as a request handler, for any host: a dropped connection is `Response.error()`. */
  readonly handle: (request: Request) => Promise<Response>;
  /** The API as `fetch`, for any host: a dropped connection rejects. */
  readonly fetch: (input: string | URL | Request, init?: RequestInit) => Promise<Response>;
  /** Every received call, in order. */
  readonly calls: readonly FakeAlipayCall[];
  /** Every notification, in order. */
  readonly notices: readonly FakeAlipayNotice[];
  /** Every trade. */
  trades(): readonly FakeTrade[];
  /** Paid minus refunded, in fen. */
  netPaid(): number;
  /** The payment page of an order string, a page's address or form, a QR code or a trade number. */
  cashier(text: string): FakeAlipayCashier;
  /** The refund window of a paid trade ends: `TRADE_FINISHED`, without a notification. */
  finish(outTradeNo: string): void;
  /** Sets the initial state of new refunds; `pending` is answered with `fund_change` N. */
  refundsBegin(state: 'succeeded' | 'pending'): void;
  /** A pending refund ends. */
  finishRefund(outTradeNo: string, outRequestNo: string, outcome: 'succeeded' | 'failed'): void;
  /** Closes expired trades. Every call does so, too. */
  closeDue(): void;
  /** Makes the next matching call fail. */
  fail(fault: FakeAlipayFault): void;
  /** Cancels the pending faults. */
  heal(): void;
  /** The signed request of a notification. */
  notification(notice: FakeAlipayNotice, options?: FakeAlipayNotificationOptions): Request;
  /**
   * Sends notifications to an endpoint, sequentially in this order. Only status 200 and the body
   * `success` acknowledge one.
   */
  deliver(
    notices: readonly FakeAlipayNotice[],
    endpoint: (request: Request) => Promise<Response>,
  ): Promise<readonly Response[]>;
  /** Starts it as a local HTTP server, for `alipay-sdk`. */
  listen(): Promise<FakeAlipayServer>;
}

/**
 * A stateful fake of Alipay's payments, written from its documents: gateway v2 and the v3 API with
 * the merchant's signature checked and signed answers; orders that exist only once a buyer opens
 * them, expiry, close, cancel and refunds with their running total; the buyer's payment page;
 * signed notifications; injected faults.
 *
 * @example
 * ```ts
 * import { fakeAlipay } from '@spendcap/sandbox';
 * import { AlipaySdk } from 'alipay-sdk';
 * const fake = fakeAlipay();
 * const sdk = new AlipaySdk(fake.config);
 * const bizContent = { out_trade_no: 'order_1', total_amount: '6.00', subject: '60 gems' };
 * const orderString = sdk.sdkExec('alipay.trade.app.pay', { bizContent });
 * fake.trades().length; // => 0
 * fake.cashier(orderString).pay(); // => { resultStatus: '9000', subCode: null }
 * fake.netPaid(); // => 600
 * ```
 */
export function fakeAlipay(options: FakeAlipayOptions = {}): FakeAlipay {
  assertOptions('fakeAlipay', options, { now: true, appId: true, sellerId: true });
  const state = newState(options);
  const keys = fakeKeys();
  const transport = createTransport({
    state,
    merchantKey: keys.merchant.publicKey,
    alipayKey: keys.alipay.privateKey,
    foreignKey: keys.foreign.privateKey,
  });
  const notification = notifier(state);
  const config = {
    appId: state.appId,
    privateKey: keys.merchant.privateKey,
    keyType: 'PKCS8',
    alipayPublicKey: keys.alipay.publicKey,
  } as const;
  return {
    appId: state.appId,
    sellerId: state.sellerId,
    config,
    handle: transport.handle,
    async fetch(input, init) {
      const response = await transport.handle(new Request(input, init));
      if (response.type === 'error') throw new TypeError('The connection was closed.');
      return response;
    },
    calls: transport.seen,
    notices: state.notices,
    trades: () => [...state.trades.values()],
    netPaid: () =>
      [...state.trades.values()]
        .filter(({ paidAt }) => paidAt !== null)
        .reduce((sum, trade) => sum + trade.totalFen - trade.refundedFen, 0),
    cashier: (text) => openCashier(state, text, keys.merchant.publicKey),
    finish(outTradeNo) {
      const trade = state.trades.get(outTradeNo);
      if (trade?.status !== 'TRADE_SUCCESS') throw new TypeError('No paid trade.');
      trade.status = 'TRADE_FINISHED';
    },
    refundsBegin(refundState) {
      state.refundState = refundState;
    },
    finishRefund: (outTradeNo, outRequestNo, outcome) =>
      finishRefund(state, { outTradeNo, outRequestNo }, outcome),
    closeDue: () => closeDue(state),
    fail: transport.fail,
    heal: transport.heal,
    notification,
    deliver: (notices, endpoint) => deliver(notices, endpoint, notification),
    async listen() {
      const { base, close } = await serve(transport.handle);
      return { config: { ...config, gateway: `${base}/gateway.do`, endpoint: base }, close };
    },
  };
}

function newState({ now = Date.now, ...ids }: FakeAlipayOptions): State {
  return {
    now,
    appId: ids.appId ?? '2021000000000001',
    sellerId: ids.sellerId ?? '2088000000000001',
    trades: new Map(),
    codes: new Map(),
    notices: [],
    refundState: 'succeeded',
    serial: 0,
  };
}

function notifier(state: State): FakeAlipay['notification'] {
  const keys = fakeKeys();
  return (notice, send = {}) => {
    assertOptions('notification', send, { url: true, replace: true, tamper: true, forged: true });
    const sent = { ...notice.params, notify_time: chinaTime(state.now()), ...send.replace };
    const key = send.forged === true ? keys.foreign.privateKey : keys.alipay.privateKey;
    const form = { ...sent, sign: signNotification(sent, key), ...send.tamper };
    return new Request(send.url ?? notice.url ?? 'https://shop.example/notices/alipay', {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' },
      body: new URLSearchParams(form).toString(),
    });
  };
}

async function deliver(
  notices: readonly FakeAlipayNotice[],
  endpoint: (request: Request) => Promise<Response>,
  notification: FakeAlipay['notification'],
): Promise<readonly Response[]> {
  const answers: Response[] = [];
  for (const notice of notices) {
    const answer = await endpoint(notification(notice));
    const body = await answer.clone().text();
    if (answer.status === 200 && body === 'success') notice.acknowledged = true;
    answers.push(answer);
  }
  return answers;
}
