import type { CallOutcome } from '@spendcap/core';

/**
 * A call of Google Play's Developer API that failed. The client's own error is left out: its text
 * and its request hold purchase tokens.
 */
export interface GooglePlayError extends Error {
  readonly name: 'GooglePlayError';
  /** HTTP status of the answer; `null` without one. */
  readonly status: number | null;
  /** Google's reason, such as `purchaseTokenNoLongerValid`. */
  readonly reason: string | null;
}

/** What is known of an error of Google's client (gaxios). */
interface ClientError {
  readonly status?: unknown;
  readonly response?: {
    readonly status?: unknown;
    readonly data?: { readonly error?: { readonly errors?: readonly { reason?: unknown }[] } };
  };
}

export function googlePlayError(error: unknown): GooglePlayError {
  const { status: own, response } = (error ?? {}) as ClientError;
  const status = [own, response?.status].find(Number.isInteger) ?? null;
  const [first] = response?.data?.error?.errors ?? [];
  const reason = typeof first?.reason === 'string' ? first.reason.slice(0, 64) : null;
  const said = status === null ? 'did not answer' : `answered ${status}`;
  const message = `Google Play ${said}${reason === null ? '' : ` (${reason})`}.`;
  const details = { name: 'GooglePlayError', status, reason } as const;
  return Object.assign(new Error(message), details) as GooglePlayError;
}

/**
 * True for an error of a call to Google Play.
 *
 * @example
 * ```ts
 * import { isGooglePlayError } from '@spendcap/server/payments/google-play';
 * isGooglePlayError(new Error('another one')); // => false
 * ```
 */
export function isGooglePlayError(error: unknown): error is GooglePlayError {
  return error instanceof Error && error.name === 'GooglePlayError' && 'reason' in error;
}

/**
 * 400 and 404 are certain for the token or order of the call: it is no purchase of this app. 410
 * was seen right after a purchase, and everything else says nothing.
 */
export function outcomeOf(error: unknown): CallOutcome {
  const isCertain = isGooglePlayError(error) && (error.status === 400 || error.status === 404);
  return isCertain ? 'rejected' : 'unknown';
}
