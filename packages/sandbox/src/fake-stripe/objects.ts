/** The parts of Stripe's objects that a limiter uses, under the API's names. */

/** The status of a PaymentIntent. */
export type FakePaymentStatus =
  | 'requires_payment_method'
  | 'requires_confirmation'
  | 'requires_action'
  | 'processing'
  | 'requires_capture'
  | 'canceled'
  | 'succeeded';

/** A PaymentIntent. */
export interface FakePaymentIntent {
  readonly id: string;
  readonly object: 'payment_intent';
  readonly created: number;
  readonly livemode: false;
  readonly currency: string;
  readonly client_secret: string;
  readonly capture_method: string;
  readonly metadata: Readonly<Record<string, string>>;
  amount: number;
  amount_capturable: number;
  amount_received: number;
  status: FakePaymentStatus;
  payment_method: string | null;
  latest_charge: string | null;
  canceled_at: number | null;
  cancellation_reason: string | null;
  next_action: { readonly type: string } | null;
  last_payment_error: { readonly type: string; readonly code: string } | null;
}

/** A charge. */
export interface FakeCharge {
  readonly id: string;
  readonly object: 'charge';
  readonly created: number;
  readonly livemode: false;
  readonly amount: number;
  readonly currency: string;
  readonly payment_intent: string;
  readonly metadata: Readonly<Record<string, string>>;
  amount_captured: number;
  amount_refunded: number;
  captured: boolean;
  paid: boolean;
  refunded: boolean;
  status: 'succeeded' | 'pending' | 'failed';
}

/** A refund. */
export interface FakeRefund {
  readonly id: string;
  readonly object: 'refund';
  readonly created: number;
  readonly amount: number;
  readonly currency: string;
  readonly charge: string;
  readonly payment_intent: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly reason: string | null;
  /** Of the money that it moved; `null` until then, and if it only releases an authorisation. */
  balance_transaction: string | null;
  status: 'pending' | 'succeeded' | 'failed' | 'canceled';
  failure_reason: string | null;
}

/** A dispute. */
export interface FakeDispute {
  readonly id: string;
  readonly object: 'dispute';
  readonly created: number;
  readonly livemode: false;
  readonly amount: number;
  readonly currency: string;
  readonly charge: string;
  readonly payment_intent: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly reason: string;
  status: 'needs_response' | 'won' | 'lost';
}

/** A Checkout Session. */
export interface FakeSession {
  readonly id: string;
  readonly object: 'checkout.session';
  readonly created: number;
  readonly livemode: false;
  readonly mode: 'payment';
  readonly amount_total: number;
  readonly currency: string;
  readonly client_reference_id: string | null;
  readonly expires_at: number;
  readonly metadata: Readonly<Record<string, string>>;
  payment_intent: string | null;
  payment_status: 'paid' | 'unpaid' | 'no_payment_required';
  status: 'open' | 'complete' | 'expired';
  url: string | null;
}

/** The object of an event. */
export type FakeObject = FakePaymentIntent | FakeCharge | FakeDispute | FakeRefund | FakeSession;

/** An event. */
export interface FakeEvent {
  readonly id: string;
  readonly object: 'event';
  readonly api_version: string;
  readonly created: number;
  readonly livemode: false;
  readonly pending_webhooks: number;
  readonly request: { readonly id: null; readonly idempotency_key: string | null };
  readonly type: string;
  /** Snapshot of the object at the time of the event. */
  readonly data: { readonly object: FakeObject };
}
