import {
  assertOptions,
  type Money,
  type OptionNames,
  type PaymentSnapshot,
  type Purchase,
  SpendcapError,
} from '@spendcap/core';
import { isOfAccount } from './account.ts';
import { checkDeps, forbidden, type PaymentDeps } from './deps.ts';
import { covers, priceOf } from './money.ts';
import { callError, readAnswer } from './outcome.ts';
import { appliedOrLater } from './start.ts';

/** A later call on a payment that takes money: its confirmation or capture. */
export interface Capture<T> {
  readonly purchaseId: string;
  /** What the call would take, at most. */
  readonly amount: Money;
  /** Makes the call, while the hold is open. */
  call(purchase: Purchase): Promise<T>;
  /** What the answer says about the payment. */
  snapshotOf(answer: T, purchase: Purchase): PaymentSnapshot;
}

const CAPTURE: OptionNames<Capture<unknown>> = {
  purchaseId: true,
  amount: true,
  call: true,
  snapshotOf: true,
};

/**
 * Makes the last call that takes the money, only while the hold is open and covers the amount: a
 * second look at the cap. On any error the hold stays until the outcome is known. A hold that has
 * ended is not recreated: nobody has been charged, so that a purchase under a new id, with a hold
 * under the caps of now, does the same.
 *
 * @throws SpendcapError `purchase_not_found`; `purchase_ended` if there is no hold any more;
 *   `purchase_conflict` if it is held for another account; `payment_forbidden` if the amount
 *   exceeds it; `outcome_unknown`; or the processor's own error
 */
export async function captureCharge<T>(deps: PaymentDeps, capture: Capture<T>): Promise<T> {
  assertOptions('captureCharge', capture, CAPTURE);
  checkDeps(deps);
  const purchase = await deps.limiter.get(capture.purchaseId);
  if (purchase === null) {
    throw new SpendcapError('purchase_not_found', 'The ledger has no purchase with this id.');
  }
  if (purchase.state !== 'reserved' || purchase.processor !== deps.processor.name) {
    throw new SpendcapError('purchase_ended', 'The hold of this payment has ended.');
  }
  if (!isOfAccount(deps.processor.traits, purchase)) {
    throw new SpendcapError('purchase_conflict', 'The purchase is held for another account.');
  }
  if (!covers(priceOf(purchase), capture.amount)) {
    throw forbidden('The amount of the payment exceeds the reserved amount.');
  }
  let answer: T;
  try {
    answer = await capture.call(purchase);
  } catch (error) {
    throw callError(deps.processor, error);
  }
  const snapshot = readAnswer(() => capture.snapshotOf(answer, purchase));
  await appliedOrLater(deps, purchase, snapshot);
  return answer;
}
