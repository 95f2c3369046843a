import type { FakeStripe } from '@spendcap/sandbox';
import type { GuardedStripe } from '@spendcap/server/payments/stripe';
import type Stripe from 'stripe';
import type { Deeds } from './deeds.ts';

/** The metadata key under which the guard stores the purchase id. */
const MARK = 'spendcap_id';

const CARD = { payment_method: 'pm_card_visa' };
const DECLINED = { payment_method: 'pm_card_chargeDeclined' };

export const OUTSIDE = [
  'payer_pays',
  'payer_declined',
  'bank_authenticates',
  'bank_refuses',
  'bank_processes',
  'bank_fails',
  'operator_refunds',
  'refund_succeeds',
  'refund_fails',
] as const;

export const GUARDED = [
  'guard_confirms',
  'guard_captures',
  'guard_cancels',
  'guard_expires_session',
  'guard_refunds',
  'guard_refunds_later',
] as const;

/** What the fake knows of a purchase. */
export function stripeBooks(fake: FakeStripe) {
  const payments = (id: string) =>
    fake.paymentIntents().filter(({ metadata }) => metadata[MARK] === id);
  const refunds = (id: string) => {
    const own = new Set(payments(id).map((payment) => payment.id));
    // Others only release what was authorised.
    return fake
      .refunds()
      .filter(({ payment_intent }) => own.has(payment_intent))
      .filter(({ balance_transaction, status }) => status !== 'succeeded' || balance_transaction);
  };
  return {
    payments,
    refunds,
    session: (id: string) => fake.sessions().find(({ metadata }) => metadata[MARK] === id),
    /** Every event about its payments and sessions, in the order they happened. */
    events(id: string) {
      const own = new Set(payments(id).map((payment) => payment.id));
      return fake.events.filter(({ data: { object } }) =>
        'payment_intent' in object && object.payment_intent !== null
          ? own.has(object.payment_intent)
          : object.metadata[MARK] === id,
      );
    },
  };
}

/** What players, banks and operators do. */
export function outsideStripe(fake: FakeStripe, stripe: Stripe): Deeds<(typeof OUTSIDE)[number]> {
  const { payments, refunds, session } = stripeBooks(fake);
  const confirm = (id: string, card: typeof CARD) => {
    const page = session(id);
    if (page !== undefined) return fake.completeCheckout(page.id, card.payment_method);
    const [payment] = payments(id);
    return payment && stripe.paymentIntents.confirm(payment.id, card);
  };
  const authenticate = (id: string, success: boolean) => {
    const [payment] = payments(id);
    return payment?.status === 'requires_action' && fake.authenticate(payment.id, success);
  };
  const process = (id: string, success: boolean) => {
    const [payment] = payments(id);
    return payment?.status === 'processing' && fake.finishProcessing(payment.id, success);
  };
  return {
    payer_pays: (id) => confirm(id, CARD),
    payer_declined: (id) => confirm(id, DECLINED),
    bank_authenticates: (id) => authenticate(id, true),
    bank_refuses: (id) => authenticate(id, false),
    bank_processes: (id) => process(id, true),
    bank_fails: (id) => process(id, false),
    operator_refunds(id, amount) {
      const [payment] = payments(id);
      fake.refundsBegin('succeeded');
      return payment && stripe.refunds.create({ payment_intent: payment.id, ...part(amount) });
    },
    refund_succeeds(id) {
      const refund = refunds(id).at(-1);
      return refund?.status === 'pending' && fake.finishRefund(refund.id, 'succeeded');
    },
    refund_fails(id) {
      const refund = refunds(id).at(-1);
      return refund && refund.status !== 'failed' && fake.finishRefund(refund.id, 'failed');
    },
  };
}

/** What a process does through its guard. */
export function guardedStripe(
  fake: FakeStripe,
  guard: GuardedStripe<Stripe>,
): Deeds<(typeof GUARDED)[number]> {
  const { payments, session } = stripeBooks(fake);
  const refund = (begin: 'succeeded' | 'pending') => (id: string, amount?: number) => {
    const [payment] = payments(id);
    fake.refundsBegin(begin);
    const key = { idempotencyKey: `${id}-${amount ?? 'all'}` };
    return payment && guard.refunds.create({ payment_intent: payment.id, ...part(amount) }, key);
  };
  return {
    guard_confirms(id) {
      const [payment] = payments(id);
      // The payment of a session is confirmed on the session's page only.
      return session(id) === undefined && payment && guard.paymentIntents.confirm(payment.id, CARD);
    },
    guard_captures(id, amount) {
      const [payment] = payments(id);
      if (payment === undefined) return false;
      const most =
        amount === undefined ? {} : { amount_to_capture: Math.min(amount, payment.amount) };
      return guard.paymentIntents.capture(payment.id, most);
    },
    guard_cancels(id) {
      const [payment] = payments(id);
      return payment && guard.paymentIntents.cancel(payment.id);
    },
    guard_expires_session(id) {
      const page = session(id);
      return page && guard.checkout.sessions.expire(page.id);
    },
    guard_refunds: refund('succeeded'),
    guard_refunds_later: refund('pending'),
  };
}

const part = (amount?: number) => (amount === undefined ? {} : { amount });
