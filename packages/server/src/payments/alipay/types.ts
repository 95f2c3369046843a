import type { Refused, Reservation } from '@spendcap/core';
import type { Limiter } from '../../limiter/types.ts';
import type { PaymentProblem } from '../problems.ts';
import type { PurchaseContext } from '../purchase-context.ts';
import type { AlipayClient } from './client.ts';
import type { AlipaySigned, AlipayStart } from './methods.ts';

/** What the guard needs. */
export interface AlipayDeps {
  /** Your client, for the app and merchant whose payments are limited. */
  readonly alipay: AlipayClient;
  /** Your merchant number (`2088…`). */
  readonly sellerId: string;
  readonly limiter: Limiter;
  /** Epoch milliseconds. Default `Date.now`. */
  readonly now?: () => number;
  /** Called for what the ledger rejected permanently when the answer of a call was applied. */
  readonly onProblem?: (problem: PaymentProblem) => unknown;
}

/** Parameters of a guarded call. */
export interface AlipayParams {
  /** In either spelling of the SDK. `total_amount` is a decimal string of yuan. */
  readonly bizContent: Readonly<Record<string, unknown>>;
  readonly notifyUrl?: string;
  readonly returnUrl?: string;
}

/** Parameters of a read or an allowed method, which may have others beside `bizContent`. */
export type AlipayReadParams = Partial<AlipayParams> & Readonly<Record<string, unknown>>;

/**
 * The purchase of a call that starts a charge. Its hold lasts 17 minutes by default, at least 4.
 */
export interface AlipayPurchaseOptions {
  readonly spendcap: PurchaseContext;
}

/** An allowed purchase, and the order string for the buyer's device. */
export interface AllowedOrder extends Reservation {
  readonly orderString: string;
}

/** An allowed purchase, and the address or form that opens Alipay's page. */
export interface AllowedPage extends Reservation {
  readonly page: string;
}

/** An allowed purchase, and Alipay's answer in the types of your client. */
export interface AllowedTrade<S extends AlipayClient> extends Reservation {
  readonly result: Result<S['exec']>;
}

/** An allowed purchase, and the answer of the v3 API in the types of your client. */
export interface AllowedRestTrade<S extends AlipayClient> extends Reservation {
  readonly result: Result<S['curl']>;
}

type Result<M extends (...args: never[]) => Promise<unknown>> = Awaited<ReturnType<M>>;

/**
 * The guarded methods of your client, in its types: `GuardedAlipay<AlipaySdk>`. It has no others,
 * so nothing can be charged past it.
 */
export interface GuardedAlipay<S extends AlipayClient> {
  /**
   * `alipay.trade.create`, `.precreate` and `.pay`: reserves, then calls. A refusal is a value, and
   * Alipay is not called.
   */
  exec(
    method: AlipayStart,
    params: AlipayParams,
    options: AlipayPurchaseOptions,
  ): Promise<AllowedTrade<S> | Refused>;
  /**
   * Reads, allowed methods, and `alipay.trade.close`, `.cancel` and `.refund` by `out_trade_no`,
   * which settle the purchase. A refund requires `out_request_no`. Answers are verified.
   *
   * @throws SpendcapError `payment_forbidden` for any other method
   */
  exec<M extends string>(
    method: M extends AlipayStart | AlipaySigned ? never : M,
    params?: AlipayReadParams,
  ): Promise<Result<S['exec']>>;
  /** The same for `POST /v3/alipay/trade/create`, `precreate` and `pay`. */
  curl(
    verb: 'POST',
    path: string,
    options: { readonly body: Readonly<Record<string, unknown>> } & AlipayPurchaseOptions,
  ): Promise<AllowedRestTrade<S> | Refused>;
  /** Reads and allowed methods of the v3 API. */
  curl(
    verb: string,
    path: string,
    options?: {
      readonly body?: Readonly<Record<string, unknown>>;
      readonly query?: Readonly<Record<string, string | number>>;
      readonly spendcap?: never;
    },
  ): Promise<Result<S['curl']>>;
  /** `alipay.trade.app.pay`: reserves, then signs the order. */
  sdkExec(
    method: AlipaySigned,
    params: AlipayParams,
    options: AlipayPurchaseOptions,
  ): Promise<AllowedOrder | Refused>;
  /** `alipay.trade.page.pay` and `.wap.pay`: reserves, then signs the address (GET) or form. */
  pageExec(
    method: AlipaySigned,
    httpMethod: 'GET' | 'POST',
    params: AlipayParams,
    options: AlipayPurchaseOptions,
  ): Promise<AllowedPage | Refused>;
}
