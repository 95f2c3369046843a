import type { FakeStripe } from '@spendcap/sandbox';
import { describe, expect, it } from 'vitest';
import { allowed, createWorld, THIRTY, type World } from './stripe-kit.ts';

const AUTHORISED = { ...THIRTY, capture_method: 'manual' } as const;

async function buy(world: World, params: object = THIRTY, id = 'p1'): Promise<string> {
  const options = { spendcap: world.buyer(id) };
  const answer = await world.guard.paymentIntents.create({ ...THIRTY, ...params }, options);
  return allowed(answer).paymentIntent.id;
}

type Event = FakeStripe['events'][number];
const ORDERS: [string, (events: readonly Event[]) => readonly Event[]][] = [
  ['in order', (events) => events],
  ['newest first', (events) => events.toReversed()],
  ['twice', (events) => [...events, ...events]],
];

describe.each(ORDERS)('events delivered %s', (_, order) => {
  const deliver = (world: World) => world.fake.deliver(order(world.fake.events), world.webhook);

  it('of a voided authorisation give nothing back and report nothing', async () => {
    const world = createWorld();
    await world.guard.paymentIntents.cancel(await buy(world, AUTHORISED));
    expect(world.fake.events.map(({ type }) => type)).toContain('refund.created');
    await deliver(world);
    expect(await world.purchase('p1')).toMatchObject({ state: 'released', refunded: '0.00' });
    expect(await world.used()).toBe('0.00');
    expect(world.problems).toEqual([]);
  });

  it('of an uncaptured rest give nothing back, but a refund of the captured part does', async () => {
    const world = createWorld();
    const id = await buy(world, AUTHORISED);
    await world.guard.paymentIntents.capture(id, { amount_to_capture: 1_000 });
    await deliver(world);
    expect(await world.used()).toBe('10.00');
    await world.stripe.refunds.create({ payment_intent: id, amount: 500 });
    await deliver(world);
    expect(await world.purchase('p1')).toMatchObject({ committed: '10.00', refunded: '5.00' });
    expect(await world.used()).toBe('5.00');
    expect(world.problems).toEqual([]);
  });

  it('of a lost dispute are a refund that gives back no allowance', async () => {
    const world = createWorld();
    await buy(world);
    const { id } = world.fake.dispute(world.fake.charges()[0]?.id ?? '', 2_000);
    world.fake.closeDispute(id, 'lost');
    await deliver(world);
    expect(await world.purchase('p1')).toMatchObject({ refunded: '20.00' });
    expect(await world.used()).toBe('30.00');
    expect(world.problems).toEqual([]);
  });

  it('of a dispute that is won leave the purchase as it was', async () => {
    const world = createWorld();
    await buy(world);
    const { id } = world.fake.dispute(world.fake.charges()[0]?.id ?? '');
    world.fake.closeDispute(id, 'won');
    await deliver(world);
    expect(await world.purchase('p1')).toMatchObject({ committed: '30.00', refunded: '0.00' });
    expect(await world.used()).toBe('30.00');
    expect(world.problems).toEqual([]);
  });

  it('of a refund that fails in the end count the purchase again', async () => {
    const world = createWorld();
    const payment_intent = await buy(world);
    const { id } = await world.guard.refunds.create({ payment_intent });
    expect(await world.used()).toBe('0.00');
    world.fake.finishRefund(id, 'failed');
    await deliver(world);
    expect(await world.used()).toBe('30.00');
  });
});

it('knows the event of older API versions for a refund that failed', async () => {
  const world = createWorld();
  const payment_intent = await buy(world);
  const { id } = await world.guard.refunds.create({ payment_intent });
  world.fake.finishRefund(id, 'failed');
  const failed = world.fake.events.findLast(({ type }) => type === 'refund.updated');
  const old = { ...(failed ?? expect.fail('no event')), type: 'charge.refund.updated' };
  await world.fake.deliver([old], world.webhook);
  expect(await world.used()).toBe('30.00');
});

it('does not wait forever for a charge that Stripe does not have', async () => {
  const world = createWorld();
  const payment_intent = await buy(world);
  await world.stripe.refunds.create({ payment_intent });
  const event = structuredClone(
    world.fake.events.findLast(({ type }) => type === 'refund.created'),
  );
  Object.assign(event?.data.object ?? {}, { payment_intent: null, charge: 'ch_elsewhere' });
  const [answer] = await world.fake.deliver([event ?? expect.fail('no event')], world.webhook);
  expect(answer?.status).toBe(200);
  expect(world.problems).toEqual(['purchase_not_found']);
});

it('turns adaptive pricing off, and refuses it', async () => {
  const world = createWorld();
  const line = { quantity: 1, price_data: { currency: 'cny', unit_amount: 3_000 } };
  const session = {
    mode: 'payment',
    success_url: 'https://shop.example/thanks',
    line_items: [{ ...line, price_data: { ...line.price_data, product_data: { name: 'Gems' } } }],
  } as const;
  const options = { spendcap: world.buyer('p1') };
  const adaptive = { ...session, adaptive_pricing: { enabled: true } };
  await expect(
    world.guard.checkout.sessions.create(
      { ...adaptive, line_items: [...session.line_items] },
      options,
    ),
  ).rejects.toMatchObject({ code: 'payment_forbidden' });
  expect(world.fake.requests).toEqual([]);
  await world.guard.checkout.sessions.create(
    { ...session, line_items: [...session.line_items] },
    options,
  );
  expect(world.fake.requests[0]?.body).toContain('adaptive_pricing[enabled]=false');
});

it('commits by one read and one write of the store', async () => {
  const world = createWorld();
  const answer = await world.guard.paymentIntents.create(
    { amount: 3_000, currency: 'cny' },
    { spendcap: world.buyer('p1') },
  );
  const { id } = allowed(answer).paymentIntent;
  await world.stripe.paymentIntents.confirm(id, { payment_method: 'pm_card_visa' });
  const paid = world.fake.events.findLast(({ type }) => type === 'payment_intent.succeeded');
  world.storeCalls.length = 0;
  await world.fake.deliver([paid ?? expect.fail('no event')], world.webhook);
  expect(world.storeCalls).toEqual(['get', 'commit']);
});
