import { assertOptions } from '@spendcap/core';
import {
  type PlatformKey,
  platformCertificate,
  platformPublicKey,
  rsaPair,
} from './fake-wechat-pay/keys.ts';
import type {
  FakeWechatNotice,
  FakeWechatOrder,
  FakeWechatRefund,
} from './fake-wechat-pay/objects.ts';
import { beginPayment, findOrder, finishPayment } from './fake-wechat-pay/orders.ts';
import { createRefund, finishRefund } from './fake-wechat-pay/refunds.ts';
import type { State } from './fake-wechat-pay/state.ts';
import {
  createTransport,
  type FakeWechatFault,
  type FakeWechatRequest,
  type FakeWechatSignature,
  headersOf,
} from './fake-wechat-pay/transport.ts';
import { seal } from './fake-wechat-pay/wire.ts';

/** Options of `fakeWechatPay`. */
export interface FakeWechatPayOptions {
  /** Epoch milliseconds. Default `Date.now`. */
  readonly now?: () => number;
  /**
   * How WeChat's messages are signed: by a platform certificate (the default) or by the public key
   * that newer merchants have.
   */
  readonly mode?: 'certificate' | 'public_key';
}

/** What the fake's merchant has: test values, made for this process. */
export interface FakeWechatMerchant {
  readonly mchId: string;
  readonly appIds: readonly [string];
  /** Serial number of the merchant's own certificate. */
  readonly serialNo: string;
  /** PEM. */
  readonly privateKey: string;
  /** 32 bytes. */
  readonly apiV3Key: string;
  /** PEM by `Wechatpay-Serial`: all current platform certificates and the public key. */
  readonly platformKeys: Readonly<Record<string, string>>;
}

/** Options of `FakeWechatPay.notification`. */
export interface FakeWechatNotificationOptions {
  /** Anything but `valid` must be rejected by its receiver. Default `valid`. */
  readonly signature?: FakeWechatSignature;
  /** Which key signs. Default by the fake's mode. */
  readonly by?: 'certificate' | 'public_key';
  /** Replaces members of the encrypted text. */
  readonly plaintext?: Readonly<Record<string, unknown>>;
  /** Replaces the encrypted text. */
  readonly sealed?: string;
  /** Changes the encrypted resource before the message is signed. */
  readonly resource?: Readonly<Record<string, string>>;
}

/** Who pays: the player in WeChat's own screens, and the banks behind them. */
export interface FakeWechatCashier {
  /** The player opens the cashier. While the password is entered, a close is refused. */
  begin(outTradeNo: string): FakeWechatOrder;
  /**
   * The player pays, minus a coupon in fen. One who began in time may end after the expiry.
   *
   * @throws Error if the order is closed, paid or expired
   */
  pay(outTradeNo: string, coupon?: number): FakeWechatOrder;
  /** The player leaves the cashier. The order stays open. */
  cancel(outTradeNo: string): void;
  /** The merchant's operator refunds on WeChat's own pages, and the bank settles it. Fen. */
  refund(outTradeNo: string, refund: { readonly amount: number }): FakeWechatRefund;
  /** The bank settles a refund; an `ABNORMAL` one may be settled again. */
  finishRefund(outRefundNo: string, status: 'SUCCESS' | 'CLOSED' | 'ABNORMAL'): FakeWechatRefund;
}

/** An in-process WeChat Pay, see `fakeWechatPay`. Its objects are live: do not modify them. */
export interface FakeWechatPay {
  /** The merchant's credentials; the platform keys are those of this moment. */
  credentials(): FakeWechatMerchant;
  /** The API as a msw handler: a dropped connection is `Response.error()`. */
  readonly handle: (request: Request) => Promise<Response>;
  /** The API as `fetch`: a dropped connection rejects. */
  readonly fetch: (input: string | URL | Request, init?: RequestInit) => Promise<Response>;
  readonly cashier: FakeWechatCashier;
  /** Every received request, in order. */
  readonly requests: readonly FakeWechatRequest[];
  /** Every notification, in order. */
  readonly notices: readonly FakeWechatNotice[];
  /** Every order. */
  orders(): readonly FakeWechatOrder[];
  /** Every refund, also one that failed. */
  refunds(): readonly FakeWechatRefund[];
  /** Paid minus refunded, in fen. */
  netCharged(): number;
  /** From now on a new platform certificate signs; the previous one is still listed. */
  rotate(): void;
  /** Makes the next matching request fail. */
  fail(fault: FakeWechatFault): void;
  /** Cancels the pending faults. */
  heal(): void;
  /** The encrypted and signed request for a notification. */
  notification(notice: FakeWechatNotice, options?: FakeWechatNotificationOptions): Request;
  /** Delivers notifications to an endpoint, sequentially in this order. */
  deliver(
    notices: readonly FakeWechatNotice[],
    endpoint: (request: Request) => Promise<Response>,
  ): Promise<readonly Response[]>;
}

/**
 * A stateful fake of WeChat Pay's API v3: orders of `jsapi`, `app`, `h5` and `native`, close,
 * query, refunds, platform certificates, encrypted and signed notifications, and injected faults,
 * following its documentation. Requests whose signature is wrong are refused. Where the documents
 * disagree it does what is harder for a merchant: closing an order younger than five minutes is
 * answered with success and has no effect, and repeating the order call revives an expired order.
 *
 * @throws TypeError for an unknown option
 */
export function fakeWechatPay(options: FakeWechatPayOptions = {}): FakeWechatPay {
  assertOptions('fakeWechatPay', options, { now: true, mode: true });
  const { now = Date.now, mode = 'certificate' } = options;
  if (mode !== 'certificate' && mode !== 'public_key') {
    throw new TypeError('mode: expected certificate or public_key');
  }
  const state = newState(now);
  const privateKeyPem = rsaPair('merchant')
    .privateKey.export({ type: 'pkcs8', format: 'pem' })
    .toString();
  const keyOf = (by: 'certificate' | 'public_key') =>
    by === 'certificate' ? newestCertificate(state) : state.publicKey;
  const signingKey = () => keyOf(mode);
  const transport = createTransport(state, { serialNo: SERIAL_NO, privateKeyPem, signingKey });
  const notification: FakeWechatPay['notification'] = (notice, sending = {}) => {
    const names = {
      signature: true,
      by: true,
      plaintext: true,
      sealed: true,
      resource: true,
    } as const;
    assertOptions('notification', sending, names);
    return notificationRequest(state, notice, { ...sending, key: keyOf(sending.by ?? mode) });
  };
  return {
    credentials: () => credentialsOf(state, privateKeyPem),
    handle: transport.handle,
    async fetch(input, init) {
      const response = await transport.handle(new Request(input, init));
      if (response.type === 'error') throw new TypeError('The connection was closed.');
      return response;
    },
    cashier: cashierOf(state),
    requests: transport.seen,
    notices: state.notices,
    orders: () => [...state.orders.values()],
    refunds: () => [...state.refunds.values()],
    netCharged: () => netCharged(state),
    rotate() {
      state.certificates.push(platformCertificate(`platform ${state.certificates.length}`, now()));
    },
    fail: transport.fail,
    heal: transport.heal,
    notification,
    async deliver(notices, endpoint) {
      const answers: Response[] = [];
      for (const notice of notices) answers.push(await endpoint(notification(notice)));
      return answers;
    },
  };
}

const SERIAL_NO = '5A6B7C8D9E0F1A2B3C4D5E6F708192A3B4C5D6E7';

function newState(now: () => number): State {
  return {
    now,
    mchId: '1900000001',
    appId: 'wx00000000000000aa',
    apiV3Key: 'example-key-of-32-bytes-for-fake',
    orders: new Map(),
    parameters: new Map(),
    refunds: new Map(),
    notices: [],
    certificates: [platformCertificate('platform 0', now())],
    publicKey: platformPublicKey(),
    serial: 0,
  };
}

function newestCertificate({ certificates, publicKey }: State): PlatformKey {
  return certificates.at(-1) ?? publicKey;
}

function credentialsOf(state: State, privateKey: string): FakeWechatMerchant {
  const { mchId, appId, apiV3Key, certificates, publicKey } = state;
  const platformKeys = Object.fromEntries(
    [...certificates, publicKey].map(({ serial, pem }) => [serial, pem]),
  );
  return { mchId, appIds: [appId], serialNo: SERIAL_NO, privateKey, apiV3Key, platformKeys };
}

function cashierOf(state: State): FakeWechatCashier {
  return {
    begin: (outTradeNo) => beginPayment(state, outTradeNo),
    pay: (outTradeNo, coupon = 0) => finishPayment(state, outTradeNo, coupon),
    cancel(outTradeNo) {
      findOrder(state, outTradeNo).paying = false;
    },
    refund(outTradeNo, { amount }) {
      const { total } = findOrder(state, outTradeNo);
      const out_refund_no = `console_${state.refunds.size + 1}`;
      createRefund(state, {
        ...{ out_trade_no: outTradeNo, out_refund_no },
        amount: { refund: amount, total, currency: 'CNY' },
      });
      return finishRefund(state, out_refund_no, 'SUCCESS');
    },
    finishRefund: (outRefundNo, status) => finishRefund(state, outRefundNo, status),
  };
}

function netCharged({ orders, refunds }: State): number {
  const paid = [...orders.values()].filter(({ transaction_id }) => transaction_id !== null);
  const back = [...refunds.values()].filter(({ status }) => status === 'SUCCESS');
  return (
    paid.reduce((sum, { total }) => sum + total, 0) -
    back.reduce((sum, { refund }) => sum + refund, 0)
  );
}

interface Sending extends FakeWechatNotificationOptions {
  readonly key: PlatformKey;
}

function notificationRequest(state: State, notice: FakeWechatNotice, sending: Sending): Request {
  const { id, create_time, event_type, notify_url } = notice;
  const original_type = event_type === 'TRANSACTION.SUCCESS' ? 'transaction' : 'refund';
  const text = sending.sealed ?? JSON.stringify({ ...notice.plaintext, ...sending.plaintext });
  const sealed = seal(text, state.apiV3Key, original_type);
  const resource = { original_type, ...sealed, ...sending.resource };
  const summary = original_type === 'transaction' ? '支付成功' : '退款通知';
  const body = JSON.stringify({
    ...{ id, create_time, resource_type: 'encrypt-resource', event_type, summary, resource },
  });
  const { signature: kind = 'valid', key } = sending;
  const headers = {
    'content-type': 'application/json',
    ...headersOf(body, { kind, key, now: state.now() }),
  };
  return new Request(notify_url, { method: 'POST', headers, body });
}
