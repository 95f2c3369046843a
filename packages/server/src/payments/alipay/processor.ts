import {
  assertOptions,
  type OptionNames,
  type PaymentSnapshot,
  type Processor,
} from '@spendcap/core';
import { type Fields, isAnswer, outcomeOf } from './answers.ts';
import {
  type AlipayClient,
  alipayKeyOf,
  checkClient,
  execSigned,
  type Sdk,
  succeeded,
} from './client.ts';
import { alipayNotifications, checkSellerId } from './notifications.ts';
import { outTradeNoOf } from './reference.ts';
import { isTradeOf, snapshotOfTrade, unseenSnapshot } from './snapshots.ts';

/** Options of `alipayProcessor`. */
export interface AlipayProcessorOptions {
  /** Your client, for the app and merchant whose payments are limited. */
  readonly alipay: AlipayClient;
  /** Your merchant number (`2088…`). Notifications for another one are refused. */
  readonly sellerId: string;
  /** Epoch milliseconds. Default `Date.now`. */
  readonly now?: () => number;
}

const OPTIONS: OptionNames<AlipayProcessorOptions> = { alipay: true, sellerId: true, now: true };

/**
 * Alipay, for `processorWebhook` (the `notify_url` of your calls) and `reconcile`. Notifications
 * are verified with the public key of your client, over every field, as RSA2 only; those of another
 * app, merchant or amount are refused.
 *
 * @example
 * ```ts
 * import { cnGame, createLimiter } from '@spendcap/server';
 * import { processorWebhook } from '@spendcap/server/payments';
 * import { alipayProcessor } from '@spendcap/server/payments/alipay';
 * import { memoryStore } from '@spendcap/server/stores/memory';
 * import { fakeAlipay } from '@spendcap/sandbox';
 * import { AlipaySdk } from 'alipay-sdk';
 * const limiter = createLimiter({ policy: cnGame(), store: memoryStore() });
 * const alipay = new AlipaySdk(fakeAlipay().config);
 * const processor = alipayProcessor({ alipay, sellerId: '2088000000000001' });
 * const webhook = processorWebhook({ processor, limiter });
 * const forged = new Request('https://shop.example/alipay', { method: 'POST', body: 'a=1' });
 * const answer = await webhook(forged);
 * answer.status; // => 400
 * await answer.text(); // => 'failure'
 * ```
 * @throws TypeError for an invalid option, or a client without Alipay's public key
 */
export function alipayProcessor(options: AlipayProcessorOptions): Processor {
  assertOptions('alipayProcessor', options, OPTIONS);
  const { alipay, sellerId, now = Date.now } = options;
  const sdk = checkClient(alipay);
  checkSellerId(sellerId);
  const notifications = alipayNotifications({
    appId: sdk.config.appId,
    sellerId,
    key: alipayKeyOf(alipay),
  });
  return { ...processorOf(sdk, { sellerId, now }), notifications };
}

const DAY_SECONDS = 86_400;

/**
 * A hold outlives its order's `time_expire` by `MARGIN_SECONDS`. Only then does "no such trade"
 * mean that nobody can pay. This is added because Alipay goes by its own clock: until then an order
 * has ended also for a server whose clock is five minutes ahead.
 */
const UNSEEN_GRACE_SECONDS = 300;

/** Whose holds a processor settles. */
export interface Merchant {
  readonly sellerId: string;
  readonly now: () => number;
}

export function processorOf(sdk: Sdk, { sellerId, now }: Merchant): Processor {
  const looking = { sdk, now };
  return {
    name: 'alipay',
    traits: {
      reference: outTradeNoOf,
      account: sellerId,
      // A number is one trade, however often it is started.
      retrySeconds: 31 * DAY_SECONDS,
      unseenGraceSeconds: UNSEEN_GRACE_SECONDS,
      captures: 'whole',
      release: 'expired_only',
      refunds: 'partial',
    },
    outcomeOf,
    query: (held) => look(looking, held.id),
    async close(held) {
      const bizContent = { out_trade_no: outTradeNoOf(held.id) };
      // Whatever it answers, the query decides: the trade may be paid, closed or not there yet.
      await execSigned(sdk, 'alipay.trade.close', { bizContent, at: now() });
      return look(looking, held.id);
    },
  };
}

interface Looking {
  readonly sdk: Sdk;
  readonly now: () => number;
}

/** Queries the trade of a purchase. @throws what the client throws, or AlipayAnswerError */
export async function look(looking: Looking, purchaseId: string): Promise<PaymentSnapshot> {
  try {
    return snapshotOfTrade(await queried(looking, purchaseId), purchaseId);
  } catch (error) {
    if (isAnswer(error, NOT_THERE)) return unseenSnapshot(purchaseId);
    throw error;
  }
}

/**
 * The trade of a purchase. A signature covers an answer alone, so its number says what it answers.
 *
 * @throws AlipayAnswerError if there is none, or for any other answer
 */
export async function queried({ sdk, now }: Looking, purchaseId: string): Promise<Fields> {
  const bizContent = { out_trade_no: outTradeNoOf(purchaseId) };
  const trade = succeeded(await execSigned(sdk, 'alipay.trade.query', { bizContent, at: now() }));
  if (isTradeOf(trade, purchaseId)) return trade;
  throw new Error('Alipay answered a query with another trade.');
}

const NOT_THERE = new Set(['TRADE_NOT_EXIST']);
