import type { SessionPurchase } from '@spendcap/server/payments/stripe';
import type Stripe from 'stripe';
import { describe, expect, it, vi } from 'vitest';
import { allowed, codeOf, createWorld, sessionOf, type World } from './stripe-kit.ts';

function open(world: World, params = sessionOf(), more: Partial<SessionPurchase> = {}) {
  return world.guard.checkout.sessions.create(params, {
    spendcap: { ...world.buyer('p1'), ...more },
  });
}

describe('checkout.sessions.create', () => {
  it('carries the purchase everywhere, and ends five minutes before the hold', async () => {
    const world = createWorld();
    const params = { ...sessionOf(), metadata: { order: '7' } };
    const { session, purchase } = allowed(await open(world, params));
    expect(session).toMatchObject({
      client_reference_id: 'p1',
      metadata: { order: '7', spendcap_id: 'p1' },
      status: 'open',
    });
    expect(purchase).toMatchObject({ state: 'reserved', amount: '30.00' });
    expect(Date.parse(purchase.expiresAt) / 1000 - session.expires_at).toBe(300);
    world.fake.completeCheckout(session.id);
    expect(world.fake.paymentIntents()[0]?.metadata).toEqual({ spendcap_id: 'p1' });
    await world.deliverAll();
    expect(await world.purchase('p1')).toMatchObject({ state: 'committed', committed: '30.00' });
    expect(world.problems).toEqual([]);
  });

  it('leaves a client_reference_id of yours alone', async () => {
    const world = createWorld();
    const { session } = allowed(await open(world, { ...sessionOf(), client_reference_id: 'cart' }));
    expect(session.client_reference_id).toBe('cart');
    expect(session.metadata?.spendcap_id).toBe('p1');
  });

  it('sums the line items, and makes no call when that is too much', async () => {
    const world = createWorld();
    const [item] = sessionOf(1700).line_items ?? [];
    const params = { ...sessionOf(), line_items: [{ ...item, quantity: 2 }, { ...item }] };
    const refused = await open(world, params);
    expect(refused.allowed).toBe(false);
    expect(world.fake.requests).toEqual([]);
  });

  it('gives the same session again to a retry, ten minutes later too', async () => {
    const world = createWorld();
    world.fake.fail({ kind: 'drop' });
    expect(await codeOf(open(world))).toBe('outcome_unknown');
    world.advance(10);
    const { session, replayed } = allowed(await open(world));
    expect(replayed).toBe(true);
    expect(session.expires_at * 1000).toBe(world.clock.at + 25 * 60_000);
    expect((await world.stripe.checkout.sessions.list()).data).toHaveLength(1);
  });

  it('keeps the hold when a retry is rejected: the first may have arrived', async () => {
    const world = createWorld();
    world.fake.fail({ kind: 'drop_before' });
    expect(await codeOf(open(world))).toBe('outcome_unknown');
    world.advance(10);
    // Too late for a new session of this hold.
    expect(await codeOf(open(world))).toBe('StripeInvalidRequestError');
    expect((await world.purchase('p1')).state).toBe('reserved');
  });

  it.each<[string, Partial<Stripe.Checkout.SessionCreateParams>]>([
    ['price ids', { line_items: [{ price: 'price_gems', quantity: 1 }] }],
    ['no line items', { line_items: [] }],
    ['taxes', { automatic_tax: { enabled: true } }],
    ['taxes of managed payments', { managed_payments: { enabled: true } }],
    ['shipping', { shipping_options: [{ shipping_rate: 'shr_1' }] }],
    ['optional items', { optional_items: [{ price: 'price_gems', quantity: 1 }] }],
    [
      'an adjustable quantity',
      {
        line_items: (sessionOf().line_items ?? []).map((item) => ({
          ...item,
          adjustable_quantity: { enabled: true, maximum: 9 },
        })),
      },
    ],
  ])('asks for the amount where it is not given: %s', async (_, params) => {
    const world = createWorld();
    const call = open(world, { ...sessionOf(), currency: 'cny', ...params });
    expect(await codeOf(call)).toBe('TypeError');
    expect(world.fake.requests).toEqual([]);
    expect(await world.limiter.get('p1')).toBeNull();
  });

  const BY_PRICE: Partial<Stripe.Checkout.SessionCreateParams> = {
    currency: 'cny',
    line_items: [{ price: 'price_gems', quantity: 1 }],
  };

  it('holds what is stated, and gives the difference back', async () => {
    const world = createWorld();
    const answer = await open(world, { ...sessionOf(), ...BY_PRICE }, { amount: 5000 });
    const { session, purchase } = allowed(answer);
    expect(purchase.amount).toBe('50.00');
    world.fake.completeCheckout(session.id);
    await world.deliverAll();
    expect(await world.purchase('p1')).toMatchObject({ state: 'committed', committed: '30.00' });
    expect(await world.used()).toBe('30.00');
  });

  it.each([
    ['as many as the player chooses', { enabled: true, maximum: 9 }, 26_999],
    ["as many as Stripe's maximum", { enabled: true }, 99 * 3_000 - 1],
    ['one', { enabled: false }, 2_999],
  ])('is not opened if what is stated does not pay for %s', async (_, adjustable, short) => {
    const world = createWorld();
    const [item = expect.fail()] = sessionOf().line_items ?? [];
    const line_items = [{ ...item, adjustable_quantity: adjustable }];
    const call = open(world, { ...sessionOf(), line_items }, { amount: short });
    expect(await codeOf(call)).toBe('TypeError');
    expect(world.fake.requests).toEqual([]);
    expect(await world.limiter.get('p1')).toBeNull();
  });

  it('may be stated below the prices if there is a discount', async () => {
    const world = createWorld();
    const discounts = [{ coupon: 'half' }];
    const call = open(world, { ...sessionOf(), discounts }, { amount: 1_500 });
    expect(await codeOf(call)).toBe('payment_forbidden');
    expect(world.posts()).not.toEqual([]);
  });

  it('closes a session that would charge more than was stated', async () => {
    const world = createWorld();
    const call = open(world, { ...sessionOf(), ...BY_PRICE }, { amount: 2900 });
    expect(await codeOf(call)).toBe('payment_forbidden');
    const { data } = await world.stripe.checkout.sessions.list();
    expect(data.map(({ status }) => status)).toEqual(['expired']);
    expect((await world.purchase('p1')).state).toBe('released');
  });

  it.each<[string, string, Partial<Stripe.Checkout.SessionCreateParams>]>([
    ['a subscription', 'payment_forbidden', { mode: 'subscription' }],
    ['a set-up', 'payment_forbidden', { mode: 'setup' }],
    ['an end of its own', 'TypeError', { expires_at: 1_800_000_000 }],
    [
      'a life after its end',
      'payment_forbidden',
      { after_expiration: { recovery: { enabled: true } } },
    ],
  ])('does not take %s', async (_, code, params) => {
    const world = createWorld();
    expect(await codeOf(open(world, { ...sessionOf(), ...params }))).toBe(code);
    expect(world.fake.requests).toEqual([]);
  });

  it('takes another time, not below what Stripe allows', async () => {
    const world = createWorld();
    expect(await codeOf(open(world, sessionOf(), { expiresInSeconds: 1800 }))).toBe('TypeError');
    const { session } = allowed(await open(world, sessionOf(), { expiresInSeconds: 7200 }));
    expect(session.expires_at * 1000).toBe(world.clock.at + 115 * 60_000);
  });
});

describe('the end of a session', () => {
  it('gives the hold back when it is expired by the shop', async () => {
    const world = createWorld();
    const { session } = allowed(await open(world));
    const expired = await world.guard.checkout.sessions.expire(session.id);
    expect(expired.status).toBe('expired');
    expect((await world.purchase('p1')).state).toBe('released');
  });

  it('passes no empty options, which Stripe clients before 22 take for an unknown argument', async () => {
    const world = createWorld();
    const { sessions } = world.stripe.checkout;
    const { paymentIntents } = world.stripe;
    const expire = vi.spyOn(sessions, 'expire');
    const cancel = vi.spyOn(paymentIntents, 'cancel');
    const { session } = allowed(await open(world));
    await world.guard.checkout.sessions.expire(session.id);
    const payment = await paymentIntents.create({ amount: 100, currency: 'cny' });
    await world.guard.paymentIntents.cancel(payment.id);
    expect(expire.mock.lastCall).toEqual([session.id, {}, undefined]);
    expect(cancel.mock.lastCall).toEqual([payment.id, {}, undefined]);
  });

  it('is settled by a retry when the answer was lost', async () => {
    const world = createWorld();
    const { session } = allowed(await open(world));
    world.fake.fail({ kind: 'drop', on: '/expire' });
    expect(await codeOf(world.guard.checkout.sessions.expire(session.id))).toBe('outcome_unknown');
    expect((await world.purchase('p1')).state).toBe('reserved');
    await world.guard.checkout.sessions.expire(session.id);
    expect((await world.purchase('p1')).state).toBe('released');
  });

  it('cannot be brought about once it was paid', async () => {
    const world = createWorld();
    const { session } = allowed(await open(world));
    world.fake.completeCheckout(session.id);
    const call = world.guard.checkout.sessions.expire(session.id);
    expect(await codeOf(call)).toBe('StripeInvalidRequestError');
    expect((await world.purchase('p1')).state).toBe('reserved');
  });

  it('comes automatically, also after a declined card', async () => {
    const world = createWorld();
    const { session } = allowed(await open(world));
    world.fake.completeCheckout(session.id, 'pm_card_chargeDeclined');
    await world.deliverAll();
    expect((await world.purchase('p1')).state).toBe('reserved');
    world.advance(36);
    world.fake.expireDue();
    await world.deliverAll();
    expect((await world.purchase('p1')).state).toBe('released');
    expect(world.problems).toEqual([]);
  });

  it.each([
    [true, 'committed'],
    [false, 'released'],
  ])('waits for a bank transfer: comes through %s', async (success, state) => {
    const world = createWorld();
    const { session } = allowed(await open(world));
    world.fake.completeCheckout(session.id, 'pm_usBankAccount_success');
    await world.deliverAll();
    expect((await world.purchase('p1')).state).toBe('reserved');
    world.fake.finishProcessing(world.fake.paymentIntents()[0]?.id ?? '', success);
    await world.deliverAll();
    expect((await world.purchase('p1')).state).toBe(state);
    expect(world.problems).toEqual([]);
  });

  it('keeps a payment that waits for its capture', async () => {
    const world = createWorld();
    const params = { ...sessionOf(), payment_intent_data: { capture_method: 'manual' as const } };
    const { session } = allowed(await open(world, params));
    world.fake.completeCheckout(session.id);
    await world.deliverAll();
    expect((await world.purchase('p1')).state).toBe('reserved');
    const id = world.fake.paymentIntents()[0]?.id ?? '';
    await world.guard.paymentIntents.capture(id, { amount_to_capture: 2000 });
    await world.deliverAll();
    expect((await world.purchase('p1')).committed).toBe('20.00');
    expect(world.problems).toEqual([]);
  });
});
