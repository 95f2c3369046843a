import { type Purchase, parseMoney } from '@spendcap/core';
import { type GuardedStripe, guardStripe, stripeProcessor } from '@spendcap/server/payments/stripe';
import Stripe from 'stripe';
import { type FakeStripe, fakeStripe } from '../../fake-stripe.ts';
import type { Product } from '../products.ts';
import {
  attempt,
  contextOf,
  known,
  outbox,
  type PaymentDeps,
  type PaymentMethod,
  type Provider,
} from './method.ts';

type Payments = GuardedStripe<Stripe>;

/** Confirmed by the bank only later. */
const SLOW_METHOD = 'pm_usBankAccount_success';

/** A saved card, and Stripe's own payment page. */
export function stripeProvider({ limiter, now }: PaymentDeps): Provider {
  const fake = fakeStripe({ now });
  const httpClient = Stripe.createFetchHttpClient(fake.fetch);
  const stripe = new Stripe('sk_test_sandbox', { httpClient, telemetry: false });
  const payments = guardStripe({ stripe, limiter, now });
  return {
    engine: {
      ...{ limiter, now },
      processor: stripeProcessor({ stripe, secrets: [fake.webhookSecret] }),
    },
    methods: [savedCard(payments, fake), checkout(payments, fake)],
    path: '/webhooks/stripe',
    notify: outbox(fake.events, fake.deliver),
  };
}

function savedCard(payments: Payments, fake: FakeStripe): PaymentMethod {
  return {
    name: 'card',
    label: { en: 'Saved card (Stripe)', zh: '已存银行卡（Stripe）' },
    start: (order) =>
      payments.paymentIntents.create(
        {
          ...priceOf(order.product),
          payment_method: 'pm_card_visa',
          automatic_payment_methods: { enabled: true, allow_redirects: 'never' },
          confirm: true,
        },
        { spendcap: contextOf(order) },
      ),
    cashier: null,
    refund: (purchase) => refundAll(payments, fake, purchase),
  };
}

function checkout(payments: Payments, fake: FakeStripe): PaymentMethod {
  /** By purchase id. A real shop finds the session in its database. */
  const sessions = new Map<string, string>();
  const complete = (id: string, method?: string) => {
    const session = known(sessions, id);
    return attempt(() => fake.completeCheckout(session, method));
  };
  return {
    name: 'stripe_checkout',
    label: { en: 'Stripe Checkout', zh: 'Stripe 收银台' },
    async start(order) {
      const { amount: unit_amount, currency } = priceOf(order.product);
      const price_data = { currency, unit_amount, product_data: { name: order.product.title.en } };
      const opened = await payments.checkout.sessions.create(
        {
          mode: 'payment',
          line_items: [{ price_data, quantity: 1 }],
          success_url: 'https://shop.example/thanks',
        },
        { spendcap: contextOf(order) },
      );
      if (opened.allowed) sessions.set(order.id, opened.session.id);
      return opened;
    },
    cashier: {
      whenCancelled: {
        en: 'The shop ends the payment immediately, and the hold is released.',
        zh: '商店立刻结束这笔付款，预留随即取消。',
      },
      pay: (id) => complete(id),
      begin: (id) => complete(id, SLOW_METHOD),
      finish: (id) => attempt(() => fake.finishProcessing(paymentIn(fake, id), true)),
      async cancel(id) {
        await payments.checkout.sessions.expire(known(sessions, id));
      },
    },
    refund: (purchase) => refundAll(payments, fake, purchase),
  };
}

async function refundAll(payments: Payments, fake: FakeStripe, { id }: Purchase): Promise<void> {
  await payments.refunds.create({ payment_intent: paymentIn(fake, id) });
}

/** The id of a purchase's payment: the guard writes the purchase id into the metadata. */
function paymentIn(fake: FakeStripe, id: string): string {
  return fake.paymentIntents().find(({ metadata }) => metadata.spendcap_id === id)?.id ?? '';
}

function priceOf({ price, currency }: Product) {
  return { amount: parseMoney(price, currency), currency: currency.toLowerCase() };
}
