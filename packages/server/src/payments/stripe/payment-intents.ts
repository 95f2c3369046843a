import { type Purchase, parseMoney, SpendcapError } from '@spendcap/core';
import type Stripe from 'stripe';
import type { Deps } from './deps.ts';
import { callError, forbidden } from './errors.ts';
import { idempotencyKey } from './idempotency.ts';
import { fromStripe } from './money.ts';
import {
  idOf,
  markedMetadata,
  purchaseIdOf,
  purchaseOf,
  settleOrLeave,
  settlePayment,
} from './settle.ts';
import { callOptionsOf, purchaseContextOf, startCharge, startOptionsOf } from './start.ts';
import type { GuardedPaymentIntents } from './types.ts';

const HOLD_SECONDS = 1800;

type Payment = Stripe.Response<Stripe.PaymentIntent>;

/** The statuses after a completed confirmation. */
const CONFIRMED = new Set(['processing', 'requires_capture', 'succeeded']);

export function guardPaymentIntents(deps: Deps): GuardedPaymentIntents<Stripe> {
  const { stripe } = deps;
  return {
    async create(given, options) {
      // Copied, so that the held amount is charged even if the caller modifies the object.
      const params = { ...given };
      const context = purchaseContextOf('payment_intent', options);
      const started = await startCharge<Payment>(deps, {
        kind: 'payment_intent',
        context,
        options: startOptionsOf(options),
        money: fromStripe(params.amount, params.currency),
        expiresInSeconds: context.expiresInSeconds ?? HOLD_SECONDS,
        call: ({ id }, callOptions) =>
          stripe.paymentIntents.create(
            { ...params, metadata: markedMetadata(params.metadata, id) },
            callOptions,
          ),
      });
      if ('allowed' in started) return started;
      const { reservation, result } = started;
      const purchase = await settleOrLeave(
        () => settlePayment(deps.limiter, result),
        reservation.purchase,
      );
      return { ...reservation, purchase, paymentIntent: result };
    },

    async confirm(id, given = {}, options = {}) {
      const params = { ...given };
      const callOptions = callOptionsOf(options);
      const { payment, purchase } = await readMarked(deps, id);
      if (CONFIRMED.has(payment.status)) return settled(deps, payment);
      assertCovered(payment, purchase, params.amount_to_confirm);
      const key = await stepKey('confirm', payment, options.idempotencyKey);
      return step(deps, () =>
        stripe.paymentIntents.confirm(id, params, { ...callOptions, idempotencyKey: key }),
      );
    },

    async capture(id, given = {}, options = {}) {
      const params = { ...given };
      if (params.final_capture === false) {
        throw new TypeError('final_capture: cannot be false, a guarded payment is captured once.');
      }
      const callOptions = callOptionsOf(options);
      const { payment, purchase } = await readMarked(deps, id);
      if (payment.status === 'succeeded') return settled(deps, payment);
      assertCovered(payment, purchase, params.amount_to_capture);
      // New metadata must keep the purchase id, or the payment could not be found by it.
      if (params.metadata !== undefined) {
        params.metadata = markedMetadata(params.metadata, purchase.id);
      }
      const key = await stepKey('capture', payment, options.idempotencyKey);
      return step(deps, () =>
        stripe.paymentIntents.capture(id, params, { ...callOptions, idempotencyKey: key }),
      );
    },

    async cancel(id, params = {}, options = {}) {
      const callOptions = callOptionsOf(options);
      const payment = await stripe.paymentIntents.retrieve(id);
      // Not created by the guard: there is no hold, and no money moves.
      if (purchaseIdOf(payment) === null) {
        return stripe.paymentIntents.cancel(id, params, callOptions);
      }
      if (payment.status === 'canceled') return settled(deps, payment);
      // Without an idempotency key: canceling twice is harmless, and Stripe would replay a 500.
      return step(deps, () => stripe.paymentIntents.cancel(id, params, callOptions));
    },
  };
}

/** Reads a PaymentIntent and its purchase. @throws if the guard did not create it */
async function readMarked({ stripe, limiter }: Deps, paymentId: string) {
  const payment = await stripe.paymentIntents.retrieve(paymentId);
  const id = purchaseIdOf(payment);
  if (id === null) throw forbidden('The PaymentIntent was not created by the guard.');
  return { payment, purchase: await purchaseOf(limiter, id) };
}

/**
 * The hold is open and covers what Stripe would charge: the payment's amount, or the requested
 * amount if it is larger (overcapture).
 */
function assertCovered(payment: Stripe.PaymentIntent, purchase: Purchase, requested = 0): void {
  if (purchase.state !== 'reserved') {
    throw new SpendcapError('purchase_ended', 'The hold of this payment has ended.');
  }
  const { amount, currency } = fromStripe(Math.max(payment.amount, requested), payment.currency);
  const covered =
    currency === purchase.currency &&
    parseMoney(amount, currency) <= parseMoney(purchase.amount, currency);
  if (!covered) throw forbidden('The amount of the PaymentIntent exceeds the reserved amount.');
}

/**
 * The key of a step: the same for a retry in the same state, a new one after a decline. Includes
 * the caller's own key, if any.
 */
function stepKey(verb: string, payment: Stripe.PaymentIntent, own?: string): Promise<string> {
  const attempt = idOf(payment.latest_charge) ?? 'none';
  const parts = [purchaseIdOf(payment) ?? payment.id, payment.status, attempt];
  return idempotencyKey(verb, own === undefined ? parts : [...parts, own]);
}

/** Makes one call on a payment. On any error the hold stays until the outcome is known. */
async function step(deps: Deps, call: () => Promise<Payment>): Promise<Payment> {
  try {
    return await settled(deps, await call());
  } catch (error) {
    throw callError(error);
  }
}

async function settled({ limiter }: Deps, payment: Payment): Promise<Payment> {
  await settleOrLeave<unknown>(() => settlePayment(limiter, payment), null);
  return payment;
}
