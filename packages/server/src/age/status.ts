import type { Claims } from '../internal/tokens/jws.ts';
import { ageEvidenceInvalid } from './evidence-fault.ts';

/** Where the status of a credential stands: an entry of a Token Status List. */
export interface StatusReference {
  readonly uri: string;
  readonly idx: number;
}

/**
 * Asks whether a credential still holds. Resolves to false if it was revoked or suspended; rejects with
 * `age_source_unavailable` if the list cannot be read.
 */
export type StatusCheck = (
  reference: StatusReference,
  asked: { readonly at: number },
) => Promise<boolean>;

/**
 * Demands that a credential with a status be valid. One without a status cannot be revoked.
 *
 * @throws SpendcapError `age_evidence_invalid`, why `status_unchecked`, `malformed` or `revoked`
 */
export async function checkStatus(
  status: unknown,
  check: StatusCheck | undefined,
  at: number,
): Promise<void> {
  if (status === undefined) return;
  const list = (status as Claims | null)?.status_list as
    | Partial<StatusReference>
    | null
    | undefined;
  // Another mechanism than status lists is not understood.
  if (check === undefined || list == null) throw ageEvidenceInvalid('status_unchecked');
  const { uri, idx } = list;
  if (typeof uri !== 'string' || !Number.isSafeInteger(idx) || Number(idx) < 0) {
    throw ageEvidenceInvalid('malformed');
  }
  if (!(await check({ uri, idx: Number(idx) }, { at }))) throw ageEvidenceInvalid('revoked');
}
