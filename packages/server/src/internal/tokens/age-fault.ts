import { SpendcapError } from '@spendcap/core';
import { JWS_FAULTS, type JwsFault } from './jws.ts';

/** What was wrong with an age token: the `why` of `age_token_invalid`. A closed union. */
export type AgeTokenFault =
  | JwsFault
  | 'subject_missing'
  | 'age_claim_invalid'
  | 'age_contradictory';

const FAULTS: Readonly<Record<AgeTokenFault, string>> = {
  ...JWS_FAULTS,
  subject_missing: 'names no usable subject',
  age_claim_invalid: 'has an age claim that cannot be right',
  age_contradictory: 'has age claims that contradict each other',
};

/** It has no cause: an error of the JWT library carries the claims. */
export function ageTokenInvalid(why: AgeTokenFault): SpendcapError {
  return new SpendcapError('age_token_invalid', `The age token ${FAULTS[why]}.`, { why });
}
