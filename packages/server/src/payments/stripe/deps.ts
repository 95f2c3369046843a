import { assertOptions, type OptionNames } from '@spendcap/core';
import type Stripe from 'stripe';
import type { StripeClient, StripeDeps } from './types.ts';

/** The dependencies with Stripe's own types, which differ for ESM and CommonJS: never exported. */
export interface Deps extends StripeDeps {
  readonly stripe: Stripe;
}

export const DEPS: OptionNames<StripeDeps> = { stripe: true, limiter: true, now: true };

/** @throws TypeError for an unknown option, or one that is required and missing */
export function depsOf<T extends StripeDeps>(owner: string, options: T, names: OptionNames<T>) {
  assertOptions(owner, options, names);
  const { stripe, limiter, now } = options;
  if (!isClient(stripe)) {
    throw new TypeError('stripe must be a client of Stripe, such as new Stripe(key)');
  }
  if (typeof limiter?.reserve !== 'function') {
    throw new TypeError('limiter must be a Limiter, such as createLimiter(...)');
  }
  if (now !== undefined && typeof now !== 'function') {
    throw new TypeError('now must be a function that returns epoch milliseconds');
  }
  return options as T & Deps;
}

function isClient(stripe: StripeClient): boolean {
  return (
    typeof stripe?.paymentIntents?.create === 'function' &&
    typeof stripe.checkout?.sessions?.create === 'function'
  );
}
