import type { FakeStripe } from '@spendcap/sandbox';
import type Stripe from 'stripe';
import type { Action, StripeDeed } from './history.ts';
import type { Server, World } from './world.ts';

type Event = FakeStripe['events'][number];

/** The metadata key under which the guard stores the purchase id. */
export const MARK = 'spendcap_id';

export function paymentsOf({ fake }: World, id: string) {
  return fake.paymentIntents().filter(({ metadata }) => metadata[MARK] === id);
}

/** Every event so far about the payments and sessions of a purchase, in the order they happened. */
export function eventsAbout(world: World, id: string): readonly Event[] {
  const payments = new Set(paymentsOf(world, id).map((payment) => payment.id));
  return world.fake.events.filter(({ data: { object } }) =>
    'payment_intent' in object && object.payment_intent !== null
      ? payments.has(object.payment_intent)
      : object.metadata[MARK] === id,
  );
}

/** What somebody does to the payment of a purchase; says so if there is nothing to do it to. */
export async function deed(
  world: World,
  server: Server,
  { do: what, id, amount }: Extract<Action, { do: StripeDeed }>,
): Promise<string> {
  const { fake, stripe } = world;
  const payment = paymentsOf(world, id)[0];
  const session = await sessionOf(world, id);
  // The payment of a session is confirmed on the session's page only.
  const direct = session === undefined ? payment : undefined;
  const refund = payment === undefined ? undefined : (await refundsOf(world, payment.id)).at(-1);
  const key = { idempotencyKey: `${id}-${amount ?? 'all'}` };
  const part = amount === undefined ? {} : { amount };
  const deeds: Readonly<Record<StripeDeed, () => unknown>> = {
    player_confirms: () => direct && stripe.paymentIntents.confirm(direct.id, WORKING_CARD),
    player_declined: () => direct && stripe.paymentIntents.confirm(direct.id, DECLINED_CARD),
    player_pays_session: () => session?.status === 'open' && fake.completeCheckout(session.id),
    bank_authenticates: () =>
      payment?.status === 'requires_action' && fake.authenticate(payment.id, true),
    bank_refuses: () =>
      payment?.status === 'requires_action' && fake.authenticate(payment.id, false),
    bank_processes: () =>
      payment?.status === 'processing' && fake.finishProcessing(payment.id, true),
    bank_fails: () => payment?.status === 'processing' && fake.finishProcessing(payment.id, false),
    guard_confirms: () => direct && server.guard.paymentIntents.confirm(direct.id, WORKING_CARD),
    guard_captures: () =>
      payment &&
      server.guard.paymentIntents.capture(
        payment.id,
        amount === undefined ? {} : { amount_to_capture: Math.min(amount, payment.amount) },
      ),
    guard_cancels: () => payment && server.guard.paymentIntents.cancel(payment.id),
    guard_expires_session: () => session && server.guard.checkout.sessions.expire(session.id),
    guard_refunds() {
      fake.refundsBegin('succeeded');
      return payment && server.guard.refunds.create({ payment_intent: payment.id, ...part }, key);
    },
    guard_refunds_later() {
      fake.refundsBegin('pending');
      return payment && server.guard.refunds.create({ payment_intent: payment.id, ...part }, key);
    },
    refund_succeeds: () =>
      refund?.status === 'pending' && fake.finishRefund(refund.id, 'succeeded'),
    refund_fails: () =>
      refund !== undefined && refund.status !== 'failed' && fake.finishRefund(refund.id, 'failed'),
  };
  const done = await deeds[what]();
  return done === undefined || done === false ? 'nothing to do' : `${what} done`;
}

const WORKING_CARD = { payment_method: 'pm_card_visa' };
const DECLINED_CARD = { payment_method: 'pm_card_chargeDeclined' };

async function sessionOf({ stripe }: World, id: string) {
  const { data } = await stripe.checkout.sessions.list({ limit: 100 });
  return data.find(({ metadata }) => metadata?.[MARK] === id);
}

/** Oldest first. */
export async function refundsOf({ stripe }: World, paymentId: string): Promise<Stripe.Refund[]> {
  const { data } = await stripe.refunds.list({ payment_intent: paymentId, limit: 100 });
  return data.toReversed();
}
