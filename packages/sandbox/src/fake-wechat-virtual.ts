import { assertOptions } from '@spendcap/core';
import { answerApi } from './fake-wechat-virtual/api.ts';
import {
  type FakeVirtualPayment,
  payOrder,
  refundOrder,
  requestPayment,
} from './fake-wechat-virtual/device.ts';
import {
  type FakeVirtualEvent,
  type FakeVirtualOrder,
  hmac,
  type VirtualState,
} from './fake-wechat-virtual/state.ts';

/** Options of `fakeWechatVirtual`. */
export interface FakeWechatVirtualOptions {
  /** Epoch milliseconds. Default `Date.now`. */
  readonly now?: () => number;
  /** Configured prices in fen, by product id. Default `{ gem60: 600 }`. */
  readonly products?: Readonly<Record<string, number>>;
}

/** Options of `FakeWechatVirtual.notification`. */
export interface FakeVirtualNotificationOptions {
  /** A test message of WeChat's console, which nothing may be booked for. */
  readonly isMock?: boolean;
  /** Replaces members of the payload before it is signed. */
  readonly payload?: Readonly<Record<string, unknown>>;
  /** Signs with another key. */
  readonly appKey?: string;
}

/** An in-process mini-game platform, see `fakeWechatVirtual`. */
export interface FakeWechatVirtual {
  readonly offerId: string;
  readonly appKey: string;
  readonly env: 0 | 1;
  readonly accessToken: string;
  /** The API as a msw handler: a dropped connection is `Response.error()`. */
  readonly handle: (request: Request) => Promise<Response>;
  /** The API as `fetch`: a dropped connection rejects. */
  readonly fetch: (input: string | URL | Request, init?: RequestInit) => Promise<Response>;
  /** A player logs in. @returns the session key */
  login(openid: string): string;
  /** `wx.requestMidasPaymentGameItem` on the player's device: an `errCode`, 0 if all is well. */
  request(openid: string, payment: FakeVirtualPayment): number;
  /** The player pays. @throws Error unless the device has requested the payment */
  pay(outTradeNo: string): FakeVirtualOrder;
  /** WeChat gives an amount back, in fen. */
  refund(outTradeNo: string, amount: number): void;
  /** The next call is answered with errcode -1, or its connection is closed. */
  fail(kind: 'busy' | 'drop'): void;
  /** Cancels the pending faults. */
  heal(): void;
  /** Every order that a device has requested. */
  orders(): readonly FakeVirtualOrder[];
  /** Every event, in order. */
  readonly events: readonly FakeVirtualEvent[];
  /** Paid minus refunded, in fen. */
  netCharged(): number;
  /** The pushed message of an event. */
  notification(event: FakeVirtualEvent, options?: FakeVirtualNotificationOptions): Request;
}

/**
 * A stateful fake of WeChat's virtual payment for mini-games: orders that exist once a device has
 * requested them with both signatures, `queryorderinfo`, and signed deliver and refund events.
 * There is no call that closes an order.
 *
 * @throws TypeError for an unknown option
 */
export function fakeWechatVirtual(options: FakeWechatVirtualOptions = {}): FakeWechatVirtual {
  assertOptions('fakeWechatVirtual', options, { now: true, products: true });
  const { now = Date.now, products = { gem60: 600 } } = options;
  const state: VirtualState = {
    ...{ now, offerId: '1450000001', appKey: 'example-app-key', env: 1, serial: 0, events: [] },
    ...{ sessions: new Map(), products: new Map(Object.entries(products)), orders: new Map() },
  };
  const faults: ('busy' | 'drop')[] = [];
  const handle = async (request: Request): Promise<Response> => {
    const fault = faults.shift();
    if (fault === 'drop') return Response.error();
    if (fault === 'busy') return Response.json({ errcode: -1, errmsg: 'system busy' });
    return answerApi(state, request);
  };
  return {
    ...{ offerId: state.offerId, appKey: state.appKey, env: state.env },
    accessToken: 'fake-access-token',
    handle,
    async fetch(input, init) {
      const response = await handle(new Request(input, init));
      if (response.type === 'error') throw new TypeError('The connection was closed.');
      return response;
    },
    login(openid) {
      const sessionKey = hmac(openid, String(state.sessions.size)).slice(0, 24);
      state.sessions.set(openid, sessionKey);
      return sessionKey;
    },
    request: (openid, payment) => requestPayment(state, openid, payment),
    pay: (outTradeNo) => payOrder(state, outTradeNo),
    refund: (outTradeNo, amount) => refundOrder(state, outTradeNo, amount),
    fail: (kind) => void faults.push(kind),
    heal: () => void faults.splice(0),
    orders: () => [...state.orders.values()],
    events: state.events,
    netCharged: () =>
      [...state.orders.values()]
        .filter(({ payState }) => payState === 2)
        .reduce((sum, order) => sum + order.goodsPrice * order.quantity - order.refunded, 0),
    notification: (event, sending = {}) => notificationOf(state, event, sending),
  };
}

function notificationOf(
  state: VirtualState,
  { event, openid, payload }: FakeVirtualEvent,
  sending: FakeVirtualNotificationOptions,
): Request {
  assertOptions('notification', sending, { isMock: true, payload: true, appKey: true });
  const { isMock = false, appKey = state.appKey } = sending;
  const text = JSON.stringify({ ...payload, ...sending.payload });
  const MiniGame = { Payload: text, PayEventSig: hmac(appKey, `${event}&${text}`), IsMock: isMock };
  const CreateTime = Math.floor(state.now() / 1000);
  const head = { ToUserName: 'gh_fake', FromUserName: openid, CreateTime, MsgType: 'event' };
  const body = JSON.stringify({ ...head, Event: event, MiniGame });
  const headers = { 'content-type': 'application/json' };
  return new Request('https://pay.example.com/midas', { method: 'POST', headers, body });
}
