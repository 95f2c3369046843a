import type { FakePaymentIntent } from './objects.ts';

export interface ApiErrorBody {
  readonly type: 'api_error' | 'card_error' | 'idempotency_error' | 'invalid_request_error';
  readonly message: string;
  readonly code?: string;
  readonly decline_code?: string;
  readonly param?: string;
  readonly charge?: string;
  readonly payment_intent?: FakePaymentIntent;
}

/** An error response of the API. */
export class ApiError extends Error {
  readonly status: number;
  readonly body: ApiErrorBody;
  /** False if nothing was executed: such a response is not stored under an idempotency key. */
  readonly executed: boolean;

  constructor(status: number, body: ApiErrorBody, executed = true) {
    super(body.message);
    this.status = status;
    this.body = body;
    this.executed = executed;
  }
}

/** Invalid parameters, found before execution. */
export function invalidParameter(param: string, message: string, code?: string): ApiError {
  const body = { type: 'invalid_request_error' as const, message, param };
  return new ApiError(400, code === undefined ? body : { ...body, code }, false);
}

export function missing(kind: string, id: string): ApiError {
  const message = `No such ${kind}: '${id}'`;
  return new ApiError(404, { type: 'invalid_request_error', code: 'resource_missing', message });
}

export function unexpectedState(code: string, message: string): ApiError {
  return new ApiError(400, { type: 'invalid_request_error', code, message });
}
