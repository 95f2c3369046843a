import type Stripe from 'stripe';
import type { Deps } from './deps.ts';
import { callError } from './errors.ts';
import { idempotencyKey } from './idempotency.ts';
import { idOf, markedMetadata, purchaseIdOf, settleOrLeave, settleRefund } from './settle.ts';
import { callOptionsOf } from './start.ts';
import type { GuardedRefunds } from './types.ts';

export function guardRefunds(deps: Deps): GuardedRefunds<Stripe> {
  const { stripe, limiter } = deps;
  return {
    async create(params, options = {}) {
      const own = options.idempotencyKey;
      if (params.amount !== undefined && own === undefined) {
        throw new TypeError('idempotencyKey: required for a partial refund');
      }
      const callOptions = callOptionsOf(options);
      const payment = await refundedPayment(stripe, params);
      const id = payment === null ? null : purchaseIdOf(payment);
      // Not created by the guard: there is no purchase to update.
      if (payment === null || id === null) return stripe.refunds.create(params, callOptions);
      const key = await idempotencyKey('refund', [id, own ?? 'all']);
      try {
        const refund = await stripe.refunds.create(
          { ...params, metadata: markedMetadata(params.metadata, id) },
          { ...callOptions, idempotencyKey: key },
        );
        await settleOrLeave<unknown>(() => settleRefund(limiter, payment, refund), null);
        return refund;
      } catch (error) {
        throw callError(error);
      }
    },
  };
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
