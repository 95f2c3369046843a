import type {
  NotificationDialect,
  NotificationReply,
  NotificationResult,
  VerifiedNotification,
} from '@spendcap/core';
import {
  chargeOfOrder,
  chargeOfProduct,
  chargesOfSubscription,
  type GooglePlayCharge,
  type OrderReading,
} from './charges.ts';
import { type JsonObject, objectOf, textOf } from './fields.ts';
import { type GooglePlayPush, pushVerifier } from './push.ts';
import { orderOf } from './resources.ts';
import { answerReview, type ReviewRefund } from './reviews.ts';

const MAX_BODY_BYTES = 65_536;
/** Pub/Sub waits ten seconds unless it is configured otherwise. */
const DEADLINE_MS = 9_000;

interface Receiving extends OrderReading {
  readonly reviewRefund: ReviewRefund | undefined;
  readonly now: () => number;
}

/**
 * The dialect of real-time developer notifications: each is a hint, and what it is about is read
 * from the API. Seen twice, late or in another order they say the same.
 */
export function playNotifications(
  push: GooglePlayPush,
  receiving: Receiving,
): NotificationDialect<GooglePlayCharge> {
  const { packageName } = receiving.api;
  return {
    maxBytes: MAX_BODY_BYTES,
    isHint: true,
    deadlineMs: DEADLINE_MS,
    verify: pushVerifier(push, { packageName, now: receiving.now }),
    read: (message) => read(receiving, message),
    reply,
  };
}

async function read(
  receiving: Receiving,
  { type, payload }: VerifiedNotification,
): Promise<readonly GooglePlayCharge[]> {
  const { api } = receiving;
  const content = objectOf(payload);
  const notice = objectOf(content[type]);
  const token = textOf(notice.purchaseToken);
  switch (type) {
    case 'oneTimeProductNotification':
      return token === null ? [] : [await chargeOfProduct(api, token)];
    case 'subscriptionNotification':
      return token === null ? [] : chargesOfSubscription(api, token);
    case 'voidedPurchaseNotification':
      return voided(receiving, textOf(notice.orderId));
    case 'pendingRefundReviewNotification':
      await answerReview(receiving, { notice, sentAt: sentAtOf(content, receiving.now) });
      return [];
    default:
      return [];
  }
}

async function voided(
  reading: OrderReading,
  orderId: string | null,
): Promise<readonly GooglePlayCharge[]> {
  if (orderId === null) return [];
  const charge = await chargeOfOrder(reading, orderOf(await reading.api.order(orderId)));
  return charge === null ? [] : [charge];
}

/** A number by the documents, a text in their examples. */
function sentAtOf({ eventTimeMillis }: JsonObject, now: () => number): number {
  const at = Number(eventTimeMillis ?? Number.NaN);
  return Number.isSafeInteger(at) ? at : now();
}

/** Pub/Sub delivers again after anything but these: 102, 200, 201, 202, 204. */
const STATUS: Readonly<Record<NotificationResult, number>> = {
  ...{ settled: 204, ignored: 204, refused: 403 },
  ...{ forged: 401, too_large: 413, retry: 503 },
};

function reply(result: NotificationResult): NotificationReply {
  return { status: STATUS[result] };
}
