import { invalidParameter, missing, unexpectedState } from './errors.ts';
import { type FormObject, textIn, textsIn } from './form.ts';
import type { FakeCharge, FakeRefund } from './objects.ts';
import { findPayment, integerIn } from './parameters.ts';
import { emit, newId, type State, seconds } from './state.ts';

export function createRefund(state: State, params: FormObject): FakeRefund {
  const charge = chargeOf(state, params);
  const left = charge.amount_captured - charge.amount_refunded;
  if (left <= 0) {
    throw unexpectedState('charge_already_refunded', 'The charge is already fully refunded.');
  }
  const amount = textIn(params, 'amount') === undefined ? left : integerIn(params, 'amount');
  if (amount > left) throw invalidParameter('amount', 'Exceeds the unrefunded amount.');
  const refund = addRefund(state, charge, {
    amount,
    metadata: textsIn(params, 'metadata'),
    reason: textIn(params, 'reason') ?? null,
    status: state.refundStatus,
    balance_transaction: state.refundStatus === 'succeeded' ? newId(state, 'txn') : null,
  });
  // Cumulative; includes pending refunds.
  charge.amount_refunded += amount;
  charge.refunded = charge.amount_refunded === charge.amount_captured;
  emit(state, 'refund.created', refund);
  emit(state, 'charge.refunded', charge);
  return refund;
}

/** Releases what was authorised and is not captured, which the API lists as a refund. */
export function refundUncaptured(state: State, charge: FakeCharge): void {
  const amount = charge.amount - charge.amount_captured;
  if (amount === 0) return;
  const released = { amount, metadata: {}, reason: null, balance_transaction: null };
  const refund = addRefund(state, charge, { ...released, status: 'succeeded' });
  emit(state, 'refund.created', refund);
  emit(state, 'charge.refunded', charge);
}

function addRefund(
  state: State,
  { currency, id, payment_intent }: FakeCharge,
  fields: Pick<FakeRefund, 'amount' | 'metadata' | 'reason' | 'status' | 'balance_transaction'>,
): FakeRefund {
  const refund: FakeRefund = {
    id: newId(state, 're'),
    object: 'refund',
    created: seconds(state),
    currency,
    charge: id,
    payment_intent,
    failure_reason: null,
    ...fields,
  };
  state.refunds.set(refund.id, refund);
  return refund;
}

function chargeOf(state: State, params: FormObject): FakeCharge {
  const paymentId = textIn(params, 'payment_intent');
  const id =
    paymentId === undefined
      ? textIn(params, 'charge')
      : findPayment(state, paymentId).latest_charge;
  const charge = state.charges.get(id ?? '');
  if (charge === undefined) throw missing('charge', id ?? '');
  return charge;
}

/** The bank settles a pending refund, or a refund fails, even after it has succeeded. */
export function finishRefund(state: State, id: string, status: 'succeeded' | 'failed'): FakeRefund {
  const refund = state.refunds.get(id);
  if (refund === undefined) throw missing('refund', id);
  refund.status = status;
  if (status === 'succeeded') refund.balance_transaction ??= newId(state, 'txn');
  if (status === 'failed') {
    refund.failure_reason = 'lost_or_stolen_card';
    const charge = state.charges.get(refund.charge);
    if (charge !== undefined) {
      charge.amount_refunded -= refund.amount;
      charge.refunded = false;
    }
    emit(state, 'refund.failed', refund);
  }
  emit(state, 'refund.updated', refund);
  return refund;
}
