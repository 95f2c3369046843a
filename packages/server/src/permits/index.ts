import { parseMoney, SpendcapError } from '@spendcap/core';
import { exportJWK, generateKeyPair, type JWK } from 'jose';
import {
  type Claims,
  checkJws,
  decodeClaims,
  JWS_FAULTS,
  type JwsFault,
  type JwsRules,
} from '../jwt/jws.ts';
import { type JwkSet, keySet } from '../jwt/key-set.ts';
import { signingKey, signJwt } from '../jwt/signing-key.ts';
import type { PermitClaims, PermitSigner, PermittedHold } from '../limiter/types.ts';
import { sealer } from './sealer.ts';

export type { JwkSet };

/** What was wrong with a permit: the `why` of `permit_invalid`. A closed union. */
export type PermitFault = JwsFault | 'purchase_mismatch';

export interface PermitOptions {
  /** A private JWK: P-256 (signs ES256) or Ed25519 (signs EdDSA). Its `kid` defaults to its thumbprint. */
  readonly key: Readonly<Record<string, unknown>>;
  /** `iss`: this limiter. */
  readonly issuer: string;
  /** `aud`: the payment service. */
  readonly audience: string;
  /** Epoch milliseconds. Default `Date.now`. */
  readonly now?: () => number;
}

export interface PermitVerifierOptions {
  /** The limiter's public keys: the address of its JWK Set, or the set itself. */
  readonly jwks: URL | JwkSet;
  readonly issuer: string;
  readonly audience: string;
  /** Epoch milliseconds. Default `Date.now`. */
  readonly now?: () => number;
  /** Fetches a remote key set. Default the global `fetch`. */
  readonly fetch?: typeof fetch;
}

/** What is about to be charged. */
export interface PermittedPurchase {
  readonly id: string;
  /** Decimal string, compared by value: `"48"` is `"48.00"`. */
  readonly amount: string;
  /** ISO 4217, upper case. */
  readonly currency: string;
}

const TYP = 'permit+jwt';
const ALGORITHMS = ['ES256', 'EdDSA', 'Ed25519'];
const CLOCK_TOLERANCE_SECONDS = 5;
const MAX_PERMIT_BYTES = 8 * 1024;
const KEYS_CODE = 'permit_keys_unavailable';

/** A fresh private key for permits (P-256), to be kept as a secret. */
export async function generatePermitKey(): Promise<JWK> {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true });
  return { ...(await exportJWK(privateKey)), alg: 'ES256' };
}

/**
 * Signs permits: proofs for a payment service in another process that a purchase was allowed, good
 * until its hold ends.
 *
 * @throws TypeError for a key that is not a private P-256 or Ed25519 key
 * @example
 * ```ts
 * import { generatePermitKey, permits, verifyPermit } from '@spendcap/server';
 * const parties = { issuer: 'https://limiter.example', audience: 'https://pay.example' };
 * const signer = permits({ key: await generatePermitKey(), ...parties });
 * const permit = await signer.sign({
 *   purchaseId: 'order-1',
 *   amount: '48.00',
 *   currency: 'CNY',
 *   app: null,
 *   policy: 'cn-game',
 *   expiresAt: Date.now() + 60_000,
 * });
 * const purchase = { id: 'order-1', amount: '48', currency: 'CNY' };
 * const claims = await verifyPermit(permit, { jwks: signer.jwks, ...parties, purchase });
 * claims.amount; // => '48.00'
 * ```
 */
export function permits(options: PermitOptions): PermitSigner {
  const now = options.now ?? Date.now;
  assertParties(options);
  const key = signingKey(options.key, ['ES256', 'EdDSA']);
  const holds = sealer(String(options.key.d), 'spendcap permit hold');
  return {
    jwks: { keys: [key.publicJwk] },
    sign(claims, hold) {
      const { purchaseId } = claims;
      return signJwt(key, TYP, {
        iss: options.issuer,
        aud: options.audience,
        iat: Math.floor(now() / 1000),
        exp: Math.floor(claims.expiresAt / 1000),
        jti: purchaseId,
        purchase_id: purchaseId,
        amount: claims.amount,
        currency: claims.currency,
        app: claims.app,
        policy: claims.policy,
        // Sealed: the payment service has no need to know who buys, or of what age.
        ...(hold && { hold: holds.seal(purchaseId, JSON.stringify(hold)) }),
      });
    },
    holdOf(permit, purchaseId) {
      const read = decodeClaims(permit, MAX_PERMIT_BYTES);
      if (typeof read === 'string') throw permitInvalid(read);
      if (read.purchase_id !== purchaseId) throw permitInvalid('purchase_mismatch');
      if (typeof read.hold !== 'string') throw permitInvalid('claim_missing');
      // What opens was sealed here and for this id, so the signature would prove nothing more.
      const hold = holds.open(purchaseId, read.hold);
      if (hold === null) throw permitInvalid('signature_invalid');
      return JSON.parse(hold) as PermittedHold;
    },
  };
}

/**
 * Checks permits in a payment service. Make it once: it keeps the key set, and reads a remote one
 * again for a key that is new.
 *
 * The result rejects with a SpendcapError: `permit_invalid`, whose `why` is a `PermitFault` (as
 * `purchase_mismatch` if id, amount or currency differ from what is about to be charged), or
 * `permit_keys_unavailable` (retryable). A permit may be shown again while it is valid, so charge under an
 * idempotency key made of the purchase id.
 *
 * @throws TypeError for options that can never work
 */
export function permitVerifier(
  options: PermitVerifierOptions,
): (permit: string, purchase: PermittedPurchase) => Promise<PermitClaims> {
  const now = options.now ?? Date.now;
  assertParties(options);
  const rules: JwsRules = {
    keys: keySet(options.jwks, { fetch: options.fetch, now: options.now }),
    keysCode: KEYS_CODE,
    algorithms: ALGORITHMS,
    issuer: options.issuer,
    audience: [options.audience],
    typ: TYP,
    toleranceSeconds: CLOCK_TOLERANCE_SECONDS,
  };
  return async (permit, purchase) => {
    const read = decodeClaims(permit, MAX_PERMIT_BYTES);
    if (typeof read === 'string') throw permitInvalid(read);
    const fault = await checkJws(permit, read, { rules, at: now() });
    if (fault !== null) throw permitInvalid(fault);
    const claims = claimsOf(read);
    if (!isSamePurchase(claims, purchase)) throw permitInvalid('purchase_mismatch');
    return claims;
  };
}

/**
 * Checks one permit: `permitVerifier` for a single call. With a URL it reads the key set on every
 * call, so a service that checks more than one permit makes a `permitVerifier`.
 */
export async function verifyPermit(
  permit: string,
  options: PermitVerifierOptions & { readonly purchase: PermittedPurchase },
): Promise<PermitClaims> {
  return permitVerifier(options)(permit, options.purchase);
}

function claimsOf({ purchase_id: id, amount, currency, app, policy, exp }: Claims): PermitClaims {
  for (const claim of [id, amount, currency, policy]) {
    if (claim === undefined) throw permitInvalid('claim_missing');
    if (typeof claim !== 'string') throw permitInvalid('malformed');
  }
  return {
    purchaseId: id as string,
    amount: amount as string,
    currency: currency as string,
    app: typeof app === 'string' ? app : null,
    policy: policy as string,
    expiresAt: (exp as number) * 1000,
  };
}

function isSamePurchase(
  claims: PermitClaims,
  { id, amount, currency }: PermittedPurchase,
): boolean {
  return (
    claims.purchaseId === id &&
    claims.currency === currency &&
    parseMoney(claims.amount, currency) === parseMoney(amount, currency)
  );
}

function permitInvalid(why: PermitFault): SpendcapError {
  const said = why === 'purchase_mismatch' ? 'is for another purchase' : JWS_FAULTS[why];
  return new SpendcapError('permit_invalid', `The permit ${said}.`, { why });
}

function assertParties({ issuer, audience }: { issuer: string; audience: string }): void {
  for (const party of [issuer, audience]) {
    if (typeof party !== 'string' || party === '') {
      throw new TypeError('issuer and audience must be texts');
    }
  }
}
