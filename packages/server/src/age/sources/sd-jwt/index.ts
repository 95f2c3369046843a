import { hash } from 'node:crypto';
import { SDJwt } from '@sd-jwt/core';
import { SpendcapError } from '@spendcap/core';
import { type Claims, checkSignature, isNumericDate } from '../../../jwt/jws.ts';
import type { JwkSet } from '../../../jwt/key-set.ts';
import { findingOf } from '../claims-finding.ts';
import { demandValid, type StatusCheck } from '../document-status.ts';
import { type AgeEvidenceFault, ageEvidenceInvalid } from '../evidence-fault.ts';
import { isOfType, type ReadJws, readJws } from '../jws-header.ts';
import { type SignedSourceOptions, signedSourceSettings, texts, wholeNumber } from '../options.ts';
import type { AgeSource, SourceFinding } from '../source.ts';
import { checkDisclosures, hashOf } from './disclosures.ts';
import { holderOf, type IssuerKeys, issuerKeys, type SdJwtIssuer } from './issuers.ts';

export type { AgeEvidenceFault, AgeSource, JwkSet, SdJwtIssuer, SourceFinding, StatusCheck };

export interface SdJwtSourceOptions extends SignedSourceOptions {
  readonly issuers: readonly SdJwtIssuer[];
  /** Your name in requests: the `client_id`, or over the Digital Credentials API `origin:https://...`. */
  readonly audience: string | readonly string[];
  /** How long ago the wallet may have answered, 10 to 3,600. Default 300. */
  readonly maxAgeSeconds?: number;
  /** Asks for the status of a credential that has one; without it such a credential is refused. */
  readonly status?: StatusCheck;
  /** Fetches remote key sets. Default the global `fetch`. */
  readonly fetch?: typeof fetch;
}

export interface SdJwtEvidence {
  /** What the wallet showed: `issuer-signed JWT~disclosure~...~key binding JWT`. */
  readonly presentation: string;
  /** The `nonce` of the very request that it answers. Make it once and use it once. */
  readonly nonce: string;
}

/** A presentation taken apart. */
interface Shown {
  readonly presentation: string;
  readonly credential: ReadJws;
  readonly disclosures: readonly string[];
  readonly proof: ReadJws;
}

interface Rules {
  readonly audience: readonly string[];
  readonly maxAgeSeconds: number;
  readonly toleranceSeconds: number;
}

const KIND = 'sd_jwt_vc';
const MAX_BYTES = 64 * 1024;
const MAX_DISCLOSURES = 100;

/**
 * Ages out of credentials in SD-JWT VC form (RFC 9901) that a wallet shows: the EU's PID with
 * `birthdate`, its older and national profiles with `age_equal_or_over`, `age_in_years` or
 * `age_birth_year`. Verified are the type, the issuer's signature by a pinned chain or key set, every
 * disclosure, the dates, the status, and the holder's proof for this request (nonce, audience, hash of
 * what was shown, time).
 *
 * Needs the package `@sd-jwt/core`. `verify` rejects with a SpendcapError: `age_evidence_invalid`, whose
 * `why` is an `AgeEvidenceFault`, or `age_source_unavailable` (retryable) if a key set or status list
 * cannot be read.
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
  const { timeZone, toleranceSeconds } = signedSourceSettings(options);
  const rules: Rules = {
    audience: texts('audience', options.audience),
    maxAgeSeconds: wholeNumber('maxAgeSeconds', options.maxAgeSeconds ?? 300, [10, 3_600]),
    toleranceSeconds,
  };
  const keysOf = issuerKeys(options.issuers, options.fetch);

  return {
    kind: KIND,
    async verify({ presentation, nonce }, { at }) {
      const shown = readPresentation(presentation);
      const { header, claims } = shown.credential;
      if (!isOfType(header, 'dc+sd-jwt')) throw ageEvidenceInvalid('type_mismatch');
      const keys = keysOf(header, claims, at);
      checkDates(claims, toleranceSeconds, at);
      checkDisclosures(claims, shown.disclosures);
      checkProof(shown, nonce, { rules, at });
      const disclosed = await prove(shown, { keys, nonce, at });
      await demandValid(claims.status, options.status, at);
      return found(disclosed, { at, timeZone });
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
    credential: readJws(credential, MAX_BYTES),
    disclosures,
    proof: readJws(proof, MAX_BYTES),
  };
}

/** What is left out of a credential binds nobody: only `vct` and `cnf` are required of its issuer. */
function checkDates({ exp, nbf, iat }: Claims, tolerance: number, at: number): void {
  const dates = [exp, nbf, iat].filter((date) => date !== undefined);
  if (!dates.every(isNumericDate)) throw ageEvidenceInvalid('malformed');
  const second = Math.floor(at / 1000);
  if (exp !== undefined && (exp as number) <= second - tolerance)
    throw ageEvidenceInvalid('expired');
  const begins = Math.max(Number(nbf ?? 0), Number(iat ?? 0));
  if (begins > second + tolerance) throw ageEvidenceInvalid('not_yet_valid');
}

/** Everything of the key binding but its signature (RFC 9901, section 7.3). */
function checkProof(
  { presentation, credential, proof }: Shown,
  nonce: string,
  { rules, at }: { readonly rules: Rules; readonly at: number },
): void {
  const { audience, maxAgeSeconds, toleranceSeconds } = rules;
  const { claims } = proof;
  if (!isOfType(proof.header, 'kb+jwt')) throw ageEvidenceInvalid('type_mismatch');
  // A caller that lost its nonce must not match a proof that has none.
  if (typeof nonce !== 'string' || nonce === '') throw ageEvidenceInvalid('nonce_mismatch');
  if (claims.nonce !== nonce) throw ageEvidenceInvalid('nonce_mismatch');
  if (!audience.includes(claims.aud as string)) throw ageEvidenceInvalid('audience_mismatch');
  const signed = presentation.slice(0, presentation.lastIndexOf('~') + 1);
  if (claims.sd_hash !== hash(hashOf(credential.claims), signed, 'base64url')) {
    throw ageEvidenceInvalid('holder_proof_invalid');
  }
  if (!isNumericDate(claims.iat)) throw ageEvidenceInvalid('claim_missing');
  checkDates(claims, toleranceSeconds, at);
  if ((claims.iat as number) < at / 1000 - maxAgeSeconds - toleranceSeconds) {
    throw ageEvidenceInvalid('holder_proof_stale');
  }
}

/** Proves both signatures, and gives the claims with what is disclosed in its place. */
async function prove(
  { presentation, credential, proof }: Shown,
  { keys, nonce, at }: { keys: IssuerKeys; nonce: string; at: number },
): Promise<Claims> {
  const alg = proof.header.alg as string;
  if (!keys.algorithms.includes(alg)) throw ageEvidenceInvalid('algorithm_not_allowed');
  const byHolder = await holderOf(credential.claims, alg);
  let why: AgeEvidenceFault = 'signature_invalid';
  try {
    const sdJwt = await SDJwt.fromEncode(presentation, digest);
    const { jwt, kbJwt } = sdJwt;
    if (jwt === undefined || kbJwt === undefined) throw ageEvidenceInvalid('malformed');
    const byIssuer = async (data: string, signature: string) => {
      const rules = { ...keys, keysCode: 'age_source_unavailable', typ: null } as const;
      const fault = await checkSignature(`${data}.${signature}`, rules);
      if (fault !== null) throw ageEvidenceInvalid(fault);
      return true;
    };
    // Dates were compared before; without one the library would read the clock of the machine.
    const dates = { currentDate: Math.floor(at / 1000), skewSeconds: 60 };
    await jwt.verify(byIssuer, dates);
    why = 'holder_proof_invalid';
    const verifier = (data: string, signature: string) =>
      byHolder(Buffer.from(data), Buffer.from(signature, 'base64url'));
    await kbJwt.verifyKB({ verifier, payload: credential.claims, nonce });
    return await sdJwt.getClaims<Claims>(digest);
  } catch (error) {
    if (SpendcapError.isInstance(error)) throw error;
    // Without the library's error, which may carry what it read.
    throw ageEvidenceInvalid(why);
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
  // An issuer that does not say when it signed: to count from now makes nobody older than they are.
  const since = claims.iat ?? claims.nbf;
  const asOf = since === undefined ? at : Math.floor((since as number) * 1000);
  const context = { asOf, at, timeZone, assurance: 'verified', kind: KIND } as const;
  const finding = findingOf(claims, context);
  if (finding === null) throw ageEvidenceInvalid('age_missing');
  const { exp } = claims;
  return exp === undefined ? finding : { ...finding, expiresAt: Math.floor(Number(exp) * 1000) };
}
