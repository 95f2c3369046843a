import { SpendcapError } from '@spendcap/core';
import type { FakeStripe } from '@spendcap/sandbox';
import { processorWebhook } from '@spendcap/server/payments';
import { type StripeProcessorOptions, stripeProcessor } from '@spendcap/server/payments/stripe';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { misreadJson } from '../../../support/misread.ts';
import { allowed, createWorld, sessionOf, THIRTY, type World } from './stripe-kit.ts';

type Event = FakeStripe['events'][number];

const eventOf = (world: World, type: string): Event => {
  const found = world.fake.events.find((event) => event.type === type);
  if (found === undefined) throw new Error(`There was no ${type}.`);
  return found;
};

const endpoint = (world: World, options: Omit<StripeProcessorOptions, 'stripe'>) =>
  processorWebhook({
    ...world.engine,
    processor: stripeProcessor({ stripe: world.stripe, ...options }),
  });

/** A purchase whose charge went through and whose commit did not reach the ledger. */
async function chargedUnseen(world: World, id = 'p1'): Promise<string> {
  const params = { amount: 3000, currency: 'cny' };
  const answer = await world.guard.paymentIntents.create(params, { spendcap: world.buyer(id) });
  const { paymentIntent } = allowed(answer);
  // As the player's browser does it, past the guard.
  await world.stripe.paymentIntents.confirm(paymentIntent.id, { payment_method: 'pm_card_visa' });
  return paymentIntent.id;
}

describe('signatures', () => {
  const post = (world: World, request: Request) => world.webhook(request);

  it('settles what is signed, and knows its own words', async () => {
    const world = createWorld();
    await chargedUnseen(world);
    const event = eventOf(world, 'payment_intent.succeeded');
    const answer = await post(world, world.fake.webhook(event));
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual({ received: true, outcome: 'settled' });
    expect((await world.purchase('p1')).state).toBe('committed');
  });

  const forgeries: [string, (fake: FakeStripe, event: Event) => Request | Promise<Request>][] = [
    ['a changed body', async (fake, event) => tampered(fake.webhook(event))],
    ['another secret', (fake, event) => fake.webhook(event, { secret: 'whsec_other' })],
    ['an old signature', (fake, event) => fake.webhook(event, { age: 301 })],
    ['no signature', (fake, event) => withSignature(fake.webhook(event), null)],
    ['an empty signature', (fake, event) => withSignature(fake.webhook(event), '')],
    ['a signature of nonsense', (fake, event) => withSignature(fake.webhook(event), 't=x,v1=00')],
    ['an empty body', (fake, event) => withBody(fake.webhook(event), '')],
    ['no JSON', (fake, event) => withBody(fake.webhook(event), '{')],
  ];
  it.each(forgeries)('answers 400 to %s, and changes nothing', async (_, forge) => {
    const world = createWorld();
    await chargedUnseen(world);
    const request = await forge(world.fake, eventOf(world, 'payment_intent.succeeded'));
    const answer = await post(world, request);
    expect(answer.status).toBe(400);
    expect(await answer.json()).toEqual({
      received: false,
      outcome: 'webhook_invalid',
      detail: 'No secret verifies the signature, or it is older than the tolerance.',
    });
    expect((await world.purchase('p1')).state).toBe('reserved');
  });

  it('reads escaped names as they are written, whatever was parsed before', async () => {
    const world = createWorld();
    await chargedUnseen(world);
    const { type, ...rest } = eventOf(world, 'payment_intent.succeeded');
    const body = misreadJson({ first: 1, ...rest }, 'type', type);
    const secret = world.fake.webhookSecret;
    const request = world.fake.webhook({ ...rest, type } as Event);
    const timestamp = Number(/t=(\d+)/.exec(request.headers.get('stripe-signature') ?? '')?.[1]);
    const header = world.stripe.webhooks.generateTestHeaderString({
      payload: body,
      secret,
      timestamp,
    } as Parameters<typeof world.stripe.webhooks.generateTestHeaderString>[0]);
    const sent = withBody(await withSignature(request, header), body);
    expect(await (await post(world, sent)).json()).toEqual({ received: true, outcome: 'settled' });
  });

  it('ignores what a connected account writes, unless it is the one', async () => {
    const world = createWorld();
    await chargedUnseen(world);
    const event = { ...eventOf(world, 'payment_intent.succeeded'), account: 'acct_other' };
    const answer = await post(world, world.fake.webhook(event as Event));
    expect(await answer.json()).toEqual({ received: true, outcome: 'ignored' });
    expect((await world.purchase('p1')).state).toBe('reserved');
    const secrets = [world.fake.webhookSecret];
    const own = endpoint(world, { secrets, account: 'acct_other' });
    expect((await own(world.fake.webhook(event as Event))).status).toBe(200);
    expect((await world.purchase('p1')).state).toBe('committed');
  });

  it('answers 400 to a signed event of another shape', async () => {
    const world = createWorld();
    await chargedUnseen(world);
    const { data: _, ...event } = eventOf(world, 'payment_intent.succeeded');
    expect((await post(world, world.fake.webhook(event as Event))).status).toBe(400);
  });

  it('takes any of several secrets, while one is being replaced', async () => {
    const world = createWorld();
    await chargedUnseen(world);
    const secrets = ['whsec_next', world.fake.webhookSecret];
    const webhook = endpoint(world, { secrets });
    const event = eventOf(world, 'payment_intent.succeeded');
    expect((await webhook(world.fake.webhook(event, { secret: 'whsec_next' }))).status).toBe(200);
    expect((await webhook(world.fake.webhook(event))).status).toBe(200);
    expect((await webhook(world.fake.webhook(event, { secret: 'whsec_old' }))).status).toBe(400);
  });

  it('answers 405 to another method and 413 to a flood', async () => {
    const world = createWorld();
    const url = 'https://shop.example/webhooks/stripe';
    expect((await post(world, new Request(url))).status).toBe(405);
    const flood = { method: 'POST', body: 'x'.repeat(1_048_577) };
    expect((await post(world, new Request(url, flood))).status).toBe(413);
  });

  it.each([
    { secrets: [] },
    { secrets: ['whsec_1', ' '] },
    { secrets: ['whsec_1'], toleranceSeconds: 0 },
    { secrets: ['whsec_1'], toleranceSeconds: Number.NaN },
    { secrets: ['whsec_1'], toleranceSeconds: Number.POSITIVE_INFINITY },
    { secrets: ['whsec_1'], toleranceSeconds: '300' as unknown as number },
    { secrets: ['whsec_1'], account: 'my-shop' },
    { secrets: ['whsec_1'], account: 5 as unknown as string },
  ])('refuses the options %j', (options) => {
    const { stripe } = createWorld();
    expect(() => stripeProcessor({ stripe, ...options })).toThrow(TypeError);
  });

  it.each(['sk_test_1', 'rk_live_1', 'pk_test_1'])('refuses an API key as secret: %s', (key) => {
    const { stripe } = createWorld();
    const make = () => stripeProcessor({ stripe, secrets: [key] });
    expect(make).toThrow('secrets: expected signing secrets (whsec_…), got a key of the API');
  });
});

async function tampered(request: Request): Promise<Request> {
  const body = await request.clone().text();
  return withBody(request, body.replace('"amount_received": 3000', '"amount_received": 1'));
}

function withBody(request: Request, body: string): Request {
  return new Request(request.url, { method: 'POST', headers: request.headers, body });
}

async function withSignature(request: Request, signature: string | null): Promise<Request> {
  const headers = new Headers(request.headers);
  if (signature === null) headers.delete('stripe-signature');
  else headers.set('stripe-signature', signature);
  return new Request(request.url, { method: 'POST', headers, body: await request.text() });
}

describe('what is not ours to settle', () => {
  it('ignores objects without a purchase, and events that change nothing', async () => {
    const world = createWorld();
    const foreign = await world.stripe.paymentIntents.create(THIRTY);
    await world.stripe.refunds.create({ payment_intent: foreign.id });
    const answers = await world.deliverAll();
    const outcomes = await Promise.all(answers.map((answer) => answer.json()));
    for (const outcome of outcomes) expect(outcome).toEqual({ received: true, outcome: 'ignored' });
    expect(world.problems).toEqual([]);
  });

  it('reports a purchase that the ledger does not know, and wants no retry', async () => {
    const world = createWorld();
    await world.stripe.paymentIntents.create({ ...THIRTY, metadata: { spendcap_id: 'lost' } });
    const [answer] = await world.fake.deliver(
      [eventOf(world, 'payment_intent.succeeded')],
      world.webhook,
    );
    expect(answer?.status).toBe(200);
    expect(world.problems).toEqual(['purchase_not_found']);
  });

  it('commits the held amount for a charge in another currency, and reports it once', async () => {
    const world = createWorld();
    const id = await chargedUnseen(world);
    const event = structuredClone(eventOf(world, 'payment_intent.succeeded'));
    Object.assign(event.data.object, { id, currency: 'usd', amount_received: 450 });
    await world.fake.deliver([event, event], world.webhook);
    expect(world.problems).toEqual(['invalid_currency']);
    expect(await world.purchase('p1')).toMatchObject({ state: 'committed', committed: '30.00' });
  });

  it('gives back the share of a refund in another currency, rounded down', async () => {
    const world = createWorld();
    const payment_intent = await chargedUnseen(world);
    const [payment] = world.fake.paymentIntents();
    const [charge] = world.fake.charges();
    for (const object of [payment, charge]) Object.assign(object ?? {}, { currency: 'usd' });
    Object.assign(payment ?? {}, { amount: 450, amount_received: 450 });
    await world.stripe.refunds.create({ payment_intent, amount: 100 });
    await world.fake.deliver([eventOf(world, 'refund.created')], world.webhook);
    expect(world.problems).toEqual(['invalid_currency']);
    // 1.00 of 4.50 USD is 6.666 of 30.00 CNY.
    expect(await world.purchase('p1')).toMatchObject({ committed: '30.00', refunded: '6.66' });
    expect(await world.used()).toBe('23.34');
  });

  it('asks for another delivery while the ledger is unavailable', async () => {
    const world = createWorld();
    await chargedUnseen(world);
    const away = () => Promise.reject(new SpendcapError('store_unavailable', 'Away.'));
    const webhook = processorWebhook({
      ...world.engine,
      limiter: { ...world.limiter, commit: away },
    });
    const event = eventOf(world, 'payment_intent.succeeded');
    expect((await webhook(world.fake.webhook(event))).status).toBe(503);
    expect((await world.webhook(world.fake.webhook(event))).status).toBe(200);
  });

  it.each(['refund.created', 'charge.refunded'])(
    'asks for another delivery of %s while Stripe is unavailable',
    async (type) => {
      const world = createWorld();
      const payment_intent = await chargedUnseen(world);
      await world.stripe.refunds.create({ payment_intent });
      // Every call fails, also one that nobody waited for: the runner reports its rejection.
      world.fake.fail({ kind: 'error', on: 'GET', times: 5 });
      const event = eventOf(world, type);
      expect((await world.webhook(world.fake.webhook(event))).status).toBe(503);
      world.fake.heal();
      expect((await world.webhook(world.fake.webhook(event))).status).toBe(200);
    },
  );

  it('does not swallow what is broken in the shop itself', async () => {
    const world = createWorld();
    await chargedUnseen(world);
    const broken = () => Promise.reject(new RangeError('A mistake.'));
    const webhook = processorWebhook({
      ...world.engine,
      limiter: { ...world.limiter, commit: broken },
    });
    const event = eventOf(world, 'payment_intent.succeeded');
    expect((await webhook(world.fake.webhook(event))).status).toBe(503);
    expect(world.problems).toEqual(['outcome_unknown']);
  });
});

describe('late and missing news', () => {
  it('records a charge that comes after the hold has gone', async () => {
    const world = createWorld();
    await chargedUnseen(world);
    await world.limiter.release('p1');
    await world.deliverAll();
    expect(await world.purchase('p1')).toMatchObject({ state: 'committed', late: true });
    expect(await world.used()).toBe('30.00');
  });

  it('commits first when the refund is heard of before the charge', async () => {
    const world = createWorld();
    const payment_intent = await chargedUnseen(world);
    await world.stripe.refunds.create({ payment_intent, amount: 1000 });
    await world.fake.deliver([eventOf(world, 'refund.created')], world.webhook);
    expect(await world.purchase('p1')).toMatchObject({ state: 'committed', refunded: '10.00' });
  });

  it('records every refund of a charge from its one event', async () => {
    const world = createWorld();
    const payment_intent = await chargedUnseen(world);
    for (let i = 0; i < 3; i += 1) {
      await world.stripe.refunds.create({ payment_intent, amount: 700 });
    }
    await world.fake.deliver([eventOf(world, 'charge.refunded')], world.webhook);
    expect((await world.purchase('p1')).refunded).toBe('21.00');
  });
});

/** Each makes a history; all of them end the same, in whatever order it is delivered. */
const HISTORIES: Record<
  string,
  { play: (world: World) => Promise<void>; end: object; used: string }
> = {
  'bought, two parts refunded, one of them failed': {
    async play(world) {
      const payment_intent = await chargedUnseen(world);
      await world.stripe.refunds.create({ payment_intent, amount: 1000 });
      const failing = await world.stripe.refunds.create({ payment_intent, amount: 500 });
      world.fake.finishRefund(failing.id, 'failed');
    },
    end: { state: 'committed', committed: '30.00', refunded: '10.00', late: false },
    used: '20.00',
  },
  'a session with a declined card, then paid and refunded': {
    async play(world) {
      const answer = await world.guard.checkout.sessions.create(sessionOf(), {
        spendcap: world.buyer('p1'),
      });
      const { session } = allowed(answer);
      world.fake.completeCheckout(session.id, 'pm_card_chargeDeclined');
      world.fake.completeCheckout(session.id);
      const payment_intent = world.fake.paymentIntents()[0]?.id ?? '';
      await world.stripe.refunds.create({ payment_intent });
    },
    end: { state: 'committed', committed: '30.00', refunded: '30.00', late: false },
    used: '0.00',
  },
  'a payment that was cancelled after a decline': {
    async play(world) {
      const answer = await world.guard.paymentIntents.create(
        { amount: 3000, currency: 'cny' },
        { spendcap: world.buyer('p1') },
      );
      const { id } = allowed(answer).paymentIntent;
      const declined = { payment_method: 'pm_card_chargeDeclined' };
      await world.stripe.paymentIntents.confirm(id, declined).catch(() => null);
      await world.stripe.paymentIntents.cancel(id);
    },
    end: { state: 'released', committed: '0.00', refunded: '0.00' },
    used: '0.00',
  },
  'a bank transfer that failed': {
    async play(world) {
      const answer = await world.guard.checkout.sessions.create(sessionOf(), {
        spendcap: world.buyer('p1'),
      });
      world.fake.completeCheckout(allowed(answer).session.id, 'pm_usBankAccount_success');
      world.fake.finishProcessing(world.fake.paymentIntents()[0]?.id ?? '', false);
    },
    end: { state: 'released', committed: '0.00', refunded: '0.00' },
    used: '0.00',
  },
  'a pending refund that succeeded': {
    async play(world) {
      const payment_intent = await chargedUnseen(world);
      world.fake.refundsBegin('pending');
      const refund = await world.stripe.refunds.create({ payment_intent, amount: 1200 });
      world.fake.finishRefund(refund.id, 'succeeded');
    },
    end: { state: 'committed', committed: '30.00', refunded: '12.00', late: false },
    used: '18.00',
  },
};

describe('any order, and again', () => {
  it.each(Object.entries(HISTORIES))('%s', async (_, { play, end, used }) => {
    const events = await eventsOf(play);
    await fc.assert(
      fc.asyncProperty(
        fc.shuffledSubarray([...events, ...events], { minLength: events.length * 2 }),
        async (order) => {
          const world = createWorld();
          await play(world);
          // Ids are numbered alike in every world, so that one history's indices fit another's.
          const own = order.map((index) => world.fake.events[index] as Event);
          const answers = await world.fake.deliver(own, world.webhook);
          expect(answers.every(({ status }) => status === 200)).toBe(true);
          expect(world.problems).toEqual([]);
          expect(await world.purchase('p1')).toMatchObject(end);
          expect(await world.used()).toBe(used);
        },
      ),
      { numRuns: 60 },
    );
  });
});

async function eventsOf(play: (world: World) => Promise<void>): Promise<number[]> {
  const world = createWorld();
  await play(world);
  return world.fake.events.map((_, index) => index);
}
