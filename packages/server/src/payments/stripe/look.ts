import type { Money, Purchase } from '@spendcap/core';
import type Stripe from 'stripe';
import { addMoney, type PricedSnapshot } from '../money.ts';
import { outcomeOf } from './errors.ts';
import {
  capturedOf,
  idOf,
  PURCHASE_KEY,
  refundSnapshots,
  snapshotOfPayment,
  snapshotOfSession,
} from './snapshots.ts';

/** What to do with a payment or session that was found. */
interface Look {
  readonly payment: typeof paymentSnapshot;
  readonly session: typeof sessionSnapshot;
}

/**
 * All that Stripe says about a hold: about its own PaymentIntent or Checkout Session, whose id it
 * has unless the call that made it was not answered, and about any other payment with its mark.
 * Only an unguarded client makes several; all captured money counts.
 */
async function find(stripe: Stripe, held: Purchase, look: Look): Promise<PricedSnapshot> {
  const { id, processorRef: own } = held;
  const snapshots: PricedSnapshot[] = [];
  const seen = new Set<string | null>([own]);
  if (own?.startsWith('cs_')) {
    const session = await stripe.checkout.sessions.retrieve(own);
    snapshots.push(await look.session(stripe, session, id));
    seen.add(idOf(session.payment_intent));
  } else if (own !== null) {
    snapshots.push(await look.payment(stripe, await stripe.paymentIntents.retrieve(own), id));
  }
  for (const found of await search(stripe, id)) {
    if (seen.has(found)) continue;
    // The search index may be stale; the object is not.
    snapshots.push(await look.payment(stripe, await stripe.paymentIntents.retrieve(found), id));
  }
  return combined(id, snapshots);
}

export const query = (stripe: Stripe, held: Purchase) =>
  find(stripe, held, { payment: paymentSnapshot, session: sessionSnapshot });

export const close = (stripe: Stripe, held: Purchase) =>
  find(stripe, held, { payment: closePayment, session: closeSession });

function combined(purchaseId: string, snapshots: readonly PricedSnapshot[]): PricedSnapshot {
  const [first, ...more] = snapshots;
  if (first === undefined) return { purchaseId, state: 'unseen', captured: null, refunds: [] };
  if (more.length === 0) return first;
  // Until all of them are final, the total is not known.
  if (snapshots.some(({ state }) => state === 'open')) {
    return { purchaseId, state: 'open', captured: null, refunds: [] };
  }
  return {
    purchaseId,
    state: 'closed',
    captured: snapshots.reduce<Money | null>((sum, { captured }) => addMoney(sum, captured), null),
    refunds: snapshots.flatMap(({ refunds }) => ('total' in refunds ? [] : refunds)),
  };
}

/** The ids of the PaymentIntents with the mark of a purchase. */
async function search(stripe: Stripe, purchaseId: string): Promise<readonly string[]> {
  const value = purchaseId.replaceAll('\\', '\\\\').replaceAll('"', '\\"');
  const query = `metadata["${PURCHASE_KEY}"]:"${value}"`;
  const ids: string[] = [];
  for await (const { id } of stripe.paymentIntents.search({ query, limit: 100 })) ids.push(id);
  return ids;
}

/** What a payment says, with its refunds if it was captured. */
export async function paymentSnapshot(
  stripe: Stripe,
  payment: Stripe.PaymentIntent,
  purchaseId: string,
): Promise<PricedSnapshot> {
  if (capturedOf(payment) === null) return snapshotOfPayment(payment, purchaseId);
  const refunds: Stripe.Refund[] = [];
  for await (const refund of stripe.refunds.list({ payment_intent: payment.id, limit: 100 })) {
    refunds.push(refund);
  }
  return snapshotOfPayment(payment, purchaseId, { refunds: refundSnapshots(payment, refunds) });
}

/** What a session says, with its PaymentIntent read again: that is authoritative. */
export async function sessionSnapshot(
  stripe: Stripe,
  session: Stripe.Checkout.Session,
  purchaseId: string,
): Promise<PricedSnapshot> {
  const paymentId = idOf(session.payment_intent);
  const payment = paymentId === null ? null : await stripe.paymentIntents.retrieve(paymentId);
  const known = snapshotOfSession(session, payment, purchaseId);
  if (payment === null || known.captured === null) return known;
  const { refunds } = await paymentSnapshot(stripe, payment, purchaseId);
  return { ...known, refunds };
}

/** Cancels a payment that could still be paid, then says what it is. */
async function closePayment(
  stripe: Stripe,
  payment: Stripe.PaymentIntent,
  purchaseId: string,
): Promise<PricedSnapshot> {
  switch (payment.status) {
    case 'requires_action':
    case 'requires_confirmation':
    case 'requires_payment_method':
      break;
    default:
      return paymentSnapshot(stripe, payment, purchaseId);
  }
  // The PaymentIntent of a session cannot be canceled; expiring the session closes it.
  const sessions = await stripe.checkout.sessions.list({ payment_intent: payment.id, limit: 1 });
  const [session] = sessions.data;
  if (session !== undefined) return closeSession(stripe, session, purchaseId);
  try {
    return snapshotOfPayment(await stripe.paymentIntents.cancel(payment.id), purchaseId);
  } catch (error) {
    // Its status changed in between: the next run sees the new one.
    if (outcomeOf(error) === 'rejected') return snapshotOfPayment(payment, purchaseId);
    throw error;
  }
}

/** Expires a session that is open, then says what it is. */
async function closeSession(
  stripe: Stripe,
  session: Stripe.Checkout.Session,
  purchaseId: string,
): Promise<PricedSnapshot> {
  const closed =
    session.status === 'open' ? await stripe.checkout.sessions.expire(session.id) : session;
  return sessionSnapshot(stripe, closed, purchaseId);
}

/** The current PaymentIntent of a refund; `null` for a charge without one. */
export async function refundedPayment(
  stripe: Stripe,
  {
    payment_intent,
    charge,
  }: {
    readonly payment_intent?: string | Stripe.PaymentIntent | null;
    readonly charge?: string | Stripe.Charge | null;
  },
): Promise<Stripe.PaymentIntent | null> {
  const paymentId = idOf(payment_intent);
  if (paymentId !== null) return stripe.paymentIntents.retrieve(paymentId);
  const chargeId = idOf(charge);
  if (chargeId === null) return null;
  const ofCharge = idOf((await stripe.charges.retrieve(chargeId)).payment_intent);
  return ofCharge === null ? null : stripe.paymentIntents.retrieve(ofCharge);
}
