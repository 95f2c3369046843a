import type { DeviceCharge, RefundTotal } from '@spendcap/core';
import { priceOf } from './money.ts';
import type { AppleTransaction } from './types.ts';
import { invalidTransaction } from './verify.ts';

/** A transaction as the payment engine takes it. */
export interface AppleCharge extends DeviceCharge {
  readonly product: string;
  readonly transaction: AppleTransaction;
  /** The reason of a question about a refund; `null` if it is none. */
  readonly question: string | null;
}

/** What a transaction does not say itself. */
export interface AppleContext {
  readonly refunds: RefundTotal;
  /** Of the first charge of its subscription, if it has no token of its own. */
  readonly firstToken: string | null;
}

/**
 * What a transaction says. Shared in a family, nobody has paid here.
 *
 * @throws SpendcapError `transaction_invalid` for one without id, product or date, or with a price
 *   that is none
 */
export function chargeOf(
  transaction: AppleTransaction,
  { refunds, firstToken }: AppleContext,
): AppleCharge {
  const { transactionId, productId, purchaseDate } = transaction;
  const { appAccountToken, appTransactionId, transactionReason } = transaction;
  if (!isId(transactionId) || !isId(productId) || !isInstant(purchaseDate)) {
    throw invalidTransaction('incomplete', 'A transaction names no id, product or date.');
  }
  // A new one in a subscription whose customer has confirmed it may have a hold of its own.
  const isRenewal = transactionReason !== 'PURCHASE' || appAccountToken === undefined;
  const isPaid = transaction.inAppOwnershipType !== 'FAMILY_SHARED';
  return {
    reference: transactionId,
    // Devices write tokens in upper case, Apple's servers in lower case. Shared in a family, it is
    // the token of whoever paid, and says nothing of the hold.
    purchaseId: (isPaid && (appAccountToken ?? firstToken)?.toLowerCase()) || null,
    renewalOf: isRenewal ? followedBy(transaction) : null,
    product: productId,
    state: 'purchased',
    chargedAt: purchaseDate,
    captured: isPaid ? priceOf(transaction) : null,
    ...{ refunds, account: appTransactionId ?? null, transaction, question: null },
  };
}

/** The first charge of the subscription; `null` for that one itself, or for no subscription. */
export function followedBy(transaction: AppleTransaction): string | null {
  const { transactionId, originalTransactionId: first } = transaction;
  return isId(first) && first !== transactionId ? first : null;
}

function isInstant(value: unknown): value is number {
  return Number.isSafeInteger(value) && !Number.isNaN(new Date(Number(value)).getTime());
}

function isId(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}
