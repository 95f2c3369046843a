import { DeviceResponse, type Document, type Sign1 } from '@owf/mdoc';
import { z } from 'zod';
import { ageEvidenceInvalid } from '../evidence-fault.ts';
import { isPlainCbor } from './plain-cbor.ts';

// Loading the library replaces the wording of every zod message, also of ours to callers.
z.config({ customError: undefined });

export type { Document, Sign1 };
export type SecurityObject = Document['issuerSigned']['issuerAuth']['mobileSecurityObject'];

const VERSION = '1.0';

/**
 * The one document of a response, and what its issuer signed. Nothing of it is verified.
 *
 * @throws SpendcapError `age_evidence_invalid`, why `malformed`
 */
export function readDocument(bytes: Uint8Array): {
  readonly document: Document;
  readonly signed: SecurityObject;
} {
  if (!isPlainCbor(bytes)) throw ageEvidenceInvalid('malformed');
  try {
    const { version, status, documents = [] } = DeviceResponse.decode(bytes);
    const [document] = documents;
    if (version === VERSION && status === 0 && document !== undefined && documents.length === 1) {
      const { issuerAuth } = document.issuerSigned;
      // The signed payload is a byte string, which the check of the response does not look into.
      const { payload } = issuerAuth;
      if (payload !== null && isPlainCbor(payload)) {
        return { document, signed: issuerAuth.mobileSecurityObject };
      }
    }
  } catch {
    // An error of the library may contain what it read.
  }
  throw ageEvidenceInvalid('malformed');
}
