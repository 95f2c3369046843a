import type { Problem } from '@spendcap/core/wire';
import { SpendcapClientError } from './errors.ts';

/** The request options that the client uses; a subset of those of `fetch`. */
export interface FetchInit {
  readonly method: string;
  readonly headers: Record<string, string>;
  readonly body?: string;
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
  const response = await fetch(url, init).catch((cause: unknown) => {
    throw new SpendcapClientError('network_error', { status: 0, retryable: true, cause });
  });
  const { status } = response;
  const body = await response.json().catch(() => undefined);
  if (status === 200 && isObject(body)) return body;
  const problem =
    isObject(body) && typeof body.code === 'string' ? (body as unknown as Problem) : undefined;
  throw new SpendcapClientError(problem?.code ?? 'unexpected_response', {
    status,
    retryable: problem?.retryable ?? status >= 500,
    problem,
  });
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
