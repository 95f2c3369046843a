import { type Purchase, SpendcapError } from '@spendcap/core';
import type Stripe from 'stripe';
import type { Limiter } from '../../limiter/types.ts';
import { fromStripe } from './money.ts';
import type { StripeDeps } from './types.ts';

/** Where Stripe's objects carry the purchase's id. */
export const PURCHASE_KEY = 'spendcap_id';

/** Where the purchase tells what it was started with: one purchase, one object of Stripe's. */
export const KIND_KEY = 'stripe';

export type PaymentKind = 'payment_intent' | 'checkout_session';

interface Marked {
  readonly metadata: Stripe.Metadata | null;
}

/**
 * The purchase that an object of Stripe's belongs to; `null` for one that the guard did not make.
 */
export function purchaseIdOf({ metadata }: Marked): string | null {
  return metadata?.[PURCHASE_KEY] || null;
}

/** Metadata of the caller's, with the purchase's id among it; what clears metadata keeps the id. */
export function markedMetadata(
  metadata: Stripe.Emptyable<Stripe.MetadataParam> | undefined,
  id: string,
): Stripe.MetadataParam {
  return { ...(metadata || {}), [PURCHASE_KEY]: id };
}

export async function purchaseOf(limiter: Limiter, id: string): Promise<Purchase> {
  const purchase = await limiter.get(id);
  if (purchase !== null) return purchase;
  throw new SpendcapError('purchase_not_found', 'The ledger has no purchase with this id.');
}

/**
 * Tells the ledger what became of a PaymentIntent: `succeeded` commits what was received,
 * `canceled` releases, and every other status, also one that is not known yet, keeps the hold.
 */
export async function settlePayment(
  limiter: Limiter,
  payment: Stripe.PaymentIntent,
): Promise<Purchase> {
  const purchase = await purchaseOf(limiter, purchaseIdOf(payment) ?? '');
  switch (payment.status) {
    case 'succeeded':
      return limiter.commit(purchase.id, {
        amount: amountOf(payment.amount_received, payment.currency, purchase),
      });
    case 'canceled':
      return limiter.release(purchase.id, { reason: 'stripe_canceled' });
    default:
      return purchase;
  }
}

/** Money that Stripe moved, as an amount of the purchase: in its currency or not at all. */
function amountOf(minor: number, code: string, purchase: Purchase): string {
  const { amount, currency } = fromStripe(minor, code);
  if (currency === purchase.currency) return amount;
  const message = 'Stripe moved money in another currency than was held.';
  throw new SpendcapError('invalid_currency', message);
}

/**
 * Tells the ledger what became of a Checkout Session. Its PaymentIntent is the truth about the
 * money, and is read anew; without one nothing was paid, so that a closed session releases.
 */
export async function settleSession(
  { stripe, limiter }: StripeDeps,
  session: Stripe.Checkout.Session,
): Promise<Purchase> {
  const id = purchaseIdOf(session) ?? '';
  const paymentId = idOf(session.payment_intent);
  if (paymentId === null) {
    return session.status === 'open'
      ? purchaseOf(limiter, id)
      : limiter.release(id, { reason: 'stripe_session_closed' });
  }
  const payment = await stripe.paymentIntents.retrieve(paymentId);
  if (session.status !== 'open' && payment.status === 'requires_payment_method') {
    // The last attempt failed, and a closed session takes no other.
    return limiter.release(id, { reason: 'stripe_session_closed' });
  }
  return settlePayment(limiter, payment);
}

/**
 * Records a refund by its status: `succeeded` gives back, `failed` and `canceled` take that back
 * again, and anything else waits for the webhook. A refund implies the charge, so a missing commit
 * is made first.
 */
export async function settleRefund(
  limiter: Limiter,
  payment: Stripe.PaymentIntent,
  refund: Stripe.Refund,
): Promise<Purchase> {
  const id = purchaseIdOf(payment) ?? '';
  const record = async (): Promise<Purchase> => {
    switch (refund.status) {
      case 'succeeded': {
        const amount = amountOf(refund.amount, refund.currency, await purchaseOf(limiter, id));
        return limiter.refund(id, { id: refund.id, amount });
      }
      case 'failed':
      case 'canceled':
        return limiter.reverseRefund(id, { id: refund.id });
      default:
        return purchaseOf(limiter, id);
    }
  };
  try {
    return await record();
  } catch (error) {
    if (!SpendcapError.isInstance(error) || error.code !== 'purchase_not_committed') throw error;
    await settlePayment(limiter, payment);
    return record();
  }
}

/**
 * Settles after Stripe has answered. A ledger that is away for a moment does not turn a charge into
 * a failure: the hold counts on, and the webhook or the reconciler settles it.
 */
export async function settleOrLeave<T>(settle: () => Promise<T>, otherwise: T): Promise<T> {
  try {
    return await settle();
  } catch (error) {
    if (SpendcapError.isInstance(error) && error.retryable) return otherwise;
    throw error;
  }
}

/** The id of a field that Stripe gives as an id or, expanded, as the object. */
export function idOf(field: string | { readonly id: string } | null | undefined): string | null {
  return typeof field === 'string' ? field : (field?.id ?? null);
}
