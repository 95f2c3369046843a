import type { Handler, HandlerOptions } from '../../../packages/server/src/http/index.ts';
import { createHandler } from '../../../packages/server/src/http/index.ts';
import { prometheusMetrics } from '../../../packages/server/src/http/metrics/index.ts';
import { AGE_TOKEN, API_KEY, stubLimiter } from './stub-limiter.ts';

export type Json = Record<string, unknown>;

export function setup(
  answers: Parameters<typeof stubLimiter>[0] = {},
  options: Partial<HandlerOptions> = {},
) {
  const { limiter, calls } = stubLimiter(answers);
  return {
    handler: createHandler(limiter, {
      apiKeys: [API_KEY],
      metrics: prometheusMetrics(),
      ...options,
    }),
    calls,
  };
}

export interface Sent {
  readonly bearer?: string | null;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
  readonly method?: string;
}

/** Sends a request and reads the whole response. */
export async function send(handler: Handler, path: string, sent: Sent = {}) {
  const { bearer = API_KEY, body, headers = {}, method } = sent;
  const response = await handler(
    new Request(`http://limiter.example${path}`, {
      method: method ?? (body === undefined ? 'GET' : 'POST'),
      headers: {
        ...(bearer === null ? {} : { authorization: `Bearer ${bearer}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined
        ? {}
        : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    }),
  );
  const text = await response.text();
  const json: Json = text.startsWith('{') ? JSON.parse(text) : {};
  return { status: response.status, headers: response.headers, text, json };
}

export const PURCHASE = { id: 'order-1', ageToken: AGE_TOKEN, amount: '48.00', currency: 'CNY' };
export const CHARGE = {
  ...{ ageToken: AGE_TOKEN, amount: '48.00', currency: 'CNY', product: 'pass' },
  ...{ processor: 'acme_pay', processorRef: 'pay_81Yq', chargedAt: '2026-10-31T12:00:00Z' },
};
