import { hash } from 'node:crypto';
import { DateOnly } from '@owf/mdoc';
import type { Claims } from '../../../jwt/verify.ts';
import { ageEvidenceInvalid } from '../evidence-fault.ts';
import type { Document, SecurityObject } from './library.ts';

/** The supported documents, and the namespace of their ages. */
const NAMESPACES = {
  'eu.europa.ec.av.1': 'eu.europa.ec.av.1',
  'org.iso.18013.5.1.mDL': 'org.iso.18013.5.1',
  'eu.europa.ec.eudi.pid.1': 'eu.europa.ec.eudi.pid.1',
} as const;

/**
 * The type of a document: EU age verification, mobile driving licence, EU person identification.
 */
export type MdocType = keyof typeof NAMESPACES;

const HASHES = { 'SHA-256': 'sha256', 'SHA-384': 'sha384', 'SHA-512': 'sha512' } as const;

/** ISO 18013-5, section 7.2.5: two digits. */
const AGE_OVER = /^age_over_\d{2}$/;

/** Compared exactly: with a trailing space it is another type. */
export function isMdocType(name: string): name is MdocType {
  return Object.hasOwn(NAMESPACES, name);
}

/**
 * Requires that the issuer signed every element shown, and that none is shown twice.
 *
 * @throws SpendcapError `age_evidence_invalid`, why `disclosure_invalid`
 */
export function checkElements(document: Document, signed: SecurityObject): void {
  const algorithm = HASHES[signed.digestAlgorithm];
  for (const [namespace, items] of document.issuerSigned.issuerNamespaces.issuerNamespaces) {
    const names = new Set(items.map(({ elementIdentifier }) => elementIdentifier));
    const ids = new Set(items.map(({ digestId }) => digestId));
    const whole = items.every((item) => {
      const expected = signed.valueDigests.getDigestForNamespace(namespace, item.digestId);
      const digest = hash(algorithm, item.encode({ asDataItem: true }), 'buffer');
      return expected !== undefined && digest.equals(expected);
    });
    if (!whole || names.size < items.length || ids.size < items.length) {
      throw ageEvidenceInvalid('disclosure_invalid');
    }
  }
}

/**
 * The ages of a document as claims. Each `age_over_NN` is read for the NN in the response, which
 * may differ from the requested one: the nearest true one above, or the nearest false one below.
 */
export function ageElements(document: Document, type: MdocType): Claims {
  const claims: Record<string, unknown> = {};
  for (const item of document.getIssuerNamespace(NAMESPACES[type]) ?? []) {
    const { elementIdentifier: name, elementValue: value } = item;
    if (AGE_OVER.test(name)) claims[name] = value;
    // The age verification document has no other age elements.
    else if (type === 'eu.europa.ec.av.1') continue;
    else if (name === 'age_in_years' || name === 'age_birth_year') claims[name] = value;
    else if (name === 'birth_date') claims.birthdate = isoDate(value);
  }
  return claims;
}

function isoDate(value: unknown): unknown {
  return value instanceof DateOnly ? value.toISOString() : value;
}
