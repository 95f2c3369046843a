/** The parts of Google Play's objects that a limiter uses. */

/** An amount in millionths of the currency, as on the device. */
export interface FakePlayMoney {
  /** ISO 4217. */
  readonly currency: string;
  readonly micros: number;
}

/** A one-time purchase or a subscription, known by its purchase token. */
export interface FakePlayPurchase {
  readonly purchaseToken: string;
  readonly kind: 'one_time' | 'subscription';
  readonly productId: string;
  readonly quantity: number;
  /** What the app passed to the billing flow; `null` for a purchase made outside the app. */
  readonly obfuscatedAccountId: string | null;
  readonly obfuscatedProfileId: string | null;
  /** The subscription that this one replaced. */
  readonly linkedPurchaseToken: string | null;
  /** Of one piece, or of one period. */
  readonly price: FakePlayMoney;
  /** By a promotional code: there is no order. */
  readonly isFree: boolean;
  state: 'PENDING' | 'PURCHASED' | 'CANCELLED';
  /** Epoch milliseconds. The time to acknowledge begins then. */
  purchasedAt: number | null;
  isAcknowledged: boolean;
  isConsumed: boolean;
  /** Pieces given back. */
  refundedQuantity: number;
  /** Oldest first: renewals add to them. */
  readonly orderIds: string[];
  /** Of a subscription, epoch milliseconds. */
  expiresAt: number | null;
  isRenewing: boolean;
}

/** A charge. */
export interface FakePlayOrder {
  readonly orderId: string;
  readonly purchaseToken: string;
  readonly kind: FakePlayPurchase['kind'];
  readonly productId: string;
  readonly quantity: number;
  /** Paid, with tax. */
  readonly total: FakePlayMoney;
  /** Epoch milliseconds. */
  readonly processedAt: number;
  readonly partialRefunds: { readonly at: number; readonly micros: number }[];
  refund: { readonly at: number; readonly reason: 'OTHER' | 'CHARGEBACK' } | null;
}

/** A record of `voidedpurchases`. */
export interface FakePlayVoided {
  readonly purchaseToken: string;
  readonly orderId: string;
  readonly kind: FakePlayPurchase['kind'];
  /** Epoch milliseconds. */
  readonly purchasedAt: number;
  readonly voidedAt: number;
  /** When Google's list got it, by which the list is filtered. */
  readonly recordedAt: number;
  /** 0 user, 1 developer, 2 Google. */
  readonly source: 0 | 1 | 2;
  /** 0 other, 7 chargeback, 8 not acknowledged; 1 to 6 as documented. */
  readonly reason: number;
  /** Of a part of several pieces; `null` for the rest or for all. */
  readonly quantity: number | null;
}

/** A refund that Google lets the developer comment on. */
export interface FakePlayReview {
  readonly orderId: string;
  readonly pendingRefundToken: string;
  /** Epoch milliseconds. */
  readonly openedAt: number;
  /** The first answer in time, which alone counts. */
  answer: 'APPROVE' | 'DECLINE' | 'NEUTRAL' | null;
}

/** A real-time developer notification before it is sent. */
export interface FakePlayNotice {
  readonly messageId: string;
  /** Epoch milliseconds. */
  readonly at: number;
  /** The decoded `data`. */
  readonly content: Readonly<Record<string, unknown>>;
}

/** An object of the API. */
export type JsonObject = Readonly<Record<string, unknown>>;
