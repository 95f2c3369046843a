import { assertOptions, type OptionNames } from '@spendcap/core';
import { certificateChains, type TrustedSigner } from '../../../jwt/certificate-chain.ts';
import { findingOf } from '../claims-finding.ts';
import { demandValid, type StatusCheck } from '../document-status.ts';
import { type AgeEvidenceFault, ageEvidenceInvalid } from '../evidence-fault.ts';
import { type SignedSourceOptions, signedSourceSettings } from '../options.ts';
import type { AgeSource, SourceFinding } from '../source.ts';
import { ageElements, checkElements, isMdocType, type MdocType } from './elements.ts';
import { type Document, readDocument, type SecurityObject } from './library.ts';
import { deviceAuthentication, type MdocSession } from './session.ts';
import { assertMdocAlgorithms, deviceKeyOf, isSignedBy, type MdocAlgorithm } from './signature.ts';

export type {
  AgeEvidenceFault,
  AgeSource,
  MdocAlgorithm,
  MdocSession,
  MdocType,
  SignedSourceOptions,
  SourceFinding,
  StatusCheck,
};

/** Accepted issuers, identified by pinned certificates. */
export interface MdocIssuer {
  /** The documents that they may issue. Others are refused. */
  readonly types: readonly MdocType[];
  /** Pinned certificates, PEM: the signer's chain must lead to one of them. */
  readonly roots: readonly string[];
  /**
   * The extended key usage that the signer's certificate must have, an OID. Default for a licence
   * `1.0.18013.5.1.2` (ISO 18013-5, annex B.1.4), for others none.
   */
  readonly keyPurpose?: string;
  /** For the issuer's signature and the device's alike. Default `['ES256']`. */
  readonly algorithms?: readonly MdocAlgorithm[];
}

/** Options of `mdocSource`. */
export interface MdocSourceOptions extends SignedSourceOptions {
  readonly issuers: readonly MdocIssuer[];
  /** Checks the status of a document that has one; without it such a document is refused. */
  readonly status?: StatusCheck;
}

/** A presentation of an mdoc. */
export interface MdocEvidence {
  /** The wallet's response with one document, as bytes or base64url. */
  readonly deviceResponse: Uint8Array | string;
  /** The exchange that it answers, with a nonce that is generated and used once. */
  readonly session: MdocSession;
}

interface Issuer {
  readonly types: readonly MdocType[];
  readonly algorithms: readonly MdocAlgorithm[];
  readonly chain: ReturnType<typeof certificateChains>;
}

interface Moment {
  readonly at: number;
  readonly toleranceSeconds: number;
}

const KIND = 'mdoc';
const MAX_BYTES = 64 * 1024;
const LICENCE: MdocType = 'org.iso.18013.5.1.mDL';
const LICENCE_SIGNER = '1.0.18013.5.1.2';
const BASE64URL = /^[\w-]+$/;

const MDOC_SOURCE_OPTIONS: OptionNames<MdocSourceOptions> = {
  issuers: true,
  status: true,
  timeZone: true,
  clockToleranceSeconds: true,
};

/**
 * Ages from ISO mdocs that a wallet presents: the EU's age verification `eu.europa.ec.av.1`, the
 * mobile driving licence, the EU's PID. It verifies the issuer's chain and signature, the type,
 * every element shown, the dates, the status, and the device's signature over the exchange.
 * `age_over_NN` is read for the NN in the response, never rounded to the requested one.
 *
 * Needs the package `@owf/mdoc`. `verify` rejects with a SpendcapError: `age_evidence_invalid`,
 * whose `why` is an `AgeEvidenceFault`, or `age_source_unavailable` (retryable) if a status list
 * cannot be read.
 *
 * @throws TypeError for options that can never work
 * @example
 * ```ts
 * import { walletIssuer } from '@spendcap/sandbox/wallet';
 * import { mdocSource } from '@spendcap/server/age/sources/mdoc';
 * const issuer = walletIssuer();
 * const source = mdocSource({
 *   issuers: [{ types: ['eu.europa.ec.av.1'], roots: issuer.roots }],
 * });
 * const document = { type: 'eu.europa.ec.av.1', elements: { age_over_18: true } } as const;
 * const attestation = await issuer.mdoc(document);
 * const origin = 'https://game.example';
 * const session = { protocol: 'dc-api', origin, nonce: 'n-0S6_WzA' } as const;
 * const deviceResponse = await attestation.present({ elements: ['age_over_18'], session });
 * const { range } = await source.verify({ deviceResponse, session }, { at: Date.now() });
 * range; // => { min: 18, maxExclusive: null }
 * ```
 */
export function mdocSource(options: MdocSourceOptions): AgeSource<MdocEvidence> {
  assertOptions('mdocSource', options, MDOC_SOURCE_OPTIONS);
  const { timeZone, toleranceSeconds } = signedSourceSettings(options);
  const issuers = configure(options.issuers);

  return {
    kind: KIND,
    async verify({ deviceResponse, session }, { at }) {
      const { document, signed } = readDocument(bytesOf(deviceResponse));
      const type = typeOf(document, signed, issuers);
      const { signer, algorithms } = await verifyIssuer(document, { type, issuers, at });
      checkValidity(signed, signer, { at, toleranceSeconds });
      checkElements(document, signed);
      await verifyDevice(document, { session, signed, algorithms });
      await demandValid(plain(statusOf(signed)), options.status, at);
      return found(ageElements(document, type), signed, { at, timeZone });
    },
  };
}

function bytesOf(response: Uint8Array | string): Uint8Array {
  if (typeof response !== 'string' && !(response instanceof Uint8Array)) {
    throw ageEvidenceInvalid('malformed');
  }
  if (response.length > MAX_BYTES * 2) throw ageEvidenceInvalid('too_large');
  if (typeof response === 'string' && !BASE64URL.test(response)) {
    throw ageEvidenceInvalid('malformed');
  }
  const bytes = typeof response === 'string' ? Buffer.from(response, 'base64url') : response;
  if (bytes.length > MAX_BYTES) throw ageEvidenceInvalid('too_large');
  return bytes;
}

/** The type that the issuer signed and the device answered with, if it is accepted. */
function typeOf(
  { docType }: Document,
  signed: SecurityObject,
  issuers: readonly Issuer[],
): MdocType {
  if (!isMdocType(docType) || !issuers.some(({ types }) => types.includes(docType))) {
    throw ageEvidenceInvalid('credential_type_unknown');
  }
  if (signed.docType !== docType) throw ageEvidenceInvalid('type_mismatch');
  return docType;
}

async function verifyIssuer(
  { issuerSigned: { issuerAuth } }: Document,
  { type, issuers, at }: { type: MdocType; issuers: readonly Issuer[]; at: number },
): Promise<{ readonly signer: TrustedSigner; readonly algorithms: readonly MdocAlgorithm[] }> {
  const chain = issuerAuth.certificateChain;
  if (!chain.every((each) => each instanceof Uint8Array)) throw ageEvidenceInvalid('malformed');
  for (const { types, algorithms, chain: trusted } of issuers) {
    const signer = types.includes(type) ? trusted(chain, at) : null;
    if (signer === null) continue;
    const valid = await isSignedBy(issuerAuth, signer.publicKey, algorithms);
    if (!valid) throw ageEvidenceInvalid('signature_invalid');
    return { signer, algorithms };
  }
  throw ageEvidenceInvalid('certificate_untrusted');
}

function checkValidity(
  { validityInfo }: SecurityObject,
  { notBefore, notAfter }: TrustedSigner,
  { at, toleranceSeconds }: Moment,
): void {
  const { signed, validFrom, validUntil } = validityInfo;
  const tolerance = toleranceSeconds * 1000;
  const made = signed.getTime();
  if (made < notBefore || made > notAfter) throw ageEvidenceInvalid('certificate_untrusted');
  if (Math.max(validFrom.getTime(), made) > at + tolerance) {
    throw ageEvidenceInvalid('not_yet_valid');
  }
  if (validUntil.getTime() <= at - tolerance) throw ageEvidenceInvalid('expired');
}

interface DeviceProof {
  readonly session: MdocSession;
  readonly signed: SecurityObject;
  readonly algorithms: readonly MdocAlgorithm[];
}

async function verifyDevice(
  document: Document,
  { session, signed, algorithms }: DeviceProof,
): Promise<void> {
  // A MAC needs a key of the verifier's in the session, which only proximity exchanges have.
  const { deviceSignature } = document.deviceSigned.deviceAuth;
  if (deviceSignature === undefined) throw ageEvidenceInvalid('holder_proof_missing');
  // A payload of its own would be verified instead of this exchange.
  if (deviceSignature.payload !== null) throw ageEvidenceInvalid('holder_proof_invalid');
  deviceSignature.detachedPayload = deviceAuthentication(session, document);
  const valid = await isSignedBy(deviceSignature, deviceKeyOf(signed), algorithms);
  if (!valid) throw ageEvidenceInvalid('holder_proof_invalid');
}

/** The library keeps unknown members of the signed object. */
function statusOf(signed: SecurityObject): unknown {
  return (signed.decodedStructure.toMap() as ReadonlyMap<unknown, unknown>).get('status');
}

/** Maps with text keys as objects. */
function plain(value: unknown): unknown {
  if (!(value instanceof Map)) return value;
  return Object.fromEntries([...value].map(([key, each]) => [String(key), plain(each)]));
}

function found(
  claims: Readonly<Record<string, unknown>>,
  { validityInfo: { signed, validUntil } }: SecurityObject,
  { at, timeZone }: { readonly at: number; readonly timeZone: string },
): SourceFinding {
  const context = {
    asOf: signed.getTime(),
    at,
    timeZone,
    assurance: 'verified',
    kind: KIND,
  } as const;
  const finding = findingOf(claims, context);
  if (finding === null) throw ageEvidenceInvalid('age_missing');
  return { ...finding, expiresAt: validUntil.getTime() };
}

function configure(issuers: readonly MdocIssuer[]): readonly Issuer[] {
  if (!Array.isArray(issuers) || issuers.length === 0) {
    throw new TypeError('issuers must have at least one issuer');
  }
  return (issuers as readonly MdocIssuer[]).flatMap((each) => {
    assertOptions('issuers', each, {
      types: true,
      roots: true,
      keyPurpose: true,
      algorithms: true,
    });
    const { types, roots, algorithms = ['ES256'] } = each;
    if (!Array.isArray(types) || types.length === 0 || !types.every(isMdocType)) {
      throw new TypeError('types must list supported document types, spelled exactly');
    }
    assertMdocAlgorithms(algorithms);
    return (types as readonly MdocType[]).map((type) => {
      const keyPurpose = each.keyPurpose ?? (type === LICENCE ? LICENCE_SIGNER : undefined);
      return { types: [type], algorithms, chain: certificateChains({ roots, keyPurpose }) };
    });
  });
}
