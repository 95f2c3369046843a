import { ASSURANCES, type Assurance, assertOptions } from '@spendcap/core';
import { assertAlgorithms } from '../../jwt/algorithms.ts';
import { type JwkSet, keySet } from '../../jwt/key-set.ts';
import type { KeyFinder } from '../../jwt/remote-keys.ts';
import { type StatusLookup, statusLists } from '../../jwt/status-list.ts';
import type { JwtRules } from '../../jwt/verify.ts';
import { AGE_CLAIMS, type AgeClaim } from './claims.ts';

/** One age authority whose tokens are accepted. */
export interface AgeIssuer {
  /** The exact `iss` of its tokens. */
  readonly issuer: string;
  /** The `aud` of tokens for this limiter; one of several is enough. */
  readonly audience: string | readonly string[];
  /**
   * Its public keys: the address of a JWK Set (https, or http on this machine), or the set itself.
   */
  readonly jwks: URL | JwkSet;
  /** Default `['ES256']`. Signatures by a private key only. */
  readonly algorithms?: readonly string[];
  /**
   * The `typ` header its tokens must have. Default `age+jwt`; `null` for OpenID Connect id_tokens,
   * which have none, or `JWT`.
   */
  readonly typ?: string | null;
  /**
   * The age claims to read; others are ignored. Default: all that are supported.
   * `['verified_claims']` ignores self-asserted ones.
   */
  readonly claims?: readonly AgeClaim[];
  /**
   * The assurance of its tokens: one level for all, or one for each value that it uses in the claim
   * `assurance`, or else as the trust framework of `verified_claims`. Default: its value if that is
   * a level. A value without a level, and no value, is `self_declared`.
   */
  readonly assurance?: Assurance | Readonly<Record<string, Assurance>>;
  /**
   * The address that its status lists equal or are below, for example `https://age.example/status`.
   * Its tokens must then have an entry in such a list (OAuth Token Status List), and revoked ones
   * are refused. Without it `status` is ignored.
   */
  readonly statusLists?: URL;
}

/** What the configuration says of an issuer. */
export interface IssuerRules extends JwtRules {
  readonly keys: KeyFinder;
  readonly issuer: string;
  readonly counted: ReadonlySet<string>;
  readonly assuranceOf: (value: string | null) => Assurance;
  readonly status: StatusLookup | null;
}

/** Common to all issuers of a verifier. */
interface IssuerOptions {
  readonly toleranceSeconds: number;
  readonly statusStaleSeconds: number;
  readonly keysStaleSeconds: number | undefined;
  readonly fetch: typeof fetch | undefined;
  readonly now: () => number;
}

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
    assertOptions('issuers', each, {
      issuer: true,
      audience: true,
      jwks: true,
      algorithms: true,
      typ: true,
      claims: true,
      assurance: true,
      statusLists: true,
    });
    const { typ = 'age+jwt' } = each;
    const audience = [each.audience].flat();
    if (!isName(each.issuer) || issuers.has(each.issuer)) {
      throw new TypeError('issuer must be a non-empty string, and each issuer configured once');
    }
    if (audience.length === 0 || !audience.every(isName)) {
      throw new TypeError('audience must be a non-empty string, or a list of them');
    }
    if (typ !== null && !isName(typ)) throw new TypeError('typ must be a non-empty string or null');
    const remote = { fetch, now, staleSeconds: options.keysStaleSeconds };
    const verifying = {
      keys: keySet(each.jwks, { code: 'age_keys_unavailable', ...remote }),
      algorithms: assertAlgorithms(each.algorithms ?? ['ES256']),
      toleranceSeconds,
    };
    const lists = each.statusLists;
    issuers.set(each.issuer, {
      ...verifying,
      status: lists ? statusLists({ ...verifying, lists, staleSeconds, fetch }) : null,
      issuer: each.issuer,
      audience,
      requiredClaims: ['exp'],
      typ: typ ?? 'JWT',
      counted: countedClaims(each.claims ?? AGE_CLAIMS),
      assuranceOf: assuranceReader(each.assurance ?? OWN_LEVELS),
    });
  }
  return issuers;
}

function countedClaims(claims: readonly AgeClaim[]): ReadonlySet<string> {
  if (!Array.isArray(claims) || claims.length === 0) {
    throw new TypeError('claims must list at least one claim');
  }
  if (!claims.every((claim) => AGE_CLAIMS.includes(claim))) {
    throw new TypeError(`claims must be among ${AGE_CLAIMS.join(', ')}`);
  }
  return new Set(claims);
}

/** The weakest level for a token that an issuer has signed. */
const WITHOUT_VALUE: Assurance = 'self_declared';
const OWN_LEVELS = Object.fromEntries(ASSURANCES.map((level) => [level, level]));

function assuranceReader(
  levels: Assurance | Readonly<Record<string, Assurance>>,
): IssuerRules['assuranceOf'] {
  const named = typeof levels === 'string' ? [levels] : Object.values(levels);
  if (named.length === 0 || !named.every((level) => ASSURANCES.includes(level))) {
    throw new TypeError(`assurance must be one of ${ASSURANCES.join(', ')}`);
  }
  if (typeof levels === 'string') return () => levels;
  const byValue = new Map(Object.entries(levels));
  return (value) => (value === null ? WITHOUT_VALUE : (byValue.get(value) ?? WITHOUT_VALUE));
}

function isName(text: unknown): text is string {
  return typeof text === 'string' && /^[^\p{Cc}]+$/u.test(text);
}
