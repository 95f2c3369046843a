import { type PaymentSnapshot, type Processor, SpendcapError } from '@spendcap/core';

/** The error to throw for a failed call: the processor's own if the call was certainly rejected. */
export function callError(processor: Pick<Processor, 'outcomeOf'>, error: unknown): unknown {
  if (SpendcapError.isInstance(error)) return error;
  switch (processor.outcomeOf(error)) {
    case 'rejected':
      return error;
    case 'key_reused':
      return new SpendcapError(
        'purchase_conflict',
        'This purchase id was used with other parameters. Use a new id.',
        { cause: error },
      );
    case 'unknown':
      return unknownOutcome(error);
  }
}

function unknownOutcome(cause: unknown): SpendcapError {
  const message = 'The result of the call is unknown. Retry with the same purchase id.';
  return new SpendcapError('outcome_unknown', message, { cause });
}

/**
 * What an answered call says.
 *
 * @throws SpendcapError `outcome_unknown` for an answer that cannot be read: money may have moved
 */
export function readAnswer(read: () => PaymentSnapshot): PaymentSnapshot {
  try {
    return read();
  } catch (error) {
    throw unknownOutcome(error);
  }
}
