import {
  ASSURANCES,
  type Assurance,
  assertOptions,
  combineFindings,
  type OptionNames,
} from '@spendcap/core';
import { assertAlgorithms } from '../../../jwt/algorithms.ts';
import { type JwkSet, keySet } from '../../../jwt/key-set.ts';
import { type Claims, type JwtRules, readJwt, verifyJwt } from '../../../jwt/verify.ts';
import { type ClaimsContext, findingOf } from '../claims-finding.ts';
import { type AgeEvidenceFault, ageEvidenceInvalid } from '../evidence-fault.ts';
import { type SignedSourceOptions, signedSourceSettings, strings } from '../options.ts';
import type { AgeSource, SourceFinding } from '../source.ts';

export type { AgeEvidenceFault, AgeSource, JwkSet, SignedSourceOptions, SourceFinding };

/** One OpenID provider whose id_tokens are accepted. */
export interface OidcProvider {
  /** The exact `iss` of its id_tokens. */
  readonly issuer: string;
  /** Your client there: the `aud`, and the `azp` where there is one. */
  readonly clientId: string;
  /**
   * Its public keys: the address of a JWK Set (https, or http on this machine), or the set itself.
   */
  readonly jwks: URL | JwkSet;
  /** Default `['RS256']`, as in OpenID Connect. Signatures by a private key only. */
  readonly algorithms?: readonly string[];
  /** The assurance of `birthdate` without `verified_claims` beside it. Default `self_declared`. */
  readonly assurance?: Assurance;
  /**
   * The assurance of `verified_claims` by trust framework, for example `{ eidas: 'verified' }`.
   * Those of other frameworks are ignored. Default: none is accepted.
   */
  readonly trustFrameworks?: Readonly<Record<string, Assurance>>;
  /** True if a natural person has the same `sub` in every account there. Default false. */
  readonly oneSubPerPerson?: boolean;
}

/** Options of `oidcSource`. */
export interface OidcSourceOptions extends SignedSourceOptions {
  readonly providers: readonly OidcProvider[];
  /** Fetches remote key sets. Default the global `fetch`. */
  readonly fetch?: typeof fetch;
}

/** An id_token. */
export interface OidcEvidence {
  readonly idToken: string;
  /** The `nonce` of the request that the id_token answers. Generate it for one request only. */
  readonly nonce: string;
}

interface Provider extends Required<Omit<OidcProvider, 'jwks' | 'algorithms'>> {
  readonly rules: JwtRules;
}

interface Reading {
  readonly provider: Provider;
  readonly at: number;
  readonly timeZone: string;
}

const KIND = 'oidc';
const MAX_TOKEN_BYTES = 16 * 1024;

const OIDC_SOURCE_OPTIONS: OptionNames<OidcSourceOptions> = {
  providers: true,
  fetch: true,
  timeZone: true,
  clockToleranceSeconds: true,
};

/**
 * Ages from the id_tokens of OpenID providers: `birthdate` (OpenID Connect Core, section 5.1: a
 * date, a year alone, or `0000`, which is ignored) and `verified_claims` (OpenID Identity Assurance
 * Schema Definition 1.0). By RFC 8725, algorithm, keys, issuer and audience come from the
 * configuration; `exp`, `iat`, `sub` and the caller's `nonce` are required, and a `typ` other than
 * `JWT` is refused, so that no access token, age token or DPoP proof passes for an id_token.
 *
 * `verify` rejects with a SpendcapError: `age_evidence_invalid`, whose `why` is an
 * `AgeEvidenceFault`, or `age_source_unavailable` (retryable) if the provider's key set cannot be
 * read.
 *
 * @throws TypeError for options that can never work
 * @example
 * ```ts
 * import { oidcSource } from '@spendcap/server/age/sources/oidc';
 * const source = oidcSource({
 *   providers: [
 *     {
 *       issuer: 'https://id.example',
 *       clientId: 'game',
 *       jwks: new URL('https://id.example/jwks.json'),
 *       trustFrameworks: { eidas: 'verified' },
 *     },
 *   ],
 * });
 * const shown = { idToken: 'no id_token', nonce: 'n-0S6_WzA2Mj' };
 * const refusal = await source.verify(shown, { at: Date.now() }).catch((error) => error);
 * refusal.why; // => 'malformed'
 * ```
 */
export function oidcSource(options: OidcSourceOptions): AgeSource<OidcEvidence> {
  assertOptions('oidcSource', options, OIDC_SOURCE_OPTIONS);
  const { timeZone, toleranceSeconds } = signedSourceSettings(options);
  const providers = configure(options, toleranceSeconds);
  return {
    kind: KIND,
    async verify({ idToken, nonce }, { at }) {
      const jwt = readJwt(idToken, MAX_TOKEN_BYTES);
      if (typeof jwt === 'string') throw ageEvidenceInvalid(jwt);
      const { claims } = jwt;
      if (claims.iss === undefined) throw ageEvidenceInvalid('claim_missing');
      const provider = providers.get(claims.iss as string);
      if (provider === undefined) throw ageEvidenceInvalid('issuer_unknown');
      const fault =
        (await verifyJwt(jwt, provider.rules, at)) ?? idTokenFault(claims, provider, nonce);
      if (fault !== null) throw ageEvidenceInvalid(fault);
      return found(claims, { provider, at, timeZone });
    },
  };
}

/** The checks of OpenID Connect Core, section 3.1.3.7, that other tokens do not need. */
function idTokenFault(
  { aud, azp, iat, sub, nonce }: Claims,
  { clientId }: Provider,
  expected: string,
): AgeEvidenceFault | null {
  if (iat === undefined || typeof sub !== 'string' || sub === '') return 'claim_missing';
  const shared = Array.isArray(aud) && aud.length > 1;
  if ((azp !== undefined || shared) && azp !== clientId) return 'audience_mismatch';
  // A caller that lost its nonce must not match a token that has none.
  if (typeof expected !== 'string' || expected === '') return 'nonce_mismatch';
  return nonce === expected ? null : 'nonce_mismatch';
}

function found(claims: Claims, reading: Reading): SourceFinding {
  const { provider, at, timeZone } = reading;
  // As of now, not of `iat`: a provider states what is true when it signs.
  const context = { asOf: at, at, timeZone, kind: KIND };
  const finding = Object.hasOwn(claims, 'verified_claims')
    ? (verifiedFinding(claims.verified_claims, reading) ??
      findingOf(claims, { ...context, assurance: selfAsserted(provider.assurance) }))
    : findingOf(claims, { ...context, assurance: provider.assurance });
  if (finding === null) throw ageEvidenceInvalid('age_missing');
  const person = JSON.stringify([provider.issuer, claims.sub]);
  return {
    ...finding,
    ...(provider.oneSubPerPerson ? { person } : {}),
    expiresAt: Math.floor((claims.exp as number) * 1000),
  };
}

/** Claims beside `verified_claims` are self-asserted, whatever the provider's assurance is. */
function selfAsserted(assurance: Assurance): Assurance {
  return assurance === 'client_claim' ? 'client_claim' : 'self_declared';
}

/** The age by all accepted frameworks together, or `null` if none states one. */
function verifiedFinding(value: unknown, reading: Reading): SourceFinding | null {
  const { provider, at, timeZone } = reading;
  const findings = [value].flat().flatMap((each) => {
    const { verification, claims } = members(each);
    const framework = members(verification).trust_framework;
    const accepted = provider.trustFrameworks;
    if (typeof framework !== 'string') throw ageEvidenceInvalid('age_claim_invalid');
    if (!Object.hasOwn(accepted, framework)) return [];
    const assurance = accepted[framework] as Assurance;
    const context: ClaimsContext = { asOf: at, at, timeZone, assurance, kind: KIND };
    return findingOf(members(claims), context) ?? [];
  });
  if (findings.length === 0) return null;
  const { conflict, ...age } = combineFindings(findings, { at, timeZone });
  if (conflict) throw ageEvidenceInvalid('age_contradictory');
  return age;
}

function members(value: unknown): Claims {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Claims;
  throw ageEvidenceInvalid('age_claim_invalid');
}

function configure(
  { providers, fetch }: OidcSourceOptions,
  toleranceSeconds: number,
): ReadonlyMap<string, Provider> {
  if (!Array.isArray(providers) || providers.length === 0) {
    throw new TypeError('providers must have at least one provider');
  }
  const known = new Map<string, Provider>();
  for (const each of providers as readonly OidcProvider[]) {
    assertOptions('providers', each, {
      issuer: true,
      clientId: true,
      jwks: true,
      algorithms: true,
      assurance: true,
      trustFrameworks: true,
      oneSubPerPerson: true,
    });
    const { assurance = 'self_declared', trustFrameworks = {}, oneSubPerPerson = false } = each;
    const [issuer = '', clientId = ''] = strings('issuer and clientId', [
      each.issuer,
      each.clientId,
    ]);
    if (known.has(issuer)) throw new TypeError('providers must configure each issuer once');
    if (
      ![assurance, ...Object.values(trustFrameworks)].every((level) => ASSURANCES.includes(level))
    ) {
      throw new TypeError(`assurance must be one of ${ASSURANCES.join(', ')}`);
    }
    const rules: JwtRules = {
      keys: keySet(each.jwks, { code: 'age_source_unavailable', fetch }),
      algorithms: assertAlgorithms(each.algorithms ?? ['RS256']),
      issuer,
      audience: clientId,
      requiredClaims: ['exp'],
      typ: 'JWT',
      toleranceSeconds,
    };
    known.set(issuer, { issuer, clientId, assurance, trustFrameworks, oneSubPerPerson, rules });
  }
  return known;
}
