import { fakeStripe } from '@spendcap/sandbox';
import { guardStripe, stripeProcessor } from '@spendcap/server/payments/stripe';
import { describe, expect, it } from 'vitest';
import { reconciler } from '../../../support/processors/reconciler.ts';
import { stripeOver } from '../../../support/processors/stripe.ts';
import { aged, allowed, codeOf, createWorld, sessionOf, THIRTY, type World } from './stripe-kit.ts';

async function reconciled(world: World): Promise<string[]> {
  const results = await world.reconcile();
  return results.map(({ outcome }) => outcome);
}

async function unconfirmed(world: World): Promise<string> {
  const answer = await world.guard.paymentIntents.create(
    { amount: 3000, currency: 'cny' },
    { spendcap: world.buyer('p1') },
  );
  return allowed(answer).paymentIntent.id;
}

describe('reconcile', () => {
  it('leaves holds alone whose time is not up', async () => {
    const world = createWorld();
    await unconfirmed(world);
    world.advance(29);
    expect(await reconciled(world)).toEqual([]);
    expect(await world.used()).toBe('30.00');
  });

  it('commits what was charged and never answered', async () => {
    const world = createWorld();
    world.fake.fail({ kind: 'drop' });
    const call = world.guard.paymentIntents.create(THIRTY, { spendcap: world.buyer('p1') });
    expect(await codeOf(call)).toBe('outcome_unknown');
    world.advance(30);
    expect(await reconciled(world)).toEqual(['committed']);
    expect(await world.purchase('p1')).toMatchObject({ committed: '30.00', late: false });
  });

  it('cancels what is open, and releases when Stripe says so', async () => {
    const world = createWorld();
    const id = await unconfirmed(world);
    world.advance(30);
    expect(await reconciled(world)).toEqual(['released']);
    expect(world.fake.paymentIntents()[0]?.status).toBe('canceled');
    expect((await world.purchase('p1')).state).toBe('released');
    const confirm = world.stripe.paymentIntents.confirm(id, { payment_method: 'pm_card_visa' });
    expect(await codeOf(confirm)).toBe('StripeInvalidRequestError');
    expect(await reconciled(world)).toEqual([]);
  });

  it('keeps the hold while the cancellation is not certain', async () => {
    const world = createWorld();
    await unconfirmed(world);
    world.advance(30);
    world.fake.fail({ kind: 'drop', on: '/cancel' });
    expect(await reconciled(world)).toEqual(['failed']);
    expect(await world.used()).toBe('30.00');
    expect(await reconciled(world)).toEqual(['released']);
  });

  it.each([
    ['pm_usBankAccount_success', 'automatic'],
    ['pm_card_visa', 'manual'],
  ] as const)('leaves what only Stripe or the shop can end: %s, %s', async (method, capture) => {
    const world = createWorld();
    await world.guard.paymentIntents.create(
      { ...THIRTY, payment_method: method, capture_method: capture },
      { spendcap: world.buyer('p1') },
    );
    world.advance(600);
    expect(await reconciled(world)).toEqual(['open']);
    expect(await world.used()).toBe('30.00');
    expect(world.posts()).toHaveLength(1);
  });

  it('does not guess about a status that it does not know', async () => {
    const world = createWorld();
    await unconfirmed(world);
    const payment = world.fake.paymentIntents()[0];
    Object.assign(payment ?? {}, { status: 'requires_patience' });
    world.advance(600);
    expect(await reconciled(world)).toEqual(['open']);
    expect(await world.used()).toBe('30.00');
    expect(world.posts()).toHaveLength(1);
  });

  it('releases what never reached Stripe, once its search cannot lag any more', async () => {
    const world = createWorld();
    world.fake.fail({ kind: 'drop_before' });
    const call = world.guard.paymentIntents.create(THIRTY, { spendcap: world.buyer('p1') });
    expect(await codeOf(call)).toBe('outcome_unknown');
    world.advance(89);
    expect(await reconciled(world)).toEqual(['unseen']);
    world.advance(1);
    expect(await reconciled(world)).toEqual(['released']);
    expect(await world.used()).toBe('0.00');
  });

  it('asks about sessions as well', async () => {
    const world = createWorld();
    const buy = async (id: string) => {
      const options = { spendcap: { ...world.buyer(id) } };
      return allowed(await world.guard.checkout.sessions.create(sessionOf(), options)).session.id;
    };
    world.fake.completeCheckout(await buy('paid'));
    world.fake.completeCheckout(await buy('declined'), 'pm_card_chargeDeclined');
    await buy('untouched');
    world.advance(40);
    const results = await world.reconcile();
    expect(results).toEqual([
      { purchaseId: 'declined', outcome: 'released' },
      { purchaseId: 'paid', outcome: 'committed' },
      { purchaseId: 'untouched', outcome: 'released' },
    ]);
    expect(await world.used()).toBe('30.00');
  });

  it('expires a session that Stripe still has open', async () => {
    const world = createWorld();
    const options = { spendcap: world.buyer('p1') };
    const { session } = allowed(await world.guard.checkout.sessions.create(sessionOf(), options));
    world.fake.completeCheckout(session.id, 'pm_card_chargeDeclined');
    // The shop's clock runs ahead of Stripe's.
    const ahead = { ...world.engine, limiter: { ...world.limiter, overdue: overdueNow } };
    async function overdueNow() {
      return [await world.purchase('p1')];
    }
    expect(await reconciler(ahead)()).toEqual([{ purchaseId: 'p1', outcome: 'released' }]);
    const after = await world.stripe.checkout.sessions.retrieve(session.id);
    expect(after.status).toBe('expired');
  });

  it('counts everything that was paid, also by an unguarded second payment', async () => {
    const world = createWorld();
    await world.guard.paymentIntents.create(
      { ...THIRTY, payment_method: 'pm_usBankAccount_success' },
      { spendcap: world.buyer('p1') },
    );
    await world.stripe.paymentIntents.create({ ...THIRTY, metadata: { spendcap_id: 'p1' } });
    world.advance(30);
    expect(await reconciled(world)).toEqual(['open']);
    world.fake.finishProcessing(world.fake.paymentIntents()[0]?.id ?? '', true);
    expect(await reconciled(world)).toEqual(['committed']);
    expect((await world.purchase('p1')).committed).toBe('60.00');
  });

  it('goes on after a failure, and leaves holds of other makers alone', async () => {
    const world = createWorld();
    await world.limiter.reserve({
      id: 'other',
      amount: '1.00',
      currency: 'CNY',
      evidence: aged(12, world.clock.at),
      onExpiry: 'reconcile',
      // A key of the caller's own is no sign of the guard's.
      metadata: { stripe: 'payment_intent' },
    });
    for (const id of ['p1', 'p2']) {
      await world.guard.paymentIntents.create(
        { amount: 3000, currency: 'cny' },
        { spendcap: world.buyer(id) },
      );
    }
    world.advance(31);
    world.fake.fail({ kind: 'error', on: '/search' });
    expect(await reconciled(world)).toEqual(['failed', 'released']);
    expect(await reconciled(world)).toEqual(['released']);
    expect(await world.used()).toBe('1.00');
  });

  it('settles its own hold behind 150 older ones of others', async () => {
    const world = createWorld();
    for (let index = 0; index < 150; index += 1) {
      await world.limiter.reserve({
        ...{ id: `other-${index}`, amount: '1.00', currency: 'CNY', onExpiry: 'reconcile' },
        ...{ evidence: aged(30, world.clock.at), ...(index % 2 ? { processor: 'acme_pay' } : {}) },
      });
    }
    world.advance(1);
    await unconfirmed(world);
    world.advance(30);
    expect(await reconciled(world)).toEqual(['released']);
  });

  it('leaves the holds of another account with a name of its own alone', async () => {
    const world = createWorld();
    const other = fakeStripe({ now: () => world.clock.at });
    const elsewhere = guardStripe({ ...world.deps, stripe: stripeOver(other.fetch), name: 'eu' });
    other.fail({ kind: 'drop' });
    const call = elsewhere.paymentIntents.create(THIRTY, { spendcap: world.buyer('p1') });
    expect(await codeOf(call)).toBe('outcome_unknown');
    world.advance(600);
    expect(await reconciled(world)).toEqual([]);
    const processor = stripeProcessor({ stripe: stripeOver(other.fetch), name: 'eu' });
    const own = await reconciler({ ...world.engine, processor })();
    expect(own).toEqual([{ purchaseId: 'p1', outcome: 'committed' }]);
  });
});
