import {
  checkFields,
  type OptionNames,
  type Refused,
  type Reservation,
  SpendcapError,
} from '@spendcap/core';
import type { PurchaseRequest } from '../limiter/types.ts';
import { checkDeviceDeps, type DeviceDeps } from './deps.ts';
import { isRecordId } from './record-id.ts';

/** A purchase whose sheet is about to be opened. Its processor and hold time are the store's. */
export type DevicePurchase = Omit<
  PurchaseRequest,
  'processor' | 'processorRef' | 'onExpiry' | 'expiresInSeconds'
>;

const FIELDS: OptionNames<DevicePurchase> = {
  id: true,
  amount: true,
  currency: true,
  category: true,
  app: true,
  product: true,
  metadata: true,
  guardianApproval: true,
  ageToken: true,
  proof: true,
  evidence: true,
};

/** A held purchase, and the token to open the store's sheet with. */
export interface DeviceReservation extends Reservation {
  readonly reference: string;
}

/**
 * Holds a purchase before the store's sheet opens. A refusal is a value. A retry with the same id
 * gets the same answer while the hold is open; one that has ended, or was charged, is
 * `purchase_ended`, because the store would charge again.
 *
 * @throws TypeError for a purchase id that is no token of the store
 * @throws SpendcapError `purchase_ended`, and what the limiter's `reserve` throws
 */
export async function beginDevicePurchase(
  deps: DeviceDeps,
  given: DevicePurchase,
): Promise<Refused | DeviceReservation> {
  checkDeviceDeps(deps);
  const purchase = checkFields(given, FIELDS);
  const { name: processor, traits } = deps.processor;
  // Anything else than a text is rejected by `reserve`.
  const reference = typeof purchase.id === 'string' ? traits.reference(purchase.id) : '';
  if (isRecordId(processor, purchase.id)) {
    throw new TypeError(`id: ${processor}: begins the ids of charges without a hold`);
  }
  const held = { ...purchase, processor, expiresInSeconds: traits.holdSeconds } as const;
  const reservation = await deps.limiter.reserve(held);
  if (!reservation.allowed) return reservation;
  const { state, processorRef } = reservation.purchase;
  if (state !== 'reserved' || processorRef !== null) {
    throw new SpendcapError('purchase_ended', 'The purchase has ended. Use a new id to buy again.');
  }
  return { ...reservation, reference };
}
