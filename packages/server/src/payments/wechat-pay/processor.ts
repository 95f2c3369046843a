import {
  assertOptions,
  type OptionNames,
  type PaymentSnapshot,
  type Processor,
  type Purchase,
} from '@spendcap/core';
import { checkNow } from '../deps.ts';
import type { JsonObject, WechatPayClient } from './client.ts';
import { hasCode, outcomeOf } from './errors.ts';
import { wechatPayNotifications } from './notifications.ts';
import { outTradeNoOf } from './reference.ts';
import { transactionSnapshot } from './snapshots.ts';

/** Options of `wechatPayProcessor`. */
export interface WechatPayProcessorOptions {
  /** Your client, for the merchant whose payments are limited. */
  readonly wechat: WechatPayClient;
  /** Epoch milliseconds. Default `Date.now`. */
  readonly now?: () => number;
}

const OPTIONS: OptionNames<WechatPayProcessorOptions> = { wechat: true, now: true };

/** Orders younger than this are not closed: WeChat answers with success and does not close them. */
const CLOSE_AFTER_MS = 5 * 60_000;
/** An order call that timed out may still arrive. */
const UNSEEN_GRACE_SECONDS = 600;
/** A number is paid at most once, however often its order call is repeated. */
const RETRY_SECONDS = 15 * 86_400;

/**
 * WeChat Pay, for `processorWebhook` and `reconcile`. WeChat sends nothing about an order that was
 * not paid, so run `reconcile` every few minutes: it closes the order, looks, and gives the hold
 * back only once the order is `CLOSED`.
 *
 * @example
 * ```ts
 * import { generateKeyPairSync } from 'node:crypto';
 * import { cnGame, createLimiter } from '@spendcap/server';
 * import { processorWebhook } from '@spendcap/server/payments';
 * import { wechatPayClient, wechatPayProcessor } from '@spendcap/server/payments/wechat-pay';
 * import { memoryStore } from '@spendcap/server/stores/memory';
 * const limiter = createLimiter({ policy: cnGame(), store: memoryStore() });
 * const wechat = wechatPayClient({
 *   mchId: '1900000001',
 *   appIds: ['wx00000000000000aa'],
 *   serialNo: '5A6B7C8D9E0F1A2B3C4D5E6F708192A3B4C5D6E7',
 *   privateKey: generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey,
 *   apiV3Key: 'example-key-of-32-bytes-for-docs',
 * });
 * const webhook = processorWebhook({ processor: wechatPayProcessor({ wechat }), limiter });
 * const forged = new Request('https://shop.example/wechat', { method: 'POST', body: '{}' });
 * (await webhook(forged)).status; // => 401
 * ```
 * @throws TypeError for an invalid option
 */
export function wechatPayProcessor(options: WechatPayProcessorOptions): Processor {
  assertOptions('wechatPayProcessor', options, OPTIONS);
  checkClient(options.wechat);
  checkNow(options.now);
  return processorOf(options.wechat, options.now);
}

/** @throws TypeError unless it is a client */
export function checkClient(wechat: WechatPayClient): void {
  if (typeof wechat?.request !== 'function' || typeof wechat.decrypt !== 'function') {
    throw new TypeError('wechat must be a client such as wechatPayClient(...)');
  }
}

export function processorOf(wechat: WechatPayClient, now = Date.now): Processor {
  return {
    name: 'wechat_pay',
    traits: {
      reference: outTradeNoOf,
      account: wechat.mchId,
      retrySeconds: RETRY_SECONDS,
      unseenGraceSeconds: UNSEEN_GRACE_SECONDS,
      captures: 'whole',
      release: 'closed',
      refunds: 'partial',
      // The API v3 has no call that lists the refunds of an order.
      queriesRefunds: false,
    },
    outcomeOf,
    query: (held) => query(wechat, held.id),
    async close(held) {
      const isClosable = now() >= Date.parse(held.reservedAt) + CLOSE_AFTER_MS;
      if (isClosable) await closeOrder(wechat, held);
      return query(wechat, held.id);
    },
    notifications: wechatPayNotifications(wechat),
  };
}

/** Whatever the answer: paying, paid, closed before, unknown. What counts is the query after it. */
async function closeOrder({ request, mchId }: WechatPayClient, { id }: Purchase): Promise<void> {
  const path = `/v3/pay/transactions/out-trade-no/${encodeURIComponent(outTradeNoOf(id))}/close`;
  try {
    await request({ method: 'POST', path, body: { mchid: mchId } });
  } catch {
    // The query decides, and fails if WeChat cannot be reached.
  }
}

async function query(wechat: WechatPayClient, purchaseId: string): Promise<PaymentSnapshot> {
  const outTradeNo = outTradeNoOf(purchaseId);
  const path = `/v3/pay/transactions/out-trade-no/${encodeURIComponent(outTradeNo)}?mchid=${wechat.mchId}`;
  let transaction: JsonObject | null;
  try {
    transaction = await wechat.request({ method: 'GET', path });
  } catch (error) {
    if (!hasCode(error, 'ORDERNOTEXIST')) throw error;
    return { purchaseId, state: 'unseen', captured: null, refunds: [] };
  }
  const snapshot = transactionSnapshot(transaction ?? {});
  const isOurs = snapshot?.purchaseId === outTradeNo && transaction?.mchid === wechat.mchId;
  if (!isOurs) throw new Error('WeChat Pay answered a query with another order.');
  return snapshot;
}
