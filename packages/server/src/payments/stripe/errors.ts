import { SpendcapError } from '@spendcap/core';
import type Stripe from 'stripe';

/**
 * What an error of Stripe's client proves about the call. Only a definite rejection by Stripe is
 * `not_done`; closed connections, timeouts, 409, 429 and 5xx are `unknown`.
 */
export type CallOutcome = 'not_done' | 'key_reused' | 'unknown';

const NOT_DONE = new Set([
  'StripeAuthenticationError',
  'StripeCardError',
  'StripeInvalidRequestError',
  'StripePermissionError',
]);

export function outcomeOf(error: unknown): CallOutcome {
  const type = stripeErrorType(error);
  // Before Stripe 21 also the class of a 409, for a key whose first call is still in flight.
  if (type === 'StripeIdempotencyError') return isConflict(error) ? 'unknown' : 'key_reused';
  return type !== null && NOT_DONE.has(type) ? 'not_done' : 'unknown';
}

/** The class name in `type`, which identifies Stripe errors of any copy of the package. */
export function stripeErrorType(error: unknown): string | null {
  if (!(error instanceof Error) || !('type' in error)) return null;
  return typeof error.type === 'string' && error.type.startsWith('Stripe') ? error.type : null;
}

function isConflict(error: unknown): boolean {
  return (error as { readonly statusCode?: unknown }).statusCode === 409;
}

/** The PaymentIntent that a failed call has created. */
export function paymentIntentOf(error: unknown): Pick<Stripe.PaymentIntent, 'id'> | null {
  if (stripeErrorType(error) === null) return null;
  return (error as { readonly payment_intent?: Stripe.PaymentIntent }).payment_intent ?? null;
}

/** The error to throw for a failed call: Stripe's own if it is a definite rejection. */
export function callError(error: unknown): unknown {
  if (SpendcapError.isInstance(error)) return error;
  switch (outcomeOf(error)) {
    case 'not_done':
      return error;
    case 'key_reused':
      return new SpendcapError(
        'purchase_conflict',
        'This purchase id was used with other parameters. Use a new id.',
        { cause: error },
      );
    case 'unknown':
      return new SpendcapError(
        'outcome_unknown',
        "Stripe's result is unknown. Retry with the same purchase id.",
        { cause: error },
      );
  }
}

export function forbidden(message: string): SpendcapError {
  return new SpendcapError('payment_forbidden', message);
}
