import { type Purchase, SpendcapError } from '@spendcap/core';
import type Stripe from 'stripe';
import type { Limiter } from '../../limiter/types.ts';
import type { Deps } from './deps.ts';
import { fromStripe } from './money.ts';

/** Metadata key of the purchase id in Stripe's objects. */
export const PURCHASE_KEY = 'spendcap_id';

/** Metadata key of the purchase that names the kind of its Stripe object. */
export const KIND_KEY = 'stripe';

export type PaymentKind = 'payment_intent' | 'checkout_session';

interface Marked {
  readonly metadata: Stripe.Metadata | null;
}

/** The purchase id of a Stripe object; `null` if the guard did not create it. */
export function purchaseIdOf({ metadata }: Marked): string | null {
  return metadata?.[PURCHASE_KEY] || null;
}

/** The caller's metadata plus the purchase id, which stays even if the caller clears metadata. */
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
 * Records the status of a PaymentIntent in the ledger: `succeeded` commits the received amount,
 * `canceled` releases. Every other status, including unknown ones, keeps the hold.
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

/** The amount that Stripe moved, in the purchase's currency. @throws for another currency */
function amountOf(minor: number, code: string, purchase: Purchase): string {
  const { amount, currency } = fromStripe(minor, code);
  if (currency === purchase.currency) return amount;
  const message = "Stripe's currency differs from the reserved one.";
  throw new SpendcapError('invalid_currency', message);
}

/**
 * Records the status of a Checkout Session in the ledger. Its PaymentIntent, read again, is
 * authoritative; without one nothing was paid, so a closed session releases.
 */
export async function settleSession(
  { stripe, limiter }: Deps,
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
    // The last attempt failed, and a closed session accepts no further one.
    return limiter.release(id, { reason: 'stripe_session_closed' });
  }
  return settlePayment(limiter, payment);
}

/**
 * Records a refund by its status: `succeeded` refunds, `failed` and `canceled` reverse the refund,
 * anything else waits for the webhook. A refund implies the charge, so a missing commit is recorded
 * first.
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
 * Settles after Stripe's response. If the ledger is temporarily unavailable, the charge still
 * succeeds: the hold counts until the webhook or the reconciler settles it.
 */
export async function settleOrLeave<T>(settle: () => Promise<T>, otherwise: T): Promise<T> {
  try {
    return await settle();
  } catch (error) {
    if (SpendcapError.isInstance(error) && error.retryable) return otherwise;
    throw error;
  }
}

/** The id in a field that Stripe returns as an id or, expanded, as the object. */
export function idOf(field: string | { readonly id: string } | null | undefined): string | null {
  return typeof field === 'string' ? field : (field?.id ?? null);
}
