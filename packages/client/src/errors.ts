import type { Problem } from '@spendcap/core/wire';

export interface SpendcapClientErrorOptions {
  /** HTTP status; 0 when no answer came. */
  readonly status: number;
  readonly retryable: boolean;
  readonly problem?: Problem | undefined;
  readonly cause?: unknown;
}

/**
 * The server answered with a problem (`code` is the problem's), with something that is not
 * spendcap's (`unexpected_response`), or not at all (`network_error`). `retryable` says whether the
 * same call may succeed later. A refused purchase is a value, never this error.
 */
export class SpendcapClientError extends Error {
  readonly code: string;
  readonly status: number;
  readonly retryable: boolean;
  readonly problem: Problem | undefined;

  constructor(code: string, options: SpendcapClientErrorOptions) {
    super(`spendcap: ${code}`, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'SpendcapClientError';
    this.code = code;
    this.status = options.status;
    this.retryable = options.retryable;
    this.problem = options.problem;
  }
}
