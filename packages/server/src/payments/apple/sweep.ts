import type { AppleApp } from './app.ts';
import { isUnknownId } from './calls.ts';
import type { AppleCharge } from './charges.ts';
import { notificationsOf, transactionsOf } from './history.ts';
import { readMessage, readTransaction } from './notifications.ts';
import { invalidTransaction } from './verify.ts';

/** What could not be read. */
type Unread = unknown[];

/**
 * What Apple has announced since then, failed deliveries included, then the transactions of the
 * customers whom the operator names. One of them that cannot be read withholds no other.
 *
 * @throws what listing throws; at the end, the first error of reading one
 */
export async function* sweepHistory(app: AppleApp, since: number): AsyncGenerator<AppleCharge> {
  const unread: Unread = [];
  for await (const message of notificationsOf(app, { since })) {
    if (message === null) unread.push(unverified('notifications'));
    else yield* await chargesIn(unread, () => readMessage(app, message));
  }
  for await (const transactionId of app.customers?.(since) ?? []) {
    yield* ofCustomer(unread, app, { since, transactionId });
  }
  if (unread.length > 0) throw unread[0];
}

async function* ofCustomer(
  unread: Unread,
  app: AppleApp,
  listing: { readonly since: number; readonly transactionId: string },
): AsyncGenerator<AppleCharge> {
  try {
    for await (const transaction of transactionsOf(app, listing)) {
      if (transaction === null) unread.push(unverified('transactions'));
      else yield* await chargesIn(unread, () => readTransaction(app, transaction));
    }
  } catch (error) {
    if (!isUnknownId(error)) throw error;
    unread.push(error);
  }
}

async function chargesIn(
  unread: Unread,
  read: () => Promise<readonly AppleCharge[]>,
): Promise<readonly AppleCharge[]> {
  try {
    return await read();
  } catch (error) {
    unread.push(error);
    return [];
  }
}

function unverified(what: 'notifications' | 'transactions') {
  return invalidTransaction('signature', `Some listed ${what} could not be verified.`);
}
