import {
  checkFields,
  type OptionNames,
  type Purchase,
  type Refused,
  type Reservation,
  SpendcapError,
} from '@spendcap/core';
import type Stripe from 'stripe';
import type { Deps } from './deps.ts';
import { callError, outcomeOf, paymentIntentOf } from './errors.ts';
import { idempotencyKey } from './idempotency.ts';
import type { Money } from './money.ts';
import { KIND_KEY, type PaymentKind } from './settle.ts';
import type { CallOptions, PurchaseContext, PurchaseOptions } from './types.ts';

/** Stripe keeps idempotency keys for at least 24 hours; a later retry might charge twice. */
const KEY_LIFETIME_MS = 23 * 3_600_000;

export interface Start<T> {
  readonly kind: PaymentKind;
  readonly context: PurchaseContext;
  readonly options: CallOptions | undefined;
  readonly money: Money;
  readonly expiresInSeconds: number;
  readonly call: (purchase: Purchase, options: Stripe.RequestOptions) => Promise<T>;
}

export interface Started<T> {
  readonly reservation: Reservation;
  readonly result: T;
}

/**
 * Reserves, then makes the call that starts a charge. The hold has `onExpiry: 'reconcile'`, so it
 * counts until Stripe's result is known.
 */
export async function startCharge<T>(deps: Deps, start: Start<T>): Promise<Refused | Started<T>> {
  const reservation = await reserve(deps, start);
  if (!reservation.allowed) return reservation;
  assertMayStart(reservation, start.kind, (deps.now ?? Date.now)());
  const { purchase } = reservation;
  const options = {
    ...start.options,
    idempotencyKey: await idempotencyKey(start.kind, [purchase.id]),
  };
  try {
    return { reservation, result: await start.call(purchase, options) };
  } catch (error) {
    if (outcomeOf(error) === 'not_done') await giveUp(deps, reservation, error);
    throw callError(error);
  }
}

function reserve({ limiter }: Deps, start: Start<unknown>): Promise<Reservation | Refused> {
  const { amount: _, ...context } = start.context;
  return limiter.reserve({
    ...context,
    ...start.money,
    expiresInSeconds: start.expiresInSeconds,
    onExpiry: 'reconcile',
    metadata: { [KIND_KEY]: start.kind },
  });
}

/** A retry is safe only while its hold is open and Stripe still has its idempotency key. */
function assertMayStart(reservation: Reservation, kind: PaymentKind, now: number): void {
  const { purchase, replayed } = reservation;
  if (purchase.metadata[KIND_KEY] !== kind) {
    throw new SpendcapError('purchase_conflict', 'The purchase was started by another call.');
  }
  const lastStart = Math.min(
    Date.parse(purchase.expiresAt),
    Date.parse(purchase.reservedAt) + KEY_LIFETIME_MS,
  );
  const ended = purchase.state === 'released' || purchase.state === 'expired';
  if (ended || (replayed && now >= lastStart)) {
    throw new SpendcapError('purchase_ended', 'The purchase has ended. Use a new id to buy again.');
  }
}

/**
 * Releases after a rejected call. A PaymentIntent that the call has created could still be paid, so
 * it is canceled first. After a replay, an earlier call with this id may have charged: the
 * reconciler decides.
 */
async function giveUp(
  { stripe, limiter }: Deps,
  { purchase, replayed }: Reservation,
  error: unknown,
): Promise<void> {
  const left = paymentIntentOf(error);
  if (left === null && replayed) return;
  try {
    if (left !== null) {
      const { status } = await stripe.paymentIntents.cancel(left.id);
      if (status !== 'canceled') return;
    }
    await limiter.release(purchase.id, { reason: 'stripe_rejected' });
  } catch {
    // The caller gets the original error; the hold counts until it is reconciled.
  }
}

const CONTEXT: OptionNames<Omit<PurchaseContext, 'amount'>> = {
  id: true,
  category: true,
  app: true,
  product: true,
  guardianApproval: true,
  expiresInSeconds: true,
  ageToken: true,
  proof: true,
  evidence: true,
};
const CHECKOUT_CONTEXT: OptionNames<PurchaseContext> = { ...CONTEXT, amount: true };

/**
 * The purchase context of the options, before any call.
 *
 * @throws TypeError without one, SpendcapError `invalid_request` for an unknown or invalid field
 */
export function purchaseContextOf(
  kind: PaymentKind,
  options: { readonly spendcap?: PurchaseContext } | undefined,
): PurchaseContext {
  const context = options?.spendcap;
  if (context === undefined) throw new TypeError('options.spendcap: required');
  checkFields(context, kind === 'payment_intent' ? CONTEXT : CHECKOUT_CONTEXT, 'spendcap');
  return context;
}

/** The supported options: others, such as headers, could change account or idempotency key. */
const CALL_OPTIONS: ReadonlySet<string> = new Set<keyof CallOptions>([
  'apiVersion',
  'idempotencyKey',
  'maxNetworkRetries',
  'timeout',
]);

/**
 * Request options for Stripe; `undefined` if there are none, because clients before
 * Stripe 22 reject an empty object.
 *
 * @throws TypeError for an unsupported option
 */
export function callOptionsOf(options: CallOptions): CallOptions | undefined {
  const names = Object.keys(options);
  for (const name of names) {
    if (CALL_OPTIONS.has(name)) continue;
    if (name === 'spendcap') throw new TypeError('spendcap: only for calls that start a charge');
    throw new TypeError(`${name}: unsupported. Use one guard per account.`);
  }
  return names.length === 0 ? undefined : options;
}

/** The same for a call that starts a charge, whose idempotency key is not the caller's. */
export function startOptionsOf({
  spendcap: _,
  ...options
}: PurchaseOptions): CallOptions | undefined {
  if ('idempotencyKey' in options) {
    throw new TypeError('idempotencyKey: derived from the purchase id');
  }
  return callOptionsOf(options);
}
