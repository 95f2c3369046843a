import type { Refused, Reservation } from '@spendcap/core';
import type Stripe from 'stripe';
import type { Limiter, Player } from '../../limiter/types.ts';

/** The purchase: `options.spendcap` of a call that starts a charge. */
export interface PurchaseContext extends Player {
  /**
   * Generate and store it before the call: a retry with it never charges twice. 1 to 128
   * characters.
   */
  readonly id: string;
  /**
   * Checkout only: the maximum total of the session, in Stripe's integer units. Required if the
   * line items do not determine it (`price` ids, adjustable quantities, shipping, taxes).
   */
  readonly amount?: number;
  readonly category?: string;
  readonly app?: string;
  readonly product?: string;
  readonly guardianApproval?: string;
  /** Lifetime of the hold. Default 30 minutes; Checkout 40 minutes, minimum 36. */
  readonly expiresInSeconds?: number;
}

/** Request options of a guarded call. Another account requires its own client and guard. */
export type CallOptions = Pick<
  Stripe.RequestOptions,
  'apiVersion' | 'idempotencyKey' | 'maxNetworkRetries' | 'timeout'
>;

/** Request options of a call that starts a charge. The purchase id is the idempotency key. */
export type PurchaseOptions = Omit<CallOptions, 'idempotencyKey'> & {
  readonly spendcap: PurchaseContext;
};

/** An allowed purchase and its PaymentIntent. */
export interface AllowedPayment extends Reservation {
  readonly paymentIntent: Stripe.Response<Stripe.PaymentIntent>;
}

/** An allowed purchase and its Checkout Session. */
export interface AllowedSession extends Reservation {
  readonly session: Stripe.Response<Stripe.Checkout.Session>;
}

type PaymentIntents = Stripe['paymentIntents'];
type Sessions = Stripe['checkout']['sessions'];

/** The guarded `stripe.paymentIntents`. */
export interface GuardedPaymentIntents
  extends Omit<PaymentIntents, 'create' | 'confirm' | 'capture' | 'cancel'> {
  /**
   * Reserves, then creates. A refusal is a value, and Stripe is not called. A decline with
   * `confirm: true` ends the purchase: the PaymentIntent is canceled and the hold released; retry
   * with a new id.
   */
  create(
    params: Stripe.PaymentIntentCreateParams,
    options: PurchaseOptions,
  ): Promise<AllowedPayment | Refused>;
  /** Confirms while the hold is open. A decline keeps the hold, so another card may be used. */
  confirm(
    id: string,
    params?: Stripe.PaymentIntentConfirmParams,
    options?: CallOptions,
  ): Promise<Stripe.Response<Stripe.PaymentIntent>>;
  /** Captures once, commits the captured amount and restores the rest of the hold. */
  capture(
    id: string,
    params?: Stripe.PaymentIntentCaptureParams,
    options?: CallOptions,
  ): Promise<Stripe.Response<Stripe.PaymentIntent>>;
  /** Cancels, and releases the hold once the status is `canceled`. */
  cancel(
    id: string,
    params?: Stripe.PaymentIntentCancelParams,
    options?: CallOptions,
  ): Promise<Stripe.Response<Stripe.PaymentIntent>>;
}

/** The guarded `stripe.checkout.sessions`. */
export interface GuardedSessions extends Omit<Sessions, 'create' | 'expire'> {
  /** Reserves, then opens a session of mode `payment` that expires five minutes before the hold. */
  create(
    params: Stripe.Checkout.SessionCreateParams,
    options: PurchaseOptions,
  ): Promise<AllowedSession | Refused>;
  /** Expires the session, and releases the hold if nothing was paid. */
  expire(
    id: string,
    params?: Stripe.Checkout.SessionExpireParams,
    options?: CallOptions,
  ): Promise<Stripe.Response<Stripe.Checkout.Session>>;
}

/** The guarded `stripe.refunds`. */
export interface GuardedRefunds extends Omit<Stripe['refunds'], 'create'> {
  /** Refunds, and records it once it has succeeded. A partial refund requires `idempotencyKey`. */
  create(
    params: Stripe.RefundCreateParams,
    options?: CallOptions,
  ): Promise<Stripe.Response<Stripe.Refund>>;
}

/**
 * Stripe's client with every method guarded or blocked that could move money. Reads are unchanged.
 */
export type GuardedStripe = Omit<Stripe, 'paymentIntents' | 'checkout' | 'refunds'> & {
  readonly paymentIntents: GuardedPaymentIntents;
  readonly checkout: Omit<Stripe['checkout'], 'sessions'> & { readonly sessions: GuardedSessions };
  readonly refunds: GuardedRefunds;
};

/** What guard, webhook and reconciler need. */
export interface StripeDeps {
  /** Your client, for the account whose payments are limited. */
  readonly stripe: Stripe;
  readonly limiter: Limiter;
  /** Epoch milliseconds. Default `Date.now`. */
  readonly now?: () => number;
}
