import type Stripe from 'stripe';
import { callError } from './errors.ts';
import { idempotencyKey } from './idempotency.ts';
import { idOf, markedMetadata, purchaseIdOf, settleOrLeave, settleRefund } from './settle.ts';
import { callOptionsOf } from './start.ts';
import type { GuardedRefunds, StripeDeps } from './types.ts';

export function guardRefunds(deps: StripeDeps): Pick<GuardedRefunds, 'create'> {
  const { stripe, limiter } = deps;
  return {
    async create(params, options = {}) {
      const own = options.idempotencyKey;
      if (params.amount !== undefined && own === undefined) {
        throw new TypeError('A part refund needs an idempotencyKey, to be told from the next one.');
      }
      const callOptions = callOptionsOf(options);
      const payment = await refundedPayment(stripe, params);
      const id = payment === null ? null : purchaseIdOf(payment);
      // Not of the guard's making: money goes back, and no purchase waits for it.
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

/** The PaymentIntent that a refund is of, read anew; `null` for a charge that has none. */
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
