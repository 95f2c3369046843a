import type {
  AttachCommand,
  AttachResult,
  CommitCommand,
  GetCommand,
  GetResult,
  OverdueCommand,
  RecordCommand,
  RecordResult,
  RefundCommand,
  RefundResult,
  ReleaseCommand,
  ReserveCommand,
  ReserveResult,
  ReverseRefundCommand,
  SettleResult,
  StoredPurchase,
  UsageCommand,
  UsageResult,
} from './store-commands.ts';

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
 *    because the money has moved. `record` enters money that had no hold, for the same reason; for
 *    an id that has one it is a commit.
 * 5. **Window attribution.** A purchase permanently counts in the windows of the instant at which
 *    it was reserved. Release, expiry and the unused part of a commit restore those windows; so
 *    does a refund, unless `restores` is false. A hold that was lost in a failover is therefore
 *    recreated from the caller's data: `reserve` at its instant, without caps and with `onExpiry:
 *    'reconcile'`; then `release` and `commit` record it, `late`. What `record` enters counts in
 *    the windows of the instant at which it was charged.
 * 6. **Expiry needs no sweeper.** Before a verb reads a subject, it ends that subject's holds with
 *    `expiresAt <= at` and `onExpiry: 'release'`. `reconcile` holds count until they are settled.
 * 7. **A hold knows its processor**, from `reserve` on and forever, and its `processorRef` once
 *    that is known. So `overdue` lists one processor's holds without reading those of others, page
 *    by page, and no processor's open holds can starve another's.
 * 8. **Durability.** An acknowledged call survives `kill -9`, and in a durable store a power loss.
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
  /** Records money that was charged without a hold: committed and `late`, past every cap. */
  record(command: RecordCommand): Promise<RecordResult>;
  /** Sets the processor's reference of a purchase, in any state. It is set once. */
  attach(command: AttachCommand): Promise<AttachResult>;
  /** Records a refund of a committed purchase. */
  refund(command: RefundCommand): Promise<RefundResult>;
  /** Undoes a refund that failed at the processor. May arrive before its refund. */
  reverseRefund(command: ReverseRefundCommand): Promise<RefundResult>;
  /** Reads one purchase. */
  get(command: GetCommand): Promise<GetResult>;
  /** Reads the usage of each window, in order. Holds nothing. */
  usage(command: UsageCommand): Promise<UsageResult>;
  /**
   * Expired `reconcile` holds by `expiresAt`, then in a fixed order of the store's: query the
   * processor, then commit or release.
   */
  overdue(command: OverdueCommand): Promise<readonly StoredPurchase[]>;
  /** Rejects if the store cannot serve now. */
  ready(): Promise<void>;
  /** Waits for accepted calls, then frees all resources. */
  close(): Promise<void>;
}
