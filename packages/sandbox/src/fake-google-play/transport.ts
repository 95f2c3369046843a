import { setTimeout as sleep } from 'node:timers/promises';
import { assertOptions } from '@spendcap/core';
import { invalid, PlayError } from './errors.ts';
import type { JsonObject } from './objects.ts';
import { voidUnacknowledged } from './refunds.ts';
import { perform } from './routes.ts';
import type { State } from './state.ts';

/**
 * A fault of the next matching request:
 * - `refuse`: responds with `status` and `reason` without executing the request
 * - `error`: responds with 500 without executing the request
 * - `unavailable`: responds with 503 without executing the request; the client repeats a GET
 * - `rate_limit`: responds with 429 without executing the request
 * - `drop_before`: closes the connection without executing the request
 * - `drop`: executes the request and closes the connection without a response
 * - `delay`: executes the request after `milliseconds`
 */
export interface FakePlayFault {
  readonly kind: (typeof FAULTS)[number];
  /** Only requests whose `METHOD /path` contains this. */
  readonly on?: string;
  /** Number of requests. Default 1; `Infinity` until `heal`. */
  readonly times?: number;
  /** With `delay`. Default 50. */
  readonly milliseconds?: number;
  /** With `refuse`. Default 403. */
  readonly status?: number;
  /** With `refuse`, such as `purchaseTokenNoLongerValid`. Default `userInsufficientPermission`. */
  readonly reason?: string;
}

const FAULTS = [
  ...(['refuse', 'error', 'unavailable', 'rate_limit'] as const),
  ...(['drop_before', 'drop', 'delay'] as const),
];

/** A received request, regardless of its result. */
export interface FakePlayRequest {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  readonly body: string;
  /** The status of the response; 0 if the connection was closed. */
  readonly status: number;
}

interface Answer {
  readonly status: number;
  readonly body: JsonObject | null;
}

/** The HTTP side: authentication, errors and injected faults. */
export function createTransport(state: State) {
  const seen: FakePlayRequest[] = [];
  const faults: { readonly fault: FakePlayFault; left: number }[] = [];

  async function handle(request: Request): Promise<Response> {
    const url = new URL(request.url);
    const { method, headers } = request;
    const text = method === 'GET' ? '' : await request.text();
    const fault = takeFault(`${method} ${url.pathname}`);
    const note = (status: number) =>
      seen.push({ method, target: url.pathname + url.search, body: text, status });
    if (fault?.kind === 'delay') await sleep(fault.milliseconds ?? 50);
    const isSigned = headers.get('authorization')?.startsWith('Bearer ya29.') ?? false;
    const answer =
      fault?.kind === 'drop_before'
        ? null
        : answerTo(() => {
            if (!isSigned) throw new PlayError(401, 'authError', 'Invalid Credentials');
            refuseBy(fault);
            voidUnacknowledged(state);
            return perform(state, { method, url, body: parse(text) });
          });
    if (answer === null || fault?.kind === 'drop') {
      note(0);
      return Response.error();
    }
    note(answer.status);
    return answer.body === null
      ? new Response(null, { status: answer.status })
      : Response.json(answer.body, { status: answer.status });
  }

  function takeFault(target: string): FakePlayFault | undefined {
    const found = faults.find(({ fault, left }) => left > 0 && target.includes(fault.on ?? ''));
    if (found !== undefined) found.left -= 1;
    return found?.fault;
  }

  return {
    handle,
    seen,
    fail(fault: FakePlayFault): void {
      const names = { kind: true, on: true, times: true, milliseconds: true } as const;
      assertOptions('fail', fault, { ...names, status: true, reason: true });
      if (!FAULTS.includes(fault.kind)) {
        throw new TypeError(`kind: expected one of ${FAULTS.join(', ')}`);
      }
      faults.push({ fault, left: fault.times ?? 1 });
    },
    heal(): void {
      faults.length = 0;
    },
  };
}

function refuseBy(fault: FakePlayFault | undefined): void {
  const { kind, status = 403, reason = 'userInsufficientPermission' } = fault ?? {};
  if (kind === 'refuse') throw new PlayError(status, reason, 'The request was refused.');
  if (kind === 'error') throw new PlayError(500, 'backendError', 'Internal error.');
  if (kind === 'unavailable') throw new PlayError(503, 'backendError', 'Service unavailable.');
  if (kind === 'rate_limit') throw new PlayError(429, 'rateLimitExceeded', 'Quota exceeded.');
}

function answerTo(perform: () => JsonObject | null): Answer {
  try {
    const body = perform();
    return { status: body === null ? 204 : 200, body };
  } catch (error) {
    if (!(error instanceof PlayError)) throw error;
    return { status: error.status, body: error.body() };
  }
}

function parse(text: string): JsonObject {
  if (text === '') return {};
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value as JsonObject;
  } catch {
    // Refused below.
  }
  throw invalid('Invalid JSON payload received.');
}
