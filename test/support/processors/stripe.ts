import { parseMoney } from '@spendcap/core';
import { type FakeStripe, type FakeStripeFault, fakeStripe } from '@spendcap/sandbox';
import {
  type PaymentProblem,
  type ProcessorWebhookOptions,
  processorWebhook,
} from '@spendcap/server/payments';
import { guardStripe, stripeProcessor } from '@spendcap/server/payments/stripe';
import Stripe from 'stripe';
import { faultIn, performer } from './deeds.ts';
import type { CommonFault, Limiter, ProcessorEntry, Wanted, Way } from './entry.ts';
import { networkTo } from './network.ts';
import { reconciler } from './reconciler.ts';
import { GUARDED, guardedStripe, OUTSIDE, outsideStripe, stripeBooks } from './stripe-deeds.ts';

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
  readonly onProblem?: (problem: PaymentProblem) => unknown;
}

/** Guard, webhook and reconciler of one server process. */
export function serveStripe({ fake, limiter, now, fetch = fake.fetch, ...options }: ServeOptions) {
  const stripe = stripeOver(fetch);
  const deps = { stripe, limiter, now };
  const { allow = [], onProblem } = options;
  const processor = stripeProcessor({ stripe, secrets: [fake.webhookSecret] });
  const engine: ProcessorWebhookOptions = {
    ...{ processor, limiter, now },
    ...(onProblem === undefined ? {} : { onProblem }),
  };
  return {
    stripe,
    deps,
    engine,
    guard: guardStripe({ ...deps, allow }),
    webhook: processorWebhook(engine),
    reconcile: reconciler(engine),
  };
}

const FAULTS = {
  reject: { kind: 'unauthorized' },
  cut_before: { kind: 'drop_before' },
  cut_after: { kind: 'drop' },
  rate_limit: { kind: 'rate_limit' },
  error: { kind: 'error' },
  slow: { kind: 'delay', milliseconds: 2 },
} satisfies Record<CommonFault, FakeStripeFault>;

const REFUNDS = ['guard_refunds', 'guard_refunds_later', 'operator_refunds'];
const REFUNDED = [REFUNDS, ['refund_succeeds', 'refund_fails']];

const CARD = { payment_method: 'pm_card_visa', confirm: true };
const BANK = { payment_method: 'pm_usBankAccount_success', confirm: true };
const DECLINED = { payment_method: 'pm_card_chargeDeclined', confirm: true };
const AUTHENTICATED = { payment_method: 'pm_card_authenticationRequired', confirm: true };
const MANUAL = { capture_method: 'manual' } as const;

const PAY = ['payer_pays', 'guard_confirms'];
const AUTHENTICATE = ['bank_authenticates', 'bank_refuses'];
const CAPTURE = ['guard_captures', 'guard_cancels'];

/** The parameters of each way, beside the price; `null` for a Checkout page. */
const PARAMS = {
  open: {},
  card: CARD,
  declined: DECLINED,
  authenticated: AUTHENTICATED,
  bank_debit: BANK,
  manual: { ...MANUAL, ...CARD },
  manual_open: MANUAL,
  manual_authenticated: { ...MANUAL, ...AUTHENTICATED },
  checkout: null,
} as const;
type WayName = keyof typeof PARAMS;

const WAYS: Readonly<Record<WayName, Way>> = {
  open: { weight: 20, usually: [PAY, ...REFUNDED] },
  card: { weight: 22, usually: REFUNDED },
  declined: { weight: 8, usually: [['payer_pays', 'payer_declined'], ...REFUNDED] },
  authenticated: { weight: 10, usually: [AUTHENTICATE, ...REFUNDED] },
  bank_debit: { weight: 10, usually: [['bank_processes', 'bank_fails'], ...REFUNDED] },
  manual: { weight: 7, usually: [CAPTURE, ...REFUNDED] },
  manual_open: { weight: 4, usually: [PAY, CAPTURE, ...REFUNDED] },
  manual_authenticated: { weight: 4, usually: [AUTHENTICATE, CAPTURE, ...REFUNDED] },
  checkout: { weight: 25, usually: [['payer_pays', 'payer_declined'], ...REFUNDED] },
};

type Guard = ReturnType<typeof serveStripe>['guard'];

async function start(guard: Guard, { way = 'open', spendcap, ...money }: Wanted) {
  const currency = money.currency.toLowerCase();
  const amount = parseMoney(money.amount, money.currency);
  const params = PARAMS[way as WayName];
  if (params !== null) {
    return guard.paymentIntents.create({ amount, currency, ...params }, { spendcap });
  }
  const price_data = { currency, unit_amount: amount, product_data: { name: 'Gems' } };
  return guard.checkout.sessions.create(
    {
      mode: 'payment',
      success_url: 'https://shop.example/thanks',
      line_items: [{ quantity: 1, price_data }],
    },
    { spendcap },
  );
}

export const stripe: ProcessorEntry = {
  name: 'stripe',
  currencies: { CNY: 80, USD: 10, JPY: 10 },
  ways: WAYS,
  deeds: [...OUTSIDE, ...GUARDED],
  faults: Object.keys(FAULTS),
  open({ now }) {
    const fake = fakeStripe({ now });
    const network = networkTo(fake.fetch);
    const books = stripeBooks(fake);
    const client = stripeOver(fake.fetch);
    const outside = outsideStripe(fake, client);
    return {
      received: network.received,
      serve({ beforeCall, ...shop }) {
        const fetch = network.from(beforeCall);
        const { engine, guard, webhook, reconcile } = serveStripe({
          ...{ ...shop, fake, fetch },
        });
        return {
          ...{ processor: engine.processor, webhook, reconcile },
          start: (wanted) => start(guard, wanted),
          deed: performer(outside, guardedStripe(fake, guard)),
        };
      },
      async pay(id) {
        const payment = await outside.payer_pays(id);
        if (payment === undefined) throw new Error('Stripe has no such payment.');
      },
      async refund(id, { amount }) {
        await outside.operator_refunds(id, parseMoney(amount, 'CNY'));
      },
      async settle() {
        for (const { id, status } of fake.paymentIntents()) {
          if (status === 'processing') fake.finishProcessing(id, true);
          // An authorisation lapses after a week.
          if (status === 'requires_capture') await client.paymentIntents.cancel(id);
        }
        for (const { id, status } of fake.refunds()) {
          if (status === 'pending') fake.finishRefund(id, 'succeeded');
        }
      },
      notifications: (id) =>
        (id === undefined ? fake.events : books.events(id)).map((event) => fake.webhook(event)),
      charges: () => fake.requests.filter(({ path }) => path === '/v1/payment_intents').length,
      fail: (fault) => fake.fail(faultIn(FAULTS, fault)),
      heal: fake.heal,
      books: (id) => ({
        captured: books.payments(id).reduce((sum, payment) => sum + payment.amount_received, 0),
        refunds: books
          .refunds(id)
          .filter(({ status }) => status === 'succeeded')
          .map(({ amount }) => amount),
      }),
    };
  },
};
