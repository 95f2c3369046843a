import { withDeadline } from '../deadline.ts';
import { googlePlayError } from './errors.ts';
import { type JsonObject, listOf, objectOf, textOf } from './fields.ts';

/** Options of one call, as Google's client takes them. */
interface CallOptions {
  /** Milliseconds. */
  readonly timeout: number;
}

type Method<Params> = (
  params: Params & { readonly packageName: string },
  options: CallOptions,
) => Promise<{ readonly data: unknown }>;

interface Token {
  readonly token: string;
}
interface OfProduct extends Token {
  readonly productId: string;
}
interface OfOrder {
  readonly orderId: string;
}

/**
 * What is used of Google's client: `androidpublisher({ version: 'v3', auth })` of
 * `@googleapis/androidpublisher` fits.
 */
export interface GooglePlayClient {
  readonly purchases: {
    readonly productsv2: { readonly getproductpurchasev2: Method<Token> };
    readonly products: {
      readonly acknowledge: Method<OfProduct>;
      readonly consume: Method<OfProduct>;
    };
    readonly subscriptionsv2: { readonly get: Method<Token> };
    readonly subscriptions: {
      readonly acknowledge: Method<Token & { readonly subscriptionId: string }>;
    };
    readonly voidedpurchases: { readonly list: Method<VoidedQuery> };
  };
  readonly orders: {
    readonly get: Method<OfOrder>;
    readonly batchget: Method<{ readonly orderIds: string[] }>;
    readonly refund: Method<OfOrder & { readonly revoke: boolean }>;
    readonly reviewrefund: Method<OfOrder & { readonly requestBody: ReviewBody }>;
  };
}

interface VoidedQuery {
  readonly startTime?: string;
  readonly token?: string;
  /** 1: subscriptions, too. */
  readonly type: 1;
  readonly includeQuantityBasedPartialRefund: true;
  readonly maxResults: number;
}

/** The body of `orders.reviewrefund`. */
export interface ReviewBody {
  readonly pendingRefundToken: string;
  readonly refundPreference: string;
  readonly sampleContentProvided: boolean;
  readonly consumptionPercentageMilliunits?: number;
}

/** A page of voided purchases. */
export interface VoidedPage {
  readonly records: readonly JsonObject[];
  readonly next: string | null;
}

/** The calls for one app. Each rejects with a GooglePlayError. */
export interface PlayApi {
  readonly packageName: string;
  product(token: string): Promise<JsonObject>;
  subscription(token: string): Promise<JsonObject>;
  order(orderId: string): Promise<JsonObject>;
  /** All or none of them. At most 1,000. */
  orders(orderIds: readonly string[]): Promise<readonly JsonObject[]>;
  voided(query: { readonly startTime: number; readonly page?: string }): Promise<VoidedPage>;
  acknowledge(productId: string, token: string): Promise<void>;
  consume(productId: string, token: string): Promise<void>;
  acknowledgeSubscription(productId: string, token: string): Promise<void>;
  /** In full, and takes the item away. */
  refund(orderId: string): Promise<void>;
  review(orderId: string, requestBody: ReviewBody): Promise<void>;
}

/** The most that one call lists. */
export const PAGE = 1_000;

export function playApi(
  { purchases, orders }: GooglePlayClient,
  { packageName, timeoutMs }: { readonly packageName: string; readonly timeoutMs: number },
): PlayApi {
  async function call<Params>(
    method: (params: Params & { packageName: string }, options: CallOptions) => Promise<unknown>,
    params: Params,
  ): Promise<JsonObject> {
    try {
      const sent = () => method({ ...params, packageName }, { timeout: timeoutMs });
      const answer = await withDeadline(timeoutMs, sent);
      return objectOf(objectOf(answer).data);
    } catch (error) {
      throw googlePlayError(error);
    }
  }
  const done = async (answer: Promise<JsonObject>): Promise<void> => void (await answer);
  const { productsv2, products, subscriptionsv2, subscriptions, voidedpurchases } = purchases;
  return {
    packageName,
    // Called as methods: the client's own need their `this`.
    product: (token) => call((...args) => productsv2.getproductpurchasev2(...args), { token }),
    subscription: (token) => call((...args) => subscriptionsv2.get(...args), { token }),
    order: (orderId) => call((...args) => orders.get(...args), { orderId }),
    async orders(orderIds) {
      const ids = { orderIds: [...orderIds] };
      return listOf((await call((...args) => orders.batchget(...args), ids)).orders);
    },
    async voided({ startTime, page }) {
      const answer = await call((...args) => voidedpurchases.list(...args), {
        ...(page === undefined ? { startTime: String(startTime) } : { token: page }),
        ...({ type: 1, includeQuantityBasedPartialRefund: true, maxResults: PAGE } as const),
      });
      const next = textOf(objectOf(answer.tokenPagination).nextPageToken);
      return { records: listOf(answer.voidedPurchases), next };
    },
    acknowledge: (productId, token) =>
      done(call((...args) => products.acknowledge(...args), { productId, token })),
    consume: (productId, token) =>
      done(call((...args) => products.consume(...args), { productId, token })),
    acknowledgeSubscription: (subscriptionId, token) =>
      done(call((...args) => subscriptions.acknowledge(...args), { subscriptionId, token })),
    refund: (orderId) => done(call((...args) => orders.refund(...args), { orderId, revoke: true })),
    review: (orderId, requestBody) =>
      done(call((...args) => orders.reviewrefund(...args), { orderId, requestBody })),
  };
}
