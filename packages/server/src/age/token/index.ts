import { hash } from 'node:crypto';
import { type AgeEvidence, assertOptions, type OptionNames } from '@spendcap/core';
import { LRUCache } from 'lru-cache';
import { checkedClock } from '../../jwt/clock.ts';
import type { JwkSet } from '../../jwt/key-set.ts';
import type { StatusLookup } from '../../jwt/status-list.ts';
import { type Claims, readJwt, type UnverifiedJwt, verifyJwt } from '../../jwt/verify.ts';
import type { AgeVerifier, ShownWith } from '../../limiter/types.ts';
import { type AgeClaim, readAgeClaims } from './claims.ts';
import { type ProofCheck, proofCheck } from './dpop.ts';
import { type AgeTokenFault, ageTokenInvalid } from './fault.ts';
import { type AgeIssuer, type IssuerRules, issuerRules } from './issuers.ts';
import { pseudonyms } from './pseudonym.ts';

export type { JwtFault } from '../../jwt/verify.ts';
export type { AgeClaim, AgeIssuer, AgeTokenFault, JwkSet };

/** Options of `ageTokens`. */
export interface AgeTokenOptions {
  readonly issuers: readonly AgeIssuer[];
  /**
   * Secret of 16 bytes or more, from which pseudonyms of subjects are derived. Never change it:
   * another key makes other subjects, with nothing spent. Without one, anyone who knows a `sub` can
   * compute its pseudonym.
   */
  readonly subjectKey?: Uint8Array | string;
  /** Epoch milliseconds. Default `Date.now`. */
  readonly now?: () => number;
  /** Accepted clock skew in seconds, 0 to 60. Default 5. */
  readonly clockToleranceSeconds?: number;
  /** Longer tokens are refused unread, 256 bytes to 1 MiB. Default 16 KiB. */
  readonly maxTokenBytes?: number;
  /** How many verified tokens are cached, 1 to 1,000,000. Default 10,000. */
  readonly cacheSize?: number;
  /** Maximum age of the proof of a bound token in seconds, 5 to 300. Default 60. */
  readonly proofSeconds?: number;
  /** How many proofs are remembered until they expire, 1 to 10,000,000. Default 250,000. */
  readonly proofCacheSize?: number;
  /**
   * Seconds after its `ttl` for which a status list that cannot be reloaded is used, 0 to 3600.
   * Default 300.
   */
  readonly statusStaleSeconds?: number;
  /**
   * Seconds for which a remote key set, once ten minutes old, is used that cannot be reloaded, 0 to
   * 86,400. Default 3600.
   */
  readonly keysStaleSeconds?: number;
  /** Fetches remote key sets and status lists. Default the global `fetch`. */
  readonly fetch?: typeof fetch;
}

/** What was verified of a token, and what must be checked at each use. */
interface Verified {
  readonly evidence: AgeEvidence;
  /** Thumbprint of the key that it is bound to. */
  readonly jkt: string | null;
  /** Looks up whether it was revoked, if its issuer has status lists. */
  readonly status: ((at: number) => ReturnType<StatusLookup>) | null;
}

interface Unverified {
  readonly jwt: UnverifiedJwt;
  readonly rules: IssuerRules;
  readonly at: number;
}

/** 1 to 255 characters, without control characters and lone surrogates. */
const SUBJECT = /^[^\p{Cc}\p{Cs}]{1,255}$/u;

const AGE_TOKENS_OPTIONS: OptionNames<AgeTokenOptions> = {
  issuers: true,
  subjectKey: true,
  now: true,
  clockToleranceSeconds: true,
  maxTokenBytes: true,
  cacheSize: true,
  proofSeconds: true,
  proofCacheSize: true,
  statusStaleSeconds: true,
  keysStaleSeconds: true,
  fetch: true,
};

/**
 * Verifies age tokens: signed JWTs of configured issuers. By RFC 8725, algorithm, keys, issuer,
 * audience and type come from the configuration and never from the token; `iss`, `aud`, `exp` and
 * `sub` are required. Ages are read from `age_range` `{ min, max_exclusive? }`,
 * `age_equal_or_over`, `age_over_NN`, `age_in_years`, `age_birth_year`, `birthdate` and, with
 * `verified_claims`, from those inside it only. Several are intersected; a token without any leaves
 * the age unknown.
 *
 * A token bound to a key (`cnf` with `jkt`) is valid only with a DPoP proof of that key (RFC 9449)
 * for the request at hand: for its method and address, made just now, and used once in this
 * process.
 *
 * A verified token is cached until it expires, so that verifying it again costs one hash. When a
 * key is removed from the key set (a remote set is reloaded within ten minutes), tokens in the
 * cache stay valid until their `exp`: keep it short.
 *
 * `verify` rejects with a SpendcapError: `age_token_invalid`, whose `why` is an `AgeTokenFault`, or
 * `age_keys_unavailable` or `age_status_unavailable` (both retryable) if a key set or a status list
 * cannot be read. `ready` rejects with `age_keys_unavailable` while the key sets of none of the
 * issuers can be.
 *
 * @throws TypeError for options that can never work
 * @example
 * ```ts
 * import { ageTokens } from '@spendcap/server';
 * const verifier = ageTokens({
 *   issuers: [
 *     {
 *       issuer: 'https://age.example',
 *       audience: 'https://limiter.example',
 *       jwks: new URL('https://age.example/.well-known/jwks.json'),
 *     },
 *   ],
 *   subjectKey: 'at least sixteen secret bytes',
 * });
 * const refusal = await verifier.verify('not a token').catch((error) => error);
 * refusal.code; // => 'age_token_invalid'
 * refusal.why; // => 'malformed'
 * ```
 */
export function ageTokens(options: AgeTokenOptions): AgeVerifier {
  assertOptions('ageTokens', options, AGE_TOKENS_OPTIONS);
  const now = checkedClock(options.now);
  const maxBytes = within('maxTokenBytes', options.maxTokenBytes ?? 16 * 1024, [256, 2 ** 20]);
  const cacheSize = within('cacheSize', options.cacheSize ?? 10_000, [1, 1_000_000]);
  const tolerance = options.clockToleranceSeconds ?? 5;
  const issuers = issuerRules(options.issuers, {
    toleranceSeconds: within('clockToleranceSeconds', tolerance, [0, 60]),
    statusStaleSeconds: within('statusStaleSeconds', options.statusStaleSeconds ?? 300, [0, 3_600]),
    keysStaleSeconds: options.keysStaleSeconds,
    fetch: options.fetch,
    now,
  });
  const pseudonym = pseudonyms(options.subjectKey);
  const checkProof = proofCheckOf(options);
  const cache = new LRUCache<string, Verified>({ max: cacheSize });
  const pending = new Map<string, Promise<Verified>>();

  async function verifyNew(unverified: Unverified, key: string): Promise<Verified> {
    const { jwt, rules, at } = unverified;
    const { claims } = jwt;
    try {
      const fault = await verifyJwt(jwt, rules, at);
      if (fault !== null) throw ageTokenInvalid(fault);
      // To the second the instant at which the same token would be refused as expired.
      const expiresAt = Math.ceil((claims.exp as number) + rules.toleranceSeconds) * 1000;
      const subject = pseudonym(rules.issuer, subjectOf(claims));
      const evidence = evidenceOf(unverified, { subject, expiresAt });
      const { status } = claims;
      const lookUp = rules.status;
      const verified: Verified = {
        evidence,
        jkt: keyBoundTo(claims),
        status: lookUp && ((now) => lookUp(status, now)),
      };
      cache.set(key, verified);
      return verified;
    } finally {
      pending.delete(key);
    }
  }

  function verified(token: string): Verified | Promise<Verified> {
    // Before the hash, whose cost grows with the length.
    if (typeof token !== 'string') throw ageTokenInvalid('malformed');
    if (token.length > maxBytes) throw ageTokenInvalid('too_large');
    const key = hash('sha256', token, 'base64');
    const known = cache.get(key);
    if (known !== undefined && now() < known.evidence.expiresAt) return known;
    const shared = pending.get(key);
    if (shared !== undefined) return shared;

    const jwt = readJwt(token, maxBytes);
    if (typeof jwt === 'string') throw ageTokenInvalid(jwt);
    const rules = rulesFor(jwt.claims, issuers);
    const verifying = verifyNew({ jwt, rules, at: now() }, key);
    pending.set(key, verifying);
    return verifying;
  }

  return {
    async verify(token, shownWith = {}) {
      const known = verified(token);
      const { evidence, jkt, status } = known instanceof Promise ? await known : known;
      if (status !== null) {
        const answer = status(now());
        const fault = answer instanceof Promise ? await answer : answer;
        if (fault !== null) throw ageTokenInvalid(fault);
      }
      if (jkt !== null || shownWith.proof !== undefined) {
        const fault = await proofFault(checkProof, { token, jkt, shownWith, at: now() });
        if (fault !== null) throw ageTokenInvalid(fault);
      }
      return evidence;
    },
    async ready() {
      // The keys of one issuer are enough: as long as its players can buy, this process is of use.
      const keys = [...issuers.values()].map((rules) => rules.keys.ready());
      await Promise.any(keys).catch(() => keys[0]);
    },
  };
}

function proofCheckOf(options: AgeTokenOptions): ProofCheck {
  return proofCheck({
    proofSeconds: within('proofSeconds', options.proofSeconds ?? 60, [5, 300]),
    toleranceSeconds: options.clockToleranceSeconds ?? 5,
    maxProofs: within('proofCacheSize', options.proofCacheSize ?? 250_000, [1, 10_000_000]),
  });
}

interface Shown {
  readonly token: string;
  readonly jkt: string | null;
  readonly shownWith: ShownWith;
  readonly at: number;
}

/** A proof beside a token that is not bound belongs to another one (RFC 9449, section 7.1). */
async function proofFault(check: ProofCheck, shown: Shown): Promise<AgeTokenFault | null> {
  const { token, jkt, at } = shown;
  if (jkt === null) return 'proof_invalid';
  const { proof, purchaseId: use = '' } = shown.shownWith;
  return check({ token, jkt, proof, use, at });
}

/** RFC 7800: a confirmation method that is not supported refuses the token. */
function keyBoundTo({ cnf }: Claims): string | null {
  if (cnf === undefined) return null;
  const { jkt } = (cnf ?? {}) as Claims;
  if (typeof jkt === 'string' && /^[\w-]{43}$/.test(jkt)) return jkt;
  throw ageTokenInvalid('binding_unknown');
}

function rulesFor({ iss }: Claims, issuers: ReadonlyMap<string, IssuerRules>): IssuerRules {
  if (iss === undefined) throw ageTokenInvalid('claim_missing');
  const rules = issuers.get(iss as string);
  if (rules === undefined) throw ageTokenInvalid('issuer_unknown');
  return rules;
}

function subjectOf({ sub }: Claims): string {
  if (typeof sub !== 'string' || !SUBJECT.test(sub)) throw ageTokenInvalid('subject_missing');
  return sub;
}

function evidenceOf(
  { jwt: { claims }, rules, at }: Unverified,
  { subject, expiresAt }: { subject: string; expiresAt: number },
): AgeEvidence {
  // Without `iat` the statements count from now, which makes nobody older than they are.
  const asOf = claims.iat === undefined ? at : (claims.iat as number) * 1000;
  const { counted } = rules;
  const { statements, assurance } = readAgeClaims(claims, { asOf, now: at, counted });
  return Object.freeze({
    subject,
    statements: Object.freeze(statements),
    kind: 'age_token',
    assurance: rules.assuranceOf(assurance),
    expiresAt,
  });
}

function within(name: string, value: number, [min, max]: readonly [number, number]): number {
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw new TypeError(`${name} must be a whole number from ${min} to ${max}`);
}
