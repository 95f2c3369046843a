import { SpendcapError } from '@spendcap/core';

/** Why evidence for the real-name system proves nothing: the `why` of `age_evidence_invalid`. */
const INVALID = {
  malformed: 'The evidence must name an account, and to register it a name and an ID number.',
  account_mismatch: 'The evidence is of another account than the token is for.',
  not_registered: 'The account is not registered: show a name and an ID number.',
  identity_rejected: 'The real-name system does not know this name with this ID number.',
  id_number_illegal: 'The real-name system takes this for no ID number.',
  registered_otherwise:
    'The real-name system still holds this account for someone else: try again in five minutes.',
  pending_expired: 'The real-name system has not answered within 48 hours: register again.',
} as const;

/** Why the real-name system could not be asked: the `why` of `age_source_unavailable`. */
const UNAVAILABLE = {
  timeout: 'The real-name system did not answer in time.',
  unreachable: 'The real-name system could not be reached.',
  system_error: 'The real-name system has a fault of its own.',
  rate_limited: 'The real-name system takes no more calls at the moment.',
  clock_skewed: 'The real-name system finds the time stamp too old: check this machine’s clock.',
  refused: 'The real-name system refuses the calls of this game: check its credentials.',
  answer_invalid: 'The real-name system gave an answer that is not of its specification.',
  store_failed: 'The result of the real-name system could not be kept.',
} as const;

export type NppaInvalid = keyof typeof INVALID;
export type NppaUnavailable = keyof typeof UNAVAILABLE;
/** What may be wrong, in words that never change: the `why` of its errors. */
export type NppaFault = NppaInvalid | NppaUnavailable;

// No error has a cause: that of a fetch or a store may hold what was sent or kept.

export function evidenceInvalid(why: NppaInvalid): SpendcapError {
  return new SpendcapError('age_evidence_invalid', INVALID[why], { why });
}

/** @param errcode the system's own, for the operator */
export function unavailable(why: NppaUnavailable, errcode?: number): SpendcapError {
  const code = errcode === undefined ? '' : ` (errcode ${errcode})`;
  return new SpendcapError('age_source_unavailable', `${UNAVAILABLE[why]}${code}`, { why });
}

export function pending(): SpendcapError {
  return new SpendcapError(
    'age_evidence_pending',
    'The real-name system is still checking this person. Until then nothing may be paid for.',
  );
}
