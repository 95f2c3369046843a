import type { OptionNames } from '@spendcap/core';
import { type FenceOptions, fence, hasMethod } from '../fence.ts';
import { guardSessions } from './checkout.ts';
import { depsOf } from './deps.ts';
import { guardPaymentIntents } from './payment-intents.ts';
import { guardRefunds } from './refunds.ts';
import type { GuardedStripe, StripeClient, StripeDeps } from './types.ts';

/** Options of `guardStripe`. */
export interface GuardStripeOptions<S extends StripeClient> extends StripeDeps {
  /** Your client, for the account whose payments are limited. The guard has its types. */
  readonly stripe: S;
  /**
   * Methods to permit without a hold, by path: `['customers.create', 'paymentIntents.update']`.
   * Anything they charge is not limited.
   */
  readonly allow?: readonly string[];
}

const OPTIONS: OptionNames<GuardStripeOptions<StripeClient>> = {
  stripe: true,
  limiter: true,
  name: true,
  now: true,
  onProblem: true,
  allow: true,
};

/** Methods of Stripe's client that only read: `retrieve`, `list`, `search`, `listLineItems`, ... */
const READ = /(?:^|\.)(?:retrieve|list|search)(?:[A-Z]\w*)?$/;

/** Signature checks, which make no network call. */
const LOCAL = new Set(['webhooks.constructEvent', 'webhooks.constructEventAsync']);

const isRead = (path: string): boolean => READ.test(path) || LOCAL.has(path);

/**
 * Wraps your Stripe client so that no call charges a player beyond the caps. Calls that start a
 * charge (`paymentIntents.create`, `checkout.sessions.create`) take the purchase in
 * `options.spendcap`, reserve it, and return `{ allowed: true, purchase, paymentIntent | session }`
 * or the refusal. A refused purchase makes no network call. Reads are unchanged; every other method
 * rejects with `payment_forbidden` unless `allow` lists it.
 *
 * A definite rejection by Stripe releases the hold. If the outcome is unknown (timeout, closed
 * connection, 409, 429, 5xx) the call rejects with `outcome_unknown` and the hold stays: retry with
 * the same purchase id, which is also Stripe's idempotency key. Use it together with
 * `processorWebhook` and `reconcile`, both with `stripeProcessor`.
 *
 * @example
 * ```ts
 * import { cnGame, createLimiter } from '@spendcap/server';
 * import { guardStripe } from '@spendcap/server/payments/stripe';
 * import { memoryStore } from '@spendcap/server/stores/memory';
 * import Stripe from 'stripe';
 * const limiter = createLimiter({ policy: cnGame(), store: memoryStore() });
 * const guard = guardStripe({ stripe: new Stripe('sk_test_example'), limiter });
 * const answer = await guard.paymentIntents.create(
 *   { amount: 3000, currency: 'cny' },
 *   { spendcap: { id: 'order-1' } }, // no age token: this policy refuses
 * );
 * answer.allowed; // => false
 * ```
 * @throws TypeError for an invalid option, and from a call without `options.spendcap`
 * @throws SpendcapError `payment_forbidden`, `outcome_unknown`, `purchase_ended`,
 * `purchase_conflict`, and the errors of the limiter's methods; Stripe's own errors if the call was
 * definitely rejected
 */
export function guardStripe<S extends StripeClient>(
  options: GuardStripeOptions<S>,
): GuardedStripe<S> {
  const deps = depsOf('guardStripe', options, OPTIONS);
  const { allow = [] } = options;
  const payments = guardPaymentIntents(deps);
  const sessions = guardSessions(deps);
  const refunds = guardRefunds(deps);
  const guarded = new Map<string, unknown>([
    ['paymentIntents.create', payments.create],
    ['paymentIntents.confirm', payments.confirm],
    ['paymentIntents.capture', payments.capture],
    ['paymentIntents.cancel', payments.cancel],
    ['checkout.sessions.create', sessions.create],
    ['checkout.sessions.expire', sessions.expire],
    ['refunds.create', refunds.create],
  ]) as FenceOptions['guarded'];
  for (const path of allow) {
    if (guarded.has(path)) throw new TypeError(`allow: stripe.${path} is guarded.`);
    if (!hasMethod(deps.stripe, path)) {
      throw new TypeError(`allow: stripe.${path} is not a method.`);
    }
  }
  // The fence replaces the guarded methods, as the type declares.
  const guard = fence(deps.stripe, { name: 'stripe', isRead, guarded, allow: new Set(allow) });
  return guard as unknown as GuardedStripe<S>;
}
