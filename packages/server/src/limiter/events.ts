import type { StoredPurchase } from '@spendcap/core';
import { policyOf } from './purchase.ts';
import type { SpendcapEvent } from './types.ts';

/** Reports what happened; a listener that throws can neither undo nor fail it. */
export function emitter(onEvent: ((event: SpendcapEvent) => void) | undefined) {
  const emit = (event: SpendcapEvent): void => {
    if (onEvent === undefined) return;
    try {
      const listening: unknown = onEvent(event);
      // An async listener fits the type, and its rejection would end the process.
      if (listening instanceof Promise) listening.catch(warn);
    } catch {
      warn();
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

function warn(): void {
  process.emitWarning('An onEvent listener of spendcap threw.', 'SpendcapWarning');
}
