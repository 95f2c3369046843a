import { hash } from 'node:crypto';
import { SDJwt } from '@sd-jwt/core';
import { assertOptions, type OptionNames } from '@spendcap/core';
import type { JwkSet } from '../../../jwt/key-set.ts';
import { type Claims, readJwt, type UnverifiedJwt, verifyJwt } from '../../../jwt/verify.ts';
import { findingOf } from '../claims-finding.ts';
import { demandValid, type StatusCheck } from '../document-status.ts';
import { type AgeEvidenceFault, ageEvidenceInvalid } from '../evidence-fault.ts';
import {
  type SignedSourceOptions,
  signedSourceSettings,
  strings,
  wholeNumber,
} from '../options.ts';
import { holderKey } from '../signer-key.ts';
import type { AgeSource, SourceFinding } from '../source.ts';
import { checkDisclosures, hashOf } from './disclosures.ts';
import { type IssuerKeys, issuerKeys, type SdJwtIssuer } from './issuers.ts';

export type {
  AgeEvidenceFault,
  AgeSource,
  JwkSet,
  SdJwtIssuer,
  SignedSourceOptions,
  SourceFinding,
  StatusCheck,
};

/** Options of `sdJwtSource`. */
export interface SdJwtSourceOptions extends SignedSourceOptions {
  readonly issuers: readonly SdJwtIssuer[];
  /**
   * Your name in requests: the `client_id`, or over the Digital Credentials API
   * `origin:https://...`.
   */
  readonly audience: string | readonly string[];
  /** Maximum age of the wallet's response in seconds, 10 to 3,600. Default 300. */
  readonly maxAgeSeconds?: number;
  /** Checks the status of a credential that has one; without it such a credential is refused. */
  readonly status?: StatusCheck;
  /** Fetches remote key sets. Default the global `fetch`. */
  readonly fetch?: typeof fetch;
}

/** A presentation of an SD-JWT VC. */
export interface SdJwtEvidence {
  /** What the wallet presented: `issuer-signed JWT~disclosure~...~key binding JWT`. */
  readonly presentation: string;
  /** The `nonce` of the request that it answers. Generate it for one request only. */
  readonly nonce: string;
}

/** The parts of a presentation. */
interface Shown {
  readonly presentation: string;
  readonly credential: UnverifiedJwt;
  readonly disclosures: readonly string[];
  readonly proof: UnverifiedJwt;
}

interface Rules {
  readonly audience: readonly string[];
  readonly maxAgeSeconds: number;
  readonly toleranceSeconds: number;
}

const KIND = 'sd_jwt_vc';
const OLDER_TYP = 'vc+sd-jwt';
const MAX_BYTES = 64 * 1024;
const MAX_DISCLOSURES = 100;

const SD_JWT_SOURCE_OPTIONS: OptionNames<SdJwtSourceOptions> = {
  issuers: true,
  audience: true,
  maxAgeSeconds: true,
  status: true,
  fetch: true,
  timeZone: true,
  clockToleranceSeconds: true,
};

/**
 * Ages from SD-JWT VC credentials (RFC 9901) that a wallet presents: the EU's PID with `birthdate`,
 * its older and national profiles with `age_equal_or_over`, `age_in_years` or `age_birth_year`. It
 * verifies the type, the issuer's signature by a pinned chain or key set, every disclosure, the
 * dates, the status, and the holder's proof for this request (nonce, audience, hash of what was
 * presented, time).
 *
 * Needs the package `@sd-jwt/core`. `verify` rejects with a SpendcapError: `age_evidence_invalid`,
 * whose `why` is an `AgeEvidenceFault`, or `age_source_unavailable` (retryable) if a key set or
 * status list cannot be read.
 *
 * @throws TypeError for options that can never work
 * @example
 * ```ts
 * import { walletIssuer } from '@spendcap/sandbox/wallet';
 * import { sdJwtSource } from '@spendcap/server/age/sources/sd-jwt';
 * const issuer = walletIssuer();
 * const source = sdJwtSource({
 *   issuers: [{ types: ['urn:eudi:pid:1'], roots: issuer.roots }],
 *   audience: 'x509_san_dns:game.example',
 * });
 * const pid = await issuer.sdJwt({ type: 'urn:eudi:pid:1', claims: { birthdate: '2014-05-01' } });
 * const request = { nonce: 'n-0S6_WzA2Mj', audience: 'x509_san_dns:game.example' };
 * const presentation = await pid.present({ claims: ['birthdate'], ...request });
 * const shown = { presentation, nonce: request.nonce };
 * (await source.verify(shown, { at: Date.now() })).assurance; // => 'verified'
 * ```
 */
export function sdJwtSource(options: SdJwtSourceOptions): AgeSource<SdJwtEvidence> {
  assertOptions('sdJwtSource', options, SD_JWT_SOURCE_OPTIONS);
  const { timeZone, toleranceSeconds } = signedSourceSettings(options);
  const rules: Rules = {
    audience: strings('audience', options.audience),
    maxAgeSeconds: wholeNumber('maxAgeSeconds', options.maxAgeSeconds ?? 300, [10, 3_600]),
    toleranceSeconds,
  };
  const keysOf = issuerKeys(options.issuers, options.fetch);

  return {
    kind: KIND,
    async verify({ presentation, nonce }, { at }) {
      const shown = readPresentation(presentation);
      const { header, claims } = shown.credential;
      const keys = keysOf(header, claims, at);
      await verifyIssuer(shown.credential, { keys, rules, at });
      checkDisclosures(claims, shown.disclosures);
      await verifyHolder(shown, { keys, rules, at, nonce });
      await demandValid(claims.status, options.status, at);
      return found(await disclosedClaims(presentation), { at, timeZone });
    },
  };
}

function readPresentation(presentation: string): Shown {
  if (typeof presentation !== 'string') throw ageEvidenceInvalid('malformed');
  if (presentation.length > MAX_BYTES) throw ageEvidenceInvalid('too_large');
  const [credential = '', ...disclosures] = presentation.split('~');
  const proof = disclosures.pop();
  if (proof === undefined || proof === '') throw ageEvidenceInvalid('holder_proof_missing');
  if (disclosures.length > MAX_DISCLOSURES) throw ageEvidenceInvalid('too_large');
  return {
    presentation,
    credential: read(credential),
    disclosures,
    proof: read(proof),
  };
}

function read(token: string): UnverifiedJwt {
  const jwt = readJwt(token, MAX_BYTES);
  if (typeof jwt === 'string') throw ageEvidenceInvalid(jwt);
  return jwt;
}

interface Verification {
  readonly keys: IssuerKeys;
  readonly rules: Rules;
  readonly at: number;
}

/** No date is required of an issuer, only `vct` and `cnf`. */
async function verifyIssuer(
  credential: UnverifiedJwt,
  { keys, rules: { toleranceSeconds }, at }: Verification,
): Promise<void> {
  const { algorithms, keys: find, acceptVcSdJwt } = keys;
  const isOlder = acceptVcSdJwt && credential.header.typ === OLDER_TYP;
  const typ = isOlder ? OLDER_TYP : 'dc+sd-jwt';
  const rules = { keys: find, algorithms, typ, toleranceSeconds };
  const fault = await verifyJwt(credential, rules, at);
  if (fault !== null) throw ageEvidenceInvalid(fault);
}

/** The key binding (RFC 9901, section 7.3). */
async function verifyHolder(
  { presentation, credential, proof }: Shown,
  { keys: { algorithms }, rules, at, nonce }: Verification & { readonly nonce: string },
): Promise<void> {
  const { audience, maxAgeSeconds, toleranceSeconds } = rules;
  const { claims } = proof;
  // A caller that lost its nonce must not match a proof that has none.
  if (typeof nonce !== 'string' || nonce === '') throw ageEvidenceInvalid('nonce_mismatch');
  if (claims.nonce !== nonce) throw ageEvidenceInvalid('nonce_mismatch');
  if (!audience.includes(claims.aud as string)) throw ageEvidenceInvalid('audience_mismatch');
  const signed = presentation.slice(0, presentation.lastIndexOf('~') + 1);
  if (claims.sd_hash !== hash(hashOf(credential.claims), signed, 'base64url')) {
    throw ageEvidenceInvalid('holder_proof_invalid');
  }
  const { cnf } = credential.claims as { readonly cnf?: { readonly jwk?: unknown } | null };
  const keys = ({ alg }: { readonly alg: string }) => holderKey(cnf?.jwk, alg);
  const required = { requiredClaims: ['iat'], typ: 'kb+jwt', toleranceSeconds };
  const fault = await verifyJwt(proof, { keys, algorithms, ...required }, at);
  if (fault !== null) throw ageEvidenceInvalid(HOLDER_FAULTS[fault] ?? fault);
  if ((claims.iat as number) < at / 1000 - maxAgeSeconds - toleranceSeconds) {
    throw ageEvidenceInvalid('holder_proof_stale');
  }
}

const HOLDER_FAULTS: Readonly<Partial<Record<AgeEvidenceFault, AgeEvidenceFault>>> = {
  signature_invalid: 'holder_proof_invalid',
  key_unknown: 'holder_proof_invalid',
};

/** The claims of a verified presentation, each disclosure in its place. */
async function disclosedClaims(presentation: string): Promise<Claims> {
  try {
    const sdJwt = await SDJwt.fromEncode(presentation, digest);
    return await sdJwt.getClaims<Claims>(digest);
  } catch {
    // Without the library's error, which may contain what it read.
    throw ageEvidenceInvalid('disclosure_invalid');
  }
}

function digest(data: string | ArrayBuffer, name: string): Uint8Array {
  const bytes = typeof data === 'string' ? data : new Uint8Array(data);
  return hash(hashOf({ _sd_alg: name }), bytes, 'buffer');
}

function found(
  claims: Claims,
  { at, timeZone }: { readonly at: number; readonly timeZone: string },
): SourceFinding {
  // Without the time of signing, counting from now makes nobody older than they are.
  const since = claims.iat ?? claims.nbf;
  const asOf = since === undefined ? at : Math.floor((since as number) * 1000);
  const context = { asOf, at, timeZone, assurance: 'verified', kind: KIND } as const;
  const finding = findingOf(claims, context);
  if (finding === null) throw ageEvidenceInvalid('age_missing');
  const { exp } = claims;
  return exp === undefined ? finding : { ...finding, expiresAt: Math.floor(Number(exp) * 1000) };
}
