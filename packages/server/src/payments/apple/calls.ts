import { type CallOutcome, SpendcapError } from '@spendcap/core';
import type { AppleApp } from './app.ts';

/** @throws SpendcapError `outcome_unknown` if the call takes longer than the limit */
export async function within<T>({ timeoutMs }: AppleApp, call: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new SpendcapError('outcome_unknown', 'Apple does not answer in time.'));
    }, timeoutMs);
  });
  try {
    return await Promise.race([call, late]);
  } finally {
    clearTimeout(timer);
  }
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
