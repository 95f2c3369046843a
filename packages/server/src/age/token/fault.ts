import { SpendcapError } from '@spendcap/core';
import { JWS_FAULTS, type JwsFault } from '../../jwt/jws.ts';

/** What was wrong with an age token: the `why` of `age_token_invalid`. A closed union. */
export type AgeTokenFault =
  | JwsFault
  | 'subject_missing'
  | 'age_claim_invalid'
  | 'age_contradictory'
  | 'revoked'
  | 'status_unknown'
  | 'binding_unknown'
  | 'proof_missing'
  | 'proof_invalid'
  | 'proof_expired'
  | 'proof_replayed';

const FAULTS: Readonly<Record<AgeTokenFault, string>> = {
  ...JWS_FAULTS,
  subject_missing: 'names no usable subject',
  age_claim_invalid: 'has an age claim that cannot be right',
  age_contradictory: 'has age claims that contradict each other',
  revoked: 'was revoked',
  status_unknown: 'has no status in a list of its issuer',
  binding_unknown: 'is bound to a key in a way that is not understood',
  proof_missing: 'is bound to a key and came without a proof of it',
  proof_invalid: 'came with a proof that is not of its key, or not for this request',
  proof_expired: 'came with a proof that was not made just now',
  proof_replayed: 'came with a proof that was used before',
};

/** It has no cause, which might carry a part of the token. */
export function ageTokenInvalid(why: AgeTokenFault): SpendcapError {
  return new SpendcapError('age_token_invalid', `The age token ${FAULTS[why]}.`, { why });
}
