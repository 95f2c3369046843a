import type { Problem } from '@spendcap/core/wire';
import type { CallSignal } from './deadline.ts';
import { failure, SpendcapClientError } from './errors.ts';

/** The request options that the client uses; a subset of those of `fetch`. */
export interface FetchInit {
  readonly method: string;
  readonly headers: Record<string, string>;
  readonly body?: string;
  /** Aborts at the time limit; absent on platforms without AbortController. */
  readonly signal?: CallSignal;
}

/** The parts of a response that the client uses; a subset of `Response`. */
export interface FetchResponse {
  readonly status: number;
  /** Parses the body. */
  json(): Promise<unknown>;
}

/** `globalThis.fetch`, or an adapter for a mini-game's request function. */
export type Fetch = (url: string, init: FetchInit) => Promise<FetchResponse>;

/** The parsed body of a 200. @throws SpendcapClientError for any other outcome */
export async function requestJson(fetch: Fetch, url: string, init: FetchInit): Promise<unknown> {
  let response: FetchResponse | undefined;
  let body: unknown;
  try {
    response = await fetch(url, init);
    body = await response.json();
  } catch (cause) {
    // A 200 that is no JSON is another server's; any other error cut the response off.
    const isCutOff = response?.status === 200 && (cause as Error)?.name !== 'SyntaxError';
    if (!isResponse(response) || isCutOff) {
      throw failure('network_error', `Could not reach ${originOf(url)}.`, cause);
    }
  }
  const { status } = response as FetchResponse;
  if (status === 200 && isObject(body)) return body;
  const { code, detail, retryable } = (body ?? {}) as Partial<Record<string, unknown>>;
  if (typeof code !== 'string') throw unexpectedResponse(status);
  throw new SpendcapClientError(code, {
    status,
    retryable: typeof retryable === 'boolean' ? retryable : status >= 500,
    message: typeof detail === 'string' ? detail : code,
    problem: body as unknown as Problem,
  });
}

export function unexpectedResponse(status: number): SpendcapClientError {
  return new SpendcapClientError('unexpected_response', {
    status,
    retryable: status >= 500,
    message: 'Not a response of spendcap.',
  });
}

/** Scheme, host and port; no credentials, path or query. */
export function originOf(url: string): string {
  const [origin] = /^\w+:\/\/[^/?#]+/.exec(url) ?? ['the server'];
  return origin.replace(/\/\/.*@/, '//');
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

export function isListOfObjects(value: unknown): boolean {
  return Array.isArray(value) && value.every(isObject);
}

export function isResponse(value: unknown): value is FetchResponse {
  return isObject(value) && typeof value.status === 'number' && typeof value.json === 'function';
}
