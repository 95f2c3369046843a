import type Stripe from 'stripe';
import { captureCharge } from '../capture.ts';
import { forbidden } from '../deps.ts';
import { idempotencyKey } from '../idempotency.ts';
import { callError } from '../outcome.ts';
import { PURCHASE_CONTEXT, purchaseContextOf } from '../purchase-context.ts';
import { applyOrLater, startCharge } from '../start.ts';
import { callOptionsOf, startOptionsOf } from './call-options.ts';
import type { Deps } from './deps.ts';
import { paymentIntentOf } from './errors.ts';
import { fromStripe } from './money.ts';
import { idOf, markedMetadata, purchaseIdOf, snapshotOfPayment } from './snapshots.ts';
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
      const context = purchaseContextOf(options, PURCHASE_CONTEXT);
      const callOptions = startOptionsOf(options);
      const money = fromStripe(params.amount, params.currency);
      const started = await startCharge<Payment>(deps, {
        purchase: { expiresInSeconds: HOLD_SECONDS, ...context, ...money },
        call: async ({ id }) =>
          stripe.paymentIntents.create(
            { ...params, metadata: markedMetadata(params.metadata, id) },
            { ...callOptions, idempotencyKey: await idempotencyKey('start', [id]) },
          ),
        snapshotOf: (payment, { id }) => snapshotOfPayment(payment, id),
        // A declined PaymentIntent could still be paid with another card.
        closeLeft: (error, { id }) => {
          const left = paymentIntentOf(error);
          if (left === null) return null;
          return stripe.paymentIntents
            .cancel(left.id)
            .then((payment) => snapshotOfPayment(payment, id));
        },
      });
      if (!started.allowed) return started;
      const { answer: paymentIntent, ...reservation } = started;
      return { ...reservation, paymentIntent };
    },

    async confirm(id, given = {}, options = {}) {
      const params = { ...given };
      const callOptions = callOptionsOf(options);
      const { payment, purchaseId } = await readMarked(deps, id);
      if (CONFIRMED.has(payment.status)) return settled(deps, payment, purchaseId);
      const key = await stepKey('confirm', payment, options.idempotencyKey);
      return captureCharge<Payment>(deps, {
        purchaseId,
        amount: chargeOf(payment, params.amount_to_confirm),
        call: () =>
          stripe.paymentIntents.confirm(id, params, { ...callOptions, idempotencyKey: key }),
        snapshotOf: (answer) => snapshotOfPayment(answer, purchaseId),
      });
    },

    async capture(id, given = {}, options = {}) {
      const params = { ...given };
      if (params.final_capture === false) {
        throw new TypeError('final_capture: cannot be false, a guarded payment is captured once.');
      }
      const callOptions = callOptionsOf(options);
      const { payment, purchaseId } = await readMarked(deps, id);
      if (payment.status === 'succeeded') return settled(deps, payment, purchaseId);
      // New metadata must keep the purchase id, or the payment could not be found by it.
      if (params.metadata !== undefined) {
        params.metadata = markedMetadata(params.metadata, purchaseId);
      }
      const key = await stepKey('capture', payment, options.idempotencyKey);
      return captureCharge<Payment>(deps, {
        purchaseId,
        amount: chargeOf(payment, params.amount_to_capture),
        call: () =>
          stripe.paymentIntents.capture(id, params, { ...callOptions, idempotencyKey: key }),
        snapshotOf: (answer) => snapshotOfPayment(answer, purchaseId),
      });
    },

    async cancel(id, params = {}, options = {}) {
      const callOptions = callOptionsOf(options);
      const payment = await stripe.paymentIntents.retrieve(id);
      const purchaseId = purchaseIdOf(payment);
      // Not created by the guard: there is no hold, and no money moves.
      if (purchaseId === null) return stripe.paymentIntents.cancel(id, params, callOptions);
      if (payment.status === 'canceled') return settled(deps, payment, purchaseId);
      try {
        // Without an idempotency key: canceling twice is harmless, and Stripe would replay a 500.
        const canceled = await stripe.paymentIntents.cancel(id, params, callOptions);
        return await settled(deps, canceled, purchaseId);
      } catch (error) {
        throw callError(deps.processor, error);
      }
    },
  };
}

/** Reads a PaymentIntent and its purchase id. @throws if the guard did not create it */
async function readMarked({ stripe }: Deps, paymentId: string) {
  const payment = await stripe.paymentIntents.retrieve(paymentId);
  const purchaseId = purchaseIdOf(payment);
  if (purchaseId === null) throw forbidden('The PaymentIntent was not created by the guard.');
  return { payment, purchaseId };
}

/** What Stripe would charge: the payment's amount, or the requested one if it is larger. */
function chargeOf(payment: Stripe.PaymentIntent, requested = 0) {
  return fromStripe(Math.max(payment.amount, requested), payment.currency);
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

/** Applies the status of a payment whose step is already done. */
async function settled(deps: Deps, payment: Payment, purchaseId: string): Promise<Payment> {
  await applyOrLater(deps, snapshotOfPayment(payment, purchaseId));
  return payment;
}
