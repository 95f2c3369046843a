import { randomUUID } from 'node:crypto';
import {
  announce,
  appOf,
  appTransactionIdOf,
  type FakeAppNotice,
  type FakeAppTransaction,
  type State,
  transactionIn,
} from './state.ts';

/** All of a transaction, in thousandths of a per cent. */
const WHOLE = 100_000;

/** Apple gives back money, so that `percentage` of the whole is refunded over all refunds. */
export function refund(state: State, transactionId: string, percentage = WHOLE): FakeAppNotice {
  const transaction = transactionIn(state, transactionId);
  const before = transaction.revocationPercentage ?? 0;
  if (!Number.isInteger(percentage) || percentage <= before || percentage > WHOLE) {
    throw new Error('percentage: expected more than is refunded, up to 100,000.');
  }
  transaction.revocationDate = state.now();
  transaction.revocationReason = 0;
  transaction.revocationType = percentage === WHOLE ? 'REFUND_FULL' : 'REFUND_PRORATED';
  transaction.revocationPercentage = percentage;
  const notice = announce(state, 'REFUND', { transaction });
  if (percentage === WHOLE) revokeShared(state, transaction);
  return notice;
}

/** Whoever shared it loses it. */
function revokeShared(state: State, { productId, originalPurchaseDate }: FakeAppTransaction): void {
  for (const each of state.transactions.values()) {
    const isShared =
      each.inAppOwnershipType === 'FAMILY_SHARED' &&
      each.productId === productId &&
      each.originalPurchaseDate === originalPurchaseDate;
    if (!isShared || each.revocationDate !== undefined) continue;
    each.revocationDate = state.now();
    each.revocationType = 'FAMILY_REVOKE';
    announce(state, 'REVOKE', { transaction: each });
  }
}

/** The customer won a dispute about a refund, or it was a mistake: nothing of it remains. */
export function reverseRefund(state: State, transactionId: string): FakeAppNotice {
  const transaction = transactionIn(state, transactionId);
  if (transaction.revocationPercentage === undefined) throw new Error('Nothing was refunded.');
  delete transaction.revocationDate;
  delete transaction.revocationReason;
  delete transaction.revocationType;
  delete transaction.revocationPercentage;
  return announce(state, 'REFUND_REVERSED', { transaction });
}

/** A parent withdraws consent to the app for a child. It is about no transaction. */
export function rescindConsent(state: State, customer: string): FakeAppNotice {
  const { environment, bundleId, ...app } = appOf(state);
  const at = state.now();
  const signedAppTransactionInfo = state.signer.sign({
    ...{ receiptType: environment, bundleId, ...app, applicationVersion: '42' },
    ...{ appTransactionId: appTransactionIdOf(customer), receiptCreationDate: at, signedDate: at },
    ...{ deviceVerificationNonce: randomUUID(), originalPurchaseDate: at },
  });
  return announce(state, 'RESCIND_CONSENT', {
    instead: { appData: { ...appOf(state), signedAppTransactionInfo } },
  });
}

/** Paid minus given back, in thousandths: what Apple keeps. Rounded down like its percentages. */
export function netCharged(state: State, currency: string): number {
  let sum = 0;
  for (const each of state.transactions.values()) {
    if (each.currency === currency && each.inAppOwnershipType === 'PURCHASED') {
      sum += each.price - refundedOf(each);
    }
  }
  return sum;
}

/** What was given back of a transaction, in thousandths. */
function refundedOf({ price, revocationPercentage = 0 }: FakeAppTransaction): number {
  return Math.floor((price * revocationPercentage) / WHOLE);
}
