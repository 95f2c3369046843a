import { type Purchase, parseMoney, SpendcapError } from '@spendcap/core';
import type Stripe from 'stripe';
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
import { callOptionsOf, purchaseContextOf, startCharge } from './start.ts';
import type { GuardedPaymentIntents, StripeDeps } from './types.ts';

const HOLD_SECONDS = 1800;

type Verbs = Pick<GuardedPaymentIntents, 'create' | 'confirm' | 'capture' | 'cancel'>;
type Payment = Stripe.Response<Stripe.PaymentIntent>;

/** The statuses in which a confirmation has done its work. */
const CONFIRMED = new Set(['processing', 'requires_capture', 'succeeded']);

export function guardPaymentIntents(deps: StripeDeps): Verbs {
  const { stripe } = deps;
  return {
    async create(given, options) {
      // As it is now: what is held is what is charged, whatever the caller does to it meanwhile.
      const params = { ...given };
      const context = purchaseContextOf(options);
      const started = await startCharge<Payment>(deps, {
        kind: 'payment_intent',
        context,
        options: callOptionsOf(options),
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
        throw new TypeError('A guarded payment is captured once: final_capture cannot be false.');
      }
      const callOptions = callOptionsOf(options);
      const { payment, purchase } = await readMarked(deps, id);
      if (payment.status === 'succeeded') return settled(deps, payment);
      assertCovered(payment, purchase, params.amount_to_capture);
      // Without its purchase's id a payment that was made would never be found again.
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
      // Not of the guard's making: no hold, and no money moves.
      if (purchaseIdOf(payment) === null) {
        return stripe.paymentIntents.cancel(id, params, callOptions);
      }
      if (payment.status === 'canceled') return settled(deps, payment);
      // No key of ours: a second cancellation does no harm, and a kept 500 would bar the way.
      return step(deps, () => stripe.paymentIntents.cancel(id, params, callOptions));
    },
  };
}

/** Reads a PaymentIntent and its purchase; one that the guard did not make may not move money. */
async function readMarked({ stripe, limiter }: StripeDeps, paymentId: string) {
  const payment = await stripe.paymentIntents.retrieve(paymentId);
  const id = purchaseIdOf(payment);
  if (id === null) throw forbidden('The PaymentIntent was not created by the guard.');
  return { payment, purchase: await purchaseOf(limiter, id) };
}

/**
 * The hold lives, and is at least as large as what Stripe would charge: the payment's amount, or what
 * this call asks for, which may be more (overcapture).
 */
function assertCovered(payment: Stripe.PaymentIntent, purchase: Purchase, asked = 0): void {
  if (purchase.state !== 'reserved') {
    throw new SpendcapError('purchase_ended', 'The hold of this payment has ended.');
  }
  const { amount, currency } = fromStripe(Math.max(payment.amount, asked), payment.currency);
  const covered =
    currency === purchase.currency &&
    parseMoney(amount, currency) <= parseMoney(purchase.amount, currency);
  if (!covered) throw forbidden('The PaymentIntent would charge more than was reserved.');
}

/**
 * A step repeated in the same state has the same key; after a decline it is another attempt, with
 * another key. Your own key, if you give one, is made part of it.
 */
function stepKey(verb: string, payment: Stripe.PaymentIntent, own?: string): Promise<string> {
  const attempt = idOf(payment.latest_charge) ?? 'none';
  const parts = [purchaseIdOf(payment) ?? payment.id, payment.status, attempt];
  return idempotencyKey(verb, own === undefined ? parts : [...parts, own]);
}

/**
 * Makes one call on a payment; whatever goes wrong, the hold stays until Stripe has told the truth.
 */
async function step(deps: StripeDeps, call: () => Promise<Payment>): Promise<Payment> {
  try {
    return await settled(deps, await call());
  } catch (error) {
    throw callError(error);
  }
}

async function settled({ limiter }: StripeDeps, payment: Payment): Promise<Payment> {
  await settleOrLeave<unknown>(() => settlePayment(limiter, payment), null);
  return payment;
}
