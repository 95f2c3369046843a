import type {
  AgeEvidence,
  Allowance,
  Decision,
  DecisionBatch,
  Policy,
  Purchase,
  PurchaseState,
  RefusalCode,
  Refused,
  Reservation,
  ReserveCommand,
} from '@spendcap/core';

/** A DPoP proof (RFC 9449) for a bound age token, and the request that it must match. */
export interface TokenProof {
  /** A JWT of type `dpop+jwt`, signed by the player's device. */
  readonly jwt: string;
  /** The request's method, upper case. */
  readonly method: string;
  /** The request's URL as the device sees it; the query is ignored. */
  readonly url: string;
}

/** Who buys: an age token, or the evidence that `AgeVerifier.verify` returned for one. */
export interface Player {
  /**
   * A signed age token. If absent, the purchase is refused as `age_unverified`: it has no subject.
   */
  readonly ageToken?: string;
  /** Required with a token that is bound to a key. */
  readonly proof?: TokenProof;
  /** Evidence that this process has already verified; takes precedence over `ageToken`. */
  readonly evidence?: AgeEvidence;
}

/** A purchase to decide on. Amounts are decimal strings in `currency`. */
export interface DecisionRequest extends Player {
  /** `"48.00"`: positive, plain digits, no more decimals than the currency has. */
  readonly amount: string;
  /** ISO 4217, upper case. */
  readonly currency: string;
  /** The kind of purchase, as the policy names it: `tip`, `loot_box`, ... 1 to 64 characters. */
  readonly category?: string;
  /** The operator's app that sells; required by policies of scope `app`. 1 to 64 characters. */
  readonly app?: string;
  /** Reference of a guardian's recorded approval of this one purchase. 1 to 200 characters. */
  readonly guardianApproval?: string;
}

export interface PurchaseRequest extends DecisionRequest {
  /** The idempotency key: created and stored by the caller before the call. 1 to 128 characters. */
  readonly id: string;
  /** The caller's product id, stored and returned. 1 to 200 characters. */
  readonly product?: string;
  /** At most 20 entries, keys to 40 and values to 200 characters. Put no personal data here. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** How long the hold lasts, 10 seconds to 30 days. Default 1800. */
  readonly expiresInSeconds?: number;
  /** `release` (default) ends the hold at its expiry; `reconcile` keeps it until it is settled. */
  readonly onExpiry?: 'release' | 'reconcile';
  /**
   * Who will move the money, such as `acme_pay`: 1 to 32 lower-case letters, digits, `_` or `-`,
   * beginning with a letter. `overdue` selects by it. A retry names it again.
   */
  readonly processor?: string;
  /**
   * The processor's own name of the payment, if it is known before the charge; else see `attach`. 1
   * to 512 visible ASCII characters. Requires `processor`.
   */
  readonly processorRef?: string;
}

/**
 * A charge that had no hold: bought in a platform's store, or renewed. Who paid is an age token,
 * evidence, or an earlier purchase of the same player.
 */
export interface RecordRequest
  extends Player,
    Omit<PurchaseRequest, keyof Player | 'expiresInSeconds' | 'onExpiry' | 'guardianApproval'> {
  /**
   * When it was charged: ISO 8601 in UTC, `2026-10-31T12:00:00Z`. It counts in the windows of that
   * instant. Default now.
   */
  readonly chargedAt?: string;
  /** Without an age token: the id of an earlier purchase, such as the first of a subscription. */
  readonly samePlayerAs?: string;
}

/** Money that was returned, or taken back. Amounts are decimal strings. */
export interface RefundRequest {
  /** The refund's own id, unique within the purchase. */
  readonly id: string;
  /** All of this refund. Default without a `total`: everything not yet refunded. */
  readonly amount?: string;
  /**
   * Instead of `amount`, for a processor that reports a running total: this refund so far. A total
   * that is not higher than before changes nothing. Refunds under other ids are not part of it.
   */
  readonly total?: string;
  /** Gives back no allowance, whatever the policy says: a dispute. `reverseRefund` if it is won. */
  readonly restores?: false;
}

/** Which overdue holds to list. */
export interface OverdueRequest {
  /** Only this processor's. Default: all, with or without a processor. */
  readonly processor?: string;
  /** The last purchase of the page before. It may have been settled since. */
  readonly after?: Pick<Purchase, 'id' | 'expiresAt'>;
  /** 1 to 1,000, default 100. */
  readonly limit?: number;
}

/** One product of a shelf. */
export type ShelfProduct = Pick<DecisionRequest, 'amount' | 'currency' | 'category'>;

/** The products of a shelf to decide on, each as if only it was bought. */
export interface CheckManyRequest extends Player {
  /** 1 to 100. */
  readonly products: readonly ShelfProduct[];
  /** The operator's app that sells; required by policies of scope `app`. 1 to 64 characters. */
  readonly app?: string;
}

/** Whose allowance to read, optionally narrowed to a category or app. */
export interface AllowanceRequest extends Player {
  /** If given, must be the policy's currency. */
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
     * Admitted by `onUnavailable: 'allow_adults'` during an outage, not yet in the ledger. Replaces
     * `purchase.reserved`.
     */
    | 'purchase.unrecorded';
  /** Epoch milliseconds. */
  readonly at: number;
  readonly purchaseId: string;
  readonly policy: string;
  readonly state?: PurchaseState;
  /** Charged without a hold or after its end: caps may be exceeded; refund it if they are. */
  readonly late?: boolean;
  /** More was charged than was held. */
  readonly overHold?: boolean;
  readonly refundId?: string;
  readonly reasons?: readonly RefusalCode[];
  /** The `reason` option of `release`. */
  readonly reason?: string;
}

/**
 * Returns how many units of `to` one unit of `from` is worth, as a decimal string (`"7.12"`). The
 * rate is stored with the hold and applies to its commit and refunds.
 */
export type Exchange = (pair: {
  readonly from: string;
  readonly to: string;
  /** Epoch milliseconds. */
  readonly at: number;
}) => string | Promise<string>;

/** What is presented together with an age token. */
export interface ShownWith {
  readonly proof?: TokenProof;
  /** A proof is valid once; for this purchase it is valid again, so that a retry works. */
  readonly purchaseId?: string;
}

/** Turns an age token into evidence; created by `ageTokens`. */
export interface AgeVerifier {
  /** Rejects with `age_token_invalid` (see `why`) or `age_keys_unavailable`. */
  verify(token: string, shownWith?: ShownWith): Promise<AgeEvidence>;
  /** Rejects while it can verify no new token, in a few seconds at most. */
  ready?(): Promise<void>;
}

/** What a permit states. */
export interface PermitClaims {
  readonly purchaseId: string;
  readonly amount: string;
  readonly currency: string;
  readonly app: string | null;
  readonly policy: string;
  /** The end of the hold, epoch milliseconds. */
  readonly expiresAt: number;
}

/** What the ledger needs to restore a lost hold. The processor is absent where there is none. */
export type PermittedHold = Omit<
  ReserveCommand,
  'id' | 'windows' | 'onExpiry' | 'processor' | 'processorRef'
> & { readonly processor?: string; readonly processorRef?: string };

/** Signs permits and publishes the public keys that verify them; created by `permits`. */
export interface PermitSigner {
  /** `hold` travels in the permit, encrypted: only this signer can read it. */
  sign(claims: PermitClaims, hold?: PermittedHold): Promise<string>;
  /**
   * The hold inside a permit of this signer, expired or not.
   *
   * @throws SpendcapError `permit_invalid`
   */
  holdOf(permit: string, purchaseId: string): PermittedHold;
  /** A JWK Set of public keys only. */
  readonly jwks: { readonly keys: readonly Readonly<Record<string, unknown>>[] };
}

/**
 * The spending limiter. A refusal is a value; failures and invalid calls reject with a
 * `SpendcapError`. Every verb is idempotent and may be retried unchanged.
 */
export interface Limiter {
  /** Holds allowance in all windows in one atomic step, or refuses and changes nothing. */
  reserve(request: PurchaseRequest): Promise<Reservation | Refused>;
  /**
   * The money moved. `amount` is the charged amount, if it differs from the hold. `permit` is the
   * reservation's: with it, a hold that the store has lost (in a failover, say) is recorded as
   * `late` in the windows of the instant at which it was reserved. `null`, as `reserve` returns it
   * for a purchase that has ended or without a permit key, is no permit.
   */
  commit(
    id: string,
    options?: { readonly amount?: string; readonly permit?: string | null },
  ): Promise<Purchase>;
  /** The money will not move: ends the hold and returns its allowance. */
  release(id: string, options?: { readonly reason?: string }): Promise<Purchase>;
  /**
   * Money was charged without a hold: recorded as committed and `late`, past every cap, in the
   * windows of the instant at which it was charged. If the ledger has a hold of this player with
   * the id, it is committed, as by `commit`. Rejects with `purchase_conflict` if the id is another
   * player's or processor's, and with `purchase_ended` if another amount is committed.
   */
  record(request: RecordRequest): Promise<Purchase>;
  /**
   * Stores the processor's own name of the payment, once. Rejects with `purchase_conflict` for
   * another one, and if the purchase has another processor or none.
   */
  attach(
    id: string,
    named: { readonly processor: string; readonly processorRef: string },
  ): Promise<Purchase>;
  /** Money was returned. */
  refund(id: string, refund: RefundRequest): Promise<Purchase>;
  /** A recorded refund failed at the processor, or a dispute was won: its amount counts again. */
  reverseRefund(id: string, refund: { readonly id: string }): Promise<Purchase>;
  /**
   * Reads a purchase; `null` if the ledger has none with this id. With a player, rejects with
   * `purchase_conflict` if the purchase is another one's.
   */
  get(id: string, player?: Player): Promise<Purchase | null>;
  /**
   * Verifies a player's age token, before anything else of a call is read; hand the evidence to
   * `check`. `null` without a token. Rejects with `age_token_invalid` or `age_keys_unavailable`.
   */
  verifyAge(player: Player): Promise<AgeEvidence | null>;
  /** What `reserve` would decide now. Holds nothing and writes nothing. */
  check(request: DecisionRequest): Promise<Decision>;
  /** `check` of all products of a shelf, by one read of the store. */
  checkMany(request: CheckManyRequest): Promise<DecisionBatch>;
  /** Reads what a player may still spend. */
  allowance(request: AllowanceRequest): Promise<Allowance>;
  /** Expired holds with `onExpiry: 'reconcile'`, oldest first, page by page. */
  overdue(options?: OverdueRequest): Promise<readonly Purchase[]>;
  /** The policy in force. */
  policy(): Policy;
  /** Public keys of the permits, empty without a signer. */
  readonly jwks: PermitSigner['jwks'];
  /**
   * Rejects if no purchase can succeed: no policy is in force, the store cannot serve, or the age
   * verifier cannot verify. It asks them each time: poll `/health/ready`, or once a second at most.
   */
  ready(): Promise<void>;
  /** Waits for pending work, then closes the store. */
  close(): Promise<void>;
}
