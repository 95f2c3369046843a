import type { Refused, Reservation } from '@spendcap/core';
import type { Notifier, Order, SaleMethod } from '../payments/method.ts';
import type { Product } from '../products.ts';

/** What the app opens the sheet with: the names of the store's own library. */
export interface SheetTokens {
  readonly appAccountToken?: string;
  readonly obfuscatedAccountId?: string;
  readonly obfuscatedProfileId?: string;
}

/** What a phone gets, and its app has confirmed. */
export interface PhoneTransaction {
  readonly product: string;
  /** Apple's signed transaction, or the purchase token of Google Play. */
  readonly token: string;
}

/** A sheet that the player is looking at. */
export interface Sheet {
  readonly player: string;
  readonly product: Product;
  /** Empty for a purchase that is made outside the app. */
  readonly tokens: SheetTokens;
}

/** A purchase that waits for a parent. */
export interface ParentRequest {
  readonly id: string;
  readonly product: string;
}

/** What happens on the phones, which the shop only hears of. */
export interface Phone {
  /** The player confirms the sheet. */
  buy(sheet: Sheet): void;
  /** The player asks a parent. */
  ask(sheet: Sheet): void;
  /** What the store gives to the app, until it is finished. */
  unfinished(player: string): readonly PhoneTransaction[];
  finish(token: string): void;
  /** What waits for a parent. */
  requests(player: string): readonly ParentRequest[];
  /** @throws Error if nobody waits any more */
  answer(id: string, isApproved: boolean): void;
}

/** What the app's server finds out about a transaction. */
export interface Confirmed {
  /** The id of its purchase; `null` if it is counted for nobody. */
  readonly id: string | null;
  /** True if the app may finish the transaction, and deliver. */
  readonly isAccepted: boolean;
}

/** A store on the phone, behind the limiter: the shop's list has one entry for each. */
export interface PhoneStore extends Notifier, SaleMethod {
  readonly phone: Phone;
  /** Holds before the sheet opens. A refusal opens none. */
  begin(order: Order): Promise<(Reservation & SheetTokens) | Refused>;
  /** Counts what a phone reports. */
  confirm(transaction: PhoneTransaction, ageToken: string): Promise<Confirmed>;
  /** The sheet was closed. */
  abandon(id: string): Promise<void>;
}

/** The purchase of an order, as the guards of both stores take it. */
export function purchaseOf({ id, ageToken, product }: Order) {
  const { price: amount, currency, category } = product;
  return { id, ageToken, amount, currency, category, product: product.id };
}
