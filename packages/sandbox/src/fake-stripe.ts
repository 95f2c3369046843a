import { assertOptions } from '@spendcap/core';
import { completeSession, expireDueSessions, finishSession } from './fake-stripe/checkout.ts';
import { closeDispute, openDispute } from './fake-stripe/disputes.ts';
import { unexpectedState } from './fake-stripe/errors.ts';
import type {
  FakeCharge,
  FakeDispute,
  FakeEvent,
  FakePaymentIntent,
  FakeRefund,
  FakeSession,
} from './fake-stripe/objects.ts';
import { findPayment } from './fake-stripe/parameters.ts';
import { charge, failAttempt } from './fake-stripe/payment-intents.ts';
import { finishRefund } from './fake-stripe/refunds.ts';
import { newState, type State } from './fake-stripe/state.ts';
import {
  createTransport,
  type FakeStripeFault,
  type FakeStripeRequest,
} from './fake-stripe/transport.ts';
import { deliveries, signedRequest } from './fake-stripe/webhooks.ts';

/** Options of `fakeStripe`. */
export interface FakeStripeOptions {
  /** Epoch milliseconds. Default `Date.now`. */
  readonly now?: () => number;
  /** Signing secret of webhooks. */
  readonly webhookSecret?: string;
  /** Receives the webhook of each event, one after the other; see `delivered`. */
  readonly endpoint?: (request: Request) => Promise<Response>;
  /** Prices for Checkout line items, by id. */
  readonly prices?: Readonly<
    Record<string, { readonly unit_amount: number; readonly currency: string }>
  >;
}

/** Options of `FakeStripe.webhook`. */
export interface FakeWebhookOptions {
  readonly url?: string;
  /** Signs with another secret. */
  readonly secret?: string;
  /** Age of the signature in seconds. */
  readonly age?: number;
}

/** An in-process Stripe, see `fakeStripe`. Its objects are live: do not modify them. */
export interface FakeStripe {
  /** The API as a msw handler: a dropped connection is `Response.error()`. */
  readonly handle: (request: Request) => Promise<Response>;
  /** For `Stripe.createFetchHttpClient(fake.fetch)`: a dropped connection rejects. */
  readonly fetch: (input: string | URL | Request, init?: RequestInit) => Promise<Response>;
  readonly webhookSecret: string;
  /** Every received request, in order. */
  readonly requests: readonly FakeStripeRequest[];
  /** Every event, in order. */
  readonly events: readonly FakeEvent[];
  /** Every charge, including failed ones. */
  charges(): readonly FakeCharge[];
  /** Every PaymentIntent. */
  paymentIntents(): readonly FakePaymentIntent[];
  /** Every refund, including those that only release what was authorised. */
  refunds(): readonly FakeRefund[];
  /** Every Checkout Session. */
  sessions(): readonly FakeSession[];
  /** Captured minus refunded, in the currency's smallest unit. */
  netCharged(currency: string): number;
  /** The player pays on a Checkout page. */
  completeCheckout(sessionId: string, paymentMethod?: string): FakeSession;
  /** The player completes or fails 3-D Secure. */
  authenticate(paymentIntentId: string, success: boolean): FakePaymentIntent;
  /** A `processing` payment succeeds or fails. */
  finishProcessing(paymentIntentId: string, success: boolean): FakePaymentIntent;
  /** Sets the initial status of new refunds. */
  refundsBegin(status: 'succeeded' | 'pending'): void;
  /** The bank settles a refund; even a succeeded one may fail later. */
  finishRefund(refundId: string, status: 'succeeded' | 'failed'): FakeRefund;
  /** A bank takes money of a charge back, by default all of it. */
  dispute(chargeId: string, amount?: number): FakeDispute;
  /** The bank decides a dispute. */
  closeDispute(disputeId: string, status: 'won' | 'lost'): FakeDispute;
  /** Expires due Checkout Sessions. Every request does so, too. */
  expireDue(): void;
  /** Makes the next matching request fail. */
  fail(fault: FakeStripeFault): void;
  /** Cancels the pending faults. */
  heal(): void;
  /** The signed webhook request for an event. */
  webhook(event: FakeEvent, options?: FakeWebhookOptions): Request;
  /**
   * Waits until `endpoint` has responded to every event.
   *
   * @throws Error if a response was not a 2xx, or what the endpoint threw
   */
  delivered(): Promise<void>;
  /** Delivers events to an endpoint, sequentially in this order. */
  deliver(
    events: readonly FakeEvent[],
    endpoint: (request: Request) => Promise<Response>,
  ): Promise<readonly Response[]>;
}

/**
 * A stateful fake of Stripe: PaymentIntents, Checkout Sessions, refunds, idempotency keys, test
 * payment methods, events with signed webhooks, and injected faults, following the API's
 * documentation. Unknown endpoints respond with 404.
 */
export function fakeStripe(options: FakeStripeOptions = {}): FakeStripe {
  assertOptions('fakeStripe', options, {
    now: true,
    webhookSecret: true,
    endpoint: true,
    prices: true,
  });
  const { now = Date.now, webhookSecret = 'whsec_fake', endpoint, prices = {} } = options;
  const state = newState(now);
  for (const [id, price] of Object.entries(prices)) {
    assertOptions('fakeStripe prices', price, { unit_amount: true, currency: true });
    if (typeof price.unit_amount !== 'number' || typeof price.currency !== 'string') {
      throw new TypeError('prices: expected unit_amount and currency for each');
    }
    state.prices.set(id, price);
  }
  const transport = createTransport(state);
  const webhook = (event: FakeEvent, send: FakeWebhookOptions = {}): Request => {
    assertOptions('webhook', send, { url: true, secret: true, age: true });
    return signedRequest(event, {
      url: send.url ?? 'https://shop.example/webhooks/stripe',
      secret: send.secret ?? webhookSecret,
      timestamp: Math.floor(now() / 1000) - (send.age ?? 0),
    });
  };
  const queue = endpoint && deliveries((event) => endpoint(webhook(event)));
  if (queue !== undefined) state.onEvent = queue.add;
  return {
    handle: transport.handle,
    async fetch(input, init) {
      const response = await transport.handle(new Request(input, init));
      if (response.type === 'error') throw new TypeError('The connection was closed.');
      return response;
    },
    webhookSecret,
    requests: transport.seen,
    events: state.events,
    charges: () => [...state.charges.values()],
    paymentIntents: () => [...state.paymentIntents.values()],
    refunds: () => [...state.refunds.values()],
    sessions: () => [...state.sessions.values()],
    netCharged: (currency) =>
      [...state.charges.values()]
        .filter((made) => made.currency === currency)
        .reduce((sum, made) => sum + made.amount_captured - made.amount_refunded, 0),
    completeCheckout: (id, method = 'pm_card_visa') => completeSession(state, id, method),
    authenticate: (id, success) =>
      conclude(state, { id, success, from: 'requires_action', code: 'authentication_failure' }),
    finishProcessing(id, success) {
      const from = 'processing';
      const payment = conclude(state, {
        id,
        success,
        from,
        code: 'payment_method_provider_decline',
      });
      finishSession(state, payment);
      return payment;
    },
    refundsBegin(status) {
      state.refundStatus = status;
    },
    finishRefund: (id, status) => finishRefund(state, id, status),
    dispute: (chargeId, amount) => openDispute(state, chargeId, amount),
    closeDispute: (id, status) => closeDispute(state, id, status),
    expireDue: () => expireDueSessions(state),
    fail: transport.fail,
    heal: transport.heal,
    webhook,
    async delivered() {
      if (queue === undefined) throw new TypeError('fakeStripe has no endpoint to deliver to');
      await queue.delivered();
    },
    async deliver(events, endpoint) {
      const answers: Response[] = [];
      for (const event of events) answers.push(await endpoint(webhook(event)));
      return answers;
    },
  };
}

interface Conclusion {
  readonly id: string;
  readonly success: boolean;
  readonly from: 'processing' | 'requires_action';
  readonly code: string;
}

function conclude(state: State, { id, success, from, code }: Conclusion): FakePaymentIntent {
  const payment = findPayment(state, id);
  if (payment.status !== from) {
    throw unexpectedState('payment_intent_unexpected_state', `It is ${payment.status}.`);
  }
  if (success) charge(state, payment);
  else failAttempt(state, payment, code);
  return payment;
}
