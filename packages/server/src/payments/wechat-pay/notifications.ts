import {
  type NotificationDialect,
  type NotificationReply,
  type NotificationResult,
  type PaymentSnapshot,
  SpendcapError,
  type VerifiedNotification,
} from '@spendcap/core';
import { type JsonObject, objectIn, type WechatPayClient } from './client.ts';
import { refundSnapshot, transactionSnapshot } from './snapshots.ts';

/** Above the size of any notification about an order or refund. */
const MAX_BODY_BYTES = 65_536;
/** WeChat waits five seconds; one is left for the way. */
const DEADLINE_MS = 4_000;

/**
 * The dialect of WeChat Pay's notifications. Signatures that begin with `WECHATPAY/SIGNTEST/` are
 * WeChat's test of this check: they fail like every other, and the true message is sent again.
 */
export function wechatPayNotifications(wechat: WechatPayClient): NotificationDialect {
  return {
    maxBytes: MAX_BODY_BYTES,
    deadlineMs: DEADLINE_MS,
    async verify(message, at) {
      if (!(await wechat.verify(message, at))) return null;
      const envelope = objectIn(message.body);
      const payload = envelope === null ? null : contentOf(wechat, envelope);
      if (envelope === null || payload === null) return null;
      if (!isAddressee(wechat, payload)) return 'refused';
      const { id, event_type: type } = envelope;
      return { id: typeof id === 'string' ? id : null, type: String(type), payload };
    },
    read: async (message) => read(message),
    reply,
  };
}

/** A resource that does not decrypt was sealed with another merchant's key, or an old one. */
function contentOf(wechat: WechatPayClient, { resource }: JsonObject): JsonObject | null {
  const text = wechat.decrypt(resource);
  return text === null ? null : objectIn(text);
}

/** A refund does not name the app, nor the merchant in older messages. */
function isAddressee({ mchId, appIds }: WechatPayClient, { mchid, appid }: JsonObject): boolean {
  if (mchid !== undefined && mchid !== mchId) return false;
  return appid === undefined || appIds.some((known) => known === appid);
}

function read({ type, payload }: VerifiedNotification): readonly PaymentSnapshot[] {
  const content = payload as JsonObject;
  if (type.startsWith('TRANSACTION.')) return [readable(transactionSnapshot(content))];
  return type.startsWith('REFUND.') ? [readable(refundSnapshot(content))] : [];
}

/** What a message about money says. @throws SpendcapError `invalid_request`, to be reported */
export function readable(snapshot: PaymentSnapshot | null): PaymentSnapshot {
  if (snapshot !== null) return snapshot;
  const message = 'A notification about money lacks its order number, state or amount.';
  throw new SpendcapError('invalid_request', message);
}

const REFUSALS: Readonly<
  Partial<Record<NotificationResult, readonly [status: number, message: string]>>
> = {
  refused: [400, 'not for this merchant, app or amount'],
  forged: [401, 'signature or age invalid'],
  too_large: [413, 'too large'],
  retry: [503, 'not now'],
};

/**
 * 204 acknowledges. Anything else has WeChat send the message again, up to 15 times in 24 hours.
 */
function reply(result: NotificationResult): NotificationReply {
  const refusal = REFUSALS[result];
  if (refusal === undefined) return { status: 204 };
  const [status, message] = refusal;
  const body = JSON.stringify({ code: 'FAIL', message });
  return { status, contentType: 'application/json', body };
}
