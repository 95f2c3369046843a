import type { JsonObject } from './objects.ts';

/** An error response of the API. */
export class PlayError extends Error {
  readonly status: number;
  readonly reason: string;

  constructor(status: number, reason: string, message: string) {
    super(message);
    this.status = status;
    this.reason = reason;
  }

  body(): JsonObject {
    const { status: code, reason, message } = this;
    return { error: { code, message, errors: [{ domain: 'androidpublisher', reason, message }] } };
  }
}

export function notFound(): PlayError {
  return new PlayError(404, 'notFound', 'The requested entity was not found.');
}

export function invalid(message: string): PlayError {
  return new PlayError(400, 'invalidValue', message);
}

export function required(name: string): PlayError {
  return new PlayError(400, 'required', `${name} is required.`);
}
