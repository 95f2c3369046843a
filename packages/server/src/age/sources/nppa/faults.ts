import { SpendcapError } from '@spendcap/core';

/** What is wrong with evidence for the real-name system: the `why` of `age_evidence_invalid`. */
const INVALID = {
  malformed: 'The evidence must have an account, and to register it a name and an ID number.',
  document_unsupported:
    'The number is not that of a resident’s ID card: the real-name system knows no other document.',
  account_mismatch: 'The evidence is for another account than the token.',
  not_registered: 'The account is not registered: send a name and an ID number.',
  identity_rejected: 'The real-name system has no person with this name and ID number.',
  id_number_illegal: 'The real-name system rejects the ID number.',
  registered_otherwise:
    'The real-name system still has this account for someone else: retry in five minutes.',
  pending_expired: 'The real-name system has not answered within 48 hours: register again.',
} as const;

/** Why the real-name system could not be queried: the `why` of `age_source_unavailable`. */
const UNAVAILABLE = {
  timeout: 'The real-name system did not answer in time.',
  unreachable: 'The real-name system could not be reached.',
  system_error: 'The real-name system reports an internal error.',
  rate_limited: 'The real-name system limits the rate of calls.',
  clock_skewed:
    'The real-name system rejects the timestamp as too old: check this machine’s clock.',
  refused: 'The real-name system rejects the calls of this game: check its credentials.',
  answer_invalid: 'The real-name system sent an answer outside its specification.',
  store_failed: 'The result of the real-name system could not be stored.',
} as const;

export type NppaInvalid = keyof typeof INVALID;
export type NppaUnavailable = keyof typeof UNAVAILABLE;
/** The `why` of its errors. A closed union. */
export type NppaFault = NppaInvalid | NppaUnavailable;

// No error has a cause: that of a fetch or a store may contain what was sent or stored.

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
    'The real-name system is still checking this person. Allow no payment until it has finished.',
  );
}
