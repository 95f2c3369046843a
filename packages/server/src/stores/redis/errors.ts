import { SpendcapError } from '@spendcap/core';
import { unavailable } from '../../ledger/store-kit.ts';

/** What an error that a server replied means. Nothing of the command has been done. */
export function refusal(reply: string): SpendcapError {
  // The first word is a code. The rest may quote what was sent.
  const code = /^[A-Z]{2,}\b/.exec(reply)?.[0] ?? 'ERR';
  return unavailable(`Redis refused the call (${code}).`);
}

/** True for an error that a server replied, which begins with a code; a broken connection has none. */
export function isReply(error: unknown): error is Error {
  return error instanceof Error && /^[A-Z]{2,} /.test(error.message);
}

/** The error of a call that was sent: after anything but a reply it may have been done. */
export function sentError(cause: unknown): SpendcapError {
  if (SpendcapError.isInstance(cause)) return cause;
  if (isReply(cause)) return refusal(cause.message);
  return new SpendcapError('outcome_unknown', 'Redis did not confirm. Retry.', { cause });
}

/** The error of a call that changes nothing, or that can be sent twice. */
export function readError(cause: unknown): SpendcapError {
  if (SpendcapError.isInstance(cause)) return cause;
  if (isReply(cause)) return refusal(cause.message);
  return unavailable('Redis did not answer.', cause);
}
