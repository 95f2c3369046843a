import { type CallOutcome, SpendcapError } from '@spendcap/core';
import { withDeadline } from '../deadline.ts';

/** @throws SpendcapError `outcome_unknown` if the call takes longer than the limit */
export function within<T>(
  { timeoutMs }: { readonly timeoutMs: number },
  call: Promise<T>,
): Promise<T> {
  return withDeadline(
    timeoutMs,
    () => call,
    () => {
      throw new SpendcapError('outcome_unknown', 'Apple does not answer in time.');
    },
  );
}

/**
 * Certain is only a 400 that names what is wrong with the request. "Not found" may be another
 * environment, or become found; a refused key, a rate limit and a server error say nothing.
 *
 * https://developer.apple.com/documentation/appstoreserverapi/error_codes
 */
export function outcomeOf(error: unknown): CallOutcome {
  const { httpStatusCode, apiError } = (error ?? {}) as Readonly<Record<string, unknown>>;
  return httpStatusCode === 400 && typeof apiError === 'number' ? 'rejected' : 'unknown';
}

/** Apple has no such transaction: a fault of this id, and not of the connection. */
export function isUnknownId(error: unknown): boolean {
  const { httpStatusCode: status, apiError } = (error ?? {}) as Readonly<Record<string, unknown>>;
  return (status === 400 || status === 404) && typeof apiError === 'number';
}
