import { assertOptions, type OptionNames, SpendcapError } from '@spendcap/core';
import type { Limiter } from '../../limiter/types.ts';
import { checkLimiter, checkNow, forbidden, listenerOf } from '../deps.ts';
import { callError } from '../outcome.ts';
import type { PaymentProblem } from '../problems.ts';
import { applied } from '../start.ts';
import type { WechatPayCall, WechatPayClient } from './client.ts';
import { guardOrder } from './orders.ts';
import { appParameters, jsapiParameters } from './payer.ts';
import { checkClient, processorOf } from './processor.ts';
import { guardRefunds } from './refunds.ts';
import type { GuardedWechatPay } from './types.ts';

/** Options of `guardWechatPay`. */
export interface GuardWechatPayOptions {
  /** Your client, for the merchant whose payments are limited. Keep it private to this code. */
  readonly wechat: WechatPayClient;
  readonly limiter: Limiter;
  /** Where `processorWebhook` is mounted: https, without a query, at most 255 characters. */
  readonly notifyUrl: string;
  /**
   * Paths that `request` may POST to without a hold: `['/v3/profitsharing/orders']`. Anything they
   * charge is not limited.
   */
  readonly allow?: readonly string[];
  /** Epoch milliseconds. Default `Date.now`. */
  readonly now?: () => number;
  /** Called for what the ledger rejected permanently when the answer of a call was applied. */
  readonly onProblem?: (problem: PaymentProblem) => unknown;
}

const OPTIONS: OptionNames<GuardWechatPayOptions> = {
  wechat: true,
  limiter: true,
  notifyUrl: true,
  allow: true,
  now: true,
  onProblem: true,
};

/** Orders, also combined ones and those of partners, and refunds, which are guarded. */
const GUARDED = /^\/v3\/(?:pay\/|combine-transactions\/|refund\/)/i;

/**
 * WeChat Pay in which no call charges a player beyond the caps. `jsapi`, `app`, `h5` and `native`
 * take WeChat's parameters and the purchase in `options.spendcap`, reserve it, and return what the
 * player's device needs to pay, or the refusal. A refused purchase makes no network call. Combined
 * orders are refused: their parts would share one payment.
 *
 * If WeChat certainly rejects the order, the hold is released. If the outcome is unknown (time-out,
 * closed connection, 5xx, an answer without a valid signature) the call rejects with
 * `outcome_unknown` and the hold stays: retry with the same purchase id and the same parameters,
 * which WeChat takes for the same order. Use it together with `processorWebhook` and `reconcile`,
 * both with `wechatPayProcessor`.
 *
 * @example
 * ```ts
 * import { generateKeyPairSync } from 'node:crypto';
 * import { cnGame, createLimiter } from '@spendcap/server';
 * import { guardWechatPay, wechatPayClient } from '@spendcap/server/payments/wechat-pay';
 * import { memoryStore } from '@spendcap/server/stores/memory';
 * const limiter = createLimiter({ policy: cnGame(), store: memoryStore() });
 * const wechat = wechatPayClient({
 *   mchId: '1900000001',
 *   appIds: ['wx00000000000000aa'],
 *   serialNo: '5A6B7C8D9E0F1A2B3C4D5E6F708192A3B4C5D6E7',
 *   privateKey: generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey,
 *   apiV3Key: 'example-key-of-32-bytes-for-docs',
 * });
 * const guard = guardWechatPay({ wechat, limiter, notifyUrl: 'https://pay.example/wechat' });
 * const answer = await guard.native(
 *   { description: '60 gems', amount: { total: 600 } },
 *   { spendcap: { id: 'order-1' } }, // no age token: this policy refuses
 * );
 * answer.allowed; // => false
 * ```
 * @throws TypeError for an invalid option, and from a call for a purchase id that is no order
 * number
 * @throws SpendcapError `invalid_amount`, `invalid_currency`, `outcome_unknown`, `purchase_ended`,
 * `purchase_conflict`, `payment_forbidden`, and the errors of the limiter's methods; a
 * `WechatPayError` if the call was certainly rejected
 */
export function guardWechatPay(options: GuardWechatPayOptions): GuardedWechatPay {
  assertOptions('guardWechatPay', options, OPTIONS);
  const { wechat, limiter, notifyUrl, allow = [], now = Date.now } = options;
  checkClient(wechat);
  checkLimiter(limiter);
  checkNow(now);
  checkNotifyUrl(notifyUrl);
  checkAllow(allow);
  const processor = processorOf(wechat, now);
  const deps = { processor, limiter, now, ...listenerOf(options) };
  const orderDeps = { ...deps, wechat, notifyUrl };
  return {
    jsapi: guardOrder(orderDeps, {
      kind: 'jsapi',
      member: 'prepay_id',
      paymentOf: (prepayId, appId) => ({
        payment: jsapiParameters(wechat, { appId, prepayId, at: now() }),
      }),
    }),
    app: guardOrder(orderDeps, {
      kind: 'app',
      member: 'prepay_id',
      paymentOf: (prepayId, appId) => ({
        payment: appParameters(wechat, { appId, prepayId, at: now() }),
      }),
    }),
    h5: guardOrder(orderDeps, {
      kind: 'h5',
      member: 'h5_url',
      paymentOf: (h5Url) => ({ h5Url }),
    }),
    native: guardOrder(orderDeps, {
      kind: 'native',
      member: 'code_url',
      paymentOf: (codeUrl) => ({ codeUrl }),
    }),
    async close(purchaseId) {
      const purchase = await limiter.get(purchaseId);
      if (purchase === null || purchase.processor !== processor.name) {
        throw new SpendcapError('purchase_not_found', 'The guard has no purchase with this id.');
      }
      try {
        return await applied(deps, purchase, await processor.close(purchase));
      } catch (error) {
        throw callError(processor, error);
      }
    },
    refunds: guardRefunds(orderDeps),
    request: (call) => permitted(wechat, new Set(allow), call),
  };
}

async function permitted(wechat: WechatPayClient, allow: ReadonlySet<string>, call: WechatPayCall) {
  const { method, path } = call;
  if (method === 'GET' || (method === 'POST' && allow.has(path))) return wechat.request(call);
  throw forbidden(
    `${method} ${path} is blocked. To permit it without a limit, add it to \`allow\`.`,
  );
}

function checkNotifyUrl(notifyUrl: unknown): void {
  const isUrl = typeof notifyUrl === 'string' && /^https:\/\/[^?#\s]{1,247}$/.test(notifyUrl);
  if (!isUrl) {
    throw new TypeError('notifyUrl: expected https, without a query, at most 255 characters');
  }
}

function checkAllow(allow: readonly unknown[]): void {
  for (const path of allow) {
    // Without dots, so that no path leads to a guarded one.
    if (typeof path !== 'string' || !/^\/v3(?:\/[\w-]+)+$/.test(path)) {
      throw new TypeError('allow: expected paths such as /v3/profitsharing/orders');
    }
    if (GUARDED.test(path)) throw new TypeError(`allow: ${path} is guarded`);
  }
}
