import type { Allowance, Decision } from '@spendcap/core/wire';
import type { CallOptions } from './deadline.ts';
import type { CheckoutOutcome, PaymentAnswer } from './outcome.ts';
import type { Snapshot } from './state.ts';
import type { Fetch } from './transport.ts';

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
  /** The app that sells, for every request that names none; policies of scope `app` require it. */
  readonly app?: string;
  /** Default `globalThis.fetch`. Of other engines: `@spendcap/client/transports`. */
  readonly fetch?: Fetch;
  /** Time limit of each request, with its age token and proof. Default 10 000. Not of `pay`. */
  readonly timeoutMs?: number;
  /** Generates ids of purchases and proofs. Default `crypto.randomUUID`. */
  readonly newId?: () => string;
  /** What a server has read already, so that the first page shows it without a request. */
  readonly initialAllowance?: Allowance;
  /**
   * What became of a purchase, from the game's back end. It answers as `pay` does; a 404 has to
   * mean that nothing can be charged under this id any more. A 401, 403 or 429 answers nothing.
   */
  readonly lookUp?: (id: string) => PaymentAnswer | Promise<PaymentAnswer>;
  /**
   * Calls `refresh` whenever the player returns to the game; returns how to stop that. Default: the
   * focus of a browser's window, and its tab when it is shown again.
   */
  readonly onFocus?: (refresh: () => void) => () => void;
  /** Epoch milliseconds, of which only differences are used. Default `Date.now`. */
  readonly now?: () => number;
}

/** Selects the limits of an allowance. */
export interface AllowanceRequest {
  /** A category of the policy: `tip`, `loot_box`, ... */
  readonly category?: string;
  /** The operator's app that sells; required by policies of scope `app`. */
  readonly app?: string;
}

/** A price to decide on. */
export interface Product {
  /** Decimal string in `currency`, for example `"48.00"`. */
  readonly amount: string;
  /** ISO 4217, upper case. */
  readonly currency: string;
  /** A category of the policy: `tip`, `loot_box`, ... */
  readonly category?: string;
}

/** A purchase to check. */
export interface DecisionRequest extends AllowanceRequest, Product {}

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

/**
 * Calls the game's back end, which reserves and charges, and returns what it answered. What is no
 * `PaymentAnswer` leaves open whether money was taken.
 */
export type Pay<Result extends PaymentAnswer = PaymentAnswer> = (
  purchase: CheckedPurchase,
) => Result | Promise<Result>;

/** The player's side of spendcap, see `createClient`. */
export interface Client {
  /** Reads what the player may still spend. The state keeps it only if `refresh` reads it. */
  allowance(request?: AllowanceRequest, options?: CallOptions): Promise<Allowance>;
  /** Reads the server's decision on a purchase. Holds nothing. */
  check(request: DecisionRequest, options?: CallOptions): Promise<Decision>;
  /**
   * `check` of every product of a shelf, in their order, by one request for each hundred. The state
   * gets the allowance that comes with it.
   */
  affordable(products: readonly Product[], options?: CallOptions): Promise<readonly Decision[]>;
  /**
   * The decision as the state has it, without a request; `null` if it does not have it. Show it
   * while `check` or `checkout` waits for the server, which alone judges. The same object until
   * something changes.
   */
  preview(product: Product): Decision | null;
  /**
   * Checks first: after a refusal `pay` is not called. Otherwise `pay` calls the game's back end,
   * which reserves and charges; see `CheckoutOutcome` for what its answer means.
   *
   * Concurrent calls with the same id share the first call, so a double click pays once. `signal`
   * ends a checkout until `pay` is called. Rejects only for an invalid request.
   */
  checkout<Result extends PaymentAnswer>(
    purchase: CheckoutRequest,
    pay: Pay<Result>,
    options?: CallOptions,
  ): Promise<CheckoutOutcome<Result>>;
  /**
   * Asks the game's back end, by the `lookUp` option, what became of a purchase: at growing
   * intervals for half a minute, until it is paid, refused or failed. Never rejects.
   */
  settle(id: string, options?: CallOptions): Promise<CheckoutOutcome<unknown>>;
  /** A new id of a purchase, for who stores it before the purchase. */
  newId(): string;
  /** Reads the allowance into the state, also before anything is shown. Never rejects. */
  refresh(): Promise<void>;
  /**
   * Calls `listener` after each change of the state. Meanwhile the state is kept current: it is
   * read now if it is not, after each purchase, on focus, and when a window resets.
   *
   * @returns a function that ends it
   */
  subscribe(listener: () => void): () => void;
  /** The state. The same object until something changes. */
  getSnapshot(): Snapshot;
  /** The state that the client was created with, for server rendering. */
  getServerSnapshot(): Snapshot;
}
