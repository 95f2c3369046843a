import type { PurchaseState } from './wire.ts';

/**
 * The store contract. A store keeps the ledger: purchases, their refunds, and counters over
 * windows. It knows integers and windows, nothing of ages, policies or processors.
 *
 * What every store guarantees:
 *
 * 1. **One atomic verb holds every window.** `reserve` adds the amount to all of its windows and
 *    records the purchase, or changes nothing. Under concurrent calls, from any number of
 *    processes, no window passes its cap, from the first ever row on. There is no portable way to
 *    build this from a read and a write; a store that cannot do it must not exist.
 * 2. **Idempotent by purchase id.** The same id, subject and `request` give the first purchase again,
 *    anything else gives `conflict`. A refused purchase leaves no trace, so its id may be tried again.
 *    A store that is not durable may forget what ended long ago, and says when.
 * 3. **The ledger is the truth, counters are a cache.** The usage of a window is always the sum of
 *    `counted(purchase)` over the subject's purchases that it selects, whenever the window was
 *    first asked for. So a limit that is edited, added or moved to another zone never resets spend.
 * 4. **Each purchase ends once**, by compare-and-set: reserved -> committed | released | expired. One
 *    exception keeps the truth about money: a commit after release or expiry is recorded, `late`,
 *    even past a cap.
 * 5. **Window attribution.** A purchase counts in the windows of the instant it was reserved, for ever.
 *    Release, expiry and the unused part of a commit give back to those windows. A refund gives
 *    back to those windows too, or (`restores: false`) to none.
 *    So one that a failover has lost can be made anew from what its caller knows: `reserve` at its
 *    instant, under no cap and to reconcile, then `release` and `commit` record it, `late`.
 * 6. **Expiry needs no sweeper.** Before a verb looks at a subject, that subject's holds with
 *    `expiresAt <= at` and `onExpiry: 'release'` have ended. `reconcile` holds count until settled.
 * 7. **Durability.** What was answered survives `kill -9`; in a durable store power loss too.
 *
 * Broken surroundings reject with a SpendcapError (`store_unavailable`, `outcome_unknown`, `overloaded`).
 * Times are epoch milliseconds of the caller's clock, amounts integers of minor units. A total beyond
 * the safe integers is told as a number beyond them.
 */
export interface Store {
  reserve(command: ReserveCommand): Promise<ReserveResult>;
  commit(command: CommitCommand): Promise<SettleResult>;
  release(command: ReleaseCommand): Promise<SettleResult>;
  refund(command: RefundCommand): Promise<RefundResult>;
  /** The processor took a refund back (`refund.failed`): it counts again. Safe before its refund. */
  reverseRefund(command: ReverseRefundCommand): Promise<RefundResult>;
  get(command: GetCommand): Promise<GetResult>;
  /** Usage of each window, in order, and nothing else: no hold, no trace. */
  usage(command: UsageCommand): Promise<UsageResult>;
  /** `reconcile` holds whose time is up, oldest first: ask the processor, then commit or release. */
  overdue(command: OverdueCommand): Promise<readonly StoredPurchase[]>;
  /** Rejects when the store cannot serve now. */
  ready(): Promise<void>;
  /** Waits for what was accepted, then lets go of everything. */
  close(): Promise<void>;
}

/** Which purchases of a subject a window counts. */
export interface Selector {
  readonly currency: string;
  /** `null` counts every app (enterprise scope). */
  readonly app: string | null;
  /** Sorted; `null` counts every category. */
  readonly categories: readonly string[] | null;
}

/** One concrete `[start, end)` of a limit, in epoch milliseconds. */
export interface Window {
  readonly selector: Selector;
  readonly start: number;
  readonly end: number;
}

export interface CappedWindow extends Window {
  readonly cap: number;
}

/** A hold lasts at most 31 days: a charge that nobody has settled by then is not to be expected. */
export const MAX_HOLD_MS = 31 * 24 * 60 * 60 * 1000;

export interface ReserveCommand {
  readonly id: string;
  /** What the caller asked, as canonical text: equal texts are the same purchase. Opaque. */
  readonly request: string;
  readonly subject: string;
  /** Positive safe integer. */
  readonly amount: number;
  readonly currency: string;
  readonly app: string | null;
  readonly category: string | null;
  /** The instant of the purchase: every window contains it. */
  readonly at: number;
  /** After `at`, by `MAX_HOLD_MS` at most. */
  readonly expiresAt: number;
  readonly onExpiry: 'release' | 'reconcile';
  /** Why it was allowed (policy version, age range, kind of evidence, exchange rate). Opaque. */
  readonly basis: string;
  /** A window stays as it was handed over: a store may remember what it made of it. */
  readonly windows: readonly CappedWindow[];
}

/** A purchase as the ledger has it. */
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
  /** The part of `refunded` that gave allowance back. */
  readonly restored: number;
  readonly late: boolean;
}

/** What a purchase takes from its windows. */
export function counted(purchase: StoredPurchase): number {
  if (purchase.state === 'reserved') return purchase.amount;
  return purchase.state === 'committed' ? purchase.committed - purchase.restored : 0;
}

/** Holds that the verb found past their time and ended; reported by at most one call each. */
interface WithExpired {
  readonly expired: readonly StoredPurchase[];
}

export type ReserveResult = WithExpired &
  (
    | {
        readonly outcome: 'held';
        readonly purchase: StoredPurchase;
        readonly replayed: boolean;
        /** Usage of each window now: this purchase included, unless it was replayed and has ended. */
        readonly used: readonly number[];
      }
    | { readonly outcome: 'refused'; readonly used: readonly number[] }
    | { readonly outcome: 'conflict' }
  );

export interface CommitCommand {
  readonly id: string;
  /** What was charged; all that was held if absent. More than was held is recorded as it is. */
  readonly amount?: number;
  readonly at: number;
}

export interface ReleaseCommand {
  readonly id: string;
  readonly at: number;
}

export type SettleResult = WithExpired &
  (
    | { readonly outcome: 'done'; readonly purchase: StoredPurchase; readonly changed: boolean }
    /** The purchase ended before, in another way or with another amount. */
    | { readonly outcome: 'ended'; readonly purchase: StoredPurchase }
    | { readonly outcome: 'not_found' }
  );

export interface RefundCommand {
  readonly id: string;
  /** Unique within the purchase. */
  readonly refundId: string;
  /** All that is left if absent. */
  readonly amount?: number;
  readonly restores: boolean;
  readonly at: number;
}

export interface ReverseRefundCommand {
  readonly id: string;
  readonly refundId: string;
  readonly at: number;
}

export type RefundResult = WithExpired &
  (
    | { readonly outcome: 'done'; readonly purchase: StoredPurchase; readonly changed: boolean }
    | {
        readonly outcome: 'conflict' | 'exceeds' | 'not_committed';
        readonly purchase: StoredPurchase;
      }
    | { readonly outcome: 'not_found' }
  );

export interface GetCommand {
  readonly id: string;
  readonly at: number;
}

export interface GetResult extends WithExpired {
  readonly purchase: StoredPurchase | null;
}

export interface UsageCommand {
  readonly subject: string;
  readonly windows: readonly Window[];
  readonly at: number;
}

export interface UsageResult extends WithExpired {
  readonly used: readonly number[];
}

export interface OverdueCommand {
  readonly at: number;
  /** At most this many. */
  readonly limit: number;
}
