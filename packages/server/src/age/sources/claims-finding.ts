import { type AgeStatement, type Assurance, ageRangeAt, SpendcapError } from '@spendcap/core';
import type { Claims } from '../../jwt/verify.ts';
import { readAgeClaims } from '../token/claims.ts';
import { type AgeEvidenceFault, ageEvidenceInvalid } from './evidence-fault.ts';
import type { SourceFinding } from './source.ts';

export interface ClaimsContext {
  /** When the claims were true, epoch milliseconds. */
  readonly asOf: number;
  /** Epoch milliseconds: the authority's clock. */
  readonly at: number;
  /** IANA name of the time zone in which birthdays fall. */
  readonly timeZone: string;
  readonly assurance: Assurance;
  readonly kind: string;
}

/** The claims that state an age; all others are ignored. */
const AGE_CLAIM = /^(?:birthdate|age_equal_or_over|age_in_years|age_birth_year|age_over_\d{1,3})$/;

/**
 * The finding of verified age claims, or `null` if they state no age. It contains a range of years
 * as of now, so that a birth date is discarded here.
 *
 * @throws SpendcapError `age_evidence_invalid`, why `age_claim_invalid` or `age_contradictory`
 */
export function findingOf(claims: Claims, context: ClaimsContext): SourceFinding | null {
  const { asOf, at, timeZone, assurance, kind } = context;
  try {
    const { statements } = readAgeClaims(onlyAges(claims), { asOf, now: at });
    if (statements.length === 0) return null;
    return { ...rangeAt(statements, at, timeZone), assurance, kind };
  } catch (error) {
    if (!SpendcapError.isInstance(error)) throw error;
    throw ageEvidenceInvalid(error.why as AgeEvidenceFault);
  }
}

function onlyAges(claims: Claims): Claims {
  const names = Object.keys(claims).filter((name) => AGE_CLAIM.test(name));
  return Object.fromEntries(names.map((name) => [name, claims[name]]));
}

function rangeAt(
  statements: readonly AgeStatement[],
  at: number,
  timeZone: string,
): Pick<SourceFinding, 'range' | 'asOf'> {
  const [only] = statements;
  // Left as stated, so that it is aged once only.
  if (statements.length === 1 && only?.kind === 'range') {
    return { range: { min: only.min, maxExclusive: only.maxExclusive }, asOf: only.asOf };
  }
  return { range: ageRangeAt(statements, at, timeZone), asOf: at };
}
