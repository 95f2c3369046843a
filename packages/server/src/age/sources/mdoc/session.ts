import { hash } from 'node:crypto';
import { cborDecode, cborEncode, DataItem } from '@owf/mdoc';
import { ageEvidenceInvalid } from '../evidence-fault.ts';
import type { Document } from './library.ts';
import { isPlainCbor } from './plain-cbor.ts';

/**
 * The exchange in which the wallet answered, as the verifier knows it. The response is invalid
 * unless the wallet signed exactly this.
 *
 * - `openid4vp`: OpenID4VP 1.0, `OpenID4VPHandover`.
 * - `dc-api`: OpenID4VP 1.0 over the Digital Credentials API, `OpenID4VPDCAPIHandover`.
 * - `transcript`: any other exchange; the encoded SessionTranscript (ISO 18013-5, section 9.1.5.1).
 */
export type MdocSession =
  | {
      readonly protocol: 'openid4vp';
      readonly clientId: string;
      readonly nonce: string;
      readonly responseUri: string;
      /** SHA-256 thumbprint of the key to which the response was encrypted, if it was. */
      readonly jwkThumbprint?: Uint8Array;
    }
  | {
      readonly protocol: 'dc-api';
      /** For example `https://game.example`, without a trailing slash. */
      readonly origin: string;
      readonly nonce: string;
      readonly jwkThumbprint?: Uint8Array;
    }
  | { readonly protocol: 'transcript'; readonly transcript: Uint8Array };

/**
 * What a device signs to answer in a session: DeviceAuthenticationBytes (ISO 18013-5, section
 * 9.1.3.4).
 *
 * @throws SpendcapError `age_evidence_invalid`, why `nonce_mismatch` for an invalid session
 */
export function deviceAuthentication(session: MdocSession, document: Document): Uint8Array {
  const nameSpaces = DataItem.fromData(document.deviceSigned.deviceNamespaces.encodedStructure);
  const parts = ['DeviceAuthentication', transcriptOf(session), document.docType, nameSpaces];
  return cborEncode(DataItem.fromData(parts));
}

function transcriptOf(session: MdocSession): unknown {
  switch (session?.protocol) {
    case 'transcript': {
      const { transcript } = session;
      if (!(transcript instanceof Uint8Array) || !isPlainCbor(transcript)) throw invalidSession();
      return cborDecode<unknown>(transcript);
    }
    case 'openid4vp': {
      const { clientId, nonce, jwkThumbprint, responseUri } = session;
      const info = [...named(clientId, nonce), jwkThumbprint ?? null, ...named(responseUri)];
      return handover('OpenID4VPHandover', info);
    }
    case 'dc-api': {
      const { origin, nonce, jwkThumbprint } = session;
      const info = [...named(origin, nonce), jwkThumbprint ?? null];
      return handover('OpenID4VPDCAPIHandover', info);
    }
    default:
      throw invalidSession();
  }
}

/** OpenID4VP 1.0, appendix B.2.6. */
function handover(name: string, info: readonly unknown[]): unknown {
  return [null, null, [name, hash('sha256', cborEncode(info), 'buffer')]];
}

/** A caller that lost its nonce must not match a wallet that answered without one. */
function named(...texts: readonly string[]): readonly string[] {
  if (texts.every((text) => typeof text === 'string' && text !== '')) return texts;
  throw invalidSession();
}

function invalidSession(): Error {
  return ageEvidenceInvalid('nonce_mismatch');
}
