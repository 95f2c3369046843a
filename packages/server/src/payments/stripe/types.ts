import type { Refused, Reservation } from '@spendcap/core';
import type { Limiter } from '../../limiter/types.ts';
import type { PaymentProblem } from '../problems.ts';
import type { PurchaseContext } from '../purchase-context.ts';

type Method = (...args: never[]) => Promise<unknown>;
type List = (...args: never[]) => AsyncIterable<unknown>;
type Methods<Names extends string> = Readonly<Record<Names, Method>>;

/**
 * What is used of Stripe's client. `new Stripe(key)` fits, of any supported version, with its types
 * for ESM or CommonJS.
 */
export interface StripeClient {
  readonly paymentIntents: { readonly search: List } & Methods<
    'create' | 'retrieve' | 'confirm' | 'capture' | 'cancel'
  >;
  readonly checkout: {
    readonly sessions: { readonly list: List } & Methods<'create' | 'retrieve' | 'expire'>;
  };
  readonly refunds: { readonly list: List } & Methods<'create'>;
  readonly charges: Methods<'retrieve'>;
  readonly webhooks: Methods<'constructEventAsync'>;
}

/** The purchase of a Checkout Session. Its hold lasts 40 minutes by default, at least 36. */
export interface SessionPurchase extends PurchaseContext {
  /**
   * The maximum total of the session, in Stripe's integer units. Required if the line items do not
   * determine it (`price` ids, adjustable quantities, shipping, taxes).
   */
  readonly amount?: number;
}

/** Request options of a guarded call. Another account requires its own client and guard. */
export interface CallOptions {
  readonly apiVersion?: string;
  readonly idempotencyKey?: string;
  readonly maxNetworkRetries?: number;
  /** Milliseconds. */
  readonly timeout?: number;
}

/** Request options of a call that starts a charge. The purchase id is the idempotency key. */
export interface PurchaseOptions<P extends PurchaseContext = PurchaseContext>
  extends Omit<CallOptions, 'idempotencyKey'> {
  readonly spendcap: P;
}

/** Of the first overload: in Stripe 20 the last one omits the parameters. */
type ArgsOf<M> = M extends { (...args: infer A): unknown; (...args: infer _B): unknown }
  ? A
  : M extends (...args: infer A) => unknown
    ? A
    : never;

/** Stripe's parameters of a method that starts with them, or with an id before them. */
type Params<M> = ArgsOf<M> extends readonly [(infer P)?, ...unknown[]] ? NonNullable<P> : never;
type ParamsAfterId<M> =
  ArgsOf<M> extends readonly [unknown, (infer P)?, ...unknown[]] ? NonNullable<P> : never;

/** What a method of Stripe's client resolves to: `Stripe.Response<Stripe.PaymentIntent>`, say. */
type Result<M extends Method> = Awaited<ReturnType<M>>;

type PaymentIntents<S extends StripeClient> = S['paymentIntents'];
type Sessions<S extends StripeClient> = S['checkout']['sessions'];

/** An allowed purchase and its PaymentIntent, in the types of your client. */
export interface AllowedPayment<S extends StripeClient> extends Reservation {
  readonly paymentIntent: Result<PaymentIntents<S>['create']>;
}

/** An allowed purchase and its Checkout Session, in the types of your client. */
export interface AllowedSession<S extends StripeClient> extends Reservation {
  readonly session: Result<Sessions<S>['create']>;
}

/** The guarded methods of `stripe.paymentIntents`. */
export interface GuardedPaymentIntents<S extends StripeClient> {
  /**
   * Reserves, then creates. A refusal is a value, and Stripe is not called. A decline with
   * `confirm: true` ends the purchase: the PaymentIntent is canceled and the hold released; retry
   * with a new id.
   */
  create(
    params: Params<PaymentIntents<S>['create']>,
    options: PurchaseOptions,
  ): Promise<AllowedPayment<S> | Refused>;
  /** Confirms while the hold is open. A decline keeps the hold, so another card may be used. */
  confirm(
    id: string,
    params?: ParamsAfterId<PaymentIntents<S>['confirm']>,
    options?: CallOptions,
  ): Promise<Result<PaymentIntents<S>['confirm']>>;
  /** Captures once, commits the captured amount and restores the rest of the hold. */
  capture(
    id: string,
    params?: ParamsAfterId<PaymentIntents<S>['capture']>,
    options?: CallOptions,
  ): Promise<Result<PaymentIntents<S>['capture']>>;
  /** Cancels, and releases the hold once the status is `canceled`. */
  cancel(
    id: string,
    params?: ParamsAfterId<PaymentIntents<S>['cancel']>,
    options?: CallOptions,
  ): Promise<Result<PaymentIntents<S>['cancel']>>;
}

/** The guarded methods of `stripe.checkout.sessions`. */
export interface GuardedSessions<S extends StripeClient> {
  /** Reserves, then opens a session of mode `payment` that expires five minutes before the hold. */
  create(
    params: Params<Sessions<S>['create']>,
    options: PurchaseOptions<SessionPurchase>,
  ): Promise<AllowedSession<S> | Refused>;
  /** Expires the session, and releases the hold if nothing was paid. */
  expire(
    id: string,
    params?: ParamsAfterId<Sessions<S>['expire']>,
    options?: CallOptions,
  ): Promise<Result<Sessions<S>['expire']>>;
}

/** The guarded methods of `stripe.refunds`. */
export interface GuardedRefunds<S extends StripeClient> {
  /** Refunds, and records it once it has succeeded. A partial refund requires `idempotencyKey`. */
  create(
    params: Params<S['refunds']['create']>,
    options?: CallOptions,
  ): Promise<Result<S['refunds']['create']>>;
}

type Replaced<T, By> = Omit<T, keyof By> & By;

/**
 * Your client with every method guarded or blocked that could move money. Reads are unchanged.
 * `GuardedStripe<Stripe>`, with the `Stripe` that your program imports.
 */
export type GuardedStripe<S extends StripeClient> = Replaced<
  S,
  {
    readonly paymentIntents: Replaced<PaymentIntents<S>, GuardedPaymentIntents<S>>;
    readonly checkout: Replaced<
      S['checkout'],
      { readonly sessions: Replaced<Sessions<S>, GuardedSessions<S>> }
    >;
    readonly refunds: Replaced<S['refunds'], GuardedRefunds<S>>;
  }
>;

/** What the guard needs. */
export interface StripeDeps {
  /** Your client, for the account whose payments are limited. */
  readonly stripe: StripeClient;
  readonly limiter: Limiter;
  /**
   * The name that holds are kept under. Default `stripe`. If several accounts share a ledger, each
   * needs one of its own, in the guard and in `stripeProcessor`, so that no reconciler settles the
   * holds of another account.
   */
  readonly name?: string;
  /** Epoch milliseconds. Default `Date.now`. */
  readonly now?: () => number;
  /** Called for what the ledger rejected permanently when the answer of a call was applied. */
  readonly onProblem?: (problem: PaymentProblem) => unknown;
}
