import {
  checkFields,
  type OptionNames,
  type Purchase,
  type Refused,
  type Reservation,
  SpendcapError,
} from '@spendcap/core';
import type { PaymentDeps } from '../deps.ts';
import { PURCHASE_CONTEXT, purchaseContextOf } from '../purchase-context.ts';
import { startCharge } from '../start.ts';
import type { JsonObject, WechatPayClient } from './client.ts';
import { fromFen } from './money.ts';
import type { JsapiOrder, WechatPayOrder, WechatPayPurchaseOptions } from './types.ts';

/**
 * The hold outlives the order's expiry: WeChat lets a player finish who began before it, and moves
 * an expiry less than a minute ahead to one minute.
 */
const MARGIN_SECONDS = 120;
const HOLD_SECONDS = 15 * 60 + MARGIN_SECONDS;
/** An order is closed five minutes after it was made, at the earliest. */
const SHORTEST_HOLD_SECONDS = 5 * 60 + MARGIN_SECONDS;

export interface OrderDeps extends PaymentDeps {
  readonly wechat: WechatPayClient;
  readonly notifyUrl: string;
  readonly now: () => number;
}

/** One of the APIs that make an order. They differ in path and answer only. */
export interface OrderApi<T> {
  readonly kind: 'jsapi' | 'app' | 'h5' | 'native';
  /** The member of the answer that the player's device needs. */
  readonly member: 'prepay_id' | 'h5_url' | 'code_url';
  /** What the caller gets of it. */
  readonly paymentOf: (link: string, appId: string) => T;
}

const ORDER: OptionNames<WechatPayOrder & Pick<JsapiOrder, 'payer'>> = {
  description: true,
  amount: true,
  appid: true,
  attach: true,
  goods_tag: true,
  limit_pay: true,
  support_fapiao: true,
  detail: true,
  scene_info: true,
  settle_info: true,
  payer: true,
};

/** The guarded call of one API. */
export function guardOrder<T>(deps: OrderDeps, api: OrderApi<T>) {
  return async (
    given: WechatPayOrder,
    options: WechatPayPurchaseOptions,
  ): Promise<Refused | (Reservation & T)> => {
    const context = purchaseContextOf(options, PURCHASE_CONTEXT);
    checkFields(given, ORDER, 'order');
    checkFields(given.amount, { total: true, currency: true }, 'order.amount');
    // Copied, so that the held amount is charged even if the caller modifies the object.
    const order = { ...given, amount: { ...given.amount } };
    const { expiresInSeconds = HOLD_SECONDS } = context;
    if (expiresInSeconds < SHORTEST_HOLD_SECONDS) {
      throw new TypeError(`expiresInSeconds: minimum ${SHORTEST_HOLD_SECONDS} for WeChat Pay`);
    }
    const appId = appIdOf(deps.wechat, order);
    const started = await startCharge<string>(deps, {
      purchase: { ...context, ...fromFen(order.amount), expiresInSeconds },
      call: (purchase) => prepay(deps, api, { order, appId, purchase }),
      snapshotOf: (_, { id: purchaseId }) => {
        return { purchaseId, state: 'open', captured: null, refunds: [] };
      },
    });
    if (!started.allowed) return started;
    const { answer, ...reservation } = started;
    return { ...reservation, ...api.paymentOf(answer, appId) };
  };
}

function appIdOf({ appIds }: WechatPayClient, { appid }: WechatPayOrder): string {
  const [only = ''] = appIds;
  if (appid === undefined && appIds.length === 1) return only;
  if (appid !== undefined && appIds.includes(appid)) return appid;
  throw new TypeError('order.appid: expected one of the appIds of the client');
}

interface Prepay {
  readonly order: WechatPayOrder;
  readonly appId: string;
  readonly purchase: Purchase;
}

async function prepay(
  { wechat, notifyUrl, now }: OrderDeps,
  { kind, member }: OrderApi<unknown>,
  { order, appId, purchase }: Prepay,
): Promise<string> {
  const lastPayment = Date.parse(purchase.expiresAt) - MARGIN_SECONDS * 1_000;
  // Repeating the call for an expired order would revive it, for longer than the hold.
  if (purchase.state !== 'reserved' || now() >= lastPayment - 60_000) {
    throw new SpendcapError('purchase_ended', 'The purchase has ended. Use a new id to buy again.');
  }
  const answer = await wechat.request({
    method: 'POST',
    path: `/v3/pay/transactions/${kind}`,
    body: {
      ...order,
      appid: appId,
      mchid: wechat.mchId,
      out_trade_no: purchase.id,
      // Derived from the hold, so that a retry sends the same: another time would be another order.
      time_expire: chinaTime(lastPayment),
      notify_url: notifyUrl,
      amount: { total: order.amount.total, currency: 'CNY' },
    },
  });
  return linkIn(answer, member);
}

function linkIn(answer: JsonObject | null, member: OrderApi<unknown>['member']): string {
  const link = answer?.[member];
  if (typeof link === 'string' && link !== '') return link;
  throw new Error(`WeChat Pay answered an order without ${member}.`);
}

/** RFC 3339 in China's time, in whole seconds. */
function chinaTime(at: number): string {
  return `${new Date(at + 8 * 3_600_000).toISOString().slice(0, 19)}+08:00`;
}
