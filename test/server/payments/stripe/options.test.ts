import { fakeStripe } from '@spendcap/sandbox';
import { processorWebhook, reconcile } from '@spendcap/server/payments';
import { guardStripe, stripeProcessor } from '@spendcap/server/payments/stripe';
import Stripe from 'stripe';
import { describe, expect, it } from 'vitest';
import { createWorld, sessionOf, THIRTY, type World } from './stripe-kit.ts';

const { deps, engine }: Pick<World, 'deps' | 'engine'> = createWorld();
const { stripe } = deps;

/** Options that are no literal, as a program in JavaScript or from a file passes them. */
const misspelt = <T extends object>(options: T, name: string): T => ({ ...options, [name]: 1 });

describe('options', () => {
  it.each([
    ['guardStripe', () => guardStripe(misspelt({ ...deps, allow: [] }, 'alow'))],
    ['stripeProcessor', () => stripeProcessor(misspelt({ stripe }, 'alow'))],
    ['processorWebhook', () => processorWebhook(misspelt(engine, 'alow'))],
    ['fakeStripe', () => fakeStripe(misspelt({}, 'alow'))],
  ])('%s names one that it does not have', (name, create) => {
    expect(create).toThrow(TypeError);
    expect(create).toThrow(`${name} has no option "alow"`);
  });

  it('of guardStripe that are missing or cannot work are named', () => {
    const { limiter } = deps;
    expect(() => guardStripe({ limiter } as never)).toThrow(/^stripe must be a client/);
    expect(() => guardStripe({ stripe: 'sk_test', limiter } as never)).toThrow(/^stripe must be/);
    expect(() => guardStripe({ stripe } as never)).toThrow(/^limiter must be a Limiter/);
    expect(() => guardStripe({ stripe, limiter, now: 1 } as never)).toThrow(/^now must be/);
  });

  it.each([
    ['guardStripe', guardStripe],
    ['stripeProcessor', stripeProcessor],
    ['processorWebhook', processorWebhook],
  ] as const)('of %s are an object', (_, create: (options: never) => unknown) => {
    expect(() => create(undefined as never)).toThrow(/takes an object of options/);
  });

  it('of webhooks need a secret', () => {
    const processor = stripeProcessor({ stripe });
    expect(() => processorWebhook({ ...engine, processor })).toThrow(
      /without the option for notifications/,
    );
  });

  it('of reconcile are checked', async () => {
    await expect(reconcile(misspelt(engine, 'limt'))).rejects.toThrow(TypeError);
    await expect(reconcile({ ...engine, concurrency: 0 })).rejects.toThrow(TypeError);
  });

  it.each([
    ['fail', () => fakeStripe().fail(misspelt({ kind: 'drop' }, 'tmes'))],
    ['fail', () => fakeStripe().fail({ kind: 'dorp' } as never)],
    ['webhook', () => fakeStripe().webhook({} as never, misspelt({}, 'secrt'))],
    ['prices', () => fakeStripe({ prices: { gems: { unit_amount: 1 } as never } })],
  ])('of a method of the fake are checked: %s', (_, call) => {
    expect(call).toThrow(TypeError);
  });
});

describe('the purchase of a call', () => {
  it.each(['catgory', 'agetoken', 'currency', 'metadata', 'onExpiry'])(
    'with %s is rejected, and nothing is held or charged',
    async (name) => {
      const world = createWorld();
      const spendcap = misspelt(world.buyer('p1'), name);
      const { paymentIntents, checkout } = world.guard;
      for (const call of [
        () => paymentIntents.create(THIRTY, { spendcap }),
        () => checkout.sessions.create(sessionOf(), { spendcap }),
      ]) {
        const error = { code: 'invalid_request', message: expect.stringContaining(name) };
        await expect(call()).rejects.toMatchObject(error);
      }
      expect(world.fake.requests).toEqual([]);
      expect(await world.limiter.get('p1')).toBeNull();
    },
  );

  it.each([{}, { id: undefined }, { id: 1 }, null, 'order-1'])(
    'that is %j is an invalid request, as it may come from a body',
    async (spendcap) => {
      const world = createWorld();
      const options = { spendcap } as never;
      const call = world.guard.paymentIntents.create(THIRTY, options);
      await expect(call).rejects.toMatchObject({ code: 'invalid_request', status: 400 });
      expect(world.fake.requests).toEqual([]);
    },
  );

  it('has a maximum amount in Checkout only, where Stripe computes the total', async () => {
    const world = createWorld();
    const spendcap = { ...world.buyer('p1'), amount: 100 };
    const call = world.guard.paymentIntents.create(THIRTY, { spendcap });
    await expect(call).rejects.toMatchObject({ code: 'invalid_request' });
    expect(world.fake.requests).toEqual([]);
  });

  it('is not taken by a call that starts no charge', async () => {
    const world = createWorld();
    const options = { spendcap: world.buyer('p1'), timeout: 1_000 };
    const { paymentIntents, checkout, refunds } = world.guard;
    for (const call of [
      () => paymentIntents.confirm('pi_1', {}, options),
      () => paymentIntents.capture('pi_1', {}, options),
      () => paymentIntents.cancel('pi_1', {}, options),
      () => checkout.sessions.expire('cs_1', {}, options),
      () => refunds.create({ payment_intent: 'pi_1' }, options),
    ]) {
      await expect(call()).rejects.toThrow(/^spendcap: only for calls that start a charge/);
    }
    expect(world.fake.requests).toEqual([]);
  });

  it('is the idempotency key of its call', async () => {
    const world = createWorld();
    const options = { spendcap: world.buyer('p1'), idempotencyKey: 'my-own' };
    const call = world.guard.paymentIntents.create(THIRTY, options);
    await expect(call).rejects.toThrow(/^idempotencyKey: derived from the purchase id/);
    expect(world.fake.requests).toEqual([]);
  });
});

describe('a callback or fetch that fails', () => {
  it.each([
    ['throws', () => expect.fail('x')],
    ['rejects', async () => expect.fail('x')],
  ])('onProblem that %s changes no answer and ends no process', async (_, onProblem) => {
    const world = createWorld();
    const { events } = world.fake;
    await world.guard.paymentIntents.create(THIRTY, { spendcap: world.buyer('p1') });
    const paid = events.find(({ type }) => type === 'payment_intent.succeeded');
    if (paid === undefined) return expect.fail('nothing was paid');
    // The purchase is unknown to this ledger: a problem for good.
    const other = createWorld();
    const endpoint = processorWebhook({
      ...other.engine,
      now: () => world.clock.at,
      onProblem,
    });
    const warned = new Promise<Error>((resolve) => process.once('warning', resolve));
    const answer = await endpoint(world.fake.webhook(paid));
    expect([answer.status, await answer.json()]).toEqual([
      200,
      { received: true, outcome: 'ignored' },
    ]);
    // An unhandled rejection would fail this file.
    expect((await warned).name).toBe('SpendcapWarning');
  });

  it.each([
    ['throws', () => expect.fail('x')],
    ['gives no promise', () => undefined as never],
    ['gives no response', async () => ({}) as never],
  ])('a fetch that %s leaves the outcome unknown and the hold in place', async (_, fetch) => {
    const world = createWorld();
    const httpClient = Stripe.createFetchHttpClient(fetch);
    const stripe = new Stripe('sk_test_fake', { httpClient, maxNetworkRetries: 0 });
    const guard = guardStripe({ ...world.deps, stripe });
    const call = guard.paymentIntents.create(THIRTY, { spendcap: world.buyer('p1') });
    await expect(call).rejects.toMatchObject({ code: 'outcome_unknown' });
    expect((await world.purchase('p1')).state).toBe('reserved');
  });
});
