import type { Problem } from '@spendcap/core/wire';

/** Details of a SpendcapClientError. */
export interface SpendcapClientErrorOptions {
  /** HTTP status; 0 without a response. */
  readonly status: number;
  readonly retryable: boolean;
  /** Default: `code`. */
  readonly message?: string;
  readonly problem?: Problem | undefined;
  readonly cause?: unknown;
}

/**
 * A failed request. `code` is the code of the server's problem, or one of the client:
 *
 * | code | retryable | |
 * |---|---|---|
 * | `network_error` | yes | there was no response |
 * | `timeout` | yes | there was none within `timeoutMs` |
 * | `aborted` | no | by the caller's `signal`; its reason is the `cause` |
 * | `unexpected_response` | if 5xx | the response is not spendcap's |
 * | `age_token_unavailable` | yes | `ageToken` returned no token, or failed with `cause` |
 * | `invalid_request` | no | the request has an unknown field |
 *
 * `retryable` says whether the same call may succeed later. A refused purchase is a value, never
 * this error.
 */
export class SpendcapClientError extends Error {
  declare readonly code: string;
  declare readonly status: number;
  declare readonly retryable: boolean;
  declare readonly problem: Problem | undefined;

  constructor(code: string, options: SpendcapClientErrorOptions) {
    const { message = code, cause, status, retryable, problem } = options;
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'SpendcapClientError';
    Object.assign(this, { code, status, retryable, problem });
  }
}

/** A failure without a response. */
export function failure(code: string, message: string, cause?: unknown): SpendcapClientError {
  const retryable = code !== 'aborted' && code !== 'invalid_request';
  return new SpendcapClientError(code, { status: 0, retryable, message, cause });
}
