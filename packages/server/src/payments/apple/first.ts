import type { AppleApp } from './app.ts';
import { isUnknownId, within } from './calls.ts';
import { followedBy } from './charges.ts';
import type { AppleTransaction } from './types.ts';
import { verifyTransaction } from './verify.ts';

/**
 * The token of a subscription's first charge, for a later one without any: bought again outside the
 * app, it names nobody, and the ledger knows a held purchase by its token only.
 *
 * @returns `null` if there is none, or nothing to look for
 */
export async function firstTokenOf(
  app: AppleApp,
  transaction: AppleTransaction,
): Promise<string | null> {
  const { appAccountToken, inAppOwnershipType } = transaction;
  const firstId = followedBy(transaction);
  const isNamed = appAccountToken !== undefined || inAppOwnershipType === 'FAMILY_SHARED';
  if (firstId === null || isNamed) return null;
  const first = await transactionOf(app, firstId);
  const isPaid = first !== null && first.inAppOwnershipType !== 'FAMILY_SHARED';
  return (isPaid && first.appAccountToken) || null;
}

async function transactionOf(app: AppleApp, id: string): Promise<AppleTransaction | null> {
  try {
    const { signedTransactionInfo } = await within(app, app.api.getTransactionInfo(id));
    const transaction = await verifyTransaction(app, signedTransactionInfo);
    return transaction === 'refused' ? null : transaction;
  } catch (error) {
    if (isUnknownId(error)) return null;
    throw error;
  }
}
