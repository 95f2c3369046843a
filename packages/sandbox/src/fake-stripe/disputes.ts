import { missing, unexpectedState } from './errors.ts';
import type { FakeDispute } from './objects.ts';
import { emit, newId, type State, seconds } from './state.ts';

/** The bank takes money of a charge back, at least until the dispute is closed. */
export function openDispute(state: State, chargeId: string, amount?: number): FakeDispute {
  const charge = state.charges.get(chargeId);
  if (charge === undefined) throw missing('charge', chargeId);
  const dispute: FakeDispute = {
    id: newId(state, 'du'),
    object: 'dispute',
    created: seconds(state),
    livemode: false,
    amount: amount ?? charge.amount_captured,
    currency: charge.currency,
    charge: charge.id,
    payment_intent: charge.payment_intent,
    metadata: {},
    reason: 'fraudulent',
    status: 'needs_response',
  };
  state.disputes.set(dispute.id, dispute);
  emit(state, 'charge.dispute.created', dispute);
  emit(state, 'charge.dispute.funds_withdrawn', dispute);
  return dispute;
}

/** The bank decides; a dispute that is won brings the money back. */
export function closeDispute(state: State, id: string, status: 'won' | 'lost'): FakeDispute {
  const dispute = state.disputes.get(id);
  if (dispute === undefined) throw missing('dispute', id);
  if (dispute.status !== 'needs_response') {
    throw unexpectedState('dispute_closed', 'The dispute is closed.');
  }
  dispute.status = status;
  emit(state, 'charge.dispute.closed', dispute);
  if (status === 'won') emit(state, 'charge.dispute.funds_reinstated', dispute);
  return dispute;
}
