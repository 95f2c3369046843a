import type {
  AgeEvidence,
  Allowance,
  Decision,
  Policy,
  Purchase,
  PurchaseState,
  RefusalCode,
  Refused,
  Reservation,
  ReserveCommand,
} from '@spendcap/core';

/** A DPoP proof (RFC 9449) beside a bound age token, and the request that it must have been made for. */
export interface TokenProof {
  /** A JWT of type `dpop+jwt`, signed by the player's device. */
  readonly jwt: string;
  /** The request's method, upper case. */
  readonly method: string;
  /** The request's address as the device knows it; a query is ignored. */
  readonly url: string;
}

/** Who buys: an age token, or evidence that `AgeVerifier.verify` has given for one. */
export interface Player {
  /** A signed age token. Absent: refused as `age_unverified`, since there is no one to count for. */
  readonly ageToken?: string;
  /** Needed with a token that is bound to a key. */
  readonly proof?: TokenProof;
  /** Evidence that was verified before in this process; goes before `ageToken`. */
  readonly evidence?: AgeEvidence;
}

/** What is asked before a charge. Amounts are decimal strings of `currency`. */
export interface DecisionRequest extends Player {
  /** `"48.00"`: positive, plain digits, no more decimals than the currency has. */
  readonly amount: string;
  /** ISO 4217, upper case. */
  readonly currency: string;
  /** What is bought, in the policy's words: `tip`, `loot_box`, ... 1 to 64 characters. */
  readonly category?: string;
  /** Which of the operator's apps sells; needed by policies of scope `app`. 1 to 64 characters. */
  readonly app?: string;
  /** Reference of a guardian's recorded approval of this one purchase. 1 to 200 characters. */
  readonly guardianApproval?: string;
}

export interface PurchaseRequest extends DecisionRequest {
  /** Made by the caller and kept before the call: the idempotency key. 1 to 128 characters. */
  readonly id: string;
  /** The caller's own product id, kept and given back. 1 to 200 characters. */
  readonly product?: string;
  /** At most 20 entries, keys to 40 and values to 200 characters. Put no personal data here. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** How long the hold lasts, 10 seconds to 30 days. Default 1800. */
  readonly expiresInSeconds?: number;
  /** `release` (default) ends the hold by itself; `reconcile` keeps it until it is settled. */
  readonly onExpiry?: 'release' | 'reconcile';
}

/** What an allowance is asked for. */
export interface AllowanceRequest extends Player {
  /** Must be the policy's, if given. */
  readonly currency?: string;
  readonly category?: string;
  readonly app?: string;
}

/** Every state change, for logs, alerts and audits. It names no subject and holds no token. */
export interface SpendcapEvent {
  readonly type:
    | 'purchase.reserved'
    | 'purchase.refused'
    | 'purchase.committed'
    | 'purchase.released'
    | 'purchase.expired'
    | 'purchase.refunded'
    | 'refund.reversed'
    /**
     * The store was down and `onUnavailable: 'allow_adults'` let it pass, unrecorded in the ledger.
     * It is told in place of `purchase.reserved`.
     */
    | 'purchase.unrecorded';
  /** Epoch milliseconds. */
  readonly at: number;
  readonly purchaseId: string;
  readonly policy: string;
  readonly state?: PurchaseState;
  /** The charge came after the hold had ended: the caps may be passed, refund it if they are. */
  readonly late?: boolean;
  /** More was charged than was held. */
  readonly overHold?: boolean;
  readonly refundId?: string;
  readonly reasons?: readonly RefusalCode[];
  /** What `release` was told. */
  readonly reason?: string;
}

/**
 * Says how many units of `to` one unit of `from` is worth, as a decimal string (`"7.12"`). The
 * rate is kept with the hold and used for everything that happens to the purchase later.
 */
export type Exchange = (asked: {
  readonly from: string;
  readonly to: string;
  /** Epoch milliseconds. */
  readonly at: number;
}) => string | Promise<string>;

/** What is shown beside an age token. */
export interface ShownWith {
  readonly proof?: TokenProof;
  /** A proof is good once, but again for the same purchase, so that a retry is one. */
  readonly purchaseId?: string;
}

/** Turns an age token into evidence; made by `ageTokens`. */
export interface AgeVerifier {
  /** Rejects with `age_token_invalid` (`why` says what is wrong) or `age_keys_unavailable`. */
  verify(token: string, shownWith?: ShownWith): Promise<AgeEvidence>;
}

/** What a permit states. */
export interface PermitClaims {
  readonly purchaseId: string;
  readonly amount: string;
  readonly currency: string;
  readonly app: string | null;
  readonly policy: string;
  /** Epoch milliseconds at which the hold ends. */
  readonly expiresAt: number;
}

/** What the ledger has to know of a hold to record it anew. */
export type PermittedHold = Omit<ReserveCommand, 'id' | 'windows' | 'onExpiry'>;

/** Signs permits and publishes the public keys to check them with; made by `permits`. */
export interface PermitSigner {
  /** The hold goes with the permit, and only this signer can read it. */
  sign(claims: PermitClaims, hold?: PermittedHold): Promise<string>;
  /**
   * The hold that went with a permit of this signer, whether or not its time is up.
   *
   * @throws SpendcapError `permit_invalid`
   */
  holdOf(permit: string, purchaseId: string): PermittedHold;
  /** A JWK Set of public keys only. */
  readonly jwks: { readonly keys: readonly Readonly<Record<string, unknown>>[] };
}

/**
 * The spending limiter. Refusals are values; broken surroundings and wrong calls reject with a
 * `SpendcapError`. Every verb is idempotent and may be retried as it is.
 */
export interface Limiter {
  /** Holds allowance in every window at once, or refuses and changes nothing. */
  reserve(request: PurchaseRequest): Promise<Reservation | Refused>;
  /**
   * The money moved. `amount` is what was charged, if less than was reserved. `permit` is the
   * reservation's: a hold that the store has lost since, as in a failover, is then recorded all the
   * same, `late`, in the windows of the instant at which it was made.
   */
  commit(
    id: string,
    options?: { readonly amount?: string; readonly permit?: string },
  ): Promise<Purchase>;
  /** The money will not move: the hold is given back. */
  release(id: string, options?: { readonly reason?: string }): Promise<Purchase>;
  /** Money went back. `id` is the refund's own, unique within the purchase. */
  refund(id: string, refund: { readonly id: string; readonly amount?: string }): Promise<Purchase>;
  /** A refund failed at the processor after it was recorded: it counts again. */
  reverseRefund(id: string, refund: { readonly id: string }): Promise<Purchase>;
  get(id: string): Promise<Purchase | null>;
  /** What `reserve` would say now. Holds nothing, leaves no trace. */
  check(request: DecisionRequest): Promise<Decision>;
  allowance(request: AllowanceRequest): Promise<Allowance>;
  /** Holds made with `onExpiry: 'reconcile'` whose time is up, oldest first; default 100. */
  overdue(options?: { readonly limit?: number }): Promise<readonly Purchase[]>;
  /** The policy in force now. */
  policy(): Policy;
  /** Public keys of the permits, empty without a signer. */
  readonly jwks: PermitSigner['jwks'];
  /** Rejects when the store cannot serve now. */
  ready(): Promise<void>;
  /** Waits for what is under way, then closes the store. */
  close(): Promise<void>;
}
