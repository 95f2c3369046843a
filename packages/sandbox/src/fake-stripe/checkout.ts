import { ApiError, invalidParameter, missing, unexpectedState } from './errors.ts';
import { type FormObject, listIn, objectIn, textIn, textsIn } from './form.ts';
import type { FakePaymentIntent, FakeSession } from './objects.ts';
import { integerIn } from './parameters.ts';
import { cancel, confirmPaymentIntent, newPayment } from './payment-intents.ts';
import { emit, newId, type State, seconds } from './state.ts';

const SHORTEST_SECONDS = 30 * 60;
const LONGEST_SECONDS = 24 * 3600;

export function createSession(state: State, params: FormObject): FakeSession {
  if (textIn(params, 'mode') !== 'payment') {
    throw invalidParameter('mode', 'This fake supports the mode payment only.');
  }
  const created = seconds(state);
  const expires =
    textIn(params, 'expires_at') === undefined
      ? created + LONGEST_SECONDS
      : integerIn(params, 'expires_at');
  if (expires < created + SHORTEST_SECONDS || expires > created + LONGEST_SECONDS) {
    throw invalidParameter('expires_at', 'Must be between 30 minutes and 24 hours from now.');
  }
  const { amount, currency } = totalOf(state, params);
  const id = newId(state, 'cs_test');
  const session: FakeSession = {
    id,
    object: 'checkout.session',
    created,
    livemode: false,
    mode: 'payment',
    amount_total: amount,
    currency,
    client_reference_id: textIn(params, 'client_reference_id') ?? null,
    expires_at: expires,
    metadata: textsIn(params, 'metadata'),
    payment_intent: null,
    payment_status: amount === 0 ? 'no_payment_required' : 'unpaid',
    status: 'open',
    url: `https://checkout.stripe.com/c/pay/${id}`,
  };
  state.sessions.set(id, session);
  state.intentData.set(id, objectIn(params, 'payment_intent_data'));
  return session;
}

function totalOf(state: State, params: FormObject): { amount: number; currency: string } {
  let amount = 0;
  let currency = textIn(params, 'currency')?.toLowerCase() ?? '';
  for (const item of listIn(params, 'line_items')) {
    if (typeof item === 'string') throw invalidParameter('line_items', 'Invalid line item.');
    const quantity = integerIn(item, 'quantity');
    const price = textIn(item, 'price');
    const data = objectIn(item, 'price_data');
    const known = price === undefined ? undefined : state.prices.get(price);
    if (price !== undefined && known === undefined) throw missing('price', price);
    amount += quantity * (known?.unit_amount ?? integerIn(data, 'unit_amount'));
    const code = (known?.currency ?? textIn(data, 'currency') ?? '').toLowerCase();
    if (currency !== '' && currency !== code) {
      throw invalidParameter('line_items', 'The line items have several currencies.');
    }
    currency = code;
  }
  if (currency === '') throw invalidParameter('line_items', 'Missing line items.');
  return { amount, currency };
}

export function findSession(state: State, id: string): FakeSession {
  const session = state.sessions.get(id);
  if (session === undefined) throw missing('checkout.session', id);
  return session;
}

export function expireSession(state: State, id: string): FakeSession {
  const session = findSession(state, id);
  if (session.status !== 'open') {
    throw unexpectedState('', `Only open sessions can be expired; it is ${session.status}.`);
  }
  return end(state, session);
}

/** Expires due sessions, as Stripe does automatically. */
export function expireDueSessions(state: State): void {
  for (const session of state.sessions.values()) {
    if (session.status === 'open' && session.expires_at <= seconds(state)) end(state, session);
  }
}

function end(state: State, session: FakeSession): FakeSession {
  session.status = 'expired';
  session.url = null;
  emit(state, 'checkout.session.expired', session);
  const payment = state.paymentIntents.get(session.payment_intent ?? '');
  if (payment !== undefined && OPEN.has(payment.status)) cancel(state, payment, 'automatic');
  return session;
}

const OPEN = new Set(['requires_payment_method', 'requires_confirmation', 'requires_action']);

/** The player pays on the session's page. After a decline the session stays open. */
export function completeSession(state: State, id: string, paymentMethod: string): FakeSession {
  expireDueSessions(state);
  const session = findSession(state, id);
  if (session.status !== 'open') throw unexpectedState('', `The session is ${session.status}.`);
  const payment = paymentOf(state, session);
  try {
    confirmPaymentIntent(state, payment.id, { payment_method: paymentMethod });
  } catch (error) {
    if (error instanceof ApiError && error.status === 402) return session;
    throw error;
  }
  if (payment.status === 'requires_action') return session;
  session.status = 'complete';
  session.url = null;
  if (payment.status === 'succeeded') session.payment_status = 'paid';
  emit(state, 'checkout.session.completed', session);
  return session;
}

/** The PaymentIntent of a session is created at the player's first attempt to pay. */
function paymentOf(state: State, session: FakeSession): FakePaymentIntent {
  const known = state.paymentIntents.get(session.payment_intent ?? '');
  if (known !== undefined) return known;
  const payment = newPayment(state, {
    ...(state.intentData.get(session.id) ?? {}),
    amount: String(session.amount_total),
    currency: session.currency,
  });
  state.paymentIntents.set(payment.id, payment);
  session.payment_intent = payment.id;
  emit(state, 'payment_intent.created', payment);
  return payment;
}

/** Updates the session after its asynchronous payment succeeded or failed. */
export function finishSession(state: State, payment: FakePaymentIntent): void {
  for (const session of state.sessions.values()) {
    if (session.payment_intent !== payment.id || session.status !== 'complete') continue;
    const paid = payment.status === 'succeeded';
    if (paid) session.payment_status = 'paid';
    const outcome = paid ? 'async_payment_succeeded' : 'async_payment_failed';
    emit(state, `checkout.session.${outcome}`, session);
  }
}
