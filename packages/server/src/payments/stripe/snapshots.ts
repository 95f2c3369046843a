import type { DisputeSnapshot, Money, RefundSnapshot } from '@spendcap/core';
import type Stripe from 'stripe';
import type { PricedSnapshot } from '../money.ts';
import { fromStripe } from './money.ts';

/** Metadata key of the purchase id in Stripe's objects. */
export const PURCHASE_KEY = 'spendcap_id';

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

/** The id in a field that Stripe returns as an id or, expanded, as the object. */
export function idOf(field: string | { readonly id: string } | null | undefined): string | null {
  return typeof field === 'string' ? field : (field?.id ?? null);
}

/** What can change a snapshot besides the PaymentIntent itself. */
type More = Partial<Pick<PricedSnapshot, 'state' | 'refunds' | 'disputes' | 'reference'>>;

/**
 * What a PaymentIntent says. `succeeded` and `canceled` are final; with every other status, unknown
 * ones included, somebody may still pay.
 */
export function snapshotOfPayment(
  payment: Stripe.PaymentIntent,
  purchaseId: string,
  more: More = {},
): PricedSnapshot {
  const { status } = payment;
  return {
    purchaseId,
    state: status === 'succeeded' || status === 'canceled' ? 'closed' : 'open',
    captured: capturedOf(payment),
    refunds: [],
    reference: payment.id,
    ...more,
  };
}

export function capturedOf(payment: Stripe.PaymentIntent): Money | null {
  const { amount_received: received, currency, status } = payment;
  return status === 'succeeded' && received > 0 ? fromStripe(received, currency) : null;
}

/**
 * What a Checkout Session says, with its PaymentIntent as just read. Without one nothing was paid;
 * a closed session accepts no further attempt.
 */
export function snapshotOfSession(
  session: Stripe.Checkout.Session,
  payment: Stripe.PaymentIntent | null,
  purchaseId: string,
): PricedSnapshot {
  const state = session.status === 'open' ? 'open' : 'closed';
  const reference = session.id;
  if (payment === null) return { purchaseId, state, captured: null, refunds: [], reference };
  const isOver = state === 'closed' && payment.status === 'requires_payment_method';
  return snapshotOfPayment(payment, purchaseId, isOver ? { state, reference } : { reference });
}

/** The refunds of captured money, as the engine takes them. */
export function refundSnapshots(
  payment: Stripe.PaymentIntent,
  refunds: readonly Stripe.Refund[],
): readonly RefundSnapshot[] {
  return refunds.filter((refund) => isOfCaptured(payment, refund)).map(refundSnapshot);
}

/**
 * False for the refund that only releases what was authorised and never captured. Such a refund
 * moves no money, so it has no balance transaction, and the guard has not made it.
 */
function isOfCaptured(payment: Stripe.PaymentIntent, refund: Stripe.Refund): boolean {
  if (payment.status !== 'succeeded') return false;
  if (refund.reason === 'expired_uncaptured_charge') return false;
  const isPart = payment.amount_received < payment.amount;
  return !isPart || purchaseIdOf(refund) !== null || idOf(refund.balance_transaction) !== null;
}

function refundSnapshot({ id, amount, currency, status }: Stripe.Refund): RefundSnapshot {
  const money = fromStripe(amount, currency);
  switch (status) {
    case 'succeeded':
      return { id, amount: money, state: 'succeeded' };
    case 'failed':
    case 'canceled':
      return { id, amount: money, state: 'failed' };
    default:
      return { id, amount: money, state: 'pending' };
  }
}

/**
 * Stripe withdraws the money when a dispute is opened, and reinstates it when it is won. An inquiry
 * (`warning_*`) moves none.
 */
export function disputeSnapshot(dispute: Stripe.Dispute, eventType: string): DisputeSnapshot {
  const { id, amount, currency, status } = dispute;
  const money = { id, amount: fromStripe(amount, currency) };
  if (status === 'won' || eventType === 'charge.dispute.funds_reinstated') {
    return { ...money, state: 'returned' };
  }
  const isWithdrawn = status === 'lost' || eventType === 'charge.dispute.funds_withdrawn';
  return { ...money, state: isWithdrawn ? 'withdrawn' : 'open' };
}
