import {
  ANY_AGE,
  ASSURANCES,
  type Assurance,
  ageRangeAt,
  assertOptions,
  type OptionNames,
  SpendcapError,
} from '@spendcap/core';
import { assertAlgorithms } from '../../../jwt/algorithms.ts';
import { type JwkSet, keySet } from '../../../jwt/key-set.ts';
import {
  type Claims,
  JWT_FAULTS,
  type JwtFault,
  type JwtRules,
  readJwt,
  verifyJwt,
} from '../../../jwt/verify.ts';
import { readAgeClaims } from '../../token/claims.ts';
import type { AgeSource, SourceFinding } from '../source.ts';

export type { JwtFault };

/** A signed statement, and the account that it must be about. */
export interface StatementEvidence {
  /** A compact JWS of type `age-statement+jwt`. */
  readonly statement: string;
  /** Its `sub` must be this: the account for which a token is requested. */
  readonly account: string;
}

/** An issuer of statements. */
export interface StatementIssuer {
  /** The exact `iss` of its statements. */
  readonly issuer: string;
  /**
   * Its public keys: the address of a JWK Set (https, or http on this machine), or the set itself.
   */
  readonly jwks: URL | JwkSet;
  /** Default `['ES256']`. Signatures by a private key only. */
  readonly algorithms?: readonly string[];
}

/** Options of `statementSource`. */
export interface StatementOptions {
  readonly issuers: readonly StatementIssuer[];
  /** The `aud` of statements for this authority. */
  readonly audience: string;
  /**
   * Who states the age. A guardian's statement has the assurance `guardian`; for an operator's own,
   * for example after a look at a document, name the assurance.
   */
  readonly by: 'guardian' | { readonly operator: Assurance };
  /** Resolves to whether a statement was withdrawn, or was meant for one use and is used. */
  readonly isRevoked?: (statement: { issuer: string; jti: string }) => Promise<boolean>;
  /** IANA name of the time zone in which birthdays fall. Default `UTC`. */
  readonly timeZone?: string;
  /** Fetches remote key sets. Default the global `fetch`. */
  readonly fetch?: typeof fetch;
}

/** What is wrong with a statement. A closed union. */
export type StatementFault =
  | JwtFault
  | 'account_mismatch'
  | 'age_claim_invalid'
  | 'age_contradictory'
  | 'revoked';

/** Its own, so that no age token, permit or id_token passes for a statement, or the reverse. */
const TYP = 'age-statement+jwt';
const MAX_BYTES = 8 * 1024;
const TOLERANCE_SECONDS = 5;
const JTI = /^[^\p{Cc}\p{Cs}]{1,255}$/u;

const FAULTS: Readonly<Record<StatementFault, string>> = {
  ...JWT_FAULTS,
  account_mismatch: 'is about another account',
  age_claim_invalid: 'has an invalid age claim',
  age_contradictory: 'has age claims that contradict each other',
  revoked: 'was withdrawn',
};

const STATEMENT_SOURCE_OPTIONS: OptionNames<StatementOptions> = {
  issuers: true,
  audience: true,
  by: true,
  isRevoked: true,
  timeZone: true,
  fetch: true,
};

/**
 * A signed statement of an age by a guardian or the operator: a JWT of type `age-statement+jwt`
 * with `iss`, `aud`, `sub` (the account), `iat`, `exp`, `jti` and age claims as in an age token. It
 * can be used until it expires; no age token issued for it lives longer.
 *
 * Rejects with `age_evidence_invalid`, whose `why` is a `StatementFault`, or
 * `age_source_unavailable` if a key set cannot be read or `isRevoked` fails.
 *
 * @throws TypeError for options that can never work
 * @example
 * ```ts
 * import { statementSource } from '@spendcap/server/age/sources/statement';
 * const source = statementSource({
 *   by: 'guardian',
 *   issuers: [
 *     {
 *       issuer: 'https://family.example',
 *       jwks: new URL('https://family.example/.well-known/jwks.json'),
 *     },
 *   ],
 *   audience: 'https://age.example',
 * });
 * const shown = { statement: 'no statement', account: 'player-12' };
 * (await source.verify(shown, { at: Date.now() }).catch((error) => error)).why; // => 'malformed'
 * ```
 */
export function statementSource(options: StatementOptions): AgeSource<StatementEvidence> {
  assertOptions('statementSource', options, STATEMENT_SOURCE_OPTIONS);
  const { by, timeZone = 'UTC', isRevoked = async () => false } = options;
  const rules = rulesByIssuer(options);
  const assurance = by === 'guardian' ? 'guardian' : by?.operator;
  if (!ASSURANCES.includes(assurance)) {
    throw new TypeError(`by must be 'guardian', or { operator: <an assurance> }`);
  }
  ageRangeAt([], 0, timeZone);
  const kind = by === 'guardian' ? 'guardian_statement' : 'operator_statement';

  return {
    kind,
    async verify(evidence, { at, subject = evidence?.account }) {
      const { claims, issuer } = await verifyStatement(evidence, rules, at);
      const jti = jtiOf(claims);
      if (claims.sub !== evidence.account || claims.sub !== subject) {
        throw statementInvalid('account_mismatch');
      }
      const range = rangeOf(claims, at, timeZone);
      if (await wasRevoked(() => isRevoked({ issuer, jti }))) throw statementInvalid('revoked');
      const expiresAt = Math.floor(claims.exp as number) * 1000;
      return { range, asOf: at, assurance, kind, expiresAt } satisfies SourceFinding;
    },
  };
}

async function verifyStatement(
  evidence: StatementEvidence,
  issuers: ReadonlyMap<string, JwtRules>,
  at: number,
): Promise<{ readonly claims: Claims; readonly issuer: string }> {
  const { statement } = evidence ?? {};
  const jwt = readJwt(statement, MAX_BYTES);
  if (typeof jwt === 'string') throw statementInvalid(jwt);
  const { claims } = jwt;
  const issuer = claims.iss as string | undefined;
  if (issuer === undefined) throw statementInvalid('claim_missing');
  const rules = issuers.get(issuer);
  if (rules === undefined) throw statementInvalid('issuer_unknown');
  const fault = await verifyJwt(jwt, rules, at);
  if (fault !== null) throw statementInvalid(fault);
  return { claims, issuer };
}

/** Without the cause of a failure, which is the caller's own and may contain anything. */
async function wasRevoked(isRevoked: () => Promise<boolean>): Promise<boolean> {
  try {
    // Anything but `false` counts as revoked.
    return (await isRevoked()) !== false;
  } catch {
    const message = 'isRevoked failed, so the statement may have been withdrawn.';
    throw new SpendcapError('age_source_unavailable', message);
  }
}

function jtiOf({ jti, sub, iat }: Claims): string {
  if (jti === undefined || sub === undefined || iat === undefined) {
    throw statementInvalid('claim_missing');
  }
  if (typeof jti !== 'string' || !JTI.test(jti)) throw statementInvalid('malformed');
  return jti;
}

function rangeOf(claims: Claims, at: number, timeZone: string): SourceFinding['range'] {
  try {
    const { statements } = readAgeClaims(claims, { asOf: (claims.iat as number) * 1000, now: at });
    return statements.length === 0 ? ANY_AGE : ageRangeAt(statements, at, timeZone);
  } catch (error) {
    const isContradictory = (error as SpendcapError).why === 'age_contradictory';
    throw statementInvalid(isContradictory ? 'age_contradictory' : 'age_claim_invalid');
  }
}

function statementInvalid(why: StatementFault): SpendcapError {
  return new SpendcapError('age_evidence_invalid', `The statement ${FAULTS[why]}.`, { why });
}

function rulesByIssuer(options: StatementOptions): ReadonlyMap<string, JwtRules> {
  const { issuers, audience } = options;
  if (typeof audience !== 'string' || audience === '') {
    throw new TypeError('audience must be a non-empty string');
  }
  if (!Array.isArray(issuers) || issuers.length === 0) {
    throw new TypeError('issuers must have at least one issuer');
  }
  const rules = new Map<string, JwtRules>();
  for (const each of issuers as readonly StatementIssuer[]) {
    assertOptions('issuers', each, { issuer: true, jwks: true, algorithms: true });
    const { issuer, jwks, algorithms } = each;
    if (typeof issuer !== 'string' || issuer === '' || rules.has(issuer)) {
      throw new TypeError('issuer must be a non-empty string, and each issuer configured once');
    }
    rules.set(issuer, {
      keys: keySet(jwks, { code: 'age_source_unavailable', fetch: options.fetch }),
      algorithms: assertAlgorithms(algorithms ?? ['ES256']),
      issuer,
      audience,
      requiredClaims: ['exp'],
      typ: TYP,
      toleranceSeconds: TOLERANCE_SECONDS,
    });
  }
  return rules;
}
