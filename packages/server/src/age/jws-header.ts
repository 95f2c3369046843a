import { type Claims, decodeClaims, mediaType } from '../internal/tokens/jws.ts';
import { ageEvidenceInvalid } from './evidence-fault.ts';

/** A compact JWS that is well formed, taken apart. Nothing of it is proved. */
export interface ReadJws {
  readonly header: Claims;
  readonly claims: Claims;
}

/**
 * @throws SpendcapError `age_evidence_invalid`, why `malformed`, `too_large` or `critical_header`: no
 * extension is understood
 */
export function readJws(jws: string, maxBytes: number): ReadJws {
  const claims = decodeClaims(jws, maxBytes);
  if (typeof claims === 'string') throw ageEvidenceInvalid(claims);
  // A header has the form of a payload.
  const [header = '', , signature = ''] = jws.split('.');
  const read = decodeClaims(`${header}.${header}.${signature}`, maxBytes);
  if (typeof read === 'string') throw ageEvidenceInvalid(read);
  if (Object.hasOwn(read, 'crit')) throw ageEvidenceInvalid('critical_header');
  return { header: read, claims };
}

/** True if a header names a type, in whatever way RFC 7515 lets it be written. */
export function isOfType({ typ }: Claims, type: string): boolean {
  return mediaType(typ) === type;
}
