/**
 * Every error code: whether the same call may be retried, and its HTTP status. Refusals are values,
 * not errors.
 */
const ERROR_TABLE = {
  invalid_request: { retryable: false, status: 400 },
  invalid_amount: { retryable: false, status: 400 },
  invalid_currency: { retryable: false, status: 400 },
  unauthorized: { retryable: false, status: 401 },
  age_token_invalid: { retryable: false, status: 422 },
  age_keys_unavailable: { retryable: true, status: 503 },
  age_status_unavailable: { retryable: true, status: 503 },
  age_evidence_invalid: { retryable: false, status: 422 },
  age_evidence_pending: { retryable: true, status: 503 },
  age_source_unavailable: { retryable: true, status: 503 },
  permit_invalid: { retryable: false, status: 422 },
  permit_keys_unavailable: { retryable: true, status: 503 },
  purchase_not_found: { retryable: false, status: 404 },
  purchase_conflict: { retryable: false, status: 409 },
  purchase_ended: { retryable: false, status: 409 },
  purchase_not_committed: { retryable: false, status: 409 },
  refund_conflict: { retryable: false, status: 409 },
  refund_exceeds_purchase: { retryable: false, status: 409 },
  policy_invalid: { retryable: false, status: 500 },
  policy_not_in_effect: { retryable: false, status: 503 },
  clock_invalid: { retryable: false, status: 503 },
  exchange_unavailable: { retryable: true, status: 503 },
  store_unavailable: { retryable: true, status: 503 },
  store_misconfigured: { retryable: false, status: 503 },
  outcome_unknown: { retryable: true, status: 503 },
  too_many_proofs: { retryable: true, status: 429 },
  overloaded: { retryable: true, status: 503 },
  payment_forbidden: { retryable: false, status: 403 },
  transaction_invalid: { retryable: false, status: 422 },
  webhook_invalid: { retryable: false, status: 400 },
  webhook_body_parsed: { retryable: false, status: 500 },
} as const;

/** The code of a SpendcapError. Codes are stable; minor versions may add some. */
export type SpendcapErrorCode = keyof typeof ERROR_TABLE;

/** Optional details of an error. None may contain a token or personal data. */
export interface SpendcapErrorOptions {
  readonly cause?: unknown;
  /** Machine-readable detail, for example `expired` with `age_token_invalid`. */
  readonly why?: string;
  /** One entry for each invalid field, with `invalid_request` and `policy_invalid`. */
  readonly errors?: readonly { readonly path: string; readonly message: string }[];
}

const MARKER = Symbol.for('spendcap.error');

/**
 * The only error class. `code` is stable, `retryable` says whether the same call may succeed later,
 * `status` is the HTTP status. The message contains no token, amount or personal data.
 *
 * @example
 * ```ts
 * import { SpendcapError } from '@spendcap/core';
 * const error = new SpendcapError('store_unavailable', 'The store did not answer.');
 * error.retryable; // => true
 * error.status; // => 503
 * ```
 */
export class SpendcapError extends Error {
  readonly code: SpendcapErrorCode;
  readonly retryable: boolean;
  readonly status: number;
  readonly why: string | undefined;
  readonly errors: SpendcapErrorOptions['errors'];
  readonly [MARKER] = true;

  constructor(code: SpendcapErrorCode, message: string, options: SpendcapErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'SpendcapError';
    this.code = code;
    this.retryable = ERROR_TABLE[code].retryable;
    this.status = ERROR_TABLE[code].status;
    this.why = options.why;
    this.errors = options.errors;
  }

  /** True for a SpendcapError of any copy of this package; `instanceof` fails across copies. */
  static isInstance(value: unknown): value is SpendcapError {
    return typeof value === 'object' && value !== null && MARKER in value;
  }
}

/** An `invalid_request` that names one field and never repeats its value. */
export function invalidRequest(path: string, message: string): SpendcapError {
  return new SpendcapError('invalid_request', `${path} ${message}.`, {
    errors: [{ path, message }],
  });
}
