import type { Purchase } from '@spendcap/core';
import type Stripe from 'stripe';
import { DEPS, type Deps, depsOf } from './deps.ts';
import { outcomeOf } from './errors.ts';
import { fromStripe } from './money.ts';
import { KIND_KEY, PURCHASE_KEY } from './settle.ts';
import type { StripeDeps } from './types.ts';

/** Stripe's search may lag by up to an hour (docs.stripe.com/search, "Data freshness"). */
const SEARCH_LAG_MS = 3_600_000;

/** The result for one overdue hold. `open` holds are checked again by the next call. */
export interface Reconciled {
  readonly purchaseId: string;
  readonly outcome: 'committed' | 'released' | 'open' | 'failed';
  /** With `failed`: the error. The hold still counts. */
  readonly error?: unknown;
}

/**
 * Queries Stripe about the guard's overdue holds, oldest first, and settles them. Paid holds are
 * committed. Open payments are canceled, and released once Stripe confirms that they are closed;
 * payments that are processing or await capture stay open. A hold without a payment at Stripe is
 * released an hour after it expired. Run it every few minutes, in one process.
 *
 * @example
 * ```ts
 * import { cnGame, createLimiter } from '@spendcap/server';
 * import { reconcileStripe } from '@spendcap/server/payments/stripe';
 * import { memoryStore } from '@spendcap/server/stores/memory';
 * import Stripe from 'stripe';
 * const limiter = createLimiter({ policy: cnGame(), store: memoryStore() });
 * const reconcile = reconcileStripe({ stripe: new Stripe('sk_test_example'), limiter });
 * await reconcile({ limit: 50 }); // => []
 * ```
 * @throws TypeError for an invalid option
 * @returns one entry for each hold checked; rejects only if the store cannot list them
 */
export function reconcileStripe(
  options: StripeDeps,
): (options?: { readonly limit?: number }) => Promise<readonly Reconciled[]> {
  const deps = depsOf('reconcileStripe', options, DEPS);
  return async (limits) => {
    const results: Reconciled[] = [];
    for (const purchase of await deps.limiter.overdue(limits)) {
      if (purchase.metadata[KIND_KEY] === undefined) continue;
      const purchaseId = purchase.id;
      try {
        results.push({ purchaseId, outcome: await reconcile(deps, purchase) });
      } catch (error) {
        results.push({ purchaseId, outcome: 'failed', error });
      }
    }
    return results;
  };
}

async function reconcile(deps: Deps, purchase: Purchase): Promise<Reconciled['outcome']> {
  const { limiter, now = Date.now } = deps;
  const payments = await findPayments(deps.stripe, purchase.id);
  if (payments.length === 0 && now() < Date.parse(purchase.expiresAt) + SEARCH_LAG_MS)
    return 'open';
  // Only an unguarded client can create more than one; all captured money counts.
  let paid = 0;
  for (const found of payments) {
    const payment = await close(deps.stripe, found);
    // Charged in another currency than held: needs an operator.
    if (payment === null || payment.currency.toUpperCase() !== purchase.currency) return 'open';
    paid += payment.amount_received;
  }
  if (paid === 0) {
    await limiter.release(purchase.id, { reason: 'stripe_never_paid' });
    return 'released';
  }
  await limiter.commit(purchase.id, { amount: fromStripe(paid, purchase.currency).amount });
  return 'committed';
}

async function findPayments(stripe: Stripe, id: string): Promise<Stripe.PaymentIntent[]> {
  const value = id.replaceAll('\\', '\\\\').replaceAll('"', '\\"');
  const found: Stripe.PaymentIntent[] = [];
  const query = `metadata["${PURCHASE_KEY}"]:"${value}"`;
  for await (const { id: paymentId } of stripe.paymentIntents.search({ query, limit: 100 })) {
    // The search index may be stale; the object is not.
    found.push(await stripe.paymentIntents.retrieve(paymentId));
  }
  return found;
}

/** The payment, once it can no longer be paid; `null` while it can. */
async function close(
  stripe: Stripe,
  payment: Stripe.PaymentIntent,
): Promise<Stripe.PaymentIntent | null> {
  switch (payment.status) {
    case 'succeeded':
    case 'canceled':
      return payment;
    case 'requires_action':
    case 'requires_confirmation':
    case 'requires_payment_method':
      break;
    default:
      return null;
  }
  const sessions = await stripe.checkout.sessions.list({ payment_intent: payment.id, limit: 1 });
  const session = sessions.data[0];
  if (session !== undefined) return closeSession(stripe, session, payment.id);
  try {
    const closed = await stripe.paymentIntents.cancel(payment.id);
    return closed.status === 'canceled' ? closed : null;
  } catch (error) {
    // Its status changed in between: the next run sees the new one.
    if (outcomeOf(error) === 'not_done') return null;
    throw error;
  }
}

/** A session's PaymentIntent cannot be canceled directly; expiring the session closes it. */
async function closeSession(
  stripe: Stripe,
  session: Stripe.Checkout.Session,
  paymentId: string,
): Promise<Stripe.PaymentIntent | null> {
  if (session.status === 'open') await stripe.checkout.sessions.expire(session.id);
  const payment = await stripe.paymentIntents.retrieve(paymentId);
  const closed = ['succeeded', 'canceled', 'requires_payment_method'].includes(payment.status);
  return closed ? payment : null;
}
