import { assertOptions, type OptionNames, parseMoney, SpendcapError } from '@spendcap/core';
import { exportJWK, generateKeyPair, type JWK } from 'jose';
import { checkedClock } from '../jwt/clock.ts';
import { type JwkSet, keySet } from '../jwt/key-set.ts';
import { signingKey, signJwt } from '../jwt/signing-key.ts';
import {
  type Claims,
  JWT_FAULTS,
  type JwtFault,
  type JwtRules,
  readJwt,
  verifyJwt,
} from '../jwt/verify.ts';
import type { PermitClaims, PermitSigner, PermittedHold } from '../limiter/types.ts';
import { sealedHolds } from './sealed-hold.ts';

export type { JwkSet, JwtFault };

/** What is wrong with a permit: the `why` of `permit_invalid`. A closed union. */
export type PermitFault = JwtFault | 'purchase_mismatch';

/** Options of `permits`. */
export interface PermitOptions {
  /**
   * A private JWK: P-256 (signs ES256) or Ed25519 (signs EdDSA). Its `kid` defaults to its
   * thumbprint.
   */
  readonly key: Readonly<Record<string, unknown>>;
  /** `iss`: this limiter. */
  readonly issuer: string;
  /** `aud`: the payment service. */
  readonly audience: string;
  /** Epoch milliseconds. Default `Date.now`. */
  readonly now?: () => number;
}

/** Options of `permitVerifier`. */
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

/** Generates a private key for permits (P-256). Keep it secret. */
export async function generatePermitKey(): Promise<JWK> {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true });
  return { ...(await exportJWK(privateKey)), alg: 'ES256' };
}

/**
 * Signs permits: proofs for a payment service in another process that a purchase was allowed, valid
 * until its hold expires.
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
  assertOptions('permits', options, { key: true, issuer: true, audience: true, now: true });
  const now = checkedClock(options.now);
  assertParties(options);
  const key = signingKey(options.key, ['ES256', 'EdDSA']);
  const holds = sealedHolds(String(options.key.d));
  return {
    jwks: { keys: [key.publicJwk] },
    async sign(claims, hold) {
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
        // Encrypted: the payment service need not know who buys, or of what age.
        ...(hold && { hold: holds.seal(purchaseId, JSON.stringify(hold)) }),
      });
    },
    holdOf(permit, purchaseId) {
      const read = readJwt(permit, MAX_PERMIT_BYTES);
      if (typeof read === 'string') throw permitInvalid(read);
      const { purchase_id: id, hold: sealed } = read.claims;
      if (id !== purchaseId) throw permitInvalid('purchase_mismatch');
      if (typeof sealed !== 'string') throw permitInvalid('claim_missing');
      // What decrypts was sealed here and for this id, so the signature would prove nothing more.
      const hold = holds.open(purchaseId, sealed);
      if (hold === null) throw permitInvalid('signature_invalid');
      return JSON.parse(hold) as PermittedHold;
    },
  };
}

const VERIFIER_OPTIONS: OptionNames<PermitVerifierOptions> = {
  jwks: true,
  issuer: true,
  audience: true,
  now: true,
  fetch: true,
};

/**
 * Verifies permits in a payment service. Create it once: it keeps the key set, and reloads a remote
 * one for an unknown key.
 *
 * The result rejects with a SpendcapError: `permit_invalid`, whose `why` is a `PermitFault` (for
 * example `purchase_mismatch` if id, amount or currency differ from what is about to be charged),
 * or `permit_keys_unavailable` (retryable). A permit can be shown again while it is valid, so
 * derive the idempotency key of the charge from the purchase id.
 *
 * @throws TypeError for options that can never work
 */
export function permitVerifier(
  options: PermitVerifierOptions,
): (permit: string, purchase: PermittedPurchase) => Promise<PermitClaims> {
  assertOptions('permitVerifier', options, VERIFIER_OPTIONS);
  const now = checkedClock(options.now);
  assertParties(options);
  const { fetch } = options;
  const rules: JwtRules = {
    keys: keySet(options.jwks, { code: 'permit_keys_unavailable', fetch, now }),
    algorithms: ALGORITHMS,
    issuer: options.issuer,
    audience: options.audience,
    requiredClaims: ['exp'],
    typ: TYP,
    toleranceSeconds: CLOCK_TOLERANCE_SECONDS,
  };
  return async (permit, purchase) => {
    assertPurchase(purchase);
    const read = readJwt(permit, MAX_PERMIT_BYTES);
    if (typeof read === 'string') throw permitInvalid(read);
    const fault = await verifyJwt(read, rules, now());
    if (fault !== null) throw permitInvalid(fault);
    const claims = claimsOf(read.claims);
    if (!isSamePurchase(claims, purchase)) throw permitInvalid('purchase_mismatch');
    return claims;
  };
}

/**
 * Verifies one permit. With a URL it reads the key set on every call: use `permitVerifier` for more
 * than one permit.
 *
 * @throws TypeError for options that can never work
 */
export async function verifyPermit(
  permit: string,
  options: PermitVerifierOptions & { readonly purchase: PermittedPurchase },
): Promise<PermitClaims> {
  assertOptions('verifyPermit', options, { ...VERIFIER_OPTIONS, purchase: true });
  const { purchase, ...verifier } = options;
  return permitVerifier(verifier)(permit, purchase);
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
  const fault = why === 'purchase_mismatch' ? 'is for another purchase' : JWT_FAULTS[why];
  return new SpendcapError('permit_invalid', `The permit ${fault}.`, { why });
}

function assertPurchase(purchase: PermittedPurchase): void {
  const { id, amount, currency } = purchase ?? {};
  if ([id, amount, currency].every((field) => typeof field === 'string')) return;
  throw new TypeError('purchase must be { id, amount, currency }, each of them a string');
}

function assertParties({ issuer, audience }: { issuer: string; audience: string }): void {
  for (const party of [issuer, audience]) {
    if (typeof party !== 'string' || party === '') {
      throw new TypeError('issuer and audience must be non-empty strings');
    }
  }
}
