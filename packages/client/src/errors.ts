import type { Problem } from '@spendcap/core/wire';

/** Details of a SpendcapClientError. */
export interface SpendcapClientErrorOptions {
  /** HTTP status; 0 without a response. */
  readonly status: number;
  readonly retryable: boolean;
  readonly problem?: Problem | undefined;
  readonly cause?: unknown;
}

const TEXTS: Readonly<Record<string, string>> = {
  network_error: 'Could not reach the spendcap server.',
  unexpected_response: 'The response did not come from a spendcap server.',
};

/**
 * A failed request. `code` is the code of the server's problem, `unexpected_response` if the
 * response is not spendcap's, or `network_error` if there was none. `retryable` says whether the same
 * call may succeed later. A refused purchase is a value, never this error.
 */
export class SpendcapClientError extends Error {
  readonly code: string;
  readonly status: number;
  readonly retryable: boolean;
  readonly problem: Problem | undefined;

  constructor(code: string, options: SpendcapClientErrorOptions) {
    const message = options.problem?.detail ?? TEXTS[code] ?? code;
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'SpendcapClientError';
    this.code = code;
    this.status = options.status;
    this.retryable = options.retryable;
    this.problem = options.problem;
  }
}
