import type { Refused, Reservation } from '@spendcap/core';
import type Stripe from 'stripe';
import type { Limiter, Player } from '../../limiter/types.ts';

/** Who buys what: the `spendcap` member of the request options of a call that starts a charge. */
export interface PurchaseContext extends Player {
  /**
   * Made by you and kept before the call: a retry with it never charges twice. 1 to 128 characters.
   */
  readonly id: string;
  /**
   * Checkout only: the most that the session can charge, in Stripe's integer units. Needed where
   * the line items do not tell it (`price` ids, adjustable quantities, shipping, taxes).
   */
  readonly amount?: number;
  readonly category?: string;
  readonly app?: string;
  readonly product?: string;
  readonly guardianApproval?: string;
  /** How long the player has to pay: the hold's life. 30 minutes, Checkout 40 (at least 36). */
  readonly expiresInSeconds?: number;
}

/** Request options of a guarded call. Another account needs a client and a guard of its own. */
export type CallOptions = Pick<
  Stripe.RequestOptions,
  'apiVersion' | 'idempotencyKey' | 'maxNetworkRetries' | 'timeout'
>;

/** Request options of a call that starts a charge. The idempotency key is the purchase's id. */
export type PurchaseOptions = Omit<CallOptions, 'idempotencyKey'> & {
  readonly spendcap: PurchaseContext;
};

export interface AllowedPayment extends Reservation {
  readonly paymentIntent: Stripe.Response<Stripe.PaymentIntent>;
}

export interface AllowedSession extends Reservation {
  readonly session: Stripe.Response<Stripe.Checkout.Session>;
}

type PaymentIntents = Stripe['paymentIntents'];
type Sessions = Stripe['checkout']['sessions'];
type Payment = Promise<Stripe.Response<Stripe.PaymentIntent>>;

/** `stripe.paymentIntents` under guard. */
export interface GuardedPaymentIntents
  extends Omit<PaymentIntents, 'create' | 'confirm' | 'capture' | 'cancel'> {
  /**
   * Reserves, then creates. A refusal is a value and Stripe is not called. A decline at `confirm:
   * true` ends the purchase: the PaymentIntent is cancelled and the hold given back; buy with a new
   * id.
   */
  create(
    params: Stripe.PaymentIntentCreateParams,
    options: PurchaseOptions,
  ): Promise<AllowedPayment | Refused>;
  /** Confirms while the hold lives. A decline keeps the hold: another card may be tried. */
  confirm(id: string, params?: Stripe.PaymentIntentConfirmParams, options?: CallOptions): Payment;
  /** Captures once, and commits what was captured; the rest of the hold is given back. */
  capture(id: string, params?: Stripe.PaymentIntentCaptureParams, options?: CallOptions): Payment;
  /** Cancels, and gives the hold back once Stripe says `canceled`. */
  cancel(id: string, params?: Stripe.PaymentIntentCancelParams, options?: CallOptions): Payment;
}

/** `stripe.checkout.sessions` under guard. */
export interface GuardedSessions extends Omit<Sessions, 'create' | 'expire'> {
  /** Reserves, then opens a session of mode `payment` that ends five minutes before the hold. */
  create(
    params: Stripe.Checkout.SessionCreateParams,
    options: PurchaseOptions,
  ): Promise<AllowedSession | Refused>;
  /** Closes the session, and gives the hold back if nothing was paid. */
  expire(
    id: string,
    params?: Stripe.Checkout.SessionExpireParams,
    options?: CallOptions,
  ): Promise<Stripe.Response<Stripe.Checkout.Session>>;
}

/** `stripe.refunds` under guard. */
export interface GuardedRefunds extends Omit<Stripe['refunds'], 'create'> {
  /**
   * Refunds, and records it once it has succeeded. A part refund needs your own `idempotencyKey`.
   */
  create(
    params: Stripe.RefundCreateParams,
    options?: CallOptions,
  ): Promise<Stripe.Response<Stripe.Refund>>;
}

/** Stripe's client with every way to move money guarded or closed. Reads are as they were. */
export type GuardedStripe = Omit<Stripe, 'paymentIntents' | 'checkout' | 'refunds'> & {
  readonly paymentIntents: GuardedPaymentIntents;
  readonly checkout: Omit<Stripe['checkout'], 'sessions'> & { readonly sessions: GuardedSessions };
  readonly refunds: GuardedRefunds;
};

/** The client and the limiter that a guard, a webhook or a reconciler works with. */
export interface StripeDeps {
  /** Your client, of the account whose payments are limited. */
  readonly stripe: Stripe;
  readonly limiter: Limiter;
  /** Epoch milliseconds; `Date.now` if absent. */
  readonly now?: () => number;
}
