import { assertOptions } from '@spendcap/core';
import {
  checkSigning,
  deliver,
  dueNotices,
  type FakeAppSigningOptions,
  requestOf,
} from './fake-app-store/notices.ts';
import {
  approve,
  askToBuy,
  buy,
  endRequest,
  familyShare,
  redeemCode,
  renew,
  upgrade,
} from './fake-app-store/purchases.ts';
import { netCharged, refund, rescindConsent, reverseRefund } from './fake-app-store/refunds.ts';
import { appStoreSigner } from './fake-app-store/signing.ts';
import {
  announce,
  type FakeAppNotice,
  type FakeAppProduct,
  type FakeAppPurchase,
  type FakeAppTransaction,
  type FakeAskToBuy,
  type FakeConsumption,
  type State,
  transactionIn,
} from './fake-app-store/state.ts';
import {
  createTransport,
  type FakeAppStoreFault,
  type FakeAppStoreKey,
  type FakeAppStoreRequest,
} from './fake-app-store/transport.ts';

/** Options of `fakeAppStore`. */
export interface FakeAppStoreOptions {
  /** Epoch milliseconds. Default `Date.now`. */
  readonly now?: () => number;
  /** Default `Sandbox`. */
  readonly environment?: 'Sandbox' | 'Production';
  /** Default `com.example.game`. */
  readonly bundleId?: string;
  /** What is sold, by product id. Default `gems60`, consumable, 6.00 yuan. */
  readonly products?: Readonly<Record<string, FakeAppProduct>>;
}

type Endpoint = (request: Request) => Promise<Response>;

/** What happens on the devices of the customers and at Apple. */
export interface FakeAppStoreEvents {
  /** The customer confirms the sheet. */
  buy(purchase: FakeAppPurchase): FakeAppTransaction;
  /** A child asks a parent. There is no transaction, and the app sees no id. */
  askToBuy(purchase: FakeAppPurchase): FakeAskToBuy;
  /** The parent says yes, within 24 hours. @throws Error later */
  approve(request: FakeAskToBuy): FakeAppTransaction;
  /** The parent says no, which the app never learns. */
  decline(request: FakeAskToBuy): void;
  /** A code is redeemed in the App Store: no token, and nothing is paid. */
  redeemCode(purchase: Pick<FakeAppPurchase, 'productId' | 'customer'>): FakeAppTransaction;
  /** A subscription is charged once more, by its original transaction. */
  renew(originalTransactionId: string): FakeAppTransaction;
  /** To a more expensive subscription, charged now. */
  upgrade(originalTransactionId: string, productId: string): FakeAppTransaction;
  /** A member of the family gets it, for nothing. */
  familyShare(transactionId: string, member: string): FakeAppTransaction;
  /** `percentage` over all refunds, in thousandths of a per cent. Default 100,000: all of it. */
  refund(transactionId: string, percentage?: number): FakeAppNotice;
  /** A refund is undone: nothing of it remains. */
  reverseRefund(transactionId: string): FakeAppNotice;
  /** A parent withdraws consent to the app. */
  rescindConsent(customer: string): FakeAppNotice;
  /** Any other notification: `REFUND_DECLINED`, `CONSUMPTION_REQUEST`, `EXPIRED`, ... */
  announce(
    type: string,
    about?: { readonly subtype?: string; readonly transactionId?: string },
  ): FakeAppNotice;
}

/** An in-process App Store, see `fakeAppStore`. Its objects are live: do not modify them. */
export interface FakeAppStore extends FakeAppStoreEvents {
  readonly bundleId: string;
  readonly environment: 'Sandbox' | 'Production';
  readonly appAppleId: number;
  /** For `new SignedDataVerifier`: DER. */
  readonly rootCertificates: readonly Buffer[];
  /** For `new AppStoreServerAPIClient`. */
  readonly key: FakeAppStoreKey;
  /** The API as a msw handler: a dropped connection is `Response.error()`. */
  readonly handle: (request: Request) => Promise<Response>;
  /** The API as `fetch`: a dropped connection rejects. */
  readonly fetch: (input: string | URL | Request, init?: RequestInit) => Promise<Response>;
  /** Every received request, in order. */
  readonly requests: readonly FakeAppStoreRequest[];
  /** Every notification, in order. */
  readonly notices: readonly FakeAppNotice[];
  /** Every consumption answer, in order. */
  readonly consumptions: readonly FakeConsumption[];
  /** Every transaction, oldest first. */
  transactions(): readonly FakeAppTransaction[];
  /** A transaction as a device or the API gets it, signed now. */
  signedTransaction(transactionId: string, options?: FakeAppSigningOptions): string;
  /** What a device is given at every launch until the app finishes it, signed now. */
  unfinished(customer: string): readonly string[];
  /** The app has finished a transaction: it is given to the device no more. */
  finish(transactionId: string): void;
  /** Paid minus refunded, in thousandths of the currency's unit. */
  netCharged(currency: string): number;
  /** Makes the next matching request fail. */
  fail(fault: FakeAppStoreFault): void;
  /** Cancels the pending faults. */
  heal(): void;
  /** The request that delivers a notification. */
  notification(notice: FakeAppNotice, options?: FakeAppSigningOptions): Request;
  /** Delivers notifications to an endpoint, sequentially in this order. */
  deliver(notices: readonly FakeAppNotice[], endpoint: Endpoint): Promise<readonly Response[]>;
  /**
   * Delivers what Apple would send now: each once, and in Production again 1, 12, 24, 48 and 72
   * hours after a failed attempt.
   */
  deliverDue(endpoint: Endpoint): Promise<readonly Response[]>;
}

/**
 * A stateful fake of the App Store, written from Apple's documents: sheets, Ask to Buy,
 * subscriptions, offer codes and family sharing; refunds and their reversal; transactions and
 * notifications signed with a certificate chain of its own; the App Store Server API with its
 * errors; injected faults.
 *
 * @example
 * ```ts
 * import { fakeAppStore } from '@spendcap/sandbox';
 * const store = fakeAppStore();
 * const { transactionId } = store.buy({ productId: 'gems60' });
 * store.netCharged('CNY'); // => 6000
 * store.refund(transactionId);
 * store.notices.map(({ type }) => type); // => ['ONE_TIME_CHARGE', 'REFUND']
 * ```
 * @throws TypeError for an unknown option
 */
export function fakeAppStore(options: FakeAppStoreOptions = {}): FakeAppStore {
  assertOptions('fakeAppStore', options, {
    ...{ now: true, environment: true, bundleId: true, products: true },
  });
  const state = newState(options);
  const { bundleId, environment, appAppleId, signer } = state;
  const { handle, seen: requests, key, fail, heal } = createTransport(state);
  return {
    ...eventsOf(state),
    ...{ bundleId, environment, appAppleId, key, handle, requests, fail, heal },
    rootCertificates: [signer.root],
    async fetch(input, init) {
      const response = await handle(new Request(input, init));
      if (response.type === 'error') throw new TypeError('The connection was closed.');
      return response;
    },
    ...{ notices: state.notices, consumptions: state.consumptions },
    transactions: () => [...state.transactions.values()],
    signedTransaction(id, signing = {}) {
      checkSigning(signing);
      const payload = { ...transactionIn(state, id), signedDate: state.now(), ...signing.changes };
      return signer.sign(payload, signing.signature);
    },
    unfinished: (customer) =>
      [...state.unfinished]
        .filter((id) => state.customers.get(id) === customer)
        .map((id) => signer.sign({ ...transactionIn(state, id), signedDate: state.now() })),
    finish: (id) => void state.unfinished.delete(id),
    netCharged: (currency) => netCharged(state, currency),
    notification: (notice, signing = {}) => requestOf(state, notice, signing),
    deliver: (notices, endpoint) => deliver(state, notices, endpoint),
    deliverDue: (endpoint) => deliver(state, dueNotices(state), endpoint),
  };
}

function newState(options: FakeAppStoreOptions): State {
  const { now = Date.now, environment = 'Sandbox', bundleId = 'com.example.game' } = options;
  const gems = { type: 'Consumable', price: 6_000, currency: 'CNY' } as const;
  const { products = { gems60: gems } } = options;
  for (const product of Object.values(products)) {
    assertOptions('fakeAppStore products', product, {
      ...{ type: true, price: true, currency: true, periodMs: true },
    });
  }
  return {
    ...{ now, environment, bundleId, appAppleId: 6_400_000_001, serial: 0 },
    ...{ products: new Map(Object.entries(products)), signer: appStoreSigner(now()) },
    ...{ transactions: new Map(), customers: new Map(), unfinished: new Set(), askToBuy: [] },
    ...{ notices: [], consumptions: [], tests: new Map() },
  };
}

function eventsOf(state: State): FakeAppStoreEvents {
  return {
    buy: (purchase) => buy(state, purchase),
    askToBuy: (purchase) => askToBuy(state, purchase),
    approve: (request) => approve(state, request),
    decline: (request) => void endRequest(state, request, 'declined'),
    redeemCode: (purchase) => redeemCode(state, purchase),
    renew: (id) => renew(state, id),
    upgrade: (id, productId) => upgrade(state, id, productId),
    familyShare: (id, member) => familyShare(state, id, member),
    refund: (id, percentage) => refund(state, id, percentage),
    reverseRefund: (id) => reverseRefund(state, id),
    rescindConsent: (customer) => rescindConsent(state, customer),
    announce(type, { subtype, transactionId } = {}) {
      return announce(state, type, {
        ...(subtype !== undefined && { subtype }),
        ...(transactionId !== undefined && { transaction: transactionIn(state, transactionId) }),
      });
    },
  };
}
