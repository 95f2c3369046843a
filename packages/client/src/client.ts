import type { Allowance, Decision, Refused } from '@spendcap/core/wire';
import { SpendcapClientError } from './errors.ts';
import { makeProof, type ProofSigner } from './proof.ts';
import { type Fetch, isObject, requestJson } from './transport.ts';

export interface ClientOptions {
  /** Where spendcap's HTTP API stands, as `https://pay.example/spendcap`. */
  readonly url: string;
  /** The player's age token, or a function that gives the one valid now; asked before each call. */
  readonly ageToken: string | (() => string | Promise<string>);
  /** Needed for age tokens that are bound to a key of this device. */
  readonly signer?: ProofSigner;
  /** Default `globalThis.fetch`. Put a time limit or a mini-game's own request function here. */
  readonly fetch?: Fetch;
  /** Makes ids of purchases and of proofs. Default `crypto.randomUUID`. */
  readonly newId?: () => string;
}

export interface DecisionRequest {
  /** Decimal string of `currency`, as `"48.00"`. */
  readonly amount: string;
  /** ISO 4217, upper case. */
  readonly currency: string;
  /** What is bought, in the policy's words: `tip`, `loot_box`, ... */
  readonly category?: string;
  /** Which of the operator's apps sells; needed by policies of scope `app`. */
  readonly app?: string;
}

export interface CheckoutRequest extends DecisionRequest {
  /** Names this one intended purchase, and stays the same when it is tried again. */
  readonly id?: string;
}

/** What `pay` is given. */
export interface CheckedPurchase extends CheckoutRequest {
  readonly id: string;
  /** With a `signer` only: the token that `proof` belongs to. Send both to your back end. */
  readonly ageToken?: string;
  /** With a `signer` only: the `proof` that `POST /v1/purchases` takes beside the token. */
  readonly proof?: string;
}

/** The charge went on: `result` is what `pay` gave. */
export interface Paid<Result> {
  readonly allowed: true;
  readonly id: string;
  readonly result: Result;
}

export interface Client {
  /** What the player may still spend. */
  allowance(request?: Pick<DecisionRequest, 'category' | 'app'>): Promise<Allowance>;
  /** What the server would say to this purchase now. Holds nothing. */
  check(request: DecisionRequest): Promise<Decision>;
  /**
   * Checks first; a refusal comes back as a value and `pay` is never called. Otherwise `pay` calls the
   * game's own back end, which holds the allowance and charges. Where that back end refuses after
   * all (a `Response` with status 403 and the refusal as its body, or that body itself), the result is the
   * refusal. Calls with an id that is still under way share its outcome, so a double click pays once.
   */
  checkout<Result>(
    purchase: CheckoutRequest,
    pay: (purchase: CheckedPurchase) => Result | Promise<Result>,
  ): Promise<Refused | Paid<Result>>;
}

/**
 * The player's side of spendcap. It decides nothing: what it shows may be out of date, and the hold
 * is made by the game's back end.
 *
 * @throws TypeError at once, if `url` is empty or the platform has no `fetch` and none was given
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
  if (fetch === undefined) throw new TypeError('createClient: this platform needs `fetch`');
  if (!options.url) throw new TypeError('createClient: `url` is missing');
  const base = options.url.replace(/\/+$/, '');
  const underWay = new Map<string, Promise<Refused | Paid<unknown>>>();

  /** The token valid now, and with a signer the proof that it is shown by its holder. */
  async function credentials(method: string, path: string) {
    const { ageToken: given, signer } = options;
    const ageToken = typeof given === 'function' ? await given() : given;
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
    if (id === undefined) throw new TypeError('createClient: this platform needs `newId`');
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
      let outcome = underWay.get(id);
      if (outcome === undefined) {
        outcome = run().finally(() => underWay.delete(id));
        underWay.set(id, outcome);
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

/** The refusal that the back end answered with. A body of another kind is left unread. */
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
