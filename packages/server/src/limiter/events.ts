import type { StoredPurchase } from '@spendcap/core';
import { callListener } from './listener.ts';
import { policyOf } from './purchase.ts';
import type { SpendcapEvent } from './types.ts';

/** Calls the listener. What it throws or rejects with becomes a process warning. */
export function emitter(onEvent: ((event: SpendcapEvent) => void) | undefined) {
  const emit = (event: SpendcapEvent): void => {
    if (onEvent !== undefined) callListener(() => onEvent(event), warn);
  };

  /** Emits a state change of a stored purchase. */
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

function warn(): void {
  process.emitWarning('An onEvent listener of spendcap threw.', 'SpendcapWarning');
}
