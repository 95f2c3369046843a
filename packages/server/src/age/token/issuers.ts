import { ASSURANCES, type Assurance, type SpendcapErrorCode } from '@spendcap/core';
import type { JwsRules } from '../../jwt/jws.ts';
import { type JwkSet, keySet } from '../../jwt/key-set.ts';
import { type StatusCheck, statusLists } from '../../jwt/status-list.ts';
import { assertAlgorithms } from '../../jwt/verify-key.ts';
import { AGE_CLAIMS, type AgeClaim } from './claims.ts';

/** One age authority whose tokens are accepted. */
export interface AgeIssuer {
  /** The exact `iss` of its tokens. */
  readonly issuer: string;
  /** The `aud` that stands for this limiter; one of several is enough. */
  readonly audience: string | readonly string[];
  /** Its public keys: the address of a JWK Set (https, or http on this machine), or the set itself. */
  readonly jwks: URL | JwkSet;
  /** Default `['ES256']`. Signatures by a private key only. */
  readonly algorithms?: readonly string[];
  /**
   * The `typ` header its tokens must have. Default `age+jwt`; `null` for OpenID Connect id_tokens, which
   * have none, or `JWT`.
   */
  readonly typ?: string | null;
  /**
   * The claims that count; others of its tokens are not looked at. Default: all that are understood.
   * `['verified_claims']` passes over what is merely self-asserted.
   */
  readonly claims?: readonly AgeClaim[];
  /**
   * How sure its tokens are of an age: one level for all of them, or one for each word that it uses, which is
   * the claim `assurance` or else the trust framework of `verified_claims`. Default: its own word if that
   * is a level. A word without a level, and no word, is `self_declared`.
   */
  readonly assurance?: Assurance | Readonly<Record<string, Assurance>>;
  /**
   * The address that its status lists equal or lie below, as `https://age.example/status`. Its tokens must
   * then have a place in such a list (OAuth Token Status List), and revoked ones are refused. Without it a
   * `status` is not looked at.
   */
  readonly statusLists?: URL;
}

/** What is known of an issuer before any token of it is seen. */
export interface IssuerRules extends JwsRules {
  readonly counted: ReadonlySet<string>;
  readonly assuranceOf: (word: string | null) => Assurance;
  readonly status: StatusCheck | null;
}

/** What all issuers of a verifier share. */
interface IssuerOptions {
  readonly toleranceSeconds: number;
  readonly statusStaleSeconds: number;
  readonly keysStaleSeconds: number | undefined;
  readonly fetch: typeof fetch | undefined;
  readonly now: () => number;
}

const KEYS_CODE: SpendcapErrorCode = 'age_keys_unavailable';

/** @throws TypeError for issuers that can never work */
export function issuerRules(
  configured: readonly AgeIssuer[],
  options: IssuerOptions,
): ReadonlyMap<string, IssuerRules> {
  const { toleranceSeconds, statusStaleSeconds: staleSeconds, fetch, now } = options;
  if (!Array.isArray(configured) || configured.length === 0) {
    throw new TypeError('issuers must name at least one issuer');
  }
  const issuers = new Map<string, IssuerRules>();
  for (const each of configured as readonly AgeIssuer[]) {
    const { typ = 'age+jwt' } = each;
    const audience = [each.audience].flat();
    if (!isName(each.issuer) || issuers.has(each.issuer)) {
      throw new TypeError('issuer must be a text, and each issuer named once');
    }
    if (audience.length === 0 || !audience.every(isName)) {
      throw new TypeError('audience must be a text, or a list of at least one');
    }
    if (typ !== null && !isName(typ)) throw new TypeError('typ must be a text or null');
    const verifying = {
      keys: keySet(each.jwks, { fetch, now, staleSeconds: options.keysStaleSeconds }),
      keysCode: KEYS_CODE,
      algorithms: assertAlgorithms(each.algorithms ?? ['ES256']),
      toleranceSeconds,
    } as const;
    const lists = each.statusLists;
    issuers.set(each.issuer, {
      ...verifying,
      status: lists ? statusLists({ ...verifying, lists, staleSeconds, fetch }) : null,
      issuer: each.issuer,
      audience,
      typ: typ ?? 'JWT',
      counted: countedClaims(each.claims ?? AGE_CLAIMS),
      assuranceOf: assuranceReader(each.assurance ?? OWN_LEVELS),
    });
  }
  return issuers;
}

function countedClaims(claims: readonly AgeClaim[]): ReadonlySet<string> {
  if (!Array.isArray(claims) || claims.length === 0) {
    throw new TypeError('claims must name at least one claim');
  }
  if (!claims.every((claim) => AGE_CLAIMS.includes(claim))) {
    throw new TypeError(`claims must be of ${AGE_CLAIMS.join(', ')}`);
  }
  return new Set(claims);
}

/** The weakest that anyone says of a player whose token an issuer has signed. */
const WITHOUT_WORD: Assurance = 'self_declared';
const OWN_LEVELS = Object.fromEntries(ASSURANCES.map((level) => [level, level]));

function assuranceReader(
  levels: Assurance | Readonly<Record<string, Assurance>>,
): IssuerRules['assuranceOf'] {
  const named = typeof levels === 'string' ? [levels] : Object.values(levels);
  if (named.length === 0 || !named.every((level) => ASSURANCES.includes(level))) {
    throw new TypeError(`assurance must be of ${ASSURANCES.join(', ')}`);
  }
  if (typeof levels === 'string') return () => levels;
  const byWord = new Map(Object.entries(levels));
  return (word) => (word === null ? WITHOUT_WORD : (byWord.get(word) ?? WITHOUT_WORD));
}

function isName(text: unknown): text is string {
  return typeof text === 'string' && /^[^\p{Cc}]+$/u.test(text);
}
