import type { Purchase, Refused, Reservation } from '@spendcap/core';
import type { PurchaseContext } from '../purchase-context.ts';
import type { JsonObject, WechatPayCall } from './client.ts';
import type { WechatPayAmount } from './money.ts';
import type { AppParameters, JsapiParameters } from './payer.ts';

/**
 * The parameters of an order, as WeChat Pay names them. `mchid`, `out_trade_no`, `time_expire` and
 * `notify_url` are set by the guard.
 */
export interface WechatPayOrder {
  /** Shown to the player, at most 127 characters. */
  readonly description: string;
  readonly amount: WechatPayAmount;
  /** Required if the merchant has several apps. */
  readonly appid?: string;
  /** Returned in queries and notifications, at most 128 characters. */
  readonly attach?: string;
  readonly goods_tag?: string;
  readonly limit_pay?: readonly string[];
  readonly support_fapiao?: boolean;
  readonly detail?: JsonObject;
  readonly scene_info?: JsonObject;
  readonly settle_info?: JsonObject;
}

/** An order of a mini-program or a page inside WeChat. */
export interface JsapiOrder extends WechatPayOrder {
  readonly payer: { readonly openid: string };
}

/** An order of a page in a mobile browser. */
export interface H5Order extends WechatPayOrder {
  readonly scene_info: {
    readonly payer_client_ip: string;
    readonly h5_info: { readonly type: string } & JsonObject;
  } & JsonObject;
}

/** Options of a call that starts a charge. */
export interface WechatPayPurchaseOptions {
  /**
   * The purchase. Its id is the order number: 6 to 32 letters, digits, `_` or `-`.
   * `expiresInSeconds` is 1,020 by default and at least 420; the player can pay until 120 seconds
   * before.
   */
  readonly spendcap: PurchaseContext;
}

/** An allowed purchase, and what the player's device needs to pay it. */
export interface JsapiPayment extends Reservation {
  readonly payment: JsapiParameters;
}

/** The same for an app. */
export interface AppPayment extends Reservation {
  readonly payment: AppParameters;
}

/** The same for a mobile browser. */
export interface H5Payment extends Reservation {
  /** Opens the cashier. Valid for five minutes. */
  readonly h5Url: string;
}

/** The same for a code on a screen. */
export interface NativePayment extends Reservation {
  /** The content of a QR code. */
  readonly codeUrl: string;
}

/** A refund, as WeChat Pay names its parameters. `amount.currency` is set by the guard. */
export interface WechatPayRefund {
  /** The purchase id. */
  readonly out_trade_no: string;
  /** The idempotency key: a retry with it refunds once. At most 64 of `0-9 A-Z a-z _ - | * @`. */
  readonly out_refund_no: string;
  /** Fen: `total` is that of the order. */
  readonly amount: { readonly refund: number; readonly total: number };
  /** Shown to the player, at most 80 characters. */
  readonly reason?: string;
  readonly funds_account?: 'AVAILABLE';
}

/** Refunds of guarded orders. */
export interface GuardedWechatPayRefunds {
  /** Begins a refund. It gives back once WeChat notifies that it has succeeded. */
  create(refund: WechatPayRefund): Promise<JsonObject>;
  /** Queries a refund, and gives back if it has succeeded. */
  get(outRefundNo: string): Promise<JsonObject>;
}

/** WeChat Pay for one merchant, see `guardWechatPay`. */
export interface GuardedWechatPay {
  /** Reserves, then orders a payment in a mini-program or a page inside WeChat. */
  jsapi(order: JsapiOrder, options: WechatPayPurchaseOptions): Promise<JsapiPayment | Refused>;
  /** Reserves, then orders a payment in an app. */
  app(order: WechatPayOrder, options: WechatPayPurchaseOptions): Promise<AppPayment | Refused>;
  /** Reserves, then orders a payment in a mobile browser. */
  h5(order: H5Order, options: WechatPayPurchaseOptions): Promise<H5Payment | Refused>;
  /** Reserves, then orders a payment by QR code. */
  native(
    order: WechatPayOrder,
    options: WechatPayPurchaseOptions,
  ): Promise<NativePayment | Refused>;
  /**
   * Closes an order that is at least five minutes old, looks, and applies what it finds: `released`
   * if it is closed, `committed` if it was paid. While the player is paying it stays `reserved`.
   */
  close(purchaseId: string): Promise<Purchase>;
  readonly refunds: GuardedWechatPayRefunds;
  /** Any other call: reads, and what `allow` lists. */
  request(call: WechatPayCall): Promise<JsonObject | null>;
}
