import { checkFields, type OptionNames, type Refused, type Reservation } from '@spendcap/core';
import {
  PURCHASE_CONTEXT,
  type PurchaseContext,
  purchaseContextOf,
} from '../../purchase-context.ts';
import { startCharge } from '../../start.ts';
import { fromFen } from '../money.ts';
import { type Game, gameOf, type WechatVirtualOptions } from './game.ts';
import { processorOf } from './processor.ts';
import { hmac, paySignature } from './signature.ts';

/** Goods of a mini-game, as WeChat names them. `outTradeNo`, `offerId` and `env` are set. */
export interface VirtualGoods {
  readonly productId: string;
  /** Fen a piece, equal to the price that is configured at WeChat. */
  readonly goodsPrice: number;
  /** Default 1. */
  readonly buyQuantity?: number;
  readonly attach?: string;
  readonly zoneId?: string;
  readonly platform?: string;
}

/** Options of a call that starts a charge. */
export interface VirtualPurchaseOptions {
  /** Of `jscode2session`, for the player who buys. */
  readonly sessionKey: string;
  /**
   * The purchase. Its id is `outTradeNo`: at most 32 letters, digits, `_` or `-`, not beginning
   * with `_`. `expiresInSeconds` is 1,800 by default.
   */
  readonly spendcap: PurchaseContext;
}

/** What `wx.requestMidasPaymentGameItem` takes. */
export interface VirtualPayment {
  /** To be passed on unchanged: the signatures are over these bytes. */
  readonly signData: string;
  readonly paySig: string;
  readonly signature: string;
}

/** An allowed purchase, and what the player's device needs to pay it. */
export interface AllowedVirtualPayment extends Reservation {
  readonly payment: VirtualPayment;
}

/** Virtual payment of one mini-game, see `guardWechatVirtual`. */
export interface GuardedWechatVirtual {
  /** Reserves, then signs. A refused purchase is not signed, so the device cannot pay it. */
  requestMidasPaymentGameItem(
    goods: VirtualGoods,
    options: VirtualPurchaseOptions,
  ): Promise<AllowedVirtualPayment | Refused>;
}

const GOODS: OptionNames<VirtualGoods> = {
  productId: true,
  goodsPrice: true,
  buyQuantity: true,
  attach: true,
  zoneId: true,
  platform: true,
};

const HOLD_SECONDS = 1_800;

/**
 * WeChat's virtual payment for mini-games. It is signed only after the purchase is held; signing
 * makes no network call. WeChat has no call that closes a signed payment, so one that is paid after
 * its hold was released is committed late, past the caps if need be.
 *
 * @example
 * ```ts
 * import { cnGame, createLimiter } from '@spendcap/server';
 * import { guardWechatVirtual } from '@spendcap/server/payments/wechat-pay';
 * import { memoryStore } from '@spendcap/server/stores/memory';
 * const limiter = createLimiter({ policy: cnGame(), store: memoryStore() });
 * const guard = guardWechatVirtual({
 *   limiter,
 *   offerId: '1450000001',
 *   appKey: 'example-app-key',
 *   env: 'sandbox',
 *   accessToken: async () => 'example-access-token',
 *   playerOf: async () => null,
 * });
 * const answer = await guard.requestMidasPaymentGameItem(
 *   { productId: 'gem60', goodsPrice: 600 },
 *   { sessionKey: 'example', spendcap: { id: 'order-1' } }, // no age token: this policy refuses
 * );
 * answer.allowed; // => false
 * ```
 * @throws TypeError for an invalid option, and from a call for an id that is no order number
 * @throws SpendcapError `invalid_amount`, `purchase_ended`, and what the limiter's `reserve` throws
 */
export function guardWechatVirtual(options: WechatVirtualOptions): GuardedWechatVirtual {
  const game = gameOf('guardWechatVirtual', options);
  const { limiter, now } = game;
  const deps = { processor: processorOf(game), limiter, now, ...game.listening };
  return {
    async requestMidasPaymentGameItem(goods, given) {
      const context = purchaseContextOf(given, PURCHASE_CONTEXT);
      const { sessionKey } = given;
      checkFields(goods, GOODS, 'goods');
      const { goodsPrice, buyQuantity = 1 } = goods;
      // Copied, so that the held price is signed even if the caller modifies the object.
      const bought = { ...goods, buyQuantity };
      if (typeof sessionKey !== 'string' || sessionKey === '') {
        throw new TypeError('sessionKey: expected the session key of the player');
      }
      if (!Number.isSafeInteger(buyQuantity) || buyQuantity < 1) {
        throw new TypeError('goods.buyQuantity: expected a whole number above 0');
      }
      const { expiresInSeconds = HOLD_SECONDS } = context;
      const price = fromFen({ total: goodsPrice * buyQuantity });
      const started = await startCharge<VirtualPayment>(deps, {
        purchase: { ...context, ...price, expiresInSeconds },
        call: async ({ id }) => signed(game, bought, { id, sessionKey }),
        snapshotOf: (_, { id: purchaseId }) => {
          return { purchaseId, state: 'open', captured: null, refunds: [] };
        },
      });
      if (!started.allowed) return started;
      const { answer: payment, ...reservation } = started;
      return { ...reservation, payment };
    },
  };
}

function signed(
  { offerId, env, appKey }: Game,
  { productId, goodsPrice, buyQuantity, ...more }: VirtualGoods,
  { id, sessionKey }: { readonly id: string; readonly sessionKey: string },
): VirtualPayment {
  const signData = JSON.stringify({
    ...{ mode: 'goods', offerId, buyQuantity, env, currencyType: 'CNY', productId, goodsPrice },
    ...{ outTradeNo: id, ...more },
  });
  const paySig = paySignature(appKey, 'requestMidasPaymentGameItem', signData);
  return { signData, paySig, signature: hmac(sessionKey, signData) };
}
