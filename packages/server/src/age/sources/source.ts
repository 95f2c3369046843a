import type { AgeFinding } from '@spendcap/core';

/**
 * What a source found out about the person who showed evidence. Nothing else of the evidence is
 * kept.
 */
export interface SourceFinding extends AgeFinding {
  /**
   * A pseudonym of the natural person, if the source identifies one. It takes precedence over the
   * `subject` of `issue`, so that all accounts of one person share one allowance.
   */
  readonly person?: string;
  /** Epoch milliseconds at which the evidence expires; no token outlives it. */
  readonly expiresAt?: number;
}

/** What the authority passes to a source with the evidence. */
export interface SourceContext {
  /** Epoch milliseconds: the authority's clock. */
  readonly at: number;
  /**
   * The account for which the authority issues. Evidence that names an account must name this one,
   * or a client could use evidence for the account of someone else.
   */
  readonly subject?: string;
}

/**
 * One way to establish an age. `verify` verifies the evidence and reduces it to a finding;
 * everything else in the evidence is discarded. docs/adding-an-age-source.md shows how to write
 * one.
 *
 * It rejects with a SpendcapError: `age_evidence_invalid` (its `why` is from the source's closed
 * list), `age_evidence_pending` while the person is still being checked, `age_source_unavailable`
 * if the source cannot be reached. No message contains any part of the evidence.
 */
export interface AgeSource<Evidence> {
  /** The kind of its findings, for example `nppa`: lower case, digits and `_`. */
  readonly kind: string;
  /** Establishes the age, or rejects with an `age_*` error. */
  verify(evidence: Evidence, context: SourceContext): Promise<SourceFinding>;
}
