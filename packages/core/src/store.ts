import type { PurchaseState } from './wire.ts';

/**
 * The store contract. A store keeps the ledger: purchases, their refunds, and counters per window.
 * It handles integers and windows and is independent of ages, policies and processors.
 *
 * Every store guarantees:
 *
 * 1. **`reserve` is atomic over all windows.** It adds the amount to all of its windows and records
 *    the purchase, or changes nothing. Under concurrent calls from any number of processes no
 *    window exceeds its cap, including the first purchases of a new subject. This cannot be built
 *    portably from a read and a write; a database without such an operation cannot be a store.
 * 2. **Idempotent by purchase id.** The same id, subject and `request` return the first purchase;
 *    any difference returns `conflict`. A refused purchase leaves no record, so its id may be
 *    retried. A store that is not durable may forget purchases that ended long ago; it documents
 *    when.
 * 3. **The ledger is the source of truth, counters are a cache.** The usage of a window is always
 *    the sum of `countedAmount(purchase)` over the subject's purchases that it selects, no matter
 *    when the window was first queried. So editing or adding a limit or changing its zone never
 *    resets usage.
 * 4. **Each purchase ends once**, by compare-and-set: reserved -> committed | released | expired.
 *    The one exception: a commit after release or expiry is recorded, `late`, even past a cap,
 *    because the money has moved.
 * 5. **Window attribution.** A purchase permanently counts in the windows of the instant at which
 *    it was reserved. Release, expiry and the unused part of a commit restore those windows; so
 *    does a refund, unless `restores` is false. A hold that was lost in a failover is therefore
 *    recreated from the caller's data: `reserve` at its instant, without caps and with `onExpiry:
 *    'reconcile'`; then `release` and `commit` record it, `late`.
 * 6. **Expiry needs no sweeper.** Before a verb reads a subject, it ends that subject's holds with
 *    `expiresAt <= at` and `onExpiry: 'release'`. `reconcile` holds count until they are settled.
 * 7. **Durability.** An acknowledged call survives `kill -9`, and in a durable store a power loss.
 *
 * Infrastructure failures reject with a SpendcapError (`store_unavailable`, `store_misconfigured`,
 * `outcome_unknown`, `overloaded`). Times are epoch milliseconds of the caller's clock, amounts
 * integers of minor units. A total above the safe integers is returned as some number above them.
 */
export interface Store {
  /** Holds the amount in every window and records the purchase, or changes nothing. */
  reserve(command: ReserveCommand): Promise<ReserveResult>;
  /** Records the charge and restores the unused part of the hold. */
  commit(command: CommitCommand): Promise<SettleResult>;
  /** Ends the hold without a charge. */
  release(command: ReleaseCommand): Promise<SettleResult>;
  /** Records a refund of a committed purchase. */
  refund(command: RefundCommand): Promise<RefundResult>;
  /** Undoes a refund that failed at the processor. May arrive before its refund. */
  reverseRefund(command: ReverseRefundCommand): Promise<RefundResult>;
  /** Reads one purchase. */
  get(command: GetCommand): Promise<GetResult>;
  /** Reads the usage of each window, in order. Holds nothing. */
  usage(command: UsageCommand): Promise<UsageResult>;
  /** Expired `reconcile` holds, oldest first: query the processor, then commit or release. */
  overdue(command: OverdueCommand): Promise<readonly StoredPurchase[]>;
  /** Rejects if the store cannot serve now. */
  ready(): Promise<void>;
  /** Waits for accepted calls, then frees all resources. */
  close(): Promise<void>;
}

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
  readonly reservedAt: number;
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

/** The result of `commit` and `release`. `changed` is false for a repeated call. */
export type SettleResult = WithExpired &
  (
    | { readonly outcome: 'done'; readonly purchase: StoredPurchase; readonly changed: boolean }
    /** The purchase has already ended differently, or with another amount. */
    | { readonly outcome: 'ended'; readonly purchase: StoredPurchase }
    | { readonly outcome: 'not_found' }
  );

/** A refund to record. */
export interface RefundCommand {
  readonly id: string;
  /** Unique within the purchase. */
  readonly refundId: string;
  /** Default: everything not yet refunded. */
  readonly amount?: number;
  readonly restores: boolean;
  readonly at: number;
}

/** A refund to undo. */
export interface ReverseRefundCommand {
  readonly id: string;
  readonly refundId: string;
  readonly at: number;
}

/** The result of `refund` and `reverseRefund`. `changed` is false for a repeated call. */
export type RefundResult = WithExpired &
  (
    | { readonly outcome: 'done'; readonly purchase: StoredPurchase; readonly changed: boolean }
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
}
