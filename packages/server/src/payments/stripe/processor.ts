import { assertOptions, type OptionNames, type Processor } from '@spendcap/core';
import type Stripe from 'stripe';
import { checkClient } from './client.ts';
import { outcomeOf } from './errors.ts';
import { close, query } from './look.ts';
import {
  checkNotifications,
  type NotificationOptions,
  stripeNotifications,
} from './notifications.ts';
import type { StripeClient } from './types.ts';

/** Options of `stripeProcessor`. */
export interface StripeProcessorOptions extends Partial<NotificationOptions> {
  /** Your client, for the account whose payments are limited. */
  readonly stripe: StripeClient;
  /** As in `guardStripe`. */
  readonly name?: string;
}

const OPTIONS: OptionNames<StripeProcessorOptions> = {
  stripe: true,
  name: true,
  secrets: true,
  toleranceSeconds: true,
  account: true,
};

/**
 * Stripe, for `processorWebhook` and `reconcile`. Webhooks require `secrets`. Subscribe the
 * endpoint to `payment_intent.succeeded`, `payment_intent.canceled`, `checkout.session.completed`,
 * `.expired`, `.async_payment_succeeded`, `.async_payment_failed`, `refund.created`,
 * `refund.updated`, `refund.failed`, `charge.refunded` (`charge.refund.updated` with an API version
 * before 2024-10-28), `charge.dispute.funds_withdrawn`, `.funds_reinstated` and `.closed`.
 *
 * @example
 * ```ts
 * import { cnGame, createLimiter } from '@spendcap/server';
 * import { processorWebhook } from '@spendcap/server/payments';
 * import { stripeProcessor } from '@spendcap/server/payments/stripe';
 * import { memoryStore } from '@spendcap/server/stores/memory';
 * import Stripe from 'stripe';
 * const limiter = createLimiter({ policy: cnGame(), store: memoryStore() });
 * const stripe = new Stripe('sk_test_example');
 * const processor = stripeProcessor({ stripe, secrets: ['whsec_example'] });
 * const webhook = processorWebhook({ processor, limiter });
 * const forged = new Request('https://shop.example/stripe', { method: 'POST', body: '{}' });
 * (await webhook(forged)).status; // => 400
 * ```
 * @throws TypeError for an invalid option
 */
export function stripeProcessor(options: StripeProcessorOptions): Processor {
  assertOptions('stripeProcessor', options, OPTIONS);
  const stripe = checkClient(options.stripe);
  const { secrets, toleranceSeconds = 300, account } = options;
  const processor = processorOf(stripe, options.name);
  if (secrets === undefined) return processor;
  const keys = { secrets, toleranceSeconds, ...(account === undefined ? {} : { account }) };
  checkNotifications(keys);
  return { ...processor, notifications: stripeNotifications(stripe, keys) };
}

/** Stripe keeps idempotency keys for at least 24 hours; a later retry might charge twice. */
const KEY_LIFETIME_SECONDS = 23 * 3_600;

/** What the ledger takes as the name of a processor. */
const NAME = /^[a-z][a-z0-9_-]{0,31}$/;

/** Stripe's search may lag by up to an hour (docs.stripe.com/search, "Data freshness"). */
const SEARCH_LAG_SECONDS = 3_600;

export function processorOf(stripe: Stripe, name = 'stripe'): Processor {
  if (typeof name !== 'string' || !NAME.test(name)) {
    throw new TypeError('name must be 1 to 32 lower-case letters, digits, _ or -');
  }
  return {
    name,
    traits: {
      reference: (purchaseId) => purchaseId,
      retrySeconds: KEY_LIFETIME_SECONDS,
      unseenGraceSeconds: SEARCH_LAG_SECONDS,
      captures: 'partial',
      release: 'closed',
      refunds: 'partial',
    },
    outcomeOf,
    query: (held) => query(stripe, held),
    close: (held) => close(stripe, held),
  };
}
