import type { AppleApp } from './app.ts';
import { within } from './calls.ts';
import type { AppleNotificationPage, AppleTransaction } from './types.ts';
import { type AppleMessage, verifyNotification, verifyTransaction } from './verify.ts';

const DAY_MS = 86_400_000;
/** How far the clock of this machine may be off Apple's. */
const MAX_SKEW_MS = 300_000;
/** How long Apple lists notifications: 180 days, in the sandbox 30. */
const listedMs = ({ environment }: AppleApp) =>
  (environment === 'Production' ? 180 : 30) * DAY_MS - 2 * MAX_SKEW_MS;

interface Listing {
  /** Epoch milliseconds. */
  readonly since: number;
  readonly transactionId?: string | undefined;
}

/**
 * Get Notification History, failed deliveries included, oldest first; `null` for one that cannot be
 * verified.
 */
export async function* notificationsOf(
  app: AppleApp,
  { since, transactionId }: Listing,
): AsyncGenerator<AppleMessage | null> {
  // Apple takes a date in the future as now. One in its past would leave out the newest.
  const endDate = app.now() + MAX_SKEW_MS;
  const request = {
    startDate: Math.max(since, endDate - listedMs(app)),
    endDate,
    ...(transactionId !== undefined && { transactionId }),
  };
  let token: string | null = null;
  do {
    const page: AppleNotificationPage = await within(
      app,
      app.api.getNotificationHistory(token, request),
    );
    for (const { signedPayload } of page.notificationHistory ?? []) {
      const message = await verifyNotification(app, signedPayload);
      yield message === 'refused' ? null : message;
    }
    token = page.hasMore === true ? (page.paginationToken ?? null) : null;
  } while (token !== null);
}

/**
 * Get Transaction History of a customer, by any of their transactions. Version 2, because version 1
 * leaves out the consumables that the app has finished; `null` for one that cannot be verified.
 */
export async function* transactionsOf(
  app: AppleApp,
  { since, transactionId }: Listing & { readonly transactionId: string },
): AsyncGenerator<AppleTransaction | null> {
  let revision: string | null = null;
  do {
    const request = { startDate: since };
    const call = app.api.getTransactionHistory(transactionId, revision, request, 'v2');
    const page = await within(app, call);
    for (const signed of page.signedTransactions ?? []) {
      const transaction = await verifyTransaction(app, signed);
      yield transaction === 'refused' ? null : transaction;
    }
    revision = page.hasMore === true ? (page.revision ?? null) : null;
  } while (revision !== null);
}
