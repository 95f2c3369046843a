import type { AgeFinding } from '@spendcap/core';

/** What a source has found out about the person who showed evidence. Nothing else of it is kept. */
export interface SourceFinding extends AgeFinding {
  /**
   * A pseudonym of the natural person by which the source itself knows them, if it does: it goes before
   * the `subject` of `issue`, so that all accounts of one person share one allowance.
   */
  readonly person?: string;
  /** Epoch milliseconds after which the evidence no longer holds; no token outlives it. */
  readonly expiresAt?: number;
}

export interface SourceQuestion {
  /** Epoch milliseconds: the authority's clock. */
  readonly at: number;
  /**
   * The account for which the authority is to issue. Evidence that names an account must name this one:
   * what a client sends as evidence must not reach the account of someone else.
   */
  readonly subject?: string;
}

/**
 * One way to establish an age. `verify` proves the evidence and reduces it to a finding; whatever
 * else the evidence says is forgotten with the call.
 *
 * It rejects with a SpendcapError: `age_evidence_invalid` (its `why` is one of the source's closed
 * list), `age_evidence_pending` while the person is still being checked, `age_source_unavailable` if
 * the source cannot be asked now. No message holds any part of the evidence.
 */
export interface AgeSource<Evidence> {
  /** The kind of its findings, as `nppa`: lower case, digits and `_`. */
  readonly kind: string;
  verify(evidence: Evidence, asked: SourceQuestion): Promise<SourceFinding>;
}
