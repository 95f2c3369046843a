import { assertOptions } from '@spendcap/core';
import {
  buy,
  cancelPending,
  complete,
  type FakePlayBuy,
  renew,
  stopRenewing,
} from './fake-google-play/device.ts';
import type {
  FakePlayMoney,
  FakePlayNotice,
  FakePlayOrder,
  FakePlayPurchase,
  FakePlayReview,
  FakePlayVoided,
  JsonObject,
} from './fake-google-play/objects.ts';
import {
  type FakePlayNotificationOptions,
  type FakePlayPush,
  pushKeys,
  pushRequest,
} from './fake-google-play/push.ts';
import {
  chargeback,
  openReview,
  refundOrder,
  refundPieces,
  voidUnacknowledged,
} from './fake-google-play/refunds.ts';
import { emit, type State } from './fake-google-play/state.ts';
import {
  createTransport,
  type FakePlayFault,
  type FakePlayRequest,
} from './fake-google-play/transport.ts';

/** Options of `fakeGooglePlay`. */
export interface FakeGooglePlayOptions {
  /** Epoch milliseconds. Default `Date.now`. */
  readonly now?: () => number;
  /** Default `com.example.game`. */
  readonly packageName?: string;
  /** Prices by product id, of one piece or one period. Default `gem60` and `pass` in EUR. */
  readonly products?: Readonly<Record<string, FakePlayMoney>>;
}

/** The player's phone, with Google's own screens. */
export interface FakePlayDevice {
  /** Buys a one-time product. @throws Error if Google Play would block it */
  buy(purchase: FakePlayBuy): FakePlayPurchase;
  /** Buys a subscription. */
  subscribe(purchase: FakePlayBuy): FakePlayPurchase;
  /** A pending purchase is paid, or a parent approves it. */
  complete(purchaseToken: string): FakePlayPurchase;
  /** A pending purchase is given up, or a parent declines it. */
  cancel(purchaseToken: string): FakePlayPurchase;
  /** The player cancels a subscription, which stays paid until its expiry. */
  stopRenewing(purchaseToken: string): FakePlayPurchase;
}

/** What Google and the developer's console do without the game. */
export interface FakePlayOffice {
  /** The next period of a subscription is charged. */
  renew(purchaseToken: string): FakePlayOrder;
  /** A full refund. Without `revoke` only the order shows it. */
  refund(orderId: string, options: { readonly revoke: boolean }): FakePlayOrder;
  /** Gives some of several pieces back. */
  refundPieces(orderId: string, pieces: number): FakePlayOrder;
  /** The bank takes the money back. */
  chargeback(orderId: string): FakePlayOrder;
  /** A refund is requested and the developer may comment. Reason 7 is a chargeback. */
  review(orderId: string, refundReason?: number): FakePlayReview;
  /** Sends a test notification. */
  test(): void;
  /** Gives back what was not acknowledged in time. Every request does so, too. */
  voidDue(): void;
}

/** An in-process Google Play, see `fakeGooglePlay`. Its objects are live: do not modify them. */
export interface FakeGooglePlay {
  readonly packageName: string;
  /** The API as a msw handler: a dropped connection is `Response.error()`. */
  readonly handle: (request: Request) => Promise<Response>;
  /** The API as `fetch`, for `fetchImplementation`: a dropped connection rejects. */
  readonly fetch: (input: string | URL | Request, init?: RequestInit) => Promise<Response>;
  /** An access token that the API takes. */
  readonly accessToken: string;
  readonly device: FakePlayDevice;
  readonly office: FakePlayOffice;
  /** Every received request, in order. */
  readonly requests: readonly FakePlayRequest[];
  /** Every notification, in order. */
  readonly notices: readonly FakePlayNotice[];
  readonly voided: readonly FakePlayVoided[];
  readonly reviews: readonly FakePlayReview[];
  /** Every purchase, oldest first. */
  purchases(): readonly FakePlayPurchase[];
  /** Every order, oldest first. */
  orders(): readonly FakePlayOrder[];
  /** Paid minus given back, in millionths of the currency. */
  netCharged(currency: string): number;
  /** How its pushes are recognised. */
  readonly push: FakePlayPush;
  /** The keys that sign the tokens of pushes, as a JWK Set. */
  jwks(): { readonly keys: readonly JsonObject[] };
  /** The push request for a notification. */
  notification(notice: FakePlayNotice, options?: FakePlayNotificationOptions): Request;
  /** Delivers notifications to an endpoint, sequentially in this order. */
  deliver(
    notices: readonly FakePlayNotice[],
    endpoint: (request: Request) => Promise<Response>,
  ): Promise<readonly Response[]>;
  /** Makes the next matching request fail. */
  fail(fault: FakePlayFault): void;
  /** Cancels the pending faults. */
  heal(): void;
}

const PRODUCTS: Readonly<Record<string, FakePlayMoney>> = {
  gem60: { currency: 'EUR', micros: 5_990_000 },
  pass: { currency: 'EUR', micros: 4_990_000 },
};

const PUSH: FakePlayPush = {
  audience: 'https://shop.example/notices/google-play',
  email: 'play-push@example-game.iam.gserviceaccount.com',
  subscription: 'projects/example-game/subscriptions/play-rtdn',
};

/**
 * A stateful fake of Google Play's Developer API and of its notifications by Pub/Sub: purchases
 * that may be pending, the three days to acknowledge them, orders, refunds of all or of some
 * pieces, voided purchases, subscriptions with renewals, refund reviews, and pushes with an OpenID
 * token of its own key. It follows the API's discovery document. Where that is silent it does what
 * is harder for a game: amounts of zero are absent, a refund without revocation shows in its order
 * alone, and the last refund of an order states only what was left.
 *
 * @throws TypeError for an unknown option
 */
export function fakeGooglePlay(options: FakeGooglePlayOptions = {}): FakeGooglePlay {
  assertOptions('fakeGooglePlay', options, { now: true, packageName: true, products: true });
  const state = newState(options);
  const { now, packageName } = state;
  const transport = createTransport(state);
  const notification: FakeGooglePlay['notification'] = (notice, sending = {}) =>
    pushRequest(PUSH, notice, { ...sending, now: now() });
  return {
    packageName,
    handle: transport.handle,
    async fetch(input, init) {
      const response = await transport.handle(new Request(input, init));
      if (response.type === 'error') throw new TypeError('The connection was closed.');
      return response;
    },
    accessToken: 'ya29.fake',
    device: deviceOf(state),
    office: officeOf(state),
    requests: transport.seen,
    notices: state.notices,
    voided: state.voided,
    reviews: state.reviews,
    purchases: () => [...state.purchases.values()],
    orders: () => [...state.orders.values()],
    netCharged: (currency) => netCharged(state, currency),
    push: PUSH,
    jwks: pushKeys,
    notification,
    async deliver(notices, endpoint) {
      const answers: Response[] = [];
      for (const notice of notices) answers.push(await endpoint(notification(notice)));
      return answers;
    },
    fail: transport.fail,
    heal: transport.heal,
  };
}

function newState(options: FakeGooglePlayOptions): State {
  const { now = Date.now, packageName = 'com.example.game', products = PRODUCTS } = options;
  return {
    ...{ now, packageName, products: new Map(Object.entries(products)) },
    ...{ purchases: new Map(), orders: new Map(), voided: [], reviews: [], notices: [] },
    serial: 0,
  };
}

function deviceOf(state: State): FakePlayDevice {
  return {
    buy: (purchase) => buy(state, purchase, 'one_time'),
    subscribe: (purchase) => buy(state, purchase, 'subscription'),
    complete: (token) => complete(state, token),
    cancel: (token) => cancelPending(state, token),
    stopRenewing: (token) => stopRenewing(state, token),
  };
}

function officeOf(state: State): FakePlayOffice {
  return {
    renew(token) {
      voidUnacknowledged(state);
      return renew(state, token);
    },
    refund: (orderId, { revoke }) => refundOrder(state, orderId, revoke),
    refundPieces: (orderId, pieces) => refundPieces(state, orderId, pieces),
    chargeback: (orderId) => chargeback(state, orderId),
    review: (orderId, reason = 7) => openReview(state, orderId, reason),
    test: () => emit(state, { testNotification: { version: '1.0' } }),
    voidDue: () => voidUnacknowledged(state),
  };
}

function netCharged({ orders }: State, currency: string): number {
  const kept = [...orders.values()].filter(
    ({ total, refund }) => total.currency === currency && refund === null,
  );
  return kept.reduce(
    (sum, { total, partialRefunds }) =>
      partialRefunds.reduce((left, { micros }) => left - micros, sum + total.micros),
    0,
  );
}
