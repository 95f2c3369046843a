import { randomUUID } from 'node:crypto';
import type { AppStoreSigner } from './signing.ts';

/** What the app sells. */
export interface FakeAppProduct {
  readonly type:
    | 'Consumable'
    | 'Non-Consumable'
    | 'Auto-Renewable Subscription'
    | 'Non-Renewing Subscription';
  /** Thousandths of the currency's unit: 6.00 is `6000`, 500 yen are `500000`. */
  readonly price: number;
  /** ISO 4217. */
  readonly currency: string;
  /** Of a subscription. Default 30 days. */
  readonly periodMs?: number;
}

/** What a customer confirms in the sheet. */
export interface FakeAppPurchase {
  readonly productId: string;
  /** Whose account it is. Default `customer`. */
  readonly customer?: string;
  /** A UUID. Absent if the app sets none, or if it is bought in the App Store itself. */
  readonly appAccountToken?: string;
  /** Default 1. */
  readonly quantity?: number;
  /** Thousandths of one, as this storefront has it. Default: that of the product. */
  readonly price?: number;
}

/** A transaction as Apple describes it, without `signedDate`: JWSTransactionDecodedPayload. */
export interface FakeAppTransaction {
  readonly transactionId: string;
  readonly originalTransactionId: string;
  readonly bundleId: string;
  readonly productId: string;
  readonly purchaseDate: number;
  readonly originalPurchaseDate: number;
  readonly expiresDate?: number;
  readonly quantity: number;
  readonly type: FakeAppProduct['type'];
  /** Absent if it was not bought in the app. */
  readonly appAccountToken?: string;
  readonly inAppOwnershipType: 'PURCHASED' | 'FAMILY_SHARED';
  readonly transactionReason: 'PURCHASE' | 'RENEWAL';
  readonly environment: string;
  readonly storefront: string;
  readonly storefrontId: string;
  /** Thousandths, for the whole quantity. */
  readonly price: number;
  readonly currency: string;
  readonly offerType?: number;
  readonly offerDiscountType?: string;
  readonly isUpgraded?: boolean;
  readonly appTransactionId: string;
  readonly revocationDate?: number;
  readonly revocationReason?: number;
  readonly revocationType?: 'REFUND_FULL' | 'REFUND_PRORATED' | 'FAMILY_REVOKE';
  /** Thousandths of a per cent of the whole quantity, over all refunds. */
  readonly revocationPercentage?: number;
}

/** A purchase that waits for a parent. It has no transaction, and no id that an app could see. */
export interface FakeAskToBuy {
  readonly customer: string;
  readonly productId: string;
  /** As it was requested first. */
  readonly purchase: FakeAppPurchase;
  readonly state: 'waiting' | 'approved' | 'declined' | 'expired';
  /** Epoch milliseconds: 24 hours after the last request. */
  readonly expiresAt: number;
}

/** One attempt to deliver a notification. */
export interface FakeSendAttempt {
  readonly attemptDate: number;
  readonly sendAttemptResult: 'SUCCESS' | 'NO_RESPONSE' | 'UNSUCCESSFUL_HTTP_RESPONSE_CODE';
}

/** An App Store Server Notification, version 2. */
export interface FakeAppNotice {
  readonly type: string;
  readonly subtype: string | null;
  /** Absent if it is about no transaction. */
  readonly transactionId: string | null;
  /** ResponseBodyV2DecodedPayload: what is signed, with the nested signed data. */
  readonly payload: Readonly<Record<string, unknown>> & {
    readonly notificationUUID: string;
    readonly signedDate: number;
  };
  readonly attempts: readonly FakeSendAttempt[];
}

/** What the app's server has said about a customer's request for a refund. */
export interface FakeConsumption {
  readonly transactionId: string;
  readonly body: Readonly<Record<string, unknown>>;
}

export type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** The state of the fake. */
export interface State {
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly bundleId: string;
  readonly environment: 'Sandbox' | 'Production';
  /** Sent in Production only. */
  readonly appAppleId: number;
  readonly products: ReadonlyMap<string, FakeAppProduct>;
  readonly signer: AppStoreSigner;
  readonly transactions: Map<string, Mutable<FakeAppTransaction>>;
  /** Who has a transaction, by its id. */
  readonly customers: Map<string, string>;
  readonly askToBuy: Mutable<FakeAskToBuy>[];
  /** Transactions that the app has not finished: they are delivered at every launch. */
  readonly unfinished: Set<string>;
  readonly notices: FakeAppNotice[];
  readonly consumptions: FakeConsumption[];
  readonly tests: Map<string, FakeAppNotice>;
  serial: number;
}

/** One of a customer and an app, also for each member of a family. */
export function appTransactionIdOf(customer: string): string {
  let sum = 0;
  for (const letter of customer) sum = (sum * 31 + (letter.codePointAt(0) ?? 0)) % 1_000_000_007;
  return `704${String(sum).padStart(15, '0')}`;
}

/** @throws Error if there is none */
export function transactionIn(state: State, id: string): Mutable<FakeAppTransaction> {
  const found = state.transactions.get(id);
  if (found === undefined) throw new Error('The App Store has no such transaction.');
  return found;
}

/** The signed form of a transaction, as it is now. */
export function signTransaction(state: State, transaction: FakeAppTransaction): string {
  return state.signer.sign({ ...transaction, signedDate: state.now() });
}

export interface Announcement {
  readonly subtype?: string;
  readonly transaction?: FakeAppTransaction;
  /** Further members of `data`. */
  readonly data?: Readonly<Record<string, unknown>>;
  /** Instead of `data`: what a notification about no transaction has. */
  readonly instead?: Readonly<Record<string, unknown>>;
}

/** Adds a notification, whose nested data is signed now. */
export function announce(state: State, type: string, about: Announcement = {}): FakeAppNotice {
  const { subtype, transaction, instead } = about;
  const data = {
    ...appOf(state),
    bundleVersion: '42',
    ...(transaction && { signedTransactionInfo: signTransaction(state, transaction) }),
    ...about.data,
  };
  const notice: FakeAppNotice = {
    ...{ type, subtype: subtype ?? null, transactionId: transaction?.transactionId ?? null },
    payload: {
      notificationType: type,
      ...(subtype !== undefined && { subtype }),
      ...{ notificationUUID: randomUUID(), version: '2.0', signedDate: state.now() },
      ...(instead ?? { data }),
    },
    attempts: [],
  };
  state.notices.push(notice);
  return notice;
}

/** How notifications name the app. */
export function appOf({ environment, bundleId, appAppleId }: State) {
  return { environment, bundleId, ...(environment === 'Production' && { appAppleId }) };
}

export type JsonObject = Readonly<Record<string, unknown>>;
