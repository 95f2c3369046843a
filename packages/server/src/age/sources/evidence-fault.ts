import { SpendcapError } from '@spendcap/core';
import { JWS_FAULTS, type JwsFault } from '../../jwt/jws.ts';

/** What was wrong with shown evidence: the `why` of `age_evidence_invalid`. A closed union. */
export type AgeEvidenceFault =
  | JwsFault
  | 'nonce_mismatch'
  | 'certificate_untrusted'
  | 'credential_type_unknown'
  | 'disclosure_invalid'
  | 'holder_key_missing'
  | 'holder_proof_missing'
  | 'holder_proof_invalid'
  | 'holder_proof_stale'
  | 'status_unchecked'
  | 'revoked'
  | 'age_missing'
  | 'age_claim_invalid'
  | 'age_contradictory';

const FAULTS: Readonly<Record<AgeEvidenceFault, string>> = {
  ...JWS_FAULTS,
  nonce_mismatch: 'answers another request',
  certificate_untrusted: 'is not signed by a certificate that leads to a pinned root',
  credential_type_unknown: 'is of a type that is not configured for its issuer',
  disclosure_invalid: 'discloses something that its issuer did not sign, or discloses it twice',
  holder_key_missing: 'names no usable key of its holder',
  holder_proof_missing: 'comes without a proof of its holder’s key',
  holder_proof_invalid: 'was not shown by its holder for this request',
  holder_proof_stale: 'was shown too long ago',
  status_unchecked: 'may have been revoked, and nothing is configured to find out',
  revoked: 'has been revoked or suspended',
  age_missing: 'says nothing of an age',
  age_claim_invalid: 'has an age claim that cannot be right',
  age_contradictory: 'has age claims that contradict each other',
};

/** It has no cause: an error of a library may carry the evidence. */
export function ageEvidenceInvalid(why: AgeEvidenceFault): SpendcapError {
  return new SpendcapError('age_evidence_invalid', `The age evidence ${FAULTS[why]}.`, { why });
}
