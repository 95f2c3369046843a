import { parseStrict } from '../../jwt/json.ts';
import { type Claims, decodeClaims, mediaType } from '../../jwt/jws.ts';
import { ageEvidenceInvalid } from './evidence-fault.ts';

/** A compact JWS that is well formed, taken apart. Nothing of it is proved. */
export interface ReadJws {
  readonly header: Claims;
  readonly claims: Claims;
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * @throws SpendcapError `age_evidence_invalid`, why `malformed`, `too_large` or `critical_header`: no
 * extension is understood
 */
export function readJws(jws: string, maxBytes: number): ReadJws {
  const claims = decodeClaims(jws, maxBytes);
  if (typeof claims === 'string') throw ageEvidenceInvalid(claims);
  const header = readHeader(jws.slice(0, jws.indexOf('.')));
  if (Object.hasOwn(header, 'crit')) throw ageEvidenceInvalid('critical_header');
  return { header, claims };
}

/** Of a part whose spelling was found canonical. */
function readHeader(part: string): Claims {
  try {
    const header = parseStrict(utf8.decode(Buffer.from(part, 'base64url')));
    const isObject = typeof header === 'object' && header !== null && !Array.isArray(header);
    if (isObject) return header as Claims;
  } catch {
    // Told below.
  }
  throw ageEvidenceInvalid('malformed');
}

/** True if a header names a type, in whatever way RFC 7515 lets it be written. */
export function isOfType({ typ }: Claims, type: string): boolean {
  return mediaType(typ) === type;
}
