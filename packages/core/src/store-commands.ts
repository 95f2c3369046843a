import type { PurchaseState } from './wire.ts';

/** The purchases of a subject that a window counts. */
export interface Selector {
  readonly currency: string;
  /** `null`: all apps (enterprise scope). */
  readonly app: string | null;
  /** Sorted; `null`: all categories. */
  readonly categories: readonly string[] | null;
}

/** One `[start, end)` of a limit, in epoch milliseconds. */
export interface Window {
  readonly selector: Selector;
  readonly start: number;
  readonly end: number;
}

/** A window with the cap that `reserve` must not exceed. */
export interface CappedWindow extends Window {
  readonly cap: number;
}

/** The longest hold: 31 days. */
export const MAX_HOLD_MS = 31 * 24 * 60 * 60 * 1000;

/** A purchase to hold. */
export interface ReserveCommand {
  readonly id: string;
  /** The caller's request as canonical text: equal texts mean the same purchase. Opaque. */
  readonly request: string;
  readonly subject: string;
  /** Positive safe integer. */
  readonly amount: number;
  readonly currency: string;
  readonly app: string | null;
  readonly category: string | null;
  /** Who will move the money: the name that `overdue` selects by. */
  readonly processor: string | null;
  /**
   * The processor's own name of the payment, if it is known already; else see `attach`. Opaque.
   * `request` contains both, so that a retry at another processor is a `conflict` and not a second
   * charge under one hold.
   */
  readonly processorRef: string | null;
  /** The instant of the purchase; every window contains it. */
  readonly at: number;
  /** After `at`, by at most `MAX_HOLD_MS`. */
  readonly expiresAt: number;
  readonly onExpiry: 'release' | 'reconcile';
  /** Why it was allowed (policy version, age range, kind of evidence, exchange rate). Opaque. */
  readonly basis: string;
  /** Window objects are immutable: a store may cache what it derives from one. */
  readonly windows: readonly CappedWindow[];
}

/** A purchase as stored in the ledger. */
export interface StoredPurchase {
  readonly id: string;
  readonly request: string;
  readonly subject: string;
  readonly amount: number;
  readonly currency: string;
  readonly app: string | null;
  readonly category: string | null;
  readonly processor: string | null;
  readonly processorRef: string | null;
  readonly reservedAt: number;
  /** Equal to `reservedAt` if there was no hold: `record` entered it. */
  readonly expiresAt: number;
  readonly onExpiry: 'release' | 'reconcile';
  readonly basis: string;
  readonly state: PurchaseState;
  readonly committed: number;
  readonly refunded: number;
  /** The part of `refunded` that restored allowance. */
  readonly restored: number;
  readonly late: boolean;
}

/** The amount that a purchase uses of its windows. */
export function countedAmount(purchase: StoredPurchase): number {
  if (purchase.state === 'reserved') return purchase.amount;
  return purchase.state === 'committed' ? purchase.committed - purchase.restored : 0;
}

/** Expired holds that the verb ended; each is reported by at most one call. */
export interface WithExpired {
  readonly expired: readonly StoredPurchase[];
}

/** The verb is done. `changed` is false if nothing changed, as for a repeated call. */
export interface DoneResult {
  readonly outcome: 'done';
  readonly purchase: StoredPurchase;
  readonly changed: boolean;
}

/** The result of `reserve`. `used` is the usage of each window, in order. */
export type ReserveResult = WithExpired &
  (
    | {
        readonly outcome: 'held';
        readonly purchase: StoredPurchase;
        readonly replayed: boolean;
        /** Includes this purchase, unless it was replayed and has ended. */
        readonly used: readonly number[];
      }
    | { readonly outcome: 'refused'; readonly used: readonly number[] }
    | { readonly outcome: 'conflict' }
  );

/** A charge to record. */
export interface CommitCommand {
  readonly id: string;
  /** The charged amount. Default: the held amount. A larger amount is recorded unchanged. */
  readonly amount?: number;
  readonly at: number;
}

/** A hold to end without a charge. */
export interface ReleaseCommand {
  readonly id: string;
  readonly at: number;
}

/** The result of `commit` and `release`. */
export type SettleResult = WithExpired &
  (
    | DoneResult
    /** The purchase has already ended differently, or with another amount. */
    | { readonly outcome: 'ended'; readonly purchase: StoredPurchase }
    | { readonly outcome: 'not_found' }
  );

/** Money that was charged without a hold. */
export interface RecordCommand
  extends Omit<ReserveCommand, 'at' | 'expiresAt' | 'onExpiry' | 'windows'> {
  /** When it was charged; every window contains it. It becomes `reservedAt` and `expiresAt`. */
  readonly chargedAt: number;
  /** All windows that may count it, at any age. One that has ended need not be kept. */
  readonly windows: readonly Window[];
  /** The instant of this call, by which holds of the subject expire. */
  readonly at: number;
}

/**
 * The result of `record`. If the id is known, with this subject and currency and no other
 * processor, the call is `commit` with this amount, and its result is that of `commit`: an open
 * hold is committed, an ended one `late`, both in the windows of the hold; what is committed with
 * this amount stays as it is, with another amount it is `ended`. The rest of the command, `request`
 * included, is then ignored.
 */
export type RecordResult = WithExpired &
  (
    | DoneResult
    /** Committed with another amount. */
    | { readonly outcome: 'ended'; readonly purchase: StoredPurchase }
    /** The id is another subject's, in another currency or at another processor. */
    | { readonly outcome: 'conflict' }
  );

/** The reference that a processor has given to a payment. */
export interface AttachCommand {
  readonly id: string;
  /** The purchase's own. */
  readonly processor: string;
  readonly processorRef: string;
  readonly at: number;
}

/** The result of `attach`. */
export type AttachResult = WithExpired &
  (
    | DoneResult
    /** The purchase has another processor or none, or another reference. Nothing changes. */
    | { readonly outcome: 'conflict'; readonly purchase: StoredPurchase }
    | { readonly outcome: 'not_found' }
  );

/**
 * A refund to record. A refund id has an amount, or grows to a `total`:
 *
 * - `amount`: all of this refund. Another amount under its id is a `conflict`.
 * - `total`: this refund so far, for a processor that reports a running total. It raises the refund
 *   to that total and never lowers it: the same total, or a lower one that arrives late, changes
 *   nothing. A total covers its own id only; refunds under other ids are beside it and add to it.
 *
 * `refunded` is the sum over all ids that are not reversed, at most `committed`.
 */
export interface RefundCommand {
  readonly id: string;
  /** Unique within the purchase. */
  readonly refundId: string;
  /** Default without a `total`: everything not yet refunded. */
  readonly amount?: number;
  /** Instead of `amount`. Positive safe integer. */
  readonly total?: number;
  /** False: recorded, but gives back no allowance, such as a dispute. Of a total, its new part. */
  readonly restores: boolean;
  readonly at: number;
}

/** A refund to undo, or a dispute that was won. Later refunds with its id change nothing. */
export interface ReverseRefundCommand {
  readonly id: string;
  readonly refundId: string;
  readonly at: number;
}

/** The result of `refund` and `reverseRefund`. */
export type RefundResult = WithExpired &
  (
    | DoneResult
    | {
        readonly outcome: 'conflict' | 'exceeds' | 'not_committed';
        readonly purchase: StoredPurchase;
      }
    | { readonly outcome: 'not_found' }
  );

/** A purchase to read. */
export interface GetCommand {
  readonly id: string;
  readonly at: number;
}

/** The purchase, or `null` if the ledger has none with this id. */
export interface GetResult extends WithExpired {
  readonly purchase: StoredPurchase | null;
}

/** Windows to read. */
export interface UsageCommand {
  readonly subject: string;
  readonly windows: readonly Window[];
  readonly at: number;
}

/** The usage of each window, in order. */
export interface UsageResult extends WithExpired {
  readonly used: readonly number[];
}

/** Which overdue holds to list. */
export interface OverdueCommand {
  readonly at: number;
  /** Maximum number of holds. */
  readonly limit: number;
  /** Only holds of this processor. Default: all, with or without one. */
  readonly processor?: string;
  /** Only holds after this one, the last of the page before. It may have been settled since. */
  readonly after?: Pick<StoredPurchase, 'expiresAt' | 'id'>;
}
