import { type Purchase, parseMoney, type Refused, SpendcapError } from '@spendcap/core';
import Stripe from 'stripe';
import type { ReserveBody, SpendcapApi } from './spendcap-api.ts';

/** A game's back end: the only place that holds the API key and talks to the processor. */
export interface Game {
  /** Reserve, charge, commit. A refused order makes no call to the processor. */
  buy(order: ReserveBody): Promise<Purchase | Refused>;
  /** Refunds the whole charge and restores the allowance. */
  refund(id: string, refundId: string): Promise<Purchase>;
}

export interface GameOptions {
  readonly spendcap: SpendcapApi;
  readonly stripe: Stripe;
}

export function createGame({ spendcap, stripe }: GameOptions): Game {
  /** Payment intents by order: a real game keeps these in its database. */
  const charges = new Map<string, string>();

  async function charge(order: ReserveBody): Promise<void> {
    const intent = await stripe.paymentIntents.create(
      {
        amount: parseMoney(order.amount, order.currency),
        currency: order.currency.toLowerCase(),
        payment_method: 'pm_card_visa',
        automatic_payment_methods: { enabled: true, allow_redirects: 'never' },
        confirm: true,
        metadata: { order: order.id },
      },
      { idempotencyKey: order.id },
    );
    if (intent.status !== 'succeeded') {
      throw new SpendcapError('outcome_unknown', 'The charge has neither succeeded nor failed.');
    }
    charges.set(order.id, intent.id);
  }

  return {
    async buy(order) {
      const decision = await spendcap.reserve(order);
      if (!decision.allowed) return decision;
      try {
        await charge(order);
      } catch (error) {
        // Released only if the charge certainly failed; after a timeout the hold stays.
        if (error instanceof Stripe.errors.StripeCardError) {
          await spendcap.release(order.id, 'declined');
        }
        throw error;
      }
      return spendcap.commit(order.id);
    },
    async refund(id, refundId) {
      const intent = charges.get(id);
      if (intent === undefined) {
        throw new SpendcapError('purchase_not_found', 'This game has no sale with this id.');
      }
      await stripe.refunds.create({ payment_intent: intent }, { idempotencyKey: refundId });
      return spendcap.refund(id, refundId);
    },
  };
}

/** True if `buy` returned a refusal. */
export function isRefused(answer: Purchase | Refused): answer is Refused {
  return 'allowed' in answer;
}
