import { ApiError, invalidParameter, missing, unexpectedState } from './errors.ts';
import { type FormObject, textIn, textsIn } from './form.ts';
import type { FakeCharge, FakePaymentIntent } from './objects.ts';
import { findPayment, integerIn } from './parameters.ts';
import { refundUncaptured } from './refunds.ts';
import { emit, newId, type State, seconds } from './state.ts';

const CREATE_PARAMS = new Set(
  `allowed_payment_method_types amount automatic_payment_methods capture_method confirm
  confirmation_method currency customer description expand metadata off_session payment_method
  payment_method_types receipt_email return_url setup_future_usage shipping statement_descriptor
  statement_descriptor_suffix`.split(/\s+/),
);

/** The outcome of charging a test payment method. */
const OUTCOMES: Readonly<Record<string, 'decline' | 'authenticate' | 'process'>> = {
  pm_card_chargeDeclined: 'decline',
  pm_card_visa_chargeDeclined: 'decline',
  pm_card_authenticationRequired: 'authenticate',
  pm_card_threeDSecure2Required: 'authenticate',
  pm_usBankAccount_success: 'process',
};

export function createPaymentIntent(state: State, params: FormObject): FakePaymentIntent {
  for (const name of Object.keys(params)) {
    if (!CREATE_PARAMS.has(name)) {
      throw invalidParameter(name, `Received unknown parameter: ${name}`, 'parameter_unknown');
    }
  }
  const payment = newPayment(state, params);
  state.paymentIntents.set(payment.id, payment);
  emit(state, 'payment_intent.created', payment);
  if (textIn(params, 'confirm') === 'true') confirmPaymentIntent(state, payment.id, params);
  return payment;
}

/** A new PaymentIntent from validated parameters. */
export function newPayment(state: State, params: FormObject): FakePaymentIntent {
  const amount = integerIn(params, 'amount');
  const currency = textIn(params, 'currency') ?? '';
  if (!/^[a-zA-Z]{3}$/.test(currency)) throw invalidParameter('currency', 'Invalid currency.');
  if (amount > 99_999_999) {
    throw invalidParameter(
      'amount',
      'Amount must be no more than eight digits.',
      'amount_too_large',
    );
  }
  const method = textIn(params, 'payment_method') ?? null;
  const id = newId(state, 'pi');
  return {
    id,
    object: 'payment_intent',
    created: seconds(state),
    livemode: false,
    currency: currency.toLowerCase(),
    client_secret: `${id}_secret_fake`,
    capture_method: textIn(params, 'capture_method') ?? 'automatic_async',
    metadata: textsIn(params, 'metadata'),
    amount,
    amount_capturable: 0,
    amount_received: 0,
    status: method === null ? 'requires_payment_method' : 'requires_confirmation',
    payment_method: method,
    latest_charge: null,
    canceled_at: null,
    cancellation_reason: null,
    next_action: null,
    last_payment_error: null,
  };
}

export function confirmPaymentIntent(
  state: State,
  id: string,
  params: FormObject,
): FakePaymentIntent {
  const payment = findPayment(state, id);
  assertStatus(payment, ['requires_payment_method', 'requires_confirmation', 'requires_action']);
  const method = textIn(params, 'payment_method') ?? payment.payment_method;
  if (method === null) {
    throw unexpectedState('payment_intent_unexpected_state', 'There is no payment method.');
  }
  payment.payment_method = method;
  const outcome = OUTCOMES[method];
  if (outcome === 'decline') throw decline(state, payment);
  if (outcome === 'authenticate') {
    payment.status = 'requires_action';
    payment.next_action = { type: 'use_stripe_sdk' };
    emit(state, 'payment_intent.requires_action', payment);
  } else if (outcome === 'process') {
    payment.status = 'processing';
    emit(state, 'payment_intent.processing', payment);
  } else {
    charge(state, payment);
  }
  return payment;
}

/** The issuer authorizes the charge. It is captured unless `capture_method` is `manual`. */
export function charge(state: State, payment: FakePaymentIntent): void {
  const manual = payment.capture_method === 'manual';
  const made = newCharge(state, payment, 'succeeded');
  made.captured = !manual;
  made.amount_captured = manual ? 0 : payment.amount;
  payment.next_action = null;
  payment.last_payment_error = null;
  emit(state, 'charge.succeeded', made);
  if (manual) {
    payment.status = 'requires_capture';
    payment.amount_capturable = payment.amount;
    emit(state, 'payment_intent.amount_capturable_updated', payment);
  } else {
    payment.status = 'succeeded';
    payment.amount_received = payment.amount;
    emit(state, 'payment_intent.succeeded', payment);
  }
}

/** The attempt fails; the PaymentIntent requires another payment method. */
export function failAttempt(state: State, payment: FakePaymentIntent, code: string): FakeCharge {
  const failed = newCharge(state, payment, 'failed');
  payment.status = 'requires_payment_method';
  payment.payment_method = null;
  payment.next_action = null;
  payment.last_payment_error = { type: 'card_error', code };
  emit(state, 'charge.failed', failed);
  emit(state, 'payment_intent.payment_failed', payment);
  return failed;
}

function decline(state: State, payment: FakePaymentIntent): ApiError {
  const failed = failAttempt(state, payment, 'card_declined');
  return new ApiError(402, {
    type: 'card_error',
    code: 'card_declined',
    decline_code: 'generic_decline',
    message: 'Your card was declined.',
    charge: failed.id,
    payment_intent: structuredClone(payment),
  });
}

function newCharge(
  state: State,
  payment: FakePaymentIntent,
  status: FakeCharge['status'],
): FakeCharge {
  const made: FakeCharge = {
    id: newId(state, 'ch'),
    object: 'charge',
    created: seconds(state),
    livemode: false,
    amount: payment.amount,
    currency: payment.currency,
    payment_intent: payment.id,
    metadata: payment.metadata,
    amount_captured: 0,
    amount_refunded: 0,
    captured: false,
    paid: status === 'succeeded',
    refunded: false,
    status,
  };
  state.charges.set(made.id, made);
  payment.latest_charge = made.id;
  return made;
}

export function capturePaymentIntent(
  state: State,
  id: string,
  params: FormObject,
): FakePaymentIntent {
  const payment = findPayment(state, id);
  assertStatus(payment, ['requires_capture']);
  const amount =
    textIn(params, 'amount_to_capture') === undefined
      ? payment.amount_capturable
      : integerIn(params, 'amount_to_capture');
  if (amount > payment.amount_capturable) {
    throw invalidParameter(
      'amount_to_capture',
      'Exceeds the capturable amount.',
      'amount_too_large',
    );
  }
  const made = state.charges.get(payment.latest_charge ?? '');
  if (made === undefined) throw missing('charge', payment.latest_charge ?? '');
  made.captured = true;
  made.amount_captured = amount;
  payment.status = 'succeeded';
  payment.amount_received = amount;
  payment.amount_capturable = 0;
  emit(state, 'charge.captured', made);
  refundUncaptured(state, made);
  emit(state, 'payment_intent.succeeded', payment);
  return payment;
}

export function cancelPaymentIntent(
  state: State,
  id: string,
  params: FormObject,
): FakePaymentIntent {
  const payment = findPayment(state, id);
  for (const session of state.sessions.values()) {
    if (session.payment_intent === id && session.status === 'open') {
      const message = 'A PaymentIntent of a Checkout Session is canceled by expiring its session.';
      throw unexpectedState('payment_intent_unexpected_state', message);
    }
  }
  assertStatus(payment, [
    'requires_payment_method',
    'requires_confirmation',
    'requires_action',
    'requires_capture',
  ]);
  return cancel(state, payment, textIn(params, 'cancellation_reason') ?? null);
}

export function cancel(
  state: State,
  payment: FakePaymentIntent,
  reason: string | null,
): FakePaymentIntent {
  payment.status = 'canceled';
  payment.canceled_at = seconds(state);
  payment.cancellation_reason = reason;
  payment.amount_capturable = 0;
  payment.next_action = null;
  emit(state, 'payment_intent.canceled', payment);
  const authorised = state.charges.get(payment.latest_charge ?? '');
  if (authorised?.status === 'succeeded') refundUncaptured(state, authorised);
  return payment;
}

function assertStatus(payment: FakePaymentIntent, allowed: readonly string[]): void {
  if (allowed.includes(payment.status)) return;
  const message = `This PaymentIntent has the status ${payment.status}.`;
  throw new ApiError(400, {
    type: 'invalid_request_error',
    code: 'payment_intent_unexpected_state',
    message,
    payment_intent: structuredClone(payment),
  });
}
