/** How one overdue hold, or one charge of a store, came out of a run. */
export type ReconcileOutcome = 'committed' | 'released' | 'open' | 'unseen' | 'failed';

/** One overdue hold that was checked, or one charge that was applied. */
export interface Reconciled {
  /** `null` for a charge of an unknown player. */
  readonly purchaseId: string | null;
  readonly outcome: ReconcileOutcome;
  /** With `failed`: what the processor's client or the ledger threw. */
  readonly error?: unknown;
}
