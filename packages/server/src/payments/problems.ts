import { SpendcapError, type SpendcapErrorCode } from '@spendcap/core';
import { callListener } from '../limiter/listener.ts';

/** What an operator should look at, because no retry would help. */
export interface PaymentProblem {
  readonly processor: string;
  readonly purchaseId: string | null;
  /** The notification's id at the processor, and its type; `null` outside a notification. */
  readonly messageId: string | null;
  readonly messageType: string | null;
  readonly code: SpendcapErrorCode;
  /** The cause, and the remedy if there is one. Without amounts and personal data. */
  readonly message: string;
}

/** What the ledger rejected permanently. */
export type Rejected = Pick<PaymentProblem, 'code' | 'message'>;

/** Runs a step; adds a permanent rejection by the ledger to `rejected` instead of throwing it. */
export async function collecting<T>(
  rejected: Rejected[],
  otherwise: T,
  step: () => Promise<T>,
): Promise<T> {
  try {
    return await step();
  } catch (error) {
    if (!SpendcapError.isInstance(error) || error.retryable) throw error;
    rejected.push({ code: error.code, message: error.message });
    return otherwise;
  }
}

interface Reporting {
  readonly processor: { readonly name: string };
  readonly onProblem?: (problem: PaymentProblem) => unknown;
}

/** Reports what the ledger rejected permanently of a purchase, outside a notification. */
export function reportRejected(
  { processor, onProblem }: Reporting,
  purchaseId: string | null,
  rejected: readonly Rejected[],
): void {
  const where = { processor: processor.name, purchaseId, messageId: null, messageType: null };
  for (const each of rejected) notify('onProblem', onProblem, { ...where, ...each });
}

/** Calls a listener; one that throws or rejects changes nothing. */
export function notify<T>(name: string, listener: ((value: T) => unknown) | undefined, value: T) {
  if (listener === undefined) return;
  callListener(
    () => listener(value),
    () => process.emitWarning(`An ${name} listener of spendcap threw.`, 'SpendcapWarning'),
  );
}
