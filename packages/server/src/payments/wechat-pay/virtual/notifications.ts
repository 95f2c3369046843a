import {
  type NotificationDialect,
  type NotificationReply,
  type NotificationResult,
  type PaymentSnapshot,
  parseMoney,
  type VerifiedNotification,
} from '@spendcap/core';
import { type JsonObject, objectIn } from '../client.ts';
import { reportedMoney } from '../money.ts';
import { readable } from '../notifications.ts';
import { type Game, heldPrice } from './game.ts';
import { isHmac, paySignature } from './signature.ts';

const MAX_BODY_BYTES = 65_536;
/** WeChat waits three seconds. */
const DEADLINE_MS = 2_500;

/** Goods are paid: in the game, in its shop, and an older name of the latter. */
const PAID = new Set([
  'minigame_game_pay_goods_deliver_notify',
  'minigame_h5_goods_deliver_notify',
  'minigame_deliver_h5_pay_products',
]);
const REFUNDED = 'minigame_pay_refund_succ_notify';

/**
 * The dialect of pushed events, as JSON in plain text mode. `PayEventSig` signs event and payload;
 * it has no time, and an event that is sent again changes nothing.
 */
export function gameNotifications(game: Game): NotificationDialect {
  return {
    maxBytes: MAX_BODY_BYTES,
    deadlineMs: DEADLINE_MS,
    async verify({ body }) {
      const message = objectIn(body);
      const { Payload: text, PayEventSig, IsMock } = objectOf(message?.MiniGame);
      const event = message?.Event;
      if (typeof text !== 'string' || typeof event !== 'string') return null;
      if (!isHmac(PayEventSig, paySignature(game.appKey, event, text))) return null;
      const payload = objectIn(text);
      if (payload === null) return null;
      if (payload.Env !== game.env) return 'refused';
      const id = objectOf(payload.WeChatPayInfo).TransactionId;
      const isTest = IsMock === true || IsMock === 1 || IsMock === 'true';
      return {
        id: typeof id === 'string' ? id : null,
        type: event,
        payload: { ...payload, isTest },
      };
    },
    read: (message) => read(game, message),
    reply,
  };
}

function objectOf(value: unknown): JsonObject {
  return typeof value === 'object' && value !== null ? (value as JsonObject) : {};
}

async function read(
  game: Game,
  { type, payload }: VerifiedNotification,
): Promise<readonly PaymentSnapshot[]> {
  const content = payload as JsonObject;
  const { OutTradeNo: purchaseId, isTest } = content;
  // A test message of the console says that something was paid which was not.
  if (isTest === true || !(PAID.has(type) || type === REFUNDED)) return [];
  if (typeof purchaseId !== 'string') return [readable(null)];
  const snapshot = PAID.has(type)
    ? await paidSnapshot(game, purchaseId, objectOf(content.GoodsInfo))
    : await refundedSnapshot(game, purchaseId, content);
  return [readable(snapshot)];
}

/**
 * `OrigPrice` counts, without discounts. For several pieces the documents leave open whether it is
 * the price of one or of all: each of them is taken if it is the held price.
 */
async function paidSnapshot(
  game: Game,
  purchaseId: string,
  { OrigPrice: price, Quantity: quantity }: JsonObject,
): Promise<PaymentSnapshot | null> {
  const paid = reportedMoney(price);
  if (paid === null || !isCount(quantity)) return null;
  const base = { purchaseId, state: 'closed', refunds: [] } as const;
  if (quantity === 1) return { ...base, captured: paid };
  const held = await heldPrice(game, purchaseId);
  const all = reportedMoney(parseMoney(paid.amount, paid.currency) * quantity);
  const isHeld = held !== null && held.amount === all?.amount;
  return { ...base, captured: isHeld ? held : paid };
}

function isCount(quantity: unknown): quantity is number {
  return Number.isSafeInteger(quantity) && Number(quantity) > 0;
}

/** The event states no total: what was refunded had been paid as held. */
async function refundedSnapshot(
  game: Game,
  purchaseId: string,
  { RefundId: id, RefundAmount: fen }: JsonObject,
): Promise<PaymentSnapshot | null> {
  const amount = reportedMoney(fen);
  if (typeof id !== 'string' || amount === null) return null;
  const captured = await heldPrice(game, purchaseId);
  const refunds = captured === null ? [] : [{ id, amount, state: 'succeeded' } as const];
  return { purchaseId, state: captured === null ? 'open' : 'closed', captured, refunds };
}

const REFUSALS: Readonly<Partial<Record<NotificationResult, readonly [number, string]>>> = {
  refused: [400, 'not for this environment or amount'],
  forged: [401, 'PayEventSig invalid'],
  too_large: [413, 'too large'],
  retry: [503, 'not now'],
};

function reply(result: NotificationResult): NotificationReply {
  const [status, message] = REFUSALS[result] ?? [200, 'Success'];
  const body = JSON.stringify({ ErrCode: status === 200 ? 0 : 99_999, ErrMsg: message });
  return { status, contentType: 'application/json', body };
}
