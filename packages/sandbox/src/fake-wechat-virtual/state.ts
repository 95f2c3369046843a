import { createHmac } from 'node:crypto';

/** An order of a mini-game, once the player's device has requested its payment. */
export interface FakeVirtualOrder {
  readonly outTradeNo: string;
  readonly openid: string;
  readonly productId: string;
  readonly quantity: number;
  /** Fen a piece. */
  readonly goodsPrice: number;
  readonly attach: string;
  readonly zoneId: string;
  /** 1 unpaid, 2 paid. */
  payState: 1 | 2;
  transactionId: string;
  /** Fen given back. */
  refunded: number;
}

/** An event that WeChat pushes. */
export interface FakeVirtualEvent {
  readonly event: 'minigame_game_pay_goods_deliver_notify' | 'minigame_pay_refund_succ_notify';
  readonly openid: string;
  readonly payload: Readonly<Record<string, unknown>>;
}

/** What the mini-game platform knows of the game. */
export interface VirtualState {
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly offerId: string;
  readonly appKey: string;
  /** 0 live, 1 sandbox. */
  readonly env: 0 | 1;
  /** Session keys by openid. */
  readonly sessions: Map<string, string>;
  /** Configured prices in fen, by product id. */
  readonly products: ReadonlyMap<string, number>;
  readonly orders: Map<string, FakeVirtualOrder>;
  readonly events: FakeVirtualEvent[];
  serial: number;
}

export function hmac(key: string, text: string): string {
  return createHmac('sha256', key).update(text).digest('hex');
}
