import { setTimeout as sleep } from 'node:timers/promises';
import { assertOptions, type OptionNames } from '@spendcap/core';
import { expireDueSessions } from './checkout.ts';
import { ApiError } from './errors.ts';
import { decodeForm } from './form.ts';
import { type Call, perform } from './routes.ts';
import type { State } from './state.ts';

/**
 * A fault of the next matching request:
 * - `error`: responds with 500 without executing the request, stored under the idempotency key
 * - `drop`: executes the request and closes the connection without a response
 * - `drop_before`: closes the connection without executing the request
 * - `rate_limit`: responds with 429 without executing the request
 * - `unauthorized`: responds with 401 without executing the request, as for a key that was revoked
 * - `status`: responds with `status` without executing the request
 * - `delay`: executes the request after `milliseconds`
 */
export interface FakeStripeFault {
  readonly kind:
    | 'error'
    | 'drop'
    | 'drop_before'
    | 'rate_limit'
    | 'unauthorized'
    | 'status'
    | 'delay';
  /** Only requests whose `METHOD /path` contains this. */
  readonly on?: string;
  /** Number of requests. Default 1. */
  readonly times?: number;
  readonly milliseconds?: number;
  /** With `status`: 400 to 599. Default 500. */
  readonly status?: number;
}

/** A received request, regardless of its result. */
export interface FakeStripeRequest {
  readonly method: string;
  readonly path: string;
  readonly idempotencyKey: string | null;
  readonly body: string;
}

interface Kept {
  readonly fingerprint: string;
  readonly status: number;
  readonly text: string;
}

interface ActiveFault extends FakeStripeFault {
  left: number;
}

/** The HTTP side: authentication, idempotency as Stripe documents it, and injected faults. */
export function createTransport(state: State) {
  const seen: FakeStripeRequest[] = [];
  const faults: ActiveFault[] = [];
  const kept = new Map<string, Kept>();
  const running = new Set<string>();

  async function handle(request: Request): Promise<Response> {
    const url = new URL(request.url);
    const { method } = request;
    const body = method === 'GET' ? '' : await request.text();
    const key = method === 'POST' ? request.headers.get('idempotency-key') : null;
    seen.push({ method, path: url.pathname, idempotencyKey: key, body });
    if (!request.headers.get('authorization')?.startsWith('Bearer sk_')) return unauthorized();
    const params = decodeForm(method === 'GET' ? url.search.slice(1) : body);
    const call = { method, path: url.pathname, params };
    const fingerprint = `${method} ${url.pathname}?${body}`;
    const fault = takeFault(`${method} ${url.pathname}`);
    if (fault?.kind === 'drop_before') return Response.error();
    if (fault?.kind === 'rate_limit') return rateLimited();
    if (fault?.kind === 'unauthorized') return unauthorized();
    if (fault?.kind === 'status') return failed(fault.status);
    if (key === null) return answer(call, fault);

    const before = kept.get(key);
    if (before !== undefined) return replay(before, fingerprint);
    if (running.has(key)) return inUse();
    running.add(key);
    try {
      return await answer(call, fault, { key, fingerprint });
    } finally {
      running.delete(key);
    }
  }

  function takeFault(target: string): FakeStripeFault | undefined {
    const fault = faults.find(({ on, left }) => left > 0 && target.includes(on ?? ''));
    if (fault !== undefined) fault.left -= 1;
    return fault;
  }

  async function answer(
    call: Call,
    fault: FakeStripeFault | undefined,
    keep?: { readonly key: string; readonly fingerprint: string },
  ): Promise<Response> {
    if (fault?.kind === 'delay') await sleep(fault.milliseconds ?? 50);
    state.idempotencyKey = keep?.key ?? null;
    const { status, text, executed } = run(state, call, fault);
    if (keep !== undefined && executed) {
      kept.set(keep.key, { fingerprint: keep.fingerprint, status, text });
    }
    return fault?.kind === 'drop'
      ? Response.error()
      : new Response(text, { status, headers: JSON_TYPE });
  }

  return {
    handle,
    seen,
    fail(fault: FakeStripeFault): void {
      const { kind, status = 500, times = 1 } = fault;
      assertOptions('fail', fault, OPTIONS);
      if (!FAULTS.has(kind)) {
        throw new TypeError(`kind: expected one of ${[...FAULTS].join(', ')}`);
      }
      if (!Number.isInteger(status) || status < 400 || status > 599) {
        throw new TypeError('status: expected 400 to 599');
      }
      faults.push({ ...fault, left: times });
    },
    heal(): void {
      faults.length = 0;
    },
  };
}

const FAULTS: ReadonlySet<FakeStripeFault['kind']> = new Set([
  'error',
  'drop',
  'drop_before',
  'rate_limit',
  'unauthorized',
  'status',
  'delay',
] as const);

const OPTIONS: OptionNames<FakeStripeFault> = {
  kind: true,
  on: true,
  times: true,
  milliseconds: true,
  status: true,
};

const JSON_TYPE = { 'content-type': 'application/json' };

function run(state: State, call: Call, fault: FakeStripeFault | undefined) {
  try {
    if (fault?.kind === 'error') {
      throw new ApiError(500, { type: 'api_error', message: 'Something went wrong on our end.' });
    }
    expireDueSessions(state);
    return { status: 200, text: JSON.stringify(perform(state, call)), executed: true };
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    const { status, body, executed } = error;
    return { status, text: JSON.stringify({ error: body }), executed };
  }
}

function replay(before: Kept, fingerprint: string): Response {
  if (before.fingerprint !== fingerprint) {
    const message = 'Keys for idempotent requests can only be used with the same parameters.';
    return json(400, { error: { type: 'idempotency_error', message } });
  }
  const headers = { ...JSON_TYPE, 'idempotent-replayed': 'true' };
  return new Response(before.text, { status: before.status, headers });
}

function inUse(): Response {
  const message = 'There is another request in progress with this idempotency key.';
  const code = 'idempotency_key_in_use';
  return json(409, { error: { type: 'idempotency_error', code, message } });
}

function unauthorized(): Response {
  const message = 'You did not provide a valid API key.';
  return json(401, { error: { type: 'invalid_request_error', message } });
}

function rateLimited(): Response {
  const message = 'Too many requests.';
  return json(429, { error: { type: 'invalid_request_error', code: 'rate_limit', message } });
}

/** The documented types of errors, by status. */
function failed(status = 500): Response {
  const type = status === 402 ? 'card_error' : status < 500 ? 'invalid_request_error' : 'api_error';
  return json(status, { error: { type, message: `An injected fault answers ${status}.` } });
}

function json(status: number, body: unknown): Response {
  return new Response(JSON.stringify(body), { status, headers: JSON_TYPE });
}
