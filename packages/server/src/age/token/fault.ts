import { SpendcapError } from '@spendcap/core';
import { JWT_FAULTS, type JwtFault } from '../../jwt/verify.ts';

/** What is wrong with an age token: the `why` of `age_token_invalid`. A closed union. */
export type AgeTokenFault =
  | JwtFault
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
  ...JWT_FAULTS,
  subject_missing: 'has no valid subject',
  age_claim_invalid: 'has an invalid age claim',
  age_contradictory: 'has age claims that contradict each other',
  revoked: 'was revoked',
  status_unknown: 'has no entry in a status list of its issuer',
  binding_unknown: 'is bound to a key in a way that is not supported',
  proof_missing: 'is bound to a key and needs a DPoP proof',
  proof_invalid: 'has a DPoP proof by another key, or for another request',
  proof_expired: 'has a DPoP proof that was not made just now',
  proof_replayed: 'has a DPoP proof that was used before',
};

/** Without a cause, which could quote the token. */
export function ageTokenInvalid(why: AgeTokenFault): SpendcapError {
  return new SpendcapError('age_token_invalid', `The age token ${FAULTS[why]}.`, { why });
}
