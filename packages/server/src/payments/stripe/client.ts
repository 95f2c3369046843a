import type Stripe from 'stripe';
import type { StripeClient } from './types.ts';

/** A client with Stripe's own types. @throws TypeError if it is none */
export function checkClient(stripe: StripeClient): Stripe {
  const isClient =
    typeof stripe?.paymentIntents?.create === 'function' &&
    typeof stripe.checkout?.sessions?.create === 'function';
  if (!isClient) throw new TypeError('stripe must be a client of Stripe, such as new Stripe(key)');
  return stripe as unknown as Stripe;
}
