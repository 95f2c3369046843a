import { SpendcapError } from '@spendcap/core';
import { reconcileStripe } from '@spendcap/server/payments/stripe';
import fc from 'fast-check';
import Stripe from 'stripe';
import { expect, it } from 'vitest';
import { createWorld, sessionOf, type World } from './stripe-kit.ts';

/** What a 12-year-old may spend in a day, in fen. */
const DAY_CAP = 10_000;

const IDS = ['p0', 'p1', 'p2', 'p3', 'p4', 'p5'] as const;

type Action =
  | { readonly do: 'buy'; readonly id: string; readonly method: string; readonly amount: number }
  | { readonly do: 'checkout'; readonly id: string; readonly amount: number }
  | { readonly do: 'pay' | 'answer' | 'process'; readonly nth: number; readonly well: boolean }
  | { readonly do: 'confirm' | 'capture' | 'cancel' | 'expire' | 'refund'; readonly nth: number }
  | { readonly do: 'fault'; readonly kind: 'error' | 'drop' | 'drop_before' | 'rate_limit' }
  | { readonly do: 'news'; readonly first: number }
  | { readonly do: 'wait'; readonly minutes: number }
  | { readonly do: 'reconcile' };

const nth = fc.nat(5);
const id = fc.constantFrom(...IDS);
const amount = fc.constantFrom(1000, 3000, 5000);
const method = fc.constantFrom(
  '',
  'pm_card_visa',
  'pm_card_visa',
  'manual',
  'pm_card_chargeDeclined',
  'pm_card_authenticationRequired',
  'pm_usBankAccount_success',
);
const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant('buy' as const), id, method, amount }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('checkout' as const), id, amount }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom('pay' as const, 'answer' as const, 'process' as const),
      nth,
      well: fc.boolean(),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom('confirm', 'capture', 'cancel', 'expire', 'refund'),
      nth,
    }) as fc.Arbitrary<Action>,
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('fault' as const),
      kind: fc.constantFrom('error', 'drop', 'drop_before', 'rate_limit'),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('news' as const), first: fc.nat(40) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('wait' as const), minutes: fc.nat(45) }),
  },
  { weight: 1, arbitrary: fc.constant({ do: 'reconcile' as const }) },
);

/** Things that may well go wrong here, and must do so in a way that is foreseen. */
async function attempt(work: () => unknown): Promise<void> {
  try {
    await work();
  } catch (error) {
    const foreseen =
      SpendcapError.isInstance(error) ||
      error instanceof Stripe.errors.StripeError ||
      (error instanceof Error && 'executed' in error);
    if (!foreseen) throw error;
  }
}

function act(world: World, step: Action): Promise<void> {
  const { fake, guard } = world;
  const paymentId = 'nth' in step ? (fake.paymentIntents()[step.nth]?.id ?? 'pi_none') : '';
  return attempt(async () => {
    switch (step.do) {
      case 'buy': {
        const manual = step.method === 'manual';
        const payment_method = manual ? 'pm_card_visa' : step.method;
        return guard.paymentIntents.create(
          {
            amount: step.amount,
            currency: 'cny',
            ...(manual ? { capture_method: 'manual' } : {}),
            ...(payment_method === '' ? {} : { payment_method, confirm: true }),
          },
          { spendcap: world.buyer(step.id) },
        );
      }
      case 'checkout':
        return guard.checkout.sessions.create(sessionOf(step.amount), {
          spendcap: world.buyer(step.id),
        });
      case 'pay': {
        const { data } = await world.stripe.checkout.sessions.list({ status: 'open' });
        const session = data[step.nth % Math.max(1, data.length)]?.id ?? 'cs_none';
        const card = step.well ? 'pm_card_visa' : 'pm_card_chargeDeclined';
        return fake.completeCheckout(session, card);
      }
      case 'answer':
        return fake.authenticate(paymentId, step.well);
      case 'process':
        return fake.finishProcessing(paymentId, step.well);
      case 'confirm':
        return guard.paymentIntents.confirm(paymentId, { payment_method: 'pm_card_visa' });
      case 'capture':
        return guard.paymentIntents.capture(paymentId, { amount_to_capture: 700 });
      case 'cancel':
        return guard.paymentIntents.cancel(paymentId);
      case 'expire': {
        const { data } = await world.stripe.checkout.sessions.list();
        return guard.checkout.sessions.expire(data[step.nth]?.id ?? 'cs_none');
      }
      case 'refund':
        return guard.refunds.create(
          { payment_intent: paymentId, amount: 300 },
          { idempotencyKey: `r${fake.requests.length % 3}` },
        );
      case 'fault':
        return fake.fail({ kind: step.kind, on: 'POST' });
      case 'news':
        return fake.deliver(fake.events.slice(step.first), world.webhook);
      case 'wait':
        return world.advance(step.minutes);
      case 'reconcile':
        return reconcileStripe(world.deps)();
    }
  });
}

/** Every payment is brought to an end, and all news is delivered. */
async function settleAll(world: World): Promise<void> {
  world.fake.heal();
  for (const { id: payment, status } of world.fake.paymentIntents()) {
    if (status === 'processing') world.fake.finishProcessing(payment, true);
    if (status === 'requires_capture') await world.stripe.paymentIntents.cancel(payment);
  }
  world.advance(120);
  await reconcileStripe(world.deps)();
  for (let i = 0; i < 2; i += 1) await world.deliverAll();
}

it('never charges above the cap, and the ledger ends as Stripe does, whatever goes wrong', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(action, { maxLength: 40 }), async (steps) => {
      const world = createWorld();
      // The whole story is told on one day in Shanghai.
      let minutes = 0;
      for (const step of steps) {
        if (step.do === 'wait') minutes += step.minutes;
        if (minutes > 600) break;
        await act(world, step);
        expect(world.fake.netCharged('cny')).toBeLessThanOrEqual(DAY_CAP);
      }
      await settleAll(world);
      let spent = 0;
      for (const known of IDS) {
        const purchase = await world.limiter.get(known);
        if (purchase === null) continue;
        expect(purchase.state).not.toBe('reserved');
        expect(purchase.late).toBe(false);
        spent += Math.round((Number(purchase.committed) - Number(purchase.refunded)) * 100);
      }
      expect(spent).toBe(world.fake.netCharged('cny'));
      expect(Math.round(Number(await world.used()) * 100)).toBe(spent);
    }),
    { numRuns: 150 },
  );
});
