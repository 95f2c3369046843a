import { randomBytes } from 'node:crypto';
import type { WechatPayClient } from './client.ts';

/** What `wx.requestPayment` and `getBrandWCPayRequest` take. */
export interface JsapiParameters {
  readonly appId: string;
  /** Epoch seconds. */
  readonly timeStamp: string;
  readonly nonceStr: string;
  /** `prepay_id=...` */
  readonly package: string;
  readonly signType: 'RSA';
  readonly paySign: string;
}

/** What the SDKs of Android and iOS take. */
export interface AppParameters {
  readonly appid: string;
  readonly partnerid: string;
  readonly prepayid: string;
  readonly package: 'Sign=WXPay';
  readonly noncestr: string;
  /** Epoch seconds. */
  readonly timestamp: string;
  readonly sign: string;
}

/** An order's link for one app, at one time. */
export interface Prepaid {
  readonly appId: string;
  readonly prepayId: string;
  /** Epoch milliseconds. */
  readonly at: number;
}

/** Signed over app id, time, nonce and package, each with a line feed. */
export function jsapiParameters(wechat: WechatPayClient, prepaid: Prepaid): JsapiParameters {
  const { appId, prepayId, at } = prepaid;
  const timeStamp = String(Math.floor(at / 1_000));
  const nonceStr = randomBytes(16).toString('hex');
  const link = `prepay_id=${prepayId}`;
  const paySign = wechat.sign(payerText(appId, timeStamp, nonceStr, link));
  return { appId, timeStamp, nonceStr, package: link, signType: 'RSA', paySign };
}

/** The same over the bare prepay id; `package` is not signed. */
export function appParameters(wechat: WechatPayClient, prepaid: Prepaid): AppParameters {
  const { appId: appid, prepayId: prepayid, at } = prepaid;
  const timestamp = String(Math.floor(at / 1_000));
  const noncestr = randomBytes(16).toString('hex');
  const sign = wechat.sign(payerText(appid, timestamp, noncestr, prepayid));
  return {
    ...{ appid, partnerid: wechat.mchId, prepayid, package: 'Sign=WXPay', noncestr, timestamp },
    sign,
  };
}

export function payerText(...fields: readonly string[]): string {
  return fields.map((field) => `${field}\n`).join('');
}
