/** The parts of WeChat Pay's objects that a limiter uses, under the API's names. */

/** The API that made an order. */
export type FakeWechatTradeType = 'JSAPI' | 'APP' | 'MWEB' | 'NATIVE';

/** An order. `trade_state` is what a query returns. */
export interface FakeWechatOrder {
  readonly appid: string;
  readonly mchid: string;
  readonly out_trade_no: string;
  readonly description: string;
  readonly trade_type: FakeWechatTradeType;
  readonly notify_url: string;
  readonly attach: string | null;
  readonly openid: string;
  /** Fen. */
  readonly total: number;
  /** Epoch milliseconds. */
  readonly created: number;
  /** The last moment to pay, epoch milliseconds. */
  expires: number;
  /** The latest id; every repeated call of the same API makes a new one. */
  prepay_id: string;
  trade_state: 'NOTPAY' | 'CLOSED' | 'SUCCESS' | 'REFUND';
  /** True while the player is entering the password. */
  paying: boolean;
  transaction_id: string | null;
  /** Fen, after coupons. */
  payer_total: number | null;
  success_time: string | null;
}

/** The state of a refund. `ABNORMAL` is not final. */
export type FakeWechatRefundStatus = 'PROCESSING' | 'SUCCESS' | 'CLOSED' | 'ABNORMAL';

/** A refund. */
export interface FakeWechatRefund {
  readonly refund_id: string;
  readonly out_refund_no: string;
  readonly out_trade_no: string;
  readonly transaction_id: string;
  readonly notify_url: string;
  readonly create_time: string;
  /** Fen. */
  readonly refund: number;
  status: FakeWechatRefundStatus;
  success_time: string | null;
}

/** A notification before it is encrypted and signed. */
export interface FakeWechatNotice {
  readonly id: string;
  readonly create_time: string;
  readonly event_type:
    | 'TRANSACTION.SUCCESS'
    | 'REFUND.SUCCESS'
    | 'REFUND.ABNORMAL'
    | 'REFUND.CLOSED';
  readonly notify_url: string;
  /** What the encrypted `resource` says. */
  readonly plaintext: Readonly<Record<string, unknown>>;
}

/** An object that was parsed from JSON. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** The member of that name if it is an object, otherwise an empty one. */
export function objectIn(value: JsonObject, name: string): JsonObject {
  const member = value[name];
  return typeof member === 'object' && member !== null ? (member as JsonObject) : {};
}
