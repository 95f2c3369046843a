import type { JsonWebKey } from 'node:crypto';
import { certificateChains } from '../../../jwt/certificate-chain.ts';
import type { Claims, KeyFinder } from '../../../jwt/jws.ts';
import { type JwkSet, keySet } from '../../../jwt/key-set.ts';
import { assertAlgorithms, type Verify } from '../../../jwt/verify-key.ts';
import { ageEvidenceInvalid } from '../evidence-fault.ts';
import { texts } from '../options.ts';
import { chainOf, holderCheck } from '../signer-key.ts';

/** Issuers of credentials that are accepted: who, of which types, and how their keys are known. */
export interface SdJwtIssuer {
  /** The credential types, the exact `vct`, as `urn:eudi:pid:1`. */
  readonly types: readonly string[];
  /** The exact `iss`. May be left out with `roots`, where the certificate stands for the issuer. */
  readonly issuer?: string;
  /** Pinned certificates, PEM: the signer's chain (`x5c`) must lead to one of them. */
  readonly roots?: readonly string[];
  /** With `roots`: the extended key purpose that the signer's certificate must have, an OID. */
  readonly keyPurpose?: string;
  /** For credentials without `x5c`: the issuer's keys, by URL (https) or as a JWK Set. */
  readonly jwks?: URL | JwkSet;
  /** For the issuer's signature and the holder's alike. Default `['ES256']`. */
  readonly algorithms?: readonly string[];
}

/** Where the key of one credential is found, and what it may sign with. */
export interface IssuerKeys {
  readonly keys: KeyFinder;
  readonly algorithms: string[];
}

interface Issuer {
  readonly types: readonly string[];
  readonly issuer: string | undefined;
  readonly algorithms: string[];
  readonly chains: ReturnType<typeof certificateChains> | undefined;
  readonly keys: KeyFinder | undefined;
}

/** @throws TypeError for issuers that can never work */
export function issuerKeys(
  issuers: readonly SdJwtIssuer[],
  fetchKeys?: typeof fetch,
): (header: Claims, payload: Claims, at: number) => IssuerKeys {
  if (!Array.isArray(issuers) || issuers.length === 0) {
    throw new TypeError('issuers must name at least one issuer');
  }
  const known = issuers.map((each) => configure(each, fetchKeys));

  return (header, payload, at) => {
    const certified = Object.hasOwn(header, 'x5c');
    const named = known.filter(
      ({ issuer, chains, keys }) =>
        (issuer === undefined || issuer === payload.iss) &&
        (certified ? chains : keys) !== undefined,
    );
    if (named.length === 0) throw ageEvidenceInvalid('issuer_unknown');
    const typed = named.filter(({ types }) => types.includes(payload.vct as string));
    if (typed.length === 0) throw ageEvidenceInvalid('credential_type_unknown');
    const allowed = typed.filter(({ algorithms }) => algorithms.includes(header.alg as string));
    if (allowed.length === 0) throw ageEvidenceInvalid('algorithm_not_allowed');
    return certified ? keyOfChain(header, allowed, at) : (allowed[0] as Issuer & IssuerKeys);
  };
}

/** The key of the first issuer whose roots the chain leads to. */
function keyOfChain(header: Claims, issuers: readonly Issuer[], at: number): IssuerKeys {
  const chain = chainOf(header.x5c);
  if (chain === null) throw ageEvidenceInvalid('malformed');
  for (const { chains, algorithms } of issuers) {
    const publicKey = chains?.(chain, at)?.publicKey;
    if (publicKey === undefined) continue;
    return { keys: () => publicKey, algorithms };
  }
  throw ageEvidenceInvalid('certificate_untrusted');
}

/**
 * The check by the holder's public key, to which the issuer bound the credential (RFC 7800, section 3.2).
 *
 * @throws SpendcapError `age_evidence_invalid`, why `holder_key_missing`
 */
export async function holderOf({ cnf }: Claims, alg: string): Promise<Verify> {
  const jwk = (cnf as Claims | null | undefined)?.jwk as JsonWebKey | null | undefined;
  const check = typeof jwk === 'object' && jwk !== null ? await holderCheck(jwk, alg) : null;
  if (check === null) throw ageEvidenceInvalid('holder_key_missing');
  return check;
}

function configure(options: SdJwtIssuer, fetchKeys: typeof fetch | undefined): Issuer {
  const { types, issuer, roots, keyPurpose, jwks, algorithms = ['ES256'] } = options;
  if (issuer !== undefined) texts('issuer', issuer);
  if (roots === undefined && (jwks === undefined || issuer === undefined)) {
    throw new TypeError('each issuer must have roots, or its name and jwks');
  }
  return {
    types: texts('types', types),
    issuer,
    algorithms: assertAlgorithms(algorithms),
    chains: roots && certificateChains({ roots, keyPurpose }),
    // Without a name any `iss` would be taken for the one whose keys these are.
    keys: jwks && issuer !== undefined ? keySet(jwks, { fetch: fetchKeys }) : undefined,
  };
}
