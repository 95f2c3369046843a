import type { Allowance, Decision, Refused } from '@spendcap/core/wire';
import { SpendcapClientError } from './errors.ts';
import { makeProof, type ProofSigner } from './proof.ts';
import { type Fetch, isObject, requestJson } from './transport.ts';

/** Options of `createClient`. */
export interface ClientOptions {
  /** Base URL of spendcap's HTTP API, for example `https://pay.example/spendcap`. */
  readonly url: string;
  /** The player's age token, or a function that returns a valid one; called before each request. */
  readonly ageToken: string | (() => string | Promise<string>);
  /** Required for age tokens that are bound to a key of this device. */
  readonly signer?: ProofSigner;
  /** Default `globalThis.fetch`. Add a timeout, or adapt a mini-game's request function, here. */
  readonly fetch?: Fetch;
  /** Generates ids of purchases and proofs. Default `crypto.randomUUID`. */
  readonly newId?: () => string;
}

/** A purchase to check. */
export interface DecisionRequest {
  /** Decimal string in `currency`, for example `"48.00"`. */
  readonly amount: string;
  /** ISO 4217, upper case. */
  readonly currency: string;
  /** A category of the policy: `tip`, `loot_box`, ... */
  readonly category?: string;
  /** The operator's app that sells; required by policies of scope `app`. */
  readonly app?: string;
}

/** A purchase to check and pay. */
export interface CheckoutRequest extends DecisionRequest {
  /** Identifies this intended purchase. Reuse it for retries. Default: a new id. */
  readonly id?: string;
}

/** The argument of `pay`. */
export interface CheckedPurchase extends CheckoutRequest {
  readonly id: string;
  /** Only with a `signer`: the token that `proof` belongs to. Send both to your back end. */
  readonly ageToken?: string;
  /** Only with a `signer`: the `proof` for `POST /v1/purchases`. */
  readonly proof?: string;
}

/** The purchase was not refused; `result` is what `pay` returned. */
export interface Paid<Result> {
  readonly allowed: true;
  readonly id: string;
  readonly result: Result;
}

/** The player's side of spendcap, see `createClient`. */
export interface Client {
  /** Reads what the player may still spend. */
  allowance(request?: Pick<DecisionRequest, 'category' | 'app'>): Promise<Allowance>;
  /** Previews the decision on a purchase. Holds nothing. */
  check(request: DecisionRequest): Promise<Decision>;
  /**
   * Checks first: a refusal is returned as a value and `pay` is not called. Otherwise `pay` calls the
   * game's back end, which reserves and charges. If that back end refuses (a `Response` with status
   * 403 and the refusal as its body, or that body itself), the refusal is returned. Concurrent calls
   * with the same id share one outcome, so a double click pays once.
   */
  checkout<Result>(
    purchase: CheckoutRequest,
    pay: (purchase: CheckedPurchase) => Result | Promise<Result>,
  ): Promise<Refused | Paid<Result>>;
}

/**
 * Creates the player's side of spendcap. It is advisory: its data may be outdated, and only the
 * game's back end reserves.
 *
 * @throws TypeError if `url` is empty, or there is no `fetch`
 * @throws SpendcapClientError from every method, with `code`, `status` and `retryable`
 * @example
 * ```ts
 * import { createClient } from '@spendcap/client';
 * const limits = { currency: 'CNY', limits: [], blocked: [] };
 * const client = createClient({
 *   url: 'https://pay.example',
 *   ageToken: async () => 'the token of the signed-in player',
 *   fetch: async () => Response.json(limits),
 * });
 * (await client.allowance()).currency; // => 'CNY'
 * ```
 */
export function createClient(options: ClientOptions): Client {
  const platform = globalThis as unknown as {
    readonly fetch?: Fetch;
    readonly crypto?: { randomUUID?(): string };
  };
  const fetch = options.fetch ?? platform.fetch?.bind(globalThis);
  if (fetch === undefined) {
    throw new TypeError('createClient: `fetch` is required on this platform');
  }
  if (!options.url) throw new TypeError('createClient: `url` is required');
  const base = options.url.replace(/\/+$/, '');
  const inFlight = new Map<string, Promise<Refused | Paid<unknown>>>();

  /** The current token and, with a signer, a proof of possession. */
  async function credentials(method: string, path: string) {
    const { ageToken: source, signer } = options;
    const ageToken = typeof source === 'function' ? await source() : source;
    if (signer === undefined) return { ageToken };
    const request = { method, url: base + path, ageToken, id: newId() };
    return { ageToken, proof: await makeProof(signer, request) };
  }

  async function call(method: string, path: string, body?: object): Promise<unknown> {
    const { ageToken, proof } = await credentials(method, path);
    const headers: Record<string, string> =
      proof === undefined
        ? { authorization: `Bearer ${ageToken}` }
        : { authorization: `DPoP ${ageToken}`, dpop: proof };
    if (body === undefined) return requestJson(fetch as Fetch, base + path, { method, headers });
    headers['content-type'] = 'application/json';
    return requestJson(fetch as Fetch, base + path, {
      method,
      headers,
      body: JSON.stringify(body),
    });
  }

  async function check(request: DecisionRequest): Promise<Decision> {
    const { amount, currency, category, app } = request;
    const answer = await call('POST', '/v1/decisions', { amount, currency, category, app });
    if (isRefused(answer) || (answer as Decision).allowed === true) return answer as Decision;
    throw new SpendcapClientError('unexpected_response', { status: 200, retryable: false });
  }

  function newId(): string {
    const id = options.newId?.() ?? platform.crypto?.randomUUID?.();
    if (id === undefined) {
      throw new TypeError('createClient: `newId` is required on this platform');
    }
    return id;
  }

  return {
    check,
    allowance: async (request = {}) =>
      (await call('GET', `/v1/allowance${queryOf(request)}`)) as Allowance,
    checkout: async <Result>(
      purchase: CheckoutRequest,
      pay: (purchase: CheckedPurchase) => Result | Promise<Result>,
    ) => {
      const id = purchase.id ?? newId();
      let outcome = inFlight.get(id);
      if (outcome === undefined) {
        outcome = run().finally(() => inFlight.delete(id));
        inFlight.set(id, outcome);
      }
      return (await outcome) as Refused | Paid<Result>;

      async function run(): Promise<Refused | Paid<Result>> {
        const decision = await check(purchase);
        if (!decision.allowed) return decision;
        const bound = options.signer && (await credentials('POST', '/v1/purchases'));
        const result = await pay({ ...purchase, ...bound, id });
        return (await refusalIn(result)) ?? { allowed: true, id, result };
      }
    },
  };
}

function queryOf(request: Pick<DecisionRequest, 'category' | 'app'>): string {
  const pairs = (['category', 'app'] as const).flatMap((name) => {
    const value = request[name];
    return value === undefined ? [] : `${name}=${encodeURIComponent(value)}`;
  });
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`;
}

/** The refusal in the back end's response, if any. Reads a clone, so the body stays readable. */
async function refusalIn(result: unknown): Promise<Refused | null> {
  if (isRefused(result)) return result;
  if (!isObject(result) || result.status !== 403 || typeof result.clone !== 'function') return null;
  const body: unknown = await result
    .clone()
    .json()
    .catch(() => null);
  return isRefused(body) ? body : null;
}

function isRefused(value: unknown): value is Refused {
  return isObject(value) && value.allowed === false && Array.isArray(value.reasons);
}
