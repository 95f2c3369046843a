import type { AppliedCharge } from '@spendcap/core';
import type { AppleApp } from './app.ts';
import { within } from './calls.ts';
import type { AppleCharge } from './charges.ts';

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
