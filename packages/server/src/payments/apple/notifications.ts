import {
  type NotificationDialect,
  type NotificationResult,
  parseJson,
  type RefundTotal,
  type VerifiedNotification,
} from '@spendcap/core';
import type { AppleApp } from './app.ts';
import { type AppleCharge, chargeOf } from './charges.ts';
import { firstTokenOf } from './first.ts';
import { changeOf, refundedOf, refundsOf } from './refunds.ts';
import type { AppleTransaction } from './types.ts';
import { type AppleMessage, verifyNotification } from './verify.ts';

const MAX_BODY_BYTES = 131_072;
/** Apple gives up before 30 seconds have passed. */
const DEADLINE_MS = 20_000;
const DAY_MS = 86_400_000;
/** Five retries end 157 hours after the first delivery. */
const MAX_AGE_MS = 8 * DAY_MS;
const MAX_SKEW_MS = 300_000;

/**
 * Notifications whose transaction was charged just now, or whose refunds changed. Whatever else
 * Apple sends, now or in future, moves no money.
 */
const ABOUT_MONEY: ReadonlySet<string> = new Set([
  ...['ONE_TIME_CHARGE', 'SUBSCRIBED', 'DID_RENEW', 'OFFER_REDEEMED'],
  ...['REFUND', 'REFUND_REVERSED', 'CONSUMPTION_REQUEST'],
]);

/** The dialect of App Store Server Notifications, version 2. */
export function appleNotifications(app: AppleApp): NotificationDialect<AppleCharge> {
  return {
    maxBytes: MAX_BODY_BYTES,
    deadlineMs: DEADLINE_MS,
    async verify({ body }, at) {
      const message = await verifyNotification(app, signedPayloadIn(body));
      if (message === null || message === 'refused') return message;
      const { notificationUUID, notificationType, signedDate } = message.notification;
      if (!isRecent(signedDate, at)) return null;
      return { id: notificationUUID ?? null, type: notificationType ?? '', payload: message };
    },
    // What `verify` has made.
    read: ({ payload }: VerifiedNotification) => readMessage(app, payload as AppleMessage),
    reply: (result) => ({ status: STATUS[result] }),
  };
}

/** 200 ends the deliveries; the others repeat them. */
const STATUS: Readonly<Record<NotificationResult, number>> = {
  ...{ settled: 200, ignored: 200, refused: 403 },
  ...{ forged: 401, too_large: 413, retry: 503 },
};

function signedPayloadIn(body: Uint8Array): unknown {
  try {
    const parsed = parseJson(new TextDecoder().decode(body)) as { signedPayload?: unknown } | null;
    return parsed?.signedPayload;
  } catch {
    return undefined;
  }
}

function isRecent(signedDate: number | undefined, at: number): boolean {
  if (signedDate === undefined) return false;
  return signedDate > at - MAX_AGE_MS && signedDate <= at + MAX_SKEW_MS;
}

/** What a notification says, however old it is. */
export async function readMessage(
  app: AppleApp,
  message: AppleMessage,
): Promise<readonly AppleCharge[]> {
  const { notification, transaction, appTransactionId } = message;
  const { notificationType = '', subtype, signedDate = 0, data } = notification;
  if (notificationType === 'RESCIND_CONSENT') {
    const messageId = notification.notificationUUID ?? null;
    await app.onConsentRescinded?.({ appTransactionId, at: signedDate, messageId });
    return [];
  }
  const isUpgrade = notificationType === 'DID_CHANGE_RENEWAL_PREF' && subtype === 'UPGRADE';
  if (transaction === null || (!isUpgrade && !ABOUT_MONEY.has(notificationType))) return [];
  const change = changeOf(message);
  if (change !== null) {
    return chargesWith(app, transaction, await refundsOf(app, transaction, change));
  }
  const charges = await readTransaction(app, transaction);
  if (notificationType !== 'CONSUMPTION_REQUEST') return charges;
  const question = data?.consumptionRequestReason ?? '';
  // Once, and after all of its refunds are recorded.
  return charges.map((charge, index) =>
    index === charges.length - 1 ? { ...charge, question } : charge,
  );
}

/** What a transaction says, with its refunds if it has any. */
export async function readTransaction(
  app: AppleApp,
  transaction: AppleTransaction,
): Promise<readonly [AppleCharge, ...AppleCharge[]]> {
  const milliPercent = refundedOf(transaction);
  if (milliPercent === 0) return chargesWith(app, transaction, [NOT_REFUNDED]);
  const at = transaction.signedDate ?? app.now();
  return chargesWith(app, transaction, await refundsOf(app, transaction, { at, milliPercent }));
}

const NOT_REFUNDED: RefundTotal = { total: { milliPercent: 0 } };

async function chargesWith(
  app: AppleApp,
  transaction: AppleTransaction,
  [total = NOT_REFUNDED, ...totals]: readonly RefundTotal[],
): Promise<readonly [AppleCharge, ...AppleCharge[]]> {
  const firstToken = await firstTokenOf(app, transaction);
  const chargeWith = (refunds: RefundTotal) => chargeOf(transaction, { refunds, firstToken });
  return [chargeWith(total), ...totals.map(chargeWith)];
}
