// A checkout with spending caps: Express and Stripe's SDK, wrapped by the guard.
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { ageIssuer, fakeStripe } from '@spendcap/sandbox';
import { ageTokens, cnGame, createLimiter, type Refused } from '@spendcap/server';
import { toExpress } from '@spendcap/server/adapters/express';
import { processorWebhook } from '@spendcap/server/payments';
import { guardStripe, stripeProcessor } from '@spendcap/server/payments/stripe';
import { sqliteStore } from '@spendcap/server/stores/sqlite';
import express from 'express';
import Stripe from 'stripe';

// With your own keys the next line is: const stripe = new Stripe(process.env.STRIPE_SECRET_KEY);
const { stripe, fake } = stripeWithoutNetwork();

const age = { issuer: 'https://age.example', audience: 'https://shop.example' };
const ageAuthority = await ageIssuer(age); // In production: the URL of its key set.
const limiter = createLimiter({
  policy: cnGame(),
  store: sqliteStore({ path: ':memory:' }), // In production: a file.
  ageTokens: ageTokens({ issuers: [{ ...age, jwks: ageAuthority.jwks }] }),
});
const payments = guardStripe({ stripe, limiter });
const processor = stripeProcessor({ stripe, secrets: [fake.webhookSecret] });
const webhook = processorWebhook({ processor, limiter });
const PRICES: Readonly<Record<string, number>> = { gems: 4800, chest: 6000 };

const app = express();
// The webhook's signature covers the raw bytes, so it is mounted before any body parser.
app.post('/webhooks/stripe', toExpress(webhook));
app.use(express.json());
app.post('/buy', async (req, res) => {
  const { orderId, product, ageToken } = req.body; // A real shop has the token in its session.
  const bought = await payments.paymentIntents.create(
    { amount: PRICES[product] ?? 0, currency: 'cny' },
    { spendcap: { id: orderId, ageToken, product } },
  );
  if (bought.allowed) res.status(201).json({ payment: bought.paymentIntent.id });
  else res.status(403).json(bought);
});

// The rest simulates the browser, the player's card and Stripe's webhooks.
const server = app.listen(0, '127.0.0.1');
await once(server, 'listening');
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
const ageToken = await ageAuthority.issue({ subject: 'player-12', age: 12 });

async function buy(orderId: string, product: string): Promise<void> {
  const response = await fetch(`${url}/buy`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ orderId, product, ageToken }),
  });
  const answer = (await response.json()) as { payment: string } & Partial<Refused>;
  if (response.status === 201) {
    await stripe.paymentIntents.confirm(answer.payment, { payment_method: 'pm_card_visa' });
    const paid = fake.events.at(-1);
    if (paid) await fetch(fake.webhook(paid, { url: `${url}/webhooks/stripe` }));
  }
  const reasons = answer.reasons?.map(({ code }) => code) ?? [];
  const state = (await limiter.get(orderId))?.state ?? 'not in the ledger';
  console.log(orderId, response.status, ...reasons, state);
}

await buy('order-1', 'chest');
await buy('order-2', 'gems');
await buy('order-3', 'gems');
await buy('order-4', 'gems');
console.log(`charged: ${fake.netCharged('cny') / 100} CNY in ${fake.charges().length} charges`);
server.close();
await limiter.close();

function stripeWithoutNetwork() {
  const fake = fakeStripe();
  const httpClient = Stripe.createFetchHttpClient(fake.fetch);
  return { fake, stripe: new Stripe('sk_test_example', { httpClient }) };
}
