import { createPublicKey, hash, type JsonWebKey, type KeyObject } from 'node:crypto';
import { SpendcapError } from '@spendcap/core';
import { checkSignature, decodeClaims, isNumericDate, type JwsHeader } from '../../jwt/jws.ts';
import { PROOF_ALGORITHMS } from '../../jwt/proof-algorithms.ts';
import type { TokenProof } from '../../limiter/types.ts';
import type { AgeTokenFault } from './fault.ts';

/** What may be wrong with the proof that a bound token needs. */
type ProofFault = Extract<AgeTokenFault, `proof_${string}`>;

export interface ProofOptions {
  /** How old a proof may be, in seconds. */
  readonly proofSeconds: number;
  readonly toleranceSeconds: number;
  /** How many proofs are remembered, each until it is too old to be shown again. */
  readonly maxProofs: number;
}

export interface ShownProof {
  readonly token: string;
  /** RFC 7638 thumbprint of the key that the token is bound to. */
  readonly jkt: string;
  readonly proof: TokenProof | undefined;
  /** What the proof is spent on: for the same again it may be shown again, so that a retry is one. */
  readonly use: string;
  /** Epoch milliseconds. */
  readonly at: number;
}

/** Gives what is wrong with a proof, or `null` and remembers it. */
export type ProofCheck = (shown: ShownProof) => Promise<ProofFault | null>;

const TYP = 'dpop+jwt';
const MAX_PROOF_BYTES = 8 * 1024;
const MAX_JTI = 256;
/** Some fourteen a second with the default age of a proof, which no honest player needs. */
const PROOFS_OF_A_KEY = 1_000;
const MIN_RSA_BITS = 2048;

/**
 * Checks DPoP proofs as RFC 9449, section 4.3, says: type, algorithm, signature by the very key that the
 * token is bound to, method, address, age, the token's hash, and that it is shown once.
 */
export function proofCheck(options: ProofOptions): ProofCheck {
  const { proofSeconds, toleranceSeconds } = options;
  const spend = proofMemory(options);

  return async ({ token, jkt, proof, use, at }) => {
    if (proof === undefined) return 'proof_missing';
    const claims = decodeClaims(proof.jwt, MAX_PROOF_BYTES);
    if (typeof claims === 'string' || !(await isSigned(proof.jwt, jkt))) return 'proof_invalid';
    const { htm, htu, ath, iat, jti } = claims;
    const isForThis =
      htm === proof.method &&
      isSameAddress(htu, proof.url) &&
      ath === hash('sha256', token, 'base64url');
    const isNamed = typeof jti === 'string' && jti !== '' && jti.length <= MAX_JTI;
    if (!isForThis || !isNamed || !isNumericDate(iat)) return 'proof_invalid';
    const age = at / 1000 - (iat as number);
    if (age < -toleranceSeconds || age > proofSeconds + toleranceSeconds) return 'proof_expired';
    return spend({ jkt, jti, use, at }) ? null : 'proof_replayed';
  };
}

/** Signed by the key in its header, which is the one that the token names. */
async function isSigned(jwt: string, jkt: string): Promise<boolean> {
  const rules = {
    keys: (header: JwsHeader) => proofKey(header, jkt),
    keysCode: 'age_token_invalid',
    algorithms: PROOF_ALGORITHMS,
    typ: TYP,
  } as const;
  return checkSignature(jwt, rules).then(
    (fault) => fault === null,
    () => false,
  );
}

/** @throws Error for any but the expected key */
function proofKey({ jwk }: JwsHeader, jkt: string): KeyObject {
  const { kty, crv, x, y, n, e, ...rest } = (jwk ?? {}) as Readonly<Record<string, unknown>>;
  // RFC 7638: the required members in this order, without blanks; `undefined` is left out.
  const required = { crv, e, kty, n, x, y };
  const isKnown = hash('sha256', JSON.stringify(required), 'base64url') === jkt;
  const isPrivate = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'].some((name) => name in rest);
  if (!isKnown || isPrivate) throw new Error('not the key of the token');
  const key = createPublicKey({ key: required as JsonWebKey, format: 'jwk' });
  const { modulusLength = MIN_RSA_BITS } = key.asymmetricKeyDetails ?? {};
  if (modulusLength < MIN_RSA_BITS) throw new Error('a weak key');
  return key;
}

/** Without query and fragment, as section 4.3 asks, and however else it is spelled. */
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

/** Old proofs are forgotten together, so often: a map is slow to find what follows many deleted names. */
const FORGET_EACH_MS = 1_000;

interface Spending extends Pick<ShownProof, 'jkt' | 'use' | 'at'> {
  readonly jti: string;
}

/**
 * Remembers which proofs were spent on what. A full memory forgets nobody, since whoever fills it
 * could then show an old proof again: it takes no more until the oldest is too old. No player can fill
 * it alone, since a key has its own share.
 */
function proofMemory({ proofSeconds, toleranceSeconds, maxProofs }: ProofOptions) {
  // Longer than a proof is good, and as long for each, so that the oldest comes first.
  const keptMs = (proofSeconds + 2 * toleranceSeconds + 1) * 1000;
  const spent = new Map<
    string,
    { readonly of: KeyCount; readonly use: string; readonly until: number }
  >();
  const counts = new Map<string, KeyCount>();
  let forgetAt = 0;

  function forgetOld(at: number): void {
    if (at < forgetAt) return;
    forgetAt = at + FORGET_EACH_MS;
    for (const [known, { of, until }] of spent) {
      if (until > at) break;
      spent.delete(known);
      of.proofs -= 1;
      if (of.proofs === 0) counts.delete(of.jkt);
    }
  }

  return ({ jkt, jti, use, at }: Spending): boolean => {
    forgetOld(at);
    const proof = hash('sha256', `${jkt}\n${jti}`, 'base64url');
    const before = spent.get(proof);
    if (before !== undefined) return use !== '' && before.use === use;
    const of = counts.get(jkt) ?? { jkt, proofs: 0 };
    if (spent.size >= maxProofs || of.proofs >= PROOFS_OF_A_KEY) {
      throw new SpendcapError('overloaded', 'Too many proofs are being remembered.');
    }
    counts.set(jkt, of);
    of.proofs += 1;
    spent.set(proof, { of, use, until: at + keptMs });
    return true;
  };
}
