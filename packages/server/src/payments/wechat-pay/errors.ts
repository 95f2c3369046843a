import type { CallOutcome } from '@spendcap/core';

/** A call that WeChat Pay refused, or whose answer proves nothing. */
export interface WechatPayError extends Error {
  readonly name: 'WechatPayError';
  /** HTTP status of the answer. */
  readonly status: number;
  /** WeChat Pay's code, such as `PARAM_ERROR`; `UNVERIFIED` if the answer's signature is wrong. */
  readonly code: string | null;
  /** The refused parameter as a JSON pointer, if WeChat names one. */
  readonly field: string | null;
  /** To find the call at WeChat Pay's support. */
  readonly requestId: string | null;
}

/** The answer to a call that failed. */
export interface FailedAnswer {
  readonly status: number;
  readonly code: string | null;
  readonly field?: string | null;
  readonly requestId: string | null;
}

/** WeChat's own message is left out: it may quote what was sent. */
export function wechatPayError(answer: FailedAnswer): WechatPayError {
  const { status, code, field = null, requestId } = answer;
  const where = field === null ? '' : ` (${field})`;
  const message =
    code === 'UNVERIFIED'
      ? 'The answer of WeChat Pay is not signed by a known key. Check platformKeys and the clock.'
      : `WeChat Pay answered ${status} ${code ?? 'without a code'}${where}.`;
  const details = { name: 'WechatPayError', status, code, field, requestId } as const;
  return Object.assign(new Error(message), details);
}

/**
 * True for an error of a call that WeChat Pay answered.
 *
 * @example
 * ```ts
 * import { isWechatPayError } from '@spendcap/server/payments/wechat-pay';
 * isWechatPayError(new Error('another one')); // => false
 * ```
 */
export function isWechatPayError(error: unknown): error is WechatPayError {
  return error instanceof Error && error.name === 'WechatPayError' && 'status' in error;
}

/** True for that code, which the documents spell with and without underscores. */
export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  if (!isWechatPayError(error) || error.code === null) return false;
  return codes.includes(error.code.replaceAll('_', ''));
}

/**
 * After these the call has done nothing. Everything else keeps the hold: 5xx, time-outs, answers
 * without a valid signature, and codes that are not documented for these calls.
 */
const REJECTED: Readonly<Record<number, readonly string[]>> = {
  400: ['PARAMERROR', 'INVALIDREQUEST', 'APPIDMCHIDNOTMATCH', 'MCHNOTEXISTS'],
  401: ['SIGNERROR'],
  403: ['NOAUTH', 'NOTENOUGH', 'USERACCOUNTABNORMAL'],
  429: ['FREQUENCYLIMITED'],
};

export function outcomeOf(error: unknown): CallOutcome {
  if (!isWechatPayError(error)) return 'unknown';
  if (error.status === 403 && hasCode(error, 'OUTTRADENOUSED')) return 'key_reused';
  return hasCode(error, ...(REJECTED[error.status] ?? [])) ? 'rejected' : 'unknown';
}
