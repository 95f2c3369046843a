import { type FakeStripe, fakeStripe } from '@spendcap/sandbox';
import { guardStripe, reconcileStripe, stripeWebhook } from '@spendcap/server/payments/stripe';
import Stripe from 'stripe';
import type { Limiter, ProcessorEntry } from './entry.ts';

type Fetch = FakeStripe['fetch'];

/** Stripe's own client over a `fetch`, without retries of its own. */
export function stripeOver(fetch: Fetch): Stripe {
  return new Stripe('sk_test_fake', {
    maxNetworkRetries: 0,
    telemetry: false,
    httpClient: Stripe.createFetchHttpClient(fetch),
  });
}

export interface ServeOptions {
  readonly fake: FakeStripe;
  readonly limiter: Limiter;
  readonly now: () => number;
  /** How the process reaches the fake. Default `fake.fetch`. */
  readonly fetch?: Fetch;
  readonly allow?: readonly string[];
  readonly onProblem?: Parameters<typeof stripeWebhook>[0]['onProblem'];
}

/** Guard, webhook and reconciler of one server process. */
export function serveStripe({ fake, limiter, now, fetch = fake.fetch, ...options }: ServeOptions) {
  const stripe = stripeOver(fetch);
  const deps = { stripe, limiter, now };
  const { allow = [], onProblem } = options;
  return {
    stripe,
    deps,
    guard: guardStripe({ ...deps, allow }),
    webhook: stripeWebhook({
      ...deps,
      secrets: [fake.webhookSecret],
      ...(onProblem === undefined ? {} : { onProblem }),
    }),
    reconcile: reconcileStripe(deps),
  };
}

export const stripe: ProcessorEntry = {
  name: 'stripe',
  open({ now }) {
    const fake = fakeStripe({ now });
    const received: string[] = [];
    const fetch: Fetch = async (input, init) => {
      const request = new Request(input, init);
      const { method, url, headers } = request;
      received.push([method, url, ...headers, await request.clone().text()].join('\n'));
      return fake.fetch(request);
    };
    return {
      received: () => received,
      serve(limiter) {
        const { guard, webhook, reconcile } = serveStripe({ fake, limiter, now, fetch });
        const payments = new Map<string, string>();
        return {
          async buy({ id, ageToken, amount, currency }) {
            const card = { payment_method: 'pm_card_visa', confirm: true };
            const charge = { amount, currency: currency.toLowerCase(), ...card };
            const answer = await guard.paymentIntents.create(charge, {
              spendcap: { id, ageToken },
            });
            if (answer.allowed) payments.set(id, answer.paymentIntent.id);
            return answer;
          },
          refund: (id) => guard.refunds.create({ payment_intent: payments.get(id) ?? '' }),
          async notify() {
            for (const { ok, status } of await fake.deliver([...fake.events], webhook)) {
              if (!ok) throw new Error(`a notification was answered ${status}`);
            }
          },
          reconcile,
        };
      },
    };
  },
};
