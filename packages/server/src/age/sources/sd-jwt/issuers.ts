import { assertOptions } from '@spendcap/core';
import type { JWTVerifyGetKey } from 'jose';
import { assertAlgorithms } from '../../../jwt/algorithms.ts';
import { certificateChains } from '../../../jwt/certificate-chain.ts';
import { type JwkSet, keySet } from '../../../jwt/key-set.ts';
import type { Claims } from '../../../jwt/verify.ts';
import { ageEvidenceInvalid } from '../evidence-fault.ts';
import { strings } from '../options.ts';
import { chainOf } from '../signer-key.ts';

/** An accepted issuer of credentials: its name, its types, and its keys. */
export interface SdJwtIssuer {
  /** The credential types: exact `vct` values, for example `urn:eudi:pid:1`. */
  readonly types: readonly string[];
  /** The exact `iss`. Optional with `roots`, where the certificate identifies the issuer. */
  readonly issuer?: string;
  /** Pinned certificates, PEM: the signer's chain (`x5c`) must lead to one of them. */
  readonly roots?: readonly string[];
  /** With `roots`: the extended key usage that the signer's certificate must have, an OID. */
  readonly keyPurpose?: string;
  /** For credentials without `x5c`: the issuer's keys, by URL (https) or as a JWK Set. */
  readonly jwks?: URL | JwkSet;
  /** For the signatures of both the issuer and the holder. Default `['ES256']`. */
  readonly algorithms?: readonly string[];
  /** Also accepts the older `typ` `vc+sd-jwt`, which drafts had until 2024. Default false. */
  readonly acceptVcSdJwt?: boolean;
}

/** The keys and algorithms of one credential's issuer. */
export interface IssuerKeys {
  readonly keys: JWTVerifyGetKey;
  readonly algorithms: string[];
  readonly acceptVcSdJwt: boolean;
}

interface Issuer {
  readonly types: readonly string[];
  readonly issuer: string | undefined;
  readonly algorithms: string[];
  readonly acceptVcSdJwt: boolean;
  readonly chains: ReturnType<typeof certificateChains> | undefined;
  readonly keys: JWTVerifyGetKey | undefined;
}

/** @throws TypeError for issuers that can never work */
export function issuerKeys(
  issuers: readonly SdJwtIssuer[],
  fetchKeys?: typeof fetch,
): (header: Claims, payload: Claims, at: number) => IssuerKeys {
  if (!Array.isArray(issuers) || issuers.length === 0) {
    throw new TypeError('issuers must have at least one issuer');
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

/** The key of the first issuer to whose roots the chain leads. */
function keyOfChain(header: Claims, issuers: readonly Issuer[], at: number): IssuerKeys {
  const chain = chainOf(header.x5c);
  if (chain === null) throw ageEvidenceInvalid('malformed');
  for (const { chains, algorithms, acceptVcSdJwt } of issuers) {
    const publicKey = chains?.(chain, at)?.publicKey;
    if (publicKey === undefined) continue;
    return { keys: () => publicKey, algorithms, acceptVcSdJwt };
  }
  throw ageEvidenceInvalid('certificate_untrusted');
}

function configure(options: SdJwtIssuer, fetchKeys: typeof fetch | undefined): Issuer {
  assertOptions('issuers', options, {
    types: true,
    issuer: true,
    roots: true,
    keyPurpose: true,
    jwks: true,
    algorithms: true,
    acceptVcSdJwt: true,
  });
  const { types, issuer, roots, keyPurpose, jwks, algorithms = ['ES256'] } = options;
  const { acceptVcSdJwt = false } = options;
  if (typeof acceptVcSdJwt !== 'boolean') throw new TypeError('acceptVcSdJwt must be a boolean');
  if (issuer !== undefined) strings('issuer', issuer);
  if (roots === undefined && (jwks === undefined || issuer === undefined)) {
    throw new TypeError('each issuer needs roots, or issuer and jwks');
  }
  const remote = { code: 'age_source_unavailable', fetch: fetchKeys } as const;
  return {
    types: strings('types', types),
    issuer,
    algorithms: assertAlgorithms(algorithms),
    acceptVcSdJwt,
    chains: roots && certificateChains({ roots, keyPurpose }),
    // Without a name, these keys would be used for every `iss`.
    keys: jwks && issuer !== undefined ? keySet(jwks, remote) : undefined,
  };
}
