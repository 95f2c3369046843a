import { randomUUID } from 'node:crypto';
import {
  ASSURANCES,
  type Assurance,
  assertOptions,
  type CombinedAge,
  checkFields,
  combineFindings,
  invalidRequest,
  isTimeZone,
  MAX_AGE,
  type OptionNames,
  SpendcapError,
} from '@spendcap/core';
import { checkedClock } from '../../jwt/clock.ts';
import type { AgeSource, SourceContext, SourceFinding } from '../sources/source.ts';
import { createAuthorityHandler } from './handler.ts';
import type { AuthorityKey } from './keys.ts';
import { audienceGroups, type Name, pairwise, TEXT } from './pairwise.ts';
import { authorityStatus, type StatusListOptions } from './revocation.ts';
import { authoritySigner } from './signer.ts';

/** The sources of an authority by name. `never`, since each has its own type of evidence. */
export type AgeSources = Readonly<Record<string, AgeSource<never>>>;

/** Evidence by the name of the source that verifies it. */
export type EvidenceFor<Sources extends AgeSources> = {
  readonly [Name in keyof Sources]?: Parameters<Sources[Name]['verify']>[0];
};

/** Options of `ageAuthority`. */
export interface AgeAuthorityOptions<Sources extends AgeSources> {
  /** The `iss` of its tokens, for example `https://age.example`. */
  readonly issuer: string;
  /**
   * Private keys, at least one of which is active. A function is called on every use, so that a
   * rotated key file takes effect without a restart; it must return the same array while nothing
   * has changed.
   */
  readonly keys: readonly AuthorityKey[] | (() => readonly AuthorityKey[]);
  readonly sources: Sources;
  /**
   * Secret of 16 bytes or more, from which the `sub` of tokens is derived. Never change it: with
   * another key everyone is a new person, with nothing spent.
   */
  readonly subjectKey: Uint8Array | string;
  /** Lifetime of a token, 30 to 86,400. Default 300. It never outlives the evidence. */
  readonly tokenSeconds?: number;
  /**
   * The audiences, by enterprise: `{ 'star-studio': ['https://limiter.star.example'] }`. A person
   * has one `sub` for all audiences of an enterprise. Default: any audience, each its own
   * enterprise.
   */
  readonly audiences?: Readonly<Record<string, readonly string[]>>;
  /**
   * Makes tokens revocable, by OAuth Token Status List. Default: they are valid until their `exp`.
   */
  readonly statusList?: StatusListOptions;
  /**
   * Evidence below this only lowers an age. Use the `minimumAssurance` of the policy that the
   * tokens are for, or a weaker source lowers their assurance below it. Default, and the minimum:
   * `guardian`.
   */
  readonly minimumAssurance?: Assurance;
  /** IANA name of the time zone in which birthdays fall: the policy's. Default `UTC`. */
  readonly timeZone?: string;
  /** Epoch milliseconds. Default `Date.now`. */
  readonly now?: () => number;
}

/** Options of `AgeAuthority.issue`. */
export interface IssueOptions {
  /**
   * The caller's own name of the account, from the log-in and never from the evidence. A person
   * that a source identifies takes precedence; evidence that names an account must name this one.
   */
  readonly subject: string;
  /** The `aud`: the limiter that the token is for. */
  readonly audience: string;
  /** Binds the token to a key by its RFC 7638 thumbprint (SHA-256), for DPoP (RFC 9449). */
  readonly confirm?: { readonly jkt: string };
}

/** An issuer of age tokens, see `ageAuthority`. */
export interface AgeAuthority<Sources extends AgeSources> {
  /**
   * Verifies the evidence of every named source, combines the findings and signs an age token.
   *
   * Rejects with a SpendcapError: that of the source whose evidence is invalid;
   * `age_evidence_invalid`, why `expired`, if the evidence has expired; `invalid_request` for an
   * invalid subject, audience or source, or an unknown option; `age_keys_unavailable` if no key is
   * active, or `keys` throws.
   */
  issue(evidence: EvidenceFor<Sources>, options: IssueOptions): Promise<string>;
  /**
   * Revokes every valid token that was issued with this `subject`, for any audience, and resolves
   * to how many. Takes effect when verifiers next reload the list.
   *
   * @throws TypeError without `statusList`
   */
  revoke(subject: string): Promise<number>;
  /** The public keys of current and upcoming tokens, a JWK Set (RFC 7517, section 5). */
  jwks(): { readonly keys: readonly Readonly<Record<string, unknown>>[] };
  /** Serves `/.well-known/jwks.json` and the status lists, below any path. It never rejects. */
  handler(request: Request): Promise<Response>;
}

const TYP = 'age+jwt';
const TOKEN_SECONDS = { min: 30, max: 86_400, default: 300 } as const;
const THUMBPRINT = /^[\w-]{43}$/;

const AGE_AUTHORITY_OPTIONS: OptionNames<AgeAuthorityOptions<AgeSources>> = {
  issuer: true,
  keys: true,
  sources: true,
  subjectKey: true,
  tokenSeconds: true,
  audiences: true,
  statusList: true,
  minimumAssurance: true,
  timeZone: true,
  now: true,
};

/**
 * Turns evidence of an age into an age token of spendcap's profile: `typ` `age+jwt`, a pairwise
 * `sub`, a short `exp`, `age_range`, `assurance`, `evidence` (the kind). It stores nothing of the
 * evidence.
 *
 * @throws TypeError for options that can never work
 * @example
 * ```ts
 * import { ageTokens } from '@spendcap/server';
 * import { ageAuthority, generateAuthorityKey } from '@spendcap/server/age/authority';
 * const authority = ageAuthority({
 *   issuer: 'https://age.example',
 *   keys: [await generateAuthorityKey()],
 *   sources: {
 *     desk: {
 *       kind: 'desk',
 *       verify: async (evidence: { age: number }, { at }) => ({
 *         range: { min: evidence.age, maxExclusive: evidence.age + 1 },
 *         asOf: at,
 *         assurance: 'assessed',
 *         kind: 'desk',
 *       }),
 *     },
 *   },
 *   subjectKey: 'at least sixteen secret bytes',
 * });
 * const named = { subject: 'player-12', audience: 'https://limiter.example' };
 * const token = await authority.issue({ desk: { age: 12 } }, named);
 * const { issuer, audience } = { issuer: 'https://age.example', audience: named.audience };
 * const verifier = ageTokens({ issuers: [{ issuer, audience, jwks: authority.jwks() }] });
 * (await verifier.verify(token)).assurance; // => 'assessed'
 * ```
 */
export function ageAuthority<const Sources extends AgeSources>(
  options: AgeAuthorityOptions<Sources>,
): AgeAuthority<Sources> {
  assertOptions('ageAuthority', options, AGE_AUTHORITY_OPTIONS);
  const { issuer, sources, timeZone = 'UTC' } = options;
  const now = checkedClock(options.now);
  const { minimumAssurance = 'guardian' } = options;
  const tokenSeconds = options.tokenSeconds ?? TOKEN_SECONDS.default;
  assertUsable({ ...options, tokenSeconds, timeZone, minimumAssurance });
  const { sign, jwks } = authoritySigner(options.keys, { tokenSeconds, now });
  const groupOf = audienceGroups(options.audiences);
  const pseudonym = pairwise(options.subjectKey);
  // Of no enterprise, and of another kind than a `sub`, so that it equals none.
  const holderOf = (subject: string) => pseudonym('', ['holder', subject]);
  const { statusList } = options;
  const status = statusList ? authorityStatus(statusList, { issuer, tokenSeconds, sign }) : null;

  async function issue(evidence: EvidenceFor<Sources>, request: IssueOptions): Promise<string> {
    const { subject, audience, confirm } = checkRequest(request);
    const group = groupOf(audience);
    const at = now();
    const findings = await verifyAll(sources, evidence, { at, subject });
    const age = combineFindings(findings, { at, timeZone, minimumAssurance });
    const iat = Math.floor(at / 1000);
    const exp = expiryOf(findings, { iat, tokenSeconds });
    const claims = {
      iss: issuer,
      aud: audience,
      sub: pseudonym(group, personIn(findings) ?? ['subject', subject]),
      iat,
      exp,
      jti: randomUUID(),
      age_range: rangeClaim(age),
      assurance: age.assurance,
      evidence: age.kind,
      ...(confirm === undefined ? {} : { cnf: { jkt: confirm.jkt } }),
      ...(status && { status: await status.claimFor({ holder: holderOf(subject), exp, at }) }),
    };
    return sign(claims, TYP);
  }

  return {
    issue,
    jwks,
    handler: createAuthorityHandler({ jwks, status, now }),
    async revoke(subject) {
      if (status === null) throw new TypeError('ageAuthority needs statusList to revoke');
      return status.revoke(holderOf(subject), now());
    },
  };
}

function assertUsable(options: {
  readonly issuer: string;
  readonly sources: AgeSources;
  readonly tokenSeconds: number;
  readonly timeZone: string;
  readonly minimumAssurance: Assurance;
}): void {
  const { issuer, sources, tokenSeconds, timeZone, minimumAssurance } = options;
  if (typeof issuer !== 'string' || !TEXT.test(issuer)) {
    throw new TypeError('issuer must be a string of 1 to 255 characters');
  }
  const named = Object.values(sources ?? {});
  if (named.length === 0 || named.some((source) => typeof source?.verify !== 'function')) {
    throw new TypeError('sources must have at least one source');
  }
  const { min, max } = TOKEN_SECONDS;
  if (!Number.isInteger(tokenSeconds) || tokenSeconds < min || tokenSeconds > max) {
    throw new TypeError(`tokenSeconds must be a whole number from ${min} to ${max}`);
  }
  if (!isTimeZone(timeZone)) throw new TypeError('timeZone must be an IANA time zone name');
  if (!ASSURANCES.includes(minimumAssurance)) {
    throw new TypeError(`minimumAssurance must be one of ${ASSURANCES.join(', ')}`);
  }
}

/** A misspelled `confirm` would issue a token that anybody can use. */
function checkRequest(given: IssueOptions): IssueOptions {
  const request = checkFields(given, { subject: true, audience: true, confirm: true });
  const { subject, confirm } = request;
  if (confirm !== undefined) checkFields(confirm, { jkt: true }, 'confirm');
  if (typeof subject !== 'string' || !TEXT.test(subject)) {
    throw invalidRequest('subject', 'must be a string of 1 to 255 characters');
  }
  if (confirm !== undefined && !isThumbprint(confirm?.jkt)) {
    throw invalidRequest('confirm.jkt', 'must be the SHA-256 thumbprint of a key');
  }
  return request;
}

function isThumbprint(jkt: unknown): boolean {
  return typeof jkt === 'string' && THUMBPRINT.test(jkt);
}

/** The findings in the order of the sources. */
async function verifyAll(
  sources: AgeSources,
  evidence: Readonly<Record<string, unknown>>,
  context: SourceContext,
): Promise<readonly SourceFinding[]> {
  const named = Object.keys(evidence ?? {}).filter((name) => evidence[name] !== undefined);
  if (named.length === 0) throw invalidRequest('evidence', 'must name at least one source');
  if (named.some((name) => evidence[name] === null))
    throw invalidRequest('evidence', 'must not be null');
  if (!named.every((name) => Object.hasOwn(sources, name))) {
    throw invalidRequest('evidence', 'names a source that this authority does not have');
  }
  const wanted = Object.keys(sources).filter((name) => named.includes(name));
  // Async, so that one that throws leaves no other's rejection unhandled.
  return Promise.all(
    wanted.map(async (name) =>
      (sources[name] as AgeSource<unknown>).verify(evidence[name], context),
    ),
  );
}

/** The person that the first source identifies that identifies any. */
function personIn(findings: readonly SourceFinding[]): Name | undefined {
  const known = findings.find(({ person }) => person !== undefined);
  return known?.person === undefined ? undefined : ['person', known.kind, known.person];
}

/** In seconds; the expiry of the evidence is rounded down. */
function expiryOf(
  findings: readonly SourceFinding[],
  { iat, tokenSeconds }: { readonly iat: number; readonly tokenSeconds: number },
): number {
  const ends = findings.map(({ expiresAt }) => Math.floor((expiresAt ?? Infinity) / 1000));
  const exp = Math.min(iat + tokenSeconds, ...ends);
  if (exp > iat) return exp;
  throw new SpendcapError('age_evidence_invalid', 'The evidence of age has expired.', {
    why: 'expired',
  });
}

/** Ages above the greatest that a token can state are cut off. */
function rangeClaim({ range: { min, maxExclusive } }: CombinedAge) {
  const start = Math.min(min, MAX_AGE);
  const open = maxExclusive === null || maxExclusive > MAX_AGE;
  return open ? { min: start } : { min: start, max_exclusive: maxExclusive };
}
