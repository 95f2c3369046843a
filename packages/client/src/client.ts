import type { Allowance, Decision } from '@spendcap/core/wire';
import { type CallOptions, deadline } from './deadline.ts';
import { failure } from './errors.ts';
import { checkNames } from './option-names.ts';
import { type CheckoutOutcome, isRefused, outcomeOf, refused } from './outcome.ts';
import { type Fetch, originOf, requestJson, unexpectedResponse } from './transport.ts';

/** A request that a proof of possession is made for. */
export interface ProofRequest {
  readonly method: string;
  readonly url: string;
  readonly ageToken: string;
  /** Unique for each proof. */
  readonly id: string;
}

/** Makes proofs of possession, see `deviceSigner` of `@spendcap/client/device-key`. */
export type Signer = (request: ProofRequest) => Promise<string>;

/** Options of `createClient`. */
export interface ClientOptions {
  /** Base URL of spendcap's HTTP API, for example `https://pay.example/spendcap`. */
  readonly url: string;
  /** The player's age token, or a function that returns a valid one; called before each request. */
  readonly ageToken: string | (() => string | Promise<string>);
  /** Required for age tokens that are bound to a key: `deviceSigner` makes it. */
  readonly signer?: Signer;
  /** Default `globalThis.fetch`. Adapt a mini-game's request function here. */
  readonly fetch?: Fetch;
  /** Time limit of each request, with its age token and proof. Default 10 000. Not of `pay`. */
  readonly timeoutMs?: number;
  /** Generates ids of purchases and proofs. Default `crypto.randomUUID`. */
  readonly newId?: () => string;
}

/** Selects the limits of an allowance. */
export interface AllowanceRequest {
  /** A category of the policy: `tip`, `loot_box`, ... */
  readonly category?: string;
  /** The operator's app that sells; required by policies of scope `app`. */
  readonly app?: string;
}

/** A purchase to check. */
export interface DecisionRequest extends AllowanceRequest {
  /** Decimal string in `currency`, for example `"48.00"`. */
  readonly amount: string;
  /** ISO 4217, upper case. */
  readonly currency: string;
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

/** Calls the game's back end, which reserves and charges. */
export type Pay<Result> = (purchase: CheckedPurchase) => Result | Promise<Result>;

/** The player's side of spendcap, see `createClient`. */
export interface Client {
  /** Reads what the player may still spend. */
  allowance(request?: AllowanceRequest, options?: CallOptions): Promise<Allowance>;
  /** Previews the decision on a purchase. Holds nothing. */
  check(request: DecisionRequest, options?: CallOptions): Promise<Decision>;
  /**
   * Checks first: after a refusal `pay` is not called. Otherwise `pay` calls the game's back end,
   * which reserves and charges. The outcome is `refused` if that back end refuses (a `Response`
   * with status 403 and the refusal as its body, or that body itself), `failed` if it returns a
   * `Response` with another status than 2xx, otherwise `paid`. What `pay` throws is rethrown.
   *
   * Concurrent calls with the same id share the first call, so a double click pays once. `signal`
   * ends a checkout until `pay` is called.
   */
  checkout<Result>(
    purchase: CheckoutRequest,
    pay: Pay<Result>,
    options?: CallOptions,
  ): Promise<CheckoutOutcome<Result>>;
}

/** Longer timers fire immediately. */
const MAX_TIMEOUT_MS = 2 ** 31;

const SELECTION = ['category', 'app'] as const;
const DECISION = [...SELECTION, 'amount', 'currency'] as const;

interface Platform {
  readonly fetch?: Fetch;
  readonly crypto?: { randomUUID?(): string };
}
const platform = globalThis as unknown as Platform;

/**
 * Creates the player's side of spendcap. It is advisory: its data may be outdated, and only the
 * game's back end reserves.
 *
 * @throws TypeError for an unknown option, no `url`, no `ageToken`, or no `fetch` on this platform
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
  assertOptions(options);
  const { ageToken: tokenSource, signer, newId = platformId } = options;
  const fetch = options.fetch ?? (platform.fetch?.bind(globalThis) as Fetch);
  const base = options.url.replace(/\/+$/, '');
  const inFlight = new Map<string, Promise<CheckoutOutcome<unknown>>>();
  const limited = deadline(options.timeoutMs ?? 10_000, originOf(base));

  /** The current token and, with a signer, a proof of possession. */
  async function credentials(method: string, path: string) {
    const ageToken = await currentToken(tokenSource);
    if (signer === undefined) return { ageToken };
    const request = { method, url: base + path, ageToken, id: newId() };
    return { ageToken, proof: await signer(request) };
  }

  function call(options: CallOptions, path: string, body?: object): Promise<unknown> {
    return limited(options, async (signal) => {
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
    });
  }

  async function decide(request: DecisionRequest, options: CallOptions): Promise<Decision> {
    const answer = await call(options, '/v1/decisions', request);
    if (isRefused(answer) || (answer as Decision).allowed === true) return answer as Decision;
    throw unexpectedResponse(200);
  }

  async function run<Result>(
    { id, ...request }: CheckoutRequest & { readonly id: string },
    pay: Pay<Result>,
    options: CallOptions,
  ): Promise<CheckoutOutcome<Result>> {
    const decision = await decide(request, options);
    if (!decision.allowed) return refused(id, decision);
    const bound = signer && (await limited(options, () => credentials('POST', '/v1/purchases')));
    return outcomeOf(id, await pay({ ...request, ...bound, id }));
  }

  return {
    async allowance(request = {}, options = {}) {
      checkFields(request, SELECTION, options);
      const answer = (await call(options, `/v1/allowance${queryOf(request)}`)) as Allowance;
      if (Array.isArray(answer.limits) && Array.isArray(answer.blocked)) return answer;
      throw unexpectedResponse(200);
    },
    async check(request, options = {}) {
      checkFields(request, DECISION, options);
      return decide(request, options);
    },
    async checkout<Result>(purchase: CheckoutRequest, pay: Pay<Result>, options: CallOptions = {}) {
      checkFields(purchase, [...DECISION, 'id'], options);
      const id = purchase.id ?? newId();
      let outcome = inFlight.get(id);
      if (outcome === undefined) {
        outcome = run({ ...purchase, id }, pay, options).finally(() => inFlight.delete(id));
        inFlight.set(id, outcome);
      }
      return outcome as Promise<CheckoutOutcome<Result>>;
    },
  };
}

function assertOptions(options: ClientOptions): void {
  const refuse = (fault: string) => new TypeError(`createClient ${fault}`);
  const need = (isMet: boolean, what: string) => {
    if (!isMet) throw refuse(`needs ${what}`);
  };
  checkNames(options, ['url', 'ageToken', 'signer', 'fetch', 'timeoutMs', 'newId'], refuse);
  const { url, ageToken, fetch = platform.fetch, timeoutMs = 1 } = options;
  need(isText(url), '`url`');
  need(isText(ageToken) || typeof ageToken === 'function', '`ageToken`: a string or a function');
  need(typeof fetch === 'function', '`fetch` on this platform');
  need(timeoutMs > 0 && timeoutMs < MAX_TIMEOUT_MS, '`timeoutMs` in (0, 2^31)');
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function checkFields<T extends object>(
  request: T,
  names: readonly (keyof T)[],
  options: CallOptions,
): void {
  const refuse = (fault: string) => failure('invalid_request', `The request ${fault}.`);
  checkNames(request, names, refuse);
  checkNames(options, ['signal'], refuse);
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
  if (isText(token)) return token;
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
