import { hash } from 'node:crypto';
import type { AgeEvidence } from '@spendcap/core';
import { LRUCache } from 'lru-cache';
import { type Claims, checkJws, decodeClaims } from '../../jwt/jws.ts';
import type { JwkSet } from '../../jwt/key-set.ts';
import type { StatusCheck } from '../../jwt/status-list.ts';
import type { AgeVerifier, ShownWith } from '../../limiter/types.ts';
import { type AgeClaim, readAgeClaims } from './claims.ts';
import { type ProofCheck, proofCheck } from './dpop.ts';
import { type AgeTokenFault, ageTokenInvalid } from './fault.ts';
import { type AgeIssuer, type IssuerRules, issuerRules } from './issuers.ts';
import { pseudonyms } from './pseudonym.ts';

export type { AgeClaim, AgeIssuer, AgeTokenFault, JwkSet };

export interface AgeTokenOptions {
  readonly issuers: readonly AgeIssuer[];
  /**
   * Secret of 16 bytes or more that makes pseudonyms of subjects. Keep it for ever: another key
   * makes other subjects, with nothing spent. Without one, who knows a `sub` knows its pseudonym.
   */
  readonly subjectKey?: Uint8Array | string;
  /** Epoch milliseconds. Default `Date.now`. */
  readonly now?: () => number;
  /** How far the clocks may differ, 0 to 60. Default 5. */
  readonly clockToleranceSeconds?: number;
  /** Longer tokens are refused unread, 256 to 1 MiB. Default 16 KiB. */
  readonly maxTokenBytes?: number;
  /** How many verified tokens are remembered, 1 to 1,000,000. Default 10,000. */
  readonly cacheSize?: number;
  /** How old the proof of a bound token may be, 5 to 300. Default 60. */
  readonly proofSeconds?: number;
  /** How many proofs are remembered until they are too old, 1 to 10,000,000. Default 250,000. */
  readonly proofCacheSize?: number;
  /** For how long beyond its `ttl` a status list counts that cannot be read, 0 to 3600. Default 300. */
  readonly statusStaleSeconds?: number;
  /**
   * For how long, once ten minutes old, a remote key set counts that cannot be read again, 0 to 86,400.
   * Default 3600.
   */
  readonly keysStaleSeconds?: number;
  /** Fetches remote key sets and status lists. Default the global `fetch`. */
  readonly fetch?: typeof fetch;
}

/** What a verified token has shown, and what must be shown with it each time. */
interface Proved {
  readonly evidence: AgeEvidence;
  /** Thumbprint of the key it is bound to. */
  readonly jkt: string | null;
  /** Asks whether it was revoked, if its issuer can say so. */
  readonly status: ((at: number) => ReturnType<StatusCheck>) | null;
}

interface Unproved {
  readonly claims: Claims;
  readonly rules: IssuerRules;
  readonly at: number;
}

/** 1 to 255 characters, without control characters and halves of surrogate pairs. */
const SUBJECT = /^[^\p{Cc}\p{Cs}]{1,255}$/u;

/**
 * Verifies age tokens: signed JWTs of configured issuers. As RFC 8725 asks, algorithm, keys, issuer,
 * audience and type come from the configuration and never from the token; `iss`, `aud`, `exp` and
 * `sub` are required. Ages are read from `age_range` `{ min, max_exclusive? }`, `age_equal_or_over`,
 * `age_over_NN`, `age_in_years`, `age_birth_year`, `birthdate` and, with `verified_claims`, from those
 * inside it only; several are intersected, and a token without any says nothing.
 *
 * A token bound to a key (`cnf` with `jkt`) is good only with a DPoP proof of that key (RFC 9449) for the
 * request at hand: of one method and address, made just now, and used once in this process.
 *
 * A verified token is remembered until it expires, so that showing it again costs one hash. When a key
 * leaves the key set (a remote set is read again after ten minutes), tokens seen before are good until
 * their `exp`: keep it short.
 *
 * `verify` rejects with a SpendcapError: `age_token_invalid`, whose `why` is an `AgeTokenFault`, or
 * `age_keys_unavailable` or `age_status_unavailable` (both retryable) if a key set or a status list cannot
 * be read.
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
  const now = options.now ?? Date.now;
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
  const remembered = new LRUCache<string, Proved>({ max: cacheSize });
  const underWay = new Map<string, Promise<Proved>>();

  async function prove(token: string, key: string, unproved: Unproved): Promise<Proved> {
    const { claims, rules, at } = unproved;
    try {
      const fault = await checkJws(token, claims, { rules, at });
      if (fault !== null) throw ageTokenInvalid(fault);
      // To the second the instant at which the same token would be refused as expired.
      const expiresAt = Math.ceil((claims.exp as number) + rules.toleranceSeconds) * 1000;
      const subject = pseudonym(rules.issuer, subjectOf(claims));
      const evidence = evidenceOf(unproved, { subject, expiresAt });
      const { status } = claims;
      const check = rules.status;
      const proved: Proved = {
        evidence,
        jkt: keyBoundTo(claims),
        status: check && ((now) => check(status, now)),
      };
      remembered.set(key, proved);
      return proved;
    } finally {
      underWay.delete(key);
    }
  }

  function proving(token: string): Proved | Promise<Proved> {
    // Before the hash, whose cost grows with the length.
    if (typeof token !== 'string') throw ageTokenInvalid('malformed');
    if (token.length > maxBytes) throw ageTokenInvalid('too_large');
    const key = hash('sha256', token, 'base64');
    const known = remembered.get(key);
    if (known !== undefined && now() < known.evidence.expiresAt) return known;
    const shared = underWay.get(key);
    if (shared !== undefined) return shared;

    const claims = decodeClaims(token, maxBytes);
    if (typeof claims === 'string') throw ageTokenInvalid(claims);
    const rules = rulesFor(claims, issuers);
    const pending = prove(token, key, { claims, rules, at: now() });
    underWay.set(key, pending);
    return pending;
  }

  return {
    async verify(token, shownWith = {}) {
      const known = proving(token);
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

/** A proof with a token that is bound to no key is of another one (RFC 9449, section 7.1). */
async function proofFault(check: ProofCheck, shown: Shown): Promise<AgeTokenFault | null> {
  const { token, jkt, at } = shown;
  if (jkt === null) return 'proof_invalid';
  const { proof, purchaseId: use = '' } = shown.shownWith;
  return check({ token, jkt, proof, use, at });
}

/** RFC 7800: whoever does not understand the confirmation must not take the token. */
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
  { claims, rules, at }: Unproved,
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
