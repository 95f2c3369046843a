import type { CallOutcome } from '@spendcap/core';

/** The fields of an answer, in the SDK's spelling: `trade_no`, or by default `tradeNo`. */
export type Fields = Readonly<Record<string, unknown>>;

/** A field by its documented name; empty texts are absent. */
export function textOf(fields: Fields, name: string): string | undefined {
  const camel = name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
  const value = Object.hasOwn(fields, name) ? fields[name] : fields[camel];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** A signed answer of Alipay that is no success. The message has its codes, and no amounts. */
export class AlipayAnswerError extends Error {
  /** `40004`, ... */
  readonly code: string;
  /** `ACQ.TRADE_HAS_CLOSE`, ... */
  readonly subCode: string | null;

  constructor(answer: Readonly<Record<string, unknown>>) {
    const [code = 'none', subCode] = [textOf(answer, 'code'), textOf(answer, 'sub_code')];
    super(`Alipay answered ${code}${subCode === undefined ? '' : ` ${subCode}`}.`);
    this.name = 'AlipayAnswerError';
    this.code = code;
    this.subCode = subCode ?? null;
  }
}

/** True if the error is an answer with one of these business codes, with or without `ACQ.`. */
export function isAnswer(error: unknown, codes: ReadonlySet<string>): boolean {
  return error instanceof AlipayAnswerError && codes.has(businessCode(error));
}

function businessCode({ subCode }: AlipayAnswerError): string {
  // Some codes are documented with a misspelled prefix, or without one.
  return (subCode ?? '').replace(/^A[CQ]{2}\./, '');
}

/**
 * Refused before the business: no permission, a parameter missing or wrong. Not 40005 (rate limit):
 * the SDK repeats a call whose connection was closed, so the limit may have met a repetition.
 */
const REFUSED_CODES = new Set(['20001', '40001', '40002', '40003', '40006']);

/** Refused by the business for what the call says, so that a repetition could not have passed. */
const REFUSED = new Set([
  'ACCESS_FORBIDDEN',
  'BUYER_SELLER_EQUAL',
  'EXIST_FORBIDDEN_WORD',
  'INVALID_PARAMETER',
  'NOW_TIME_AFTER_EXPIRE_TIME_ERROR',
  'PARTNER_ERROR',
  'PAYMENT_AUTH_CODE_INVALID',
  'TOTAL_FEE_EXCEED',
]);

/** A payment code was declined. The trade may exist and wait for the buyer. */
const DECLINED = new Set([
  'BUYER_BALANCE_NOT_ENOUGH',
  'BUYER_BANKCARD_BALANCE_NOT_ENOUGH',
  'BUYER_PAYMENT_AMOUNT_DAY_LIMIT_ERROR',
  'BUYER_PAYMENT_AMOUNT_MONTH_LIMIT_ERROR',
  'ERROR_BALANCE_PAYMENT_DISABLE',
  'ERROR_BUYER_CERTIFY_LEVEL_LIMIT',
  'NO_PAYMENT_INSTRUMENTS_AVAILABLE',
  'PAYMENT_FAIL',
  'PULL_MOBILE_CASHIER_FAIL',
]);

const KEY_REUSED = new Set(['CONTEXT_INCONSISTENT']);

/**
 * What an error of a call proves. Only a signed answer proves anything: the SDK does not verify the
 * errors of the v3 API, and connections may be closed after the call was executed.
 */
export function outcomeOf(error: unknown): CallOutcome {
  if (!(error instanceof AlipayAnswerError)) return 'unknown';
  if (REFUSED_CODES.has(error.code)) return 'rejected';
  if (error.code !== '40004') return 'unknown';
  if (isAnswer(error, KEY_REUSED)) return 'key_reused';
  return isAnswer(error, REFUSED) || isDeclined(error) ? 'rejected' : 'unknown';
}

/** True if a trade may be left that somebody could still pay. */
export function isDeclined(error: unknown): boolean {
  return isAnswer(error, DECLINED);
}
