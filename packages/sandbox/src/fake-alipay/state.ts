import type { Product } from './products.ts';

/** The states of a trade. */
export type FakeTradeStatus =
  | 'WAIT_BUYER_PAY'
  | 'TRADE_CLOSED'
  | 'TRADE_SUCCESS'
  | 'TRADE_FINISHED';

/** A refund of a trade. */
export interface FakeAlipayRefund {
  readonly outRequestNo: string;
  readonly fen: number;
  state: 'pending' | 'succeeded' | 'failed';
}

/** A trade. Amounts are in fen, times in epoch milliseconds. */
export interface FakeTrade {
  readonly tradeNo: string;
  readonly outTradeNo: string;
  readonly product: Product;
  readonly totalFen: number;
  readonly subject: string;
  readonly passbackParams: string | null;
  readonly notifyUrl: string | null;
  readonly createdAt: number;
  /** An unpaid trade is closed then. */
  readonly expiresAt: number;
  readonly refunds: Map<string, FakeAlipayRefund>;
  status: FakeTradeStatus;
  buyerId: string;
  refundedFen: number;
  paidAt: number | null;
  closedAt: number | null;
}

/** A notification, as Alipay queued it. It is signed when it is sent. */
export interface FakeAlipayNotice {
  readonly id: string;
  /** The `notify_url` of the call that made the trade; `null`: nothing is sent. */
  readonly url: string | null;
  readonly params: Readonly<Record<string, string>>;
  /** Whether an endpoint has answered it with `success`. */
  acknowledged: boolean;
}

/** An order that a merchant has signed or precreated. There is no trade until a buyer comes. */
export interface Order {
  readonly product: Product;
  readonly outTradeNo: string;
  readonly totalFen: number;
  readonly subject: string;
  readonly passbackParams: string | null;
  readonly notifyUrl: string | null;
  readonly timeExpire: number | null;
  /** Milliseconds, from the moment that the product defines. */
  readonly timeoutMs: number;
}

/** The state of the fake. */
export interface State {
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly appId: string;
  readonly sellerId: string;
  /** By `out_trade_no`. */
  readonly trades: Map<string, FakeTrade>;
  /** Precreated orders by QR code. */
  readonly codes: Map<string, Order>;
  readonly notices: FakeAlipayNotice[];
  /** Initial state of new refunds. */
  refundState: 'succeeded' | 'pending';
  serial: number;
}

/** 28 digits, as Alipay's trade numbers. */
export function newNumber(state: State): string {
  state.serial += 1;
  return `20260520220000${String(state.serial).padStart(14, '0')}`;
}
