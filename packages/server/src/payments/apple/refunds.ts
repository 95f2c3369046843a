import type { RefundTotal } from '@spendcap/core';
import type { AppleApp } from './app.ts';
import { notificationsOf } from './history.ts';
import type { AppleTransaction } from './types.ts';
import { type AppleMessage, invalidTransaction } from './verify.ts';

/** All of a transaction, in thousandths of a per cent. */
const WHOLE = 100_000;

/** A refund, or the reversal of all refunds before it. */
interface Change {
  readonly at: number;
  /** Over all refunds since the last reversal; `null` for a reversal. */
  readonly milliPercent: number | null;
}

/**
 * The refunds of a transaction: one running total up to each reversal, and another after it.
 *
 * A reversal does not say what it reverses, and a message that arrives late not whether it still
 * holds. Apple's own list of notifications does, by the time at which each was signed.
 *
 * @param latest what has just been received, which may not be listed yet
 */
export async function refundsOf(
  app: AppleApp,
  transaction: AppleTransaction,
  latest: Change,
): Promise<readonly RefundTotal[]> {
  const changes: Change[] = [];
  const { transactionId } = transaction;
  for await (const message of notificationsOf(app, { since: 0, transactionId })) {
    const change = message === null ? null : changeOf(message);
    if (change !== null) changes.push(change);
  }
  // Of one instant, the list knows the order.
  if (!changes.some((each) => isEqual(each, latest))) changes.push(latest);
  const totals: RefundTotal[] = [];
  let id = 'total';
  let milliPercent = 0;
  const reversals = new Map<number, number>();
  for (const change of changes.toSorted((a, b) => a.at - b.at)) {
    if (change.milliPercent !== null) milliPercent = Math.max(milliPercent, change.milliPercent);
    else {
      totals.push({ id, total: 'reversed' });
      // Named by what every later reading of the list finds again: the time, and the place in it.
      const nth = (reversals.get(change.at) ?? 0) + 1;
      reversals.set(change.at, nth);
      id = nth === 1 ? `total-${change.at}` : `total-${change.at}-${nth}`;
      milliPercent = 0;
    }
  }
  return [...totals, { id, total: { milliPercent } }];
}

function isEqual(some: Change, other: Change): boolean {
  return some.at === other.at && some.milliPercent === other.milliPercent;
}

/** The change that a notification reports; `null` if it reports none. */
export function changeOf({ notification, transaction }: AppleMessage): Change | null {
  const { notificationType, signedDate: at = 0 } = notification;
  if (notificationType === 'REFUND_REVERSED') return { at, milliPercent: null };
  if (notificationType !== 'REFUND' || transaction === null) return null;
  return { at, milliPercent: refundedOf(transaction) };
}

/**
 * How much of a transaction is refunded now, in thousandths of a per cent. Older messages name no
 * share: then it is all of it.
 *
 * @throws SpendcapError `transaction_invalid` for a share that is none
 */
export function refundedOf(transaction: AppleTransaction): number {
  const { revocationDate, revocationType, revocationPercentage } = transaction;
  if (revocationDate === undefined || revocationType === 'FAMILY_REVOKE') return 0;
  if (revocationType !== 'REFUND_PRORATED') return WHOLE;
  const share = revocationPercentage;
  if (share === undefined || !Number.isSafeInteger(share) || share < 0 || share > WHOLE) {
    throw invalidTransaction('refund', 'The refunded share of a transaction is none.');
  }
  return share;
}
