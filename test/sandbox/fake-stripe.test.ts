import { type FakeStripe, fakeStripe } from '@spendcap/sandbox';
import Stripe from 'stripe';
import { describe, expect, it } from 'vitest';
import { codeOf, sessionOf, THIRTY } from '../server/payments/stripe/stripe-kit.ts';

const START = Date.parse('2026-03-10T02:00:00Z');

function shop() {
  const clock = { at: START };
  const fake = fakeStripe({ now: () => clock.at });
  const httpClient = Stripe.createFetchHttpClient(fake.fetch);
  return { clock, fake, stripe: new Stripe('sk_test_fake', { httpClient, maxNetworkRetries: 0 }) };
}

const types = (fake: FakeStripe): string[] => fake.events.map(({ type }) => type);

describe('idempotency keys', () => {
  const KEY = { idempotencyKey: 'k1' };

  it('give the first answer again, also a decline', async () => {
    const { fake, stripe } = shop();
    const first = await stripe.paymentIntents.create(THIRTY, KEY);
    const again = await stripe.paymentIntents.create(THIRTY, KEY);
    expect(again.id).toBe(first.id);
    const headers = new Headers(again.lastResponse.headers);
    expect(headers.get('idempotent-replayed')).toBe('true');
    const declined = { ...THIRTY, payment_method: 'pm_card_chargeDeclined' };
    for (let i = 0; i < 2; i += 1) {
      const call = stripe.paymentIntents.create(declined, { idempotencyKey: 'k2' });
      expect(await codeOf(call)).toBe('StripeCardError');
    }
    expect(fake.charges().map(({ status }) => status)).toEqual(['succeeded', 'failed']);
  });

  it('refuse other parameters', async () => {
    const { fake, stripe } = shop();
    await stripe.paymentIntents.create(THIRTY, KEY);
    const other = stripe.paymentIntents.create({ ...THIRTY, amount: 1 }, KEY);
    expect(await codeOf(other)).toBe('StripeIdempotencyError');
    expect(fake.charges()).toHaveLength(1);
  });

  it('keep a 500, and forget what never began', async () => {
    const { fake, stripe } = shop();
    fake.fail({ kind: 'error' });
    for (let i = 0; i < 2; i += 1) {
      const call = stripe.paymentIntents.create(THIRTY, KEY);
      expect(await codeOf(call)).toBe('StripeAPIError');
    }
    const wrong = stripe.paymentIntents.create({ ...THIRTY, amount: 0 }, { idempotencyKey: 'k2' });
    expect(await codeOf(wrong)).toBe('StripeInvalidRequestError');
    await stripe.paymentIntents.create(THIRTY, { idempotencyKey: 'k2' });
    expect(fake.charges()).toHaveLength(1);
  });
});

describe('payments', () => {
  it('emit events, each with the object as it was then', async () => {
    const { fake, stripe } = shop();
    const { id } = await stripe.paymentIntents.create({ ...THIRTY, capture_method: 'manual' });
    await stripe.paymentIntents.capture(id, { amount_to_capture: 1000 });
    await stripe.refunds.create({ payment_intent: id, amount: 400 });
    await stripe.refunds.create({ payment_intent: id, amount: 600 });
    expect(types(fake)).toEqual([
      'payment_intent.created',
      'charge.succeeded',
      'payment_intent.amount_capturable_updated',
      'charge.captured',
      // What was authorised and not captured.
      'refund.created',
      'charge.refunded',
      'payment_intent.succeeded',
      'refund.created',
      'charge.refunded',
      'refund.created',
      'charge.refunded',
    ]);
    const refunded = fake.events
      .filter(({ type }) => type === 'charge.refunded')
      .map(({ data }) => ('amount_refunded' in data.object ? data.object.amount_refunded : null));
    expect(refunded).toEqual([0, 400, 1000]);
    expect(fake.netCharged('cny')).toBe(0);
    const over = stripe.refunds.create({ payment_intent: id });
    expect(await codeOf(over)).toBe('StripeInvalidRequestError');
  });

  it('succeed or fail by the bank’s authentication', async () => {
    const { fake, stripe } = shop();
    const asking = { ...THIRTY, payment_method: 'pm_card_authenticationRequired' };
    const [yes, no] = [
      await stripe.paymentIntents.create(asking),
      await stripe.paymentIntents.create(asking),
    ];
    expect(yes.status).toBe('requires_action');
    expect(fake.authenticate(yes.id, true).status).toBe('succeeded');
    expect(fake.authenticate(no.id, false).status).toBe('requires_payment_method');
    expect(fake.netCharged('cny')).toBe(3000);
  });

  it('are listed newest first, page by page, and found by metadata', async () => {
    const { stripe } = shop();
    const made: string[] = [];
    for (const order of ['a', 'b"\\', 'c']) {
      const { id } = await stripe.paymentIntents.create({ ...THIRTY, metadata: { order } });
      made.unshift(id);
    }
    const listed: string[] = [];
    for await (const { id } of stripe.paymentIntents.list({ limit: 2 })) listed.push(id);
    expect(listed).toEqual(made);
    const query = 'metadata["order"]:"b\\"\\\\"';
    const { data } = await stripe.paymentIntents.search({ query });
    expect(data.map(({ id }) => id)).toEqual([made[1]]);
  });

  it('cannot be cancelled or captured twice', async () => {
    const { stripe } = shop();
    const { id } = await stripe.paymentIntents.create(THIRTY);
    expect(await codeOf(stripe.paymentIntents.cancel(id))).toBe('StripeInvalidRequestError');
    expect(await codeOf(stripe.paymentIntents.capture(id))).toBe('StripeInvalidRequestError');
    expect(await codeOf(stripe.paymentIntents.retrieve('pi_none'))).toBe(
      'StripeInvalidRequestError',
    );
  });
});

describe('sessions', () => {
  it.each([29 * 60, 24 * 3600 + 60])('cannot last %i seconds', async (life) => {
    const { stripe } = shop();
    const expires_at = START / 1000 + life;
    const call = stripe.checkout.sessions.create({ ...sessionOf(), expires_at });
    expect(await codeOf(call)).toBe('StripeInvalidRequestError');
  });

  it('expire, and cancel their open payment', async () => {
    const { clock, fake, stripe } = shop();
    const { id } = await stripe.checkout.sessions.create(sessionOf());
    fake.completeCheckout(id, 'pm_card_chargeDeclined');
    const payment = fake.paymentIntents()[0]?.id ?? '';
    expect(await codeOf(stripe.paymentIntents.cancel(payment))).toBe('StripeInvalidRequestError');
    clock.at += 24 * 3_600_000;
    expect((await stripe.checkout.sessions.retrieve(id)).status).toBe('expired');
    expect((await stripe.paymentIntents.retrieve(payment)).status).toBe('canceled');
    expect(() => fake.completeCheckout(id)).toThrow('expired');
  });
});

describe('the wire', () => {
  it('signs webhooks as the real client checks them', async () => {
    const { fake, stripe } = shop();
    await stripe.paymentIntents.create(THIRTY);
    const [event] = fake.events;
    if (event === undefined) expect.fail('no event');
    const request = fake.webhook(event);
    const header = request.headers.get('stripe-signature') ?? '';
    const body = await request.text();
    const check = (text: string) =>
      stripe.webhooks.constructEvent(text, header, fake.webhookSecret, 300, undefined, START);
    expect(check(body).id).toBe(event.id);
    expect(() => check(`${body} `)).toThrow(Stripe.errors.StripeSignatureVerificationError);
  });

  it('requires a secret key, and answers 404 to what it does not know', async () => {
    const { fake } = shop();
    const url = 'https://api.stripe.com/v1/payment_intents';
    expect((await fake.fetch(url)).status).toBe(401);
    const headers = { authorization: 'Bearer sk_test_fake' };
    expect((await fake.fetch(`${url}/unknown/verb`, { headers })).status).toBe(404);
  });

  it.each([
    [402, 'StripeCardError'],
    [403, 'StripePermissionError'],
    [404, 'StripeInvalidRequestError'],
    [503, 'StripeAPIError'],
  ])('answers the status %d once, if that is wanted', async (status, name) => {
    const { fake, stripe } = shop();
    fake.fail({ kind: 'status', status });
    expect(await codeOf(stripe.paymentIntents.create(THIRTY))).toBe(name);
    expect(fake.charges()).toEqual([]);
    expect((await stripe.paymentIntents.create(THIRTY)).status).toBe('succeeded');
    expect(() => fake.fail({ kind: 'status', status: 200 })).toThrow('status');
  });

  it('takes no parameter that Stripe would not', async () => {
    const { fake, stripe } = shop();
    const params = { ...THIRTY, spendcap: { id: 'p1' } };
    expect(await codeOf(stripe.paymentIntents.create(params))).toBe('StripeInvalidRequestError');
    expect(fake.charges()).toEqual([]);
  });

  it('drops a connection before or after the work, as configured', async () => {
    const { fake, stripe } = shop();
    for (const [kind, charged] of [
      ['drop_before', 0],
      ['drop', 3000],
    ] as const) {
      fake.fail({ kind, on: 'POST /v1/payment_intents' });
      expect(await codeOf(stripe.paymentIntents.create(THIRTY))).toBe('StripeConnectionError');
      expect(fake.netCharged('cny')).toBe(charged);
    }
  });
});

describe('an endpoint', () => {
  const secret = 'whsec_of_this_test';
  const pay = { ...THIRTY, payment_method: 'pm_card_visa', confirm: true };

  function delivering(respond: (type: string) => number) {
    const seen: string[] = [];
    const fake: FakeStripe = fakeStripe({
      webhookSecret: secret,
      endpoint: async (request) => {
        const signature = request.headers.get('stripe-signature') ?? '';
        const body = await request.text();
        const event = await stripe.webhooks.constructEventAsync(body, signature, secret);
        seen.push(event.type);
        return new Response(null, { status: respond(event.type) });
      },
    });
    const httpClient = Stripe.createFetchHttpClient(fake.fetch);
    const stripe = new Stripe('sk_test_fake', { httpClient });
    return { fake, stripe, seen };
  }

  it('receives the signed webhook of every event, in order', async () => {
    const { fake, stripe, seen } = delivering(() => 200);
    const { id } = await stripe.paymentIntents.create(pay);
    await stripe.refunds.create({ payment_intent: id });
    await fake.delivered();
    expect(seen.length).toBeGreaterThan(2);
    expect(seen).toEqual(types(fake));
  });

  it('that fails is reported once, and receives the rest', async () => {
    const { fake, stripe, seen } = delivering((type) => (/created/.test(type) ? 500 : 200));
    await stripe.paymentIntents.create(pay);
    await expect(fake.delivered()).rejects.toThrow(/responded to .*created with 500/);
    await fake.delivered();
    expect(seen).toEqual(types(fake));
  });

  it('may cause further events, which are waited for', async () => {
    const types: string[] = [];
    const fake: FakeStripe = fakeStripe({
      endpoint: async (request) => {
        const { type, data } = JSON.parse(await request.text());
        types.push(type);
        if (type === 'payment_intent.succeeded') {
          await stripe.refunds.create({ payment_intent: data.object.id });
        }
        return new Response();
      },
    });
    const httpClient = Stripe.createFetchHttpClient(fake.fetch);
    const stripe = new Stripe('sk_test_fake', { httpClient });
    await stripe.paymentIntents.create(pay);
    await fake.delivered();
    expect(types).toContain('charge.refunded');
  });

  it('that is not there cannot be waited for', async () => {
    await expect(fakeStripe().delivered()).rejects.toThrow(TypeError);
  });
});
