import type { Allowance, Decision, DecisionBatch } from '@spendcap/core/wire';
import { type CallOptions, deadline } from './deadline.ts';
import { failure, SpendcapClientError } from './errors.ts';
import { isText } from './fields.ts';
import { isRefused } from './outcome.ts';
import { later } from './timers.ts';
import {
  type Fetch,
  isListOfObjects,
  isObject,
  originOf,
  requestJson,
  unexpectedResponse,
} from './transport.ts';
import type { AllowanceRequest, ClientOptions, DecisionRequest, Product } from './types.ts';

interface Platform {
  readonly fetch?: Fetch;
  readonly crypto?: { randomUUID?(): string };
}
export const platform = globalThis as unknown as Platform;

/** Before the second attempt, plus up to as much again, so that not all clients return together. */
const PAUSE_MS = 250;

/** The calls of spendcap's HTTP API, each within the time limit and retried once. */
export function createRequests(options: ClientOptions) {
  const { signer, app, newId = platformId, timeoutMs = 10_000 } = options;
  const fetch = options.fetch ?? (platform.fetch?.bind(globalThis) as Fetch);
  const base = options.url.replace(/\/+$/, '');
  const limited = deadline(timeoutMs, originOf(base));
  const withApp = <T extends object>(request: T) => (app ? { app, ...request } : request);

  /** The current token and, with a signer, a proof of possession. */
  async function credentials(method: string, path: string) {
    const ageToken = await currentToken(options.ageToken);
    if (signer === undefined) return { ageToken };
    const request = { method, url: base + path, ageToken, id: newId() };
    return { ageToken, proof: await signer(request) };
  }

  /** Everything that is sent only reads, so that it may be sent twice. */
  function call(callOptions: CallOptions, path: string, body?: object): Promise<unknown> {
    return limited(callOptions, async (signal, isEnded) => {
      const send = async () => {
        const method = body === undefined ? 'GET' : 'POST';
        const { ageToken, proof } = await credentials(method, path);
        return requestJson(fetch, base + path, {
          method,
          headers: {
            authorization: `${proof === undefined ? 'Bearer' : 'DPoP'} ${ageToken}`,
            ...(proof && { dpop: proof }),
            ...(body && { 'content-type': 'application/json' }),
          },
          ...(body && { body: JSON.stringify(body) }),
          ...(signal && { signal }),
        });
      };
      try {
        return await send();
      } catch (error) {
        if (!isTransient(error)) throw error;
        await later(PAUSE_MS * (1 + Math.random()));
        if (isEnded()) throw error;
        return send();
      }
    });
  }

  return {
    newId,
    limited,
    credentials,
    async allowance(request: AllowanceRequest, callOptions: CallOptions): Promise<Allowance> {
      const answer = await call(callOptions, `/v1/allowance${queryOf(withApp(request))}`);
      if (isAllowance(answer)) return answer;
      throw unexpectedResponse(200);
    },
    async decision(request: DecisionRequest, callOptions: CallOptions): Promise<Decision> {
      const answer = await call(callOptions, '/v1/decisions', withApp(request));
      if (isDecision(answer)) return answer as Decision;
      throw unexpectedResponse(200);
    },
    /** A decision on each product, all with one allowance. */
    async batch(products: readonly Product[], callOptions: CallOptions) {
      const body = withApp({ products });
      const answer = (await call(callOptions, '/v1/decisions/batch', body)) as DecisionBatch;
      const { allowance } = answer;
      const decisions = decisionsIn(answer);
      if (isAllowance(allowance) && decisions.length === products.length) {
        if (decisions.every(isDecision)) {
          return { allowance, decisions: decisions as readonly Decision[] };
        }
      }
      throw unexpectedResponse(200);
    },
  };
}

/** Not a time limit, which includes the second attempt, and not 429, which asks for patience. */
function isTransient(error: unknown): boolean {
  if (!(error instanceof SpendcapClientError)) return false;
  return error.code === 'network_error' || (error.retryable && error.status >= 500);
}

/** With the reasons themselves in place of their places; what is not as expected, as it is. */
function decisionsIn({ decisions, reasons, allowance }: DecisionBatch): readonly unknown[] {
  if (!isListOfObjects(decisions) || !Array.isArray(reasons)) return [];
  return decisions.map(({ allowed, reasons: places }) => {
    const against = Array.isArray(places) && places.map((at) => reasons[at]);
    return { allowed, allowance, ...(allowed ? {} : { reasons: against }) };
  });
}

function isDecision(value: unknown): boolean {
  return isRefused(value) || (isObject(value) && value.allowed === true);
}

function isAllowance(value: unknown): value is Allowance {
  if (!isObject(value)) return false;
  // Older servers have no `blockedCategories`.
  const { limits, blocked, blockedCategories = [] } = value;
  return [limits, blocked, blockedCategories].every(isListOfObjects);
}

async function currentToken(source: ClientOptions['ageToken']): Promise<string> {
  const unavailable = (cause?: unknown) =>
    failure('age_token_unavailable', '`ageToken` returned no token.', cause);
  let token: unknown;
  try {
    token = typeof source === 'function' ? await source() : source;
  } catch (cause) {
    throw unavailable(cause);
  }
  // A page of an error is no token, nor fits a header.
  const trimmed = isText(token) ? token.trim() : '';
  if (/^[!-~]+$/.test(trimmed)) return trimmed;
  throw unavailable();
}

function platformId(): string {
  const id = platform.crypto?.randomUUID?.();
  if (id === undefined) throw new TypeError('createClient needs `newId` on this platform');
  return id;
}

function queryOf(request: AllowanceRequest): string {
  const pairs = Object.entries(request)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`;
}
