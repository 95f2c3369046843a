import { SpendcapError } from '@spendcap/core';
import { JWT_FAULTS, type JwtFault } from '../../jwt/verify.ts';

/** What is wrong with evidence: the `why` of `age_evidence_invalid`. A closed union. */
export type AgeEvidenceFault =
  | JwtFault
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
  ...JWT_FAULTS,
  nonce_mismatch: 'answers another request',
  certificate_untrusted: 'is not signed by a certificate that leads to a pinned root',
  credential_type_unknown: 'is of a type that is not configured for its issuer',
  disclosure_invalid: 'discloses something that its issuer did not sign, or discloses it twice',
  holder_key_missing: 'has no usable key of its holder',
  holder_proof_missing: 'has no proof by its holder’s key',
  holder_proof_invalid: 'was not presented by its holder for this request',
  holder_proof_stale: 'was presented too long ago',
  status_unchecked: 'may have been revoked, and no status check is configured',
  revoked: 'has been revoked or suspended',
  age_missing: 'states no age',
  age_claim_invalid: 'has an invalid age claim',
  age_contradictory: 'has age claims that contradict each other',
};

/** Without a cause: the error of a library may contain the evidence. */
export function ageEvidenceInvalid(why: AgeEvidenceFault): SpendcapError {
  return new SpendcapError('age_evidence_invalid', `The age evidence ${FAULTS[why]}.`, { why });
}
