import type { StoredPurchase } from '@spendcap/core';
import type { SpendcapEvent } from '../types.ts';
import { policyOf } from './purchase.ts';

/** Reports what happened; a listener that throws can neither undo nor fail it. */
export function emitter(onEvent: ((event: SpendcapEvent) => void) | undefined) {
  const emit = (event: SpendcapEvent): void => {
    if (onEvent === undefined) return;
    try {
      onEvent(event);
    } catch {
      process.emitWarning('An onEvent listener of spendcap threw.', 'SpendcapWarning');
    }
  };

  /** Reports a state change of a stored purchase. */
  const changed = (
    type: SpendcapEvent['type'],
    stored: StoredPurchase,
    rest: Omit<SpendcapEvent, 'type' | 'purchaseId' | 'policy' | 'state'>,
  ): void => {
    if (onEvent === undefined) return;
    const { id: purchaseId, state } = stored;
    emit({ type, purchaseId, policy: policyOf(stored), state, ...rest });
  };

  return { emit, changed };
}
