import { guardSessions } from './checkout.ts';
import { type FenceOptions, fence, hasMethod } from './fence.ts';
import { guardPaymentIntents } from './payment-intents.ts';
import { guardRefunds } from './refunds.ts';
import type { GuardedStripe, StripeDeps } from './types.ts';

export interface GuardStripeOptions extends StripeDeps {
  /**
   * Calls that go through without a hold, by path: `['customers.create', 'paymentIntents.update']`.
   * Whatever they charge is not limited.
   */
  readonly allow?: readonly string[];
}

/**
 * Wraps your Stripe client so that no call charges a player beyond the caps. The calls that start a
 * charge (`paymentIntents.create`, `checkout.sessions.create`) take the purchase in
 * `options.spendcap`, reserve it, and answer `{ allowed: true, purchase, paymentIntent | session }`
 * or the refusal; a refused purchase makes no network call. Reads pass. Every other method rejects
 * with `payment_forbidden` unless `allow` names it.
 *
 * A definite "no" of Stripe's gives the hold back. When the outcome is open (time-out, closed
 * connection, 409, 429, 5xx) the call rejects with `outcome_unknown` and the hold stays: retry with
 * the same purchase id, which is also Stripe's idempotency key. Use `stripeWebhook` and
 * `reconcileStripe` beside it.
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
 * @throws TypeError for a wrong option, and in a call without `options.spendcap`
 * @throws SpendcapError `payment_forbidden`, `outcome_unknown`, `purchase_ended`,
 * `purchase_conflict`, and what the limiter's verbs reject with; Stripe's own errors when the call
 * was certainly not done
 */
export function guardStripe({ allow = [], ...deps }: GuardStripeOptions): GuardedStripe {
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
    if (!hasMethod(deps.stripe, path)) throw new TypeError(`allow: stripe.${path} is no method.`);
  }
  // The fence puts the guarded calls in place of the client's own, which is what the type says.
  return fence(deps.stripe, { guarded, allow: new Set(allow) }) as unknown as GuardedStripe;
}
