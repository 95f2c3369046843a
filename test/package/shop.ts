// A user's shop. packed.test.ts compiles it against the installed tarballs, as an ES module and as
// CommonJS, with several versions of Stripe's types.
import { ageTokens, cnGame, createLimiter, type PermitFault } from '@spendcap/server';
import { toExpress } from '@spendcap/server/adapters/express';
import { processorWebhook, reconcile } from '@spendcap/server/payments';
import { type GuardedStripe, guardStripe, stripeProcessor } from '@spendcap/server/payments/stripe';
import { memoryStore } from '@spendcap/server/stores/memory';
import Stripe from 'stripe';

const stripe = new Stripe('sk_test_example');
const jwks = new URL('https://age.example/jwks.json');
const issuers = [{ issuer: 'https://age.example', audience: 'https://shop.example', jwks }];

export const limiter = createLimiter({
  policy: cnGame(),
  store: memoryStore(),
  ageTokens: ageTokens({ issuers }),
});
const guarded = guardStripe({ stripe, limiter, allow: ['customers.create'] });
export const payments: GuardedStripe<Stripe> = guarded;
const processor = stripeProcessor({ stripe, secrets: ['whsec_example'] });
export const webhook = toExpress(processorWebhook({ processor, limiter }));
export const settleOverdue = () => reconcile({ processor, limiter });

export async function buy(id: string): Promise<string | null> {
  const charge = { amount: 4800, currency: 'cny', metadata: { cart: 'c1' } };
  const bought = await guarded.paymentIntents.create(charge, { spendcap: { id } });
  if (bought.allowed) return bought.paymentIntent.client_secret;
  return bought.reasons.map(({ code }) => code).join();
}

export async function open(id: string): Promise<string | null> {
  const opened = await payments.checkout.sessions.create(
    { mode: 'payment', success_url: 'https://shop.example', line_items: [{ price: 'gems' }] },
    { spendcap: { id, amount: 4800 } },
  );
  return opened.allowed ? opened.session.url : null;
}

export async function settle(id: string): Promise<readonly string[]> {
  const confirmed = await payments.paymentIntents.confirm(id, { payment_method: 'pm_card_visa' });
  const captured = await payments.paymentIntents.capture(confirmed.id, { amount_to_capture: 100 });
  const refund = await payments.refunds.create({ payment_intent: captured.id }, { timeout: 5_000 });
  const { status } = await payments.paymentIntents.cancel(id);
  const read = await payments.paymentIntents.retrieve(id);
  const customer = await payments.customers.create({ email: 'parent@shop.example' });
  return [refund.id, status, read.lastResponse.requestId, customer.id];
}

export async function wrongCalls(id: string): Promise<void> {
  const charge = { amount: 4800, currency: 'cny' };
  // @ts-expect-error: a call that starts a charge needs its purchase
  await payments.paymentIntents.create(charge);
  // @ts-expect-error: Stripe's parameters are checked
  await payments.paymentIntents.create({ ...charge, amount: '48.00' }, { spendcap: { id } });
  // @ts-expect-error: so are those after an id
  await payments.paymentIntents.capture(id, { amount_to_capture: '48.00' });
  const session = { mode: 'payment', line_items: 'gems' } as const;
  // @ts-expect-error: and those of a session
  await payments.checkout.sessions.create(session, { spendcap: { id } });
  // @ts-expect-error: other accounts need a guard of their own
  await payments.refunds.create({ payment_intent: id }, { stripeAccount: 'acct_1' });
  const bought = await payments.paymentIntents.create(charge, { spendcap: { id } });
  // @ts-expect-error: a refusal has no PaymentIntent
  console.log(bought.paymentIntent);
  // @ts-expect-error: results have Stripe's types
  if (bought.allowed) bought.paymentIntent.amount satisfies string;
  // @ts-expect-error: not a client of Stripe
  guardStripe({ stripe: {}, limiter });
}

/** What is inferred here has a name of its own. */
export const faultOfToken = (why: PermitFault) => (why === 'purchase_mismatch' ? null : why);
