import {
  assertOptions,
  type OptionNames,
  type PaymentSnapshot,
  type Purchase,
  type Refused,
  type Reservation,
  SpendcapError,
} from '@spendcap/core';
import type { PurchaseRequest } from '../limiter/types.ts';
import { applySnapshot, applyTo } from './apply-snapshot.ts';
import { checkDeps, type PaymentDeps } from './deps.ts';
import { callError, readAnswer } from './outcome.ts';
import { reportRejected } from './problems.ts';
import { inTurn } from './turns.ts';

/** A call that starts a charge. */
export interface Charge<T> {
  /** What to hold. Its `id` is what the processor derives its own reference from. */
  readonly purchase: Omit<PurchaseRequest, 'processor' | 'processorRef' | 'onExpiry'>;
  /**
   * Makes the call, once the purchase is held. It may run again for a retry of the same purchase,
   * so everything it sends is derived from the purchase, not from the clock. It must end: a retry
   * in the same process waits for it.
   */
  call(purchase: Purchase): Promise<T>;
  /** What the answer says about the payment. */
  snapshotOf(answer: T, purchase: Purchase): PaymentSnapshot;
  /**
   * Closes what a rejected call has left behind at the processor; `null` if it left nothing, and
   * the hold is released.
   */
  closeLeft?(error: unknown, purchase: Purchase): Promise<PaymentSnapshot> | null;
}

const CHARGE: OptionNames<Charge<unknown>> = {
  purchase: true,
  call: true,
  snapshotOf: true,
  closeLeft: true,
};

/** An allowed purchase, and the answer of the call that started it. */
export interface Started<T> extends Reservation {
  readonly answer: T;
}

/**
 * Holds, then makes the call that starts a charge, then applies its answer. A refusal is a value,
 * and the processor is not called.
 *
 * | the call | the hold |
 * |---|---|
 * | answered | as the answer says |
 * | certainly rejected | released, unless this is a retry: an earlier call may have charged |
 * | anything else | kept until it is reconciled; rejects with `outcome_unknown` |
 *
 * The hold has `onExpiry: 'reconcile'`, so it counts until the processor's result is known. Starts
 * of one purchase run one after another. Those of several processes cannot: a rejected start looks
 * whether another has made a payment, and keeps the hold. If it has released it before, a retry
 * elsewhere whose payment is still open is `purchase_ended`, and money that it has already taken is
 * committed `late`.
 *
 * @throws TypeError for a purchase id that is no reference of the processor
 * @throws SpendcapError `outcome_unknown` (retry with the same id), `purchase_ended`,
 *   `purchase_conflict`, and what `reserve` throws; the processor's own error if it rejected the
 *   call
 */
export async function startCharge<T>(
  deps: PaymentDeps,
  charge: Charge<T>,
): Promise<Refused | Started<T>> {
  assertOptions('startCharge', charge, CHARGE);
  checkDeps(deps);
  const { limiter, processor } = deps;
  const { id } = charge.purchase;
  // Anything else than a text is rejected by `reserve`.
  if (typeof id === 'string') processor.traits.reference(id);
  return inTurn(limiter, id, () => started(deps, charge));
}

async function started<T>(deps: PaymentDeps, charge: Charge<T>): Promise<Refused | Started<T>> {
  const { limiter, processor, now = Date.now } = deps;
  const { account: processorRef } = processor.traits;
  const held = {
    ...charge.purchase,
    ...(processorRef === undefined ? {} : { processorRef }),
    processor: processor.name,
    onExpiry: 'reconcile',
  } as const;
  const reservation = await limiter.reserve(held);
  if (!reservation.allowed) return reservation;
  assertMayStart(deps, reservation, now());
  const answer = await called(deps, charge, reservation);
  const snapshot = readAnswer(() => charge.snapshotOf(answer, reservation.purchase));
  const purchase = await appliedOrLater(deps, reservation.purchase, snapshot);
  if (reservation.replayed && snapshot.captured === null) await assertStillHeld(deps, purchase);
  return { ...reservation, purchase, answer };
}

/**
 * After a retry: the first start may have been rejected on another server meanwhile, and its hold
 * released. What nobody has paid yet must not be paid without it.
 */
async function assertStillHeld(deps: PaymentDeps, { id }: Purchase): Promise<void> {
  const latest = await deps.limiter.get(id);
  if (latest === null || !hasEnded(latest)) return;
  try {
    await applied(deps, latest, await deps.processor.close(latest));
  } catch {
    // Without the answer of the call nobody can pay; a notification would be committed late.
  }
  throw ended();
}

const hasEnded = ({ state }: Purchase) => state === 'released' || state === 'expired';

function ended(): SpendcapError {
  return new SpendcapError('purchase_ended', 'The purchase has ended. Use a new id to buy again.');
}

async function called<T>(
  deps: PaymentDeps,
  charge: Charge<T>,
  reservation: Reservation,
): Promise<T> {
  try {
    return await charge.call(reservation.purchase);
  } catch (error) {
    const isRejected =
      !SpendcapError.isInstance(error) && deps.processor.outcomeOf(error) === 'rejected';
    if (isRejected) await giveUp(deps, { charge, reservation, error });
    throw callError(deps.processor, error);
  }
}

/**
 * A retry is safe only while its hold is open and the processor still knows the first call. One
 * whose hold is committed gets the answer of the first call.
 */
function assertMayStart(
  { processor }: PaymentDeps,
  { purchase, replayed }: Reservation,
  now: number,
): void {
  if (!replayed) return;
  const lastStart = Math.min(
    Date.parse(purchase.expiresAt),
    Date.parse(purchase.reservedAt) + processor.traits.retrySeconds * 1_000,
  );
  if (hasEnded(purchase) || now >= lastStart) throw ended();
}

/** Ends the hold of a rejected call. If that fails, it counts until it is reconciled. */
async function giveUp<T>(
  deps: PaymentDeps,
  failed: {
    readonly charge: Charge<T>;
    readonly reservation: Reservation;
    readonly error: unknown;
  },
): Promise<void> {
  const { charge, error } = failed;
  const { purchase, replayed } = failed.reservation;
  try {
    const left = (await charge.closeLeft?.(error, purchase)) ?? null;
    if (left !== null) await applied(deps, purchase, left);
    // After a retry the rejection says nothing about the earlier call.
    else if (!replayed && !(await isStartedElsewhere(deps, purchase))) {
      await deps.limiter.release(purchase.id, { reason: `${deps.processor.name}_rejected` });
    }
  } catch {
    // The caller gets the original error.
  }
}

/** True if a retry in another process has meanwhile made a payment that needs the hold. */
async function isStartedElsewhere(deps: PaymentDeps, purchase: Purchase): Promise<boolean> {
  const latest = await deps.limiter.get(purchase.id);
  if (latest !== null && latest.processorRef !== purchase.processorRef) return true;
  try {
    const { captured, state } = await deps.processor.query(purchase);
    return captured !== null || state === 'open';
  } catch {
    // Of two calls in vain, none has made a payment that is known of.
    return false;
  }
}

/**
 * The purchase after a snapshot. If the ledger is unavailable, the charge still succeeds: the hold
 * counts until a notification or the reconciler applies the same.
 */
export async function appliedOrLater(
  deps: PaymentDeps,
  purchase: Purchase,
  snapshot: PaymentSnapshot,
): Promise<Purchase> {
  try {
    return await applied(deps, purchase, snapshot);
  } catch (error) {
    return laterOrThrow(error, purchase);
  }
}

/** Applies what an answer says, and reports what the ledger rejects. */
export async function applied(
  deps: PaymentDeps,
  purchase: Purchase,
  snapshot: PaymentSnapshot,
): Promise<Purchase> {
  const { purchase: latest, rejected } = await applyTo(deps, purchase, snapshot);
  reportRejected(deps, purchase.id, rejected);
  return latest ?? purchase;
}

/** The same for a purchase that was not read. */
export async function applyOrLater(deps: PaymentDeps, snapshot: PaymentSnapshot): Promise<void> {
  try {
    const { rejected } = await applySnapshot(deps, snapshot);
    reportRejected(deps, snapshot.purchaseId, rejected);
  } catch (error) {
    laterOrThrow(error, undefined);
  }
}

/** What to return until a retry has applied the snapshot. @throws an error that is permanent */
function laterOrThrow<T>(error: unknown, until: T): T {
  if (SpendcapError.isInstance(error) && error.retryable) return until;
  throw error;
}
