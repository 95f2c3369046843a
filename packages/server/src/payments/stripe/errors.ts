import type { CallOutcome } from '@spendcap/core';
import type Stripe from 'stripe';

const REJECTED = new Set([
  'StripeAuthenticationError',
  'StripeCardError',
  'StripeInvalidRequestError',
  'StripePermissionError',
]);

/**
 * What an error of Stripe's client proves about the call. Only a definite rejection by Stripe is
 * `rejected`; closed connections, timeouts, 409, 429 and 5xx are `unknown`.
 */
export function outcomeOf(error: unknown): CallOutcome {
  const type = stripeErrorType(error);
  // Before Stripe 21 also the class of a 409, for a key whose first call is still in flight.
  if (type === 'StripeIdempotencyError') return isConflict(error) ? 'unknown' : 'key_reused';
  return type !== null && REJECTED.has(type) ? 'rejected' : 'unknown';
}

/** The class name in `type`, which identifies Stripe errors of any copy of the package. */
function stripeErrorType(error: unknown): string | null {
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
