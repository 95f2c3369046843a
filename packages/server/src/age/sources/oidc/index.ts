import { ASSURANCES, type Assurance, combineFindings } from '@spendcap/core';
import { type Claims, checkJws, type JwsRules } from '../../../jwt/jws.ts';
import { type JwkSet, keySet } from '../../../jwt/key-set.ts';
import { assertAlgorithms } from '../../../jwt/verify-key.ts';
import { type ClaimsContext, findingOf } from '../claims-finding.ts';
import { type AgeEvidenceFault, ageEvidenceInvalid } from '../evidence-fault.ts';
import { readJws } from '../jws-header.ts';
import { type SignedSourceOptions, signedSourceSettings, texts } from '../options.ts';
import type { AgeSource, SourceFinding } from '../source.ts';

export type { AgeEvidenceFault, AgeSource, JwkSet, SourceFinding };

/** One OpenID provider whose id_tokens are accepted. */
export interface OidcProvider {
  /** The exact `iss` of its id_tokens. */
  readonly issuer: string;
  /** Your client there: the `aud`, and the `azp` where there is one. */
  readonly clientId: string;
  /** Its public keys: the address of a JWK Set (https, or http on this machine), or the set itself. */
  readonly jwks: URL | JwkSet;
  /** Default `['RS256']`, as OpenID Connect's own. Signatures by a private key only. */
  readonly algorithms?: readonly string[];
  /** How sure its `birthdate` is where no `verified_claims` stand beside it. Default `self_declared`. */
  readonly assurance?: Assurance;
  /**
   * How sure `verified_claims` are, by trust framework, as `{ eidas: 'verified' }`. Those of another
   * framework say nothing. Default: none is accepted.
   */
  readonly trustFrameworks?: Readonly<Record<string, Assurance>>;
  /** True if a natural person has one `sub` there, whatever the account. Default false. */
  readonly oneSubPerPerson?: boolean;
}

export interface OidcSourceOptions extends SignedSourceOptions {
  readonly providers: readonly OidcProvider[];
  /** Fetches remote key sets. Default the global `fetch`. */
  readonly fetch?: typeof fetch;
}

export interface OidcEvidence {
  readonly idToken: string;
  /** The `nonce` of the very request that the id_token answers. Make it once and use it once. */
  readonly nonce: string;
}

interface Provider extends Required<Omit<OidcProvider, 'jwks' | 'algorithms'>> {
  readonly rules: JwsRules;
}

interface Reading {
  readonly provider: Provider;
  readonly at: number;
  readonly timeZone: string;
}

const KIND = 'oidc';
const MAX_TOKEN_BYTES = 16 * 1024;

/**
 * Ages out of the id_tokens of OpenID providers: `birthdate` (OpenID Connect Core, section 5.1: a
 * date, a year alone, or `0000`, which says nothing) and `verified_claims` (OpenID Identity Assurance
 * Schema Definition 1.0). As RFC 8725 asks, algorithm, keys, issuer and audience come from the
 * configuration; `exp`, `iat`, `sub` and the caller's `nonce` are required, and a `typ` other than
 * `JWT` is refused, so that no access token, age token or DPoP proof passes for an id_token.
 *
 * `verify` rejects with a SpendcapError: `age_evidence_invalid`, whose `why` is an `AgeEvidenceFault`,
 * or `age_source_unavailable` (retryable) if the provider's key set cannot be read.
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
  const { timeZone, toleranceSeconds } = signedSourceSettings(options);
  const providers = configure(options, toleranceSeconds);
  return {
    kind: KIND,
    async verify({ idToken, nonce }, { at }) {
      const { claims } = readJws(idToken, MAX_TOKEN_BYTES);
      if (claims.iss === undefined) throw ageEvidenceInvalid('claim_missing');
      const provider = providers.get(claims.iss as string);
      if (provider === undefined) throw ageEvidenceInvalid('issuer_unknown');
      const fault =
        (await checkJws(idToken, claims, { rules: provider.rules, at })) ??
        idTokenFault(claims, provider, nonce);
      if (fault !== null) throw ageEvidenceInvalid(fault);
      return found(claims, { provider, at, timeZone });
    },
  };
}

/** OpenID Connect Core, section 3.1.3.7, as far as it goes beyond any other signed token. */
function idTokenFault(
  { aud, azp, iat, sub, nonce }: Claims,
  { clientId }: Provider,
  asked: string,
): AgeEvidenceFault | null {
  if (iat === undefined || typeof sub !== 'string' || sub === '') return 'claim_missing';
  const shared = Array.isArray(aud) && aud.length > 1;
  if ((azp !== undefined || shared) && azp !== clientId) return 'audience_mismatch';
  // A caller that lost its nonce must not match a token that has none.
  if (typeof asked !== 'string' || asked === '') return 'nonce_mismatch';
  return nonce === asked ? null : 'nonce_mismatch';
}

function found(claims: Claims, reading: Reading): SourceFinding {
  const { provider, at, timeZone } = reading;
  // As of now, and not of `iat`: a provider states what is so when it signs.
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

/** What stands beside `verified_claims` is the player's own word, however sure the provider is else. */
function selfAsserted(assurance: Assurance): Assurance {
  return assurance === 'client_claim' ? 'client_claim' : 'self_declared';
}

/** The age that the accepted frameworks vouch for together, or `null` if none says anything. */
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
    throw new TypeError('providers must name at least one provider');
  }
  const known = new Map<string, Provider>();
  for (const each of providers as readonly OidcProvider[]) {
    const { assurance = 'self_declared', trustFrameworks = {}, oneSubPerPerson = false } = each;
    const [issuer = '', clientId = ''] = texts('issuer and clientId', [each.issuer, each.clientId]);
    if (known.has(issuer)) throw new TypeError('providers must name each issuer once');
    if (
      ![assurance, ...Object.values(trustFrameworks)].every((word) => ASSURANCES.includes(word))
    ) {
      throw new TypeError(`assurance must be one of ${ASSURANCES.join(', ')}`);
    }
    const rules: JwsRules = {
      keys: keySet(each.jwks, { fetch }),
      keysCode: 'age_source_unavailable',
      algorithms: assertAlgorithms(each.algorithms ?? ['RS256']),
      issuer,
      audience: [clientId],
      typ: 'JWT',
      toleranceSeconds,
    };
    known.set(issuer, { issuer, clientId, assurance, trustFrameworks, oneSubPerPerson, rules });
  }
  return known;
}
