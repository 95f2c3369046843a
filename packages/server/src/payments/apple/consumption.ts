import type { AppliedCharge, Purchase } from '@spendcap/core';
import type { AppleApp } from './app.ts';
import { within } from './calls.ts';
import type { AppleCharge } from './charges.ts';

/** A customer wants a refund, and Apple wants to know what the app thinks (CONSUMPTION_REQUEST). */
export interface ConsumptionQuery {
  readonly transactionId: string;
  readonly product: string;
  /** Apple's `consumptionRequestReason`; empty if it states none. */
  readonly reason: string;
  /** The purchase; `null` if the ledger has none. */
  readonly purchase: Purchase | null;
  /** It was charged past a hold, after its end, or without one. */
  readonly isOverCap: boolean;
}

/** What to answer, only for a customer who has consented to it. */
export interface ConsumptionAnswer {
  /** Default `GRANT_FULL` if it is over the cap; else none. */
  readonly refundPreference?: 'DECLINE' | 'GRANT_FULL' | 'GRANT_PRORATED';
  /** Default `DELIVERED`. */
  readonly deliveryStatus?: (typeof STATUSES)[number];
  /** Whether there was a free sample. Default false. */
  readonly sampleContentProvided?: boolean;
  /** In thousandths of a per cent, 0 to 100,000; not of auto-renewable subscriptions. */
  readonly consumptionPercentage?: number;
}

const STATUSES = [
  'DELIVERED',
  'UNDELIVERED_QUALITY_ISSUE',
  'UNDELIVERED_WRONG_ITEM',
  'UNDELIVERED_SERVER_OUTAGE',
  'UNDELIVERED_OTHER',
] as const;

/** Asks the operator, then answers Apple. Without consent there is no answer at all. */
export async function answerQuestion(
  app: AppleApp,
  charge: AppleCharge,
  { purchase, result, wasHeld }: AppliedCharge,
): Promise<void> {
  const { consumption, api } = app;
  const { question: reason, reference: transactionId, product, transaction } = charge;
  const isShared = transaction.inAppOwnershipType === 'FAMILY_SHARED';
  if (reason === null || consumption === undefined || isShared) return;
  const isOverCap = !wasHeld && result !== 'free';
  const answer = await consumption({ transactionId, product, reason, purchase, isOverCap });
  if (answer === null || answer === undefined) return;
  const { deliveryStatus = 'DELIVERED', sampleContentProvided = false } = answer;
  const { refundPreference = isOverCap ? 'GRANT_FULL' : undefined } = answer;
  const { consumptionPercentage } = answer;
  await within(
    app,
    api.sendConsumptionInformation(transactionId, {
      ...{ customerConsented: true, deliveryStatus, sampleContentProvided },
      ...(refundPreference !== undefined && { refundPreference }),
      ...(consumptionPercentage !== undefined && { consumptionPercentage }),
    }),
  );
}
