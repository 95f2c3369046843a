import { hash } from 'node:crypto';
import { SpendcapError } from '@spendcap/core';
import { calculateJwkThumbprint, EmbeddedJWK, errors, type JWK, type JWTVerifyGetKey } from 'jose';
import { privateMember } from '../../jwt/jwk-form.ts';
import { PROOF_ALGORITHMS } from '../../jwt/proof-algorithms.ts';
import { type JwtRules, readJwt, verifyJwt } from '../../jwt/verify.ts';
import type { TokenProof } from '../../limiter/types.ts';
import type { AgeTokenFault } from './fault.ts';

/** What can be wrong with the proof of a bound token. */
type ProofFault = Extract<AgeTokenFault, `proof_${string}`>;

export interface ProofOptions {
  /** Maximum age of a proof, in seconds. */
  readonly proofSeconds: number;
  readonly toleranceSeconds: number;
  /** How many proofs are remembered, each until it has expired. */
  readonly maxProofs: number;
}

export interface ShownProof {
  readonly token: string;
  /** RFC 7638 thumbprint of the key that the token is bound to. */
  readonly jkt: string;
  readonly proof: TokenProof | undefined;
  /** What the proof is used for. It can be used again for the same, so that a retry succeeds. */
  readonly use: string;
  /** Epoch milliseconds. */
  readonly at: number;
}

/** Returns what is wrong with a proof, or `null` and remembers it. */
export type ProofCheck = (shown: ShownProof) => Promise<ProofFault | null>;

const MAX_PROOF_BYTES = 8 * 1024;
const MAX_JTI = 256;
/** About 14 a second with the default age of a proof, which no honest player needs. */
const PROOFS_OF_A_KEY = 1_000;

/**
 * Checks DPoP proofs by RFC 9449, section 4.3: type, algorithm, signature by the key that the token
 * is bound to, method, address, age, the token's hash, and that it is used once.
 */
export function proofCheck(options: ProofOptions): ProofCheck {
  const { proofSeconds, toleranceSeconds } = options;
  const remember = proofMemory(options);

  return async ({ token, jkt, proof, use, at }) => {
    if (proof === undefined) return 'proof_missing';
    const read = readJwt(proof.jwt, MAX_PROOF_BYTES);
    if (typeof read === 'string') return 'proof_invalid';
    const rules: JwtRules = {
      keys: embeddedKey(jkt),
      algorithms: [...PROOF_ALGORITHMS],
      typ: 'dpop+jwt',
      toleranceSeconds,
      requiredClaims: ['iat'],
    };
    const fault = await verifyJwt(read, rules, at);
    if (fault === 'expired' || fault === 'not_yet_valid') return 'proof_expired';
    const { htm, htu, ath, iat, jti } = read.claims;
    const isForThis =
      htm === proof.method &&
      isSameAddress(htu, proof.url) &&
      ath === hash('sha256', token, 'base64url');
    const isNamed = typeof jti === 'string' && jti !== '' && jti.length <= MAX_JTI;
    if (fault !== null || !isForThis || !isNamed) return 'proof_invalid';
    if (at / 1000 - (iat as number) > proofSeconds + toleranceSeconds) return 'proof_expired';
    return remember({ jkt, jti, use, at }) ? null : 'proof_replayed';
  };
}

/** The public key in the header, if it is the one that the token names. */
function embeddedKey(jkt: string): JWTVerifyGetKey {
  return async (header, token) => {
    const { jwk } = header as { readonly jwk?: JWK };
    const isPublic = jwk !== undefined && privateMember(Object(jwk)) === undefined;
    if (!isPublic || (await calculateJwkThumbprint(jwk)) !== jkt) {
      throw new errors.JWKSNoMatchingKey();
    }
    return EmbeddedJWK(header, token);
  };
}

/** Without query and fragment, by RFC 9449, section 4.3, in normal form. */
function isSameAddress(htu: unknown, url: string): boolean {
  if (typeof htu !== 'string' || !URL.canParse(htu)) return false;
  return withoutQuery(htu) === withoutQuery(url);
}

function withoutQuery(url: string): string {
  const address = new URL(url);
  address.search = '';
  address.hash = '';
  return address.href;
}

/** How many proofs of a key are remembered. */
interface KeyCount {
  readonly jkt: string;
  proofs: number;
}

/** Expired proofs are deleted in batches: iterating a Map is slow after many single deletions. */
const SWEEP_MS = 1_000;

interface UsedProof extends Pick<ShownProof, 'jkt' | 'use' | 'at'> {
  readonly jti: string;
}

/**
 * Remembers which proofs were used for what. A full memory evicts nothing, since an attacker could
 * then fill it to replay an old proof: it refuses new ones until the oldest expires. No player can
 * fill it alone, since each key has a limit of its own.
 */
function proofMemory({ proofSeconds, toleranceSeconds, maxProofs }: ProofOptions) {
  // Longer than a proof is valid, and equally long for each, so that the oldest comes first.
  const keptMs = (proofSeconds + 2 * toleranceSeconds + 1) * 1000;
  const used = new Map<
    string,
    { readonly of: KeyCount; readonly use: string; readonly until: number }
  >();
  const counts = new Map<string, KeyCount>();
  let sweepAt = 0;

  function sweep(at: number): void {
    if (at < sweepAt) return;
    sweepAt = at + SWEEP_MS;
    for (const [proof, { of, until }] of used) {
      if (until > at) break;
      used.delete(proof);
      of.proofs -= 1;
      if (of.proofs === 0) counts.delete(of.jkt);
    }
  }

  return ({ jkt, jti, use, at }: UsedProof): boolean => {
    sweep(at);
    const proof = hash('sha256', `${jkt}\n${jti}`, 'base64url');
    const before = used.get(proof);
    if (before !== undefined) return use !== '' && before.use === use;
    const of = counts.get(jkt) ?? { jkt, proofs: 0 };
    if (of.proofs >= PROOFS_OF_A_KEY) {
      throw new SpendcapError('too_many_proofs', 'This key has shown too many DPoP proofs.');
    }
    if (used.size >= maxProofs) {
      throw new SpendcapError('overloaded', 'Too many DPoP proofs are in use.');
    }
    counts.set(jkt, of);
    of.proofs += 1;
    used.set(proof, { of, use, until: at + keptMs });
    return true;
  };
}
