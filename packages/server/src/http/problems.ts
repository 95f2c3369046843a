import { type Problem, SpendcapError, type SpendcapErrorCode } from '@spendcap/core';
import { PROOF_ALGORITHMS } from '../jwt/proof-algorithms.ts';

/** Codes that only HTTP has; every other problem has the code of its `SpendcapError`. */
const HTTP_PROBLEMS = {
  not_found: 404,
  method_not_allowed: 405,
  payload_too_large: 413,
  unsupported_media_type: 415,
  internal_error: 500,
} as const;

type HttpProblemCode = keyof typeof HTTP_PROBLEMS;
export type ProblemCode = SpendcapErrorCode | HttpProblemCode;

/** Thrown inside the handler for a problem that only HTTP has. */
export class HttpProblem extends Error {
  readonly code: HttpProblemCode;

  constructor(code: HttpProblemCode, message: string) {
    super(message);
    this.name = 'HttpProblem';
    this.code = code;
  }
}

/** Of every response. `hono/secure-headers` as middleware would cost a tenth of a POST. */
export const SECURITY_HEADERS = { 'x-content-type-options': 'nosniff' } as const;
const PROBLEM_HEADERS = {
  'content-type': 'application/problem+json',
  'cache-control': 'no-store',
  ...SECURITY_HEADERS,
} as const;
const RETRY_AFTER_SECONDS = '1';

interface ProblemOptions {
  readonly retryable?: boolean;
  readonly errors?: Problem['errors'] | undefined;
  readonly why?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An RFC 9457 response. The type is a URN: `code` defines its meaning, no web page does. */
export function problemResponse(
  { code, status, detail }: { code: ProblemCode; status: number; detail: string },
  { retryable = false, errors, why, headers }: ProblemOptions = {},
): Response {
  const words = code.replaceAll('_', ' ');
  const problem: Problem = {
    type: `urn:spendcap:problem:${code}`,
    title: words.charAt(0).toUpperCase() + words.slice(1),
    status,
    code,
    detail,
    retryable,
    ...(errors === undefined ? {} : { errors }),
    ...(why === undefined ? {} : { why }),
  };
  return new Response(JSON.stringify(problem), {
    status,
    headers: {
      ...PROBLEM_HEADERS,
      ...(retryable ? { 'retry-after': RETRY_AFTER_SECONDS } : {}),
      ...headers,
    },
  });
}

/** The response to anything thrown. Only messages of coded errors are known to hold no secret. */
export function problemOf(error: unknown): Response {
  if (SpendcapError.isInstance(error)) {
    if (error.code === 'unauthorized') return unauthorized(error);
    const { code, status, message, retryable, errors, why } = error;
    return problemResponse({ code, status, detail: message }, { retryable, errors, why });
  }
  if (error instanceof HttpProblem) {
    const { code, message } = error;
    return problemResponse({ code, status: HTTP_PROBLEMS[code], detail: message });
  }
  return problemResponse({
    code: 'internal_error',
    status: HTTP_PROBLEMS.internal_error,
    detail: 'An internal error occurred. The operator has been notified.',
  });
}

/** What middleware that parses bodies throws (the package http-errors), by status. */
const BODY_PROBLEMS: Readonly<Record<number, ProblemCode>> = {
  400: 'invalid_request',
  413: 'payload_too_large',
  415: 'unsupported_media_type',
};

/**
 * The RFC 9457 response to an error in a route of your own, as the HTTP API would respond: to a
 * `SpendcapError`, such as an invalid age token, and to the error of a body parser (http-errors).
 * `null` for every other, which is the app's own.
 *
 * @example
 * ```ts
 * import { SpendcapError } from '@spendcap/server';
 * import { problemFor } from '@spendcap/server/http';
 * const error = new SpendcapError('store_unavailable', 'No connection to the database.');
 * problemFor(error)?.status; // => 503
 * problemFor(new Error('of the app')); // => null
 * ```
 */
export function problemFor(error: unknown): Response | null {
  if (SpendcapError.isInstance(error)) return problemOf(error);
  const { status, expose } = (error ?? {}) as { status?: unknown; expose?: unknown };
  const code = typeof status === 'number' && expose === true ? BODY_PROBLEMS[status] : undefined;
  if (code === undefined) return null;
  // Not its message, which quotes the body.
  const detail = 'The body of the request could not be read.';
  return problemResponse({ code, status: Number(status), detail });
}

/** A 401 with a challenge (RFC 9110 section 11.6.1). */
export function unauthorized(error: SpendcapError): Response {
  const { code, message, why } = error;
  return problemResponse(
    { code, status: 401, detail: message },
    { why, headers: { 'www-authenticate': challengeOf(why) } },
  );
}

/** RFC 6750 section 3; RFC 9449 section 7.1 if a proof is missing or invalid. */
function challengeOf(why: string | undefined): string {
  if (why === undefined) return 'Bearer';
  if (!why.startsWith('proof_')) return 'Bearer error="invalid_token"';
  const error = why === 'proof_missing' ? 'invalid_token' : 'invalid_dpop_proof';
  return `DPoP error="${error}", algs="${PROOF_ALGORITHMS.join(' ')}"`;
}
