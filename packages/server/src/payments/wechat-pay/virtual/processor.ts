import type { PaymentSnapshot, Processor } from '@spendcap/core';
import { type Game, gameOf, gameRefOf, gameTradeNoOf, type WechatVirtualOptions } from './game.ts';
import { gameNotifications } from './notifications.ts';
import { queryGame } from './query.ts';

/** A number is paid at most once, however often it is signed. */
const RETRY_SECONDS = 15 * 86_400;
/** A player may still be in the cashier when the hold expires. */
const GRACE_SECONDS = 600;

/**
 * WeChat's virtual payment for mini-games, for `processorWebhook` and `reconcile`. It needs what
 * `guardWechatVirtual` needs. The push URL receives JSON in plain text mode.
 *
 * @throws TypeError for an invalid option
 */
export function wechatVirtualProcessor(options: WechatVirtualOptions): Processor {
  return processorOf(gameOf('wechatVirtualProcessor', options));
}

export function processorOf(game: Game): Processor {
  return {
    name: 'wechat_virtual',
    traits: {
      reference: gameTradeNoOf,
      account: gameRefOf(game),
      retrySeconds: RETRY_SECONDS,
      unseenGraceSeconds: GRACE_SECONDS,
      captures: 'whole',
      release: 'none',
      refunds: 'partial',
      queriesRefunds: false,
    },
    // Signing makes no call, and a query proves nothing by its error.
    outcomeOf: () => 'unknown',
    query: (held) => queryGame(game, held),
    async close(held): Promise<PaymentSnapshot> {
      const snapshot = await queryGame(game, held);
      const until = Date.parse(held.expiresAt) + GRACE_SECONDS * 1_000;
      // Nothing closes a signed payment: what is paid after this is committed late.
      const isOver = game.now() >= until;
      return snapshot.state === 'open' && isOver ? { ...snapshot, state: 'closed' } : snapshot;
    },
    notifications: gameNotifications(game),
  };
}
