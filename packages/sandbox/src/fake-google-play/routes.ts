import { invalid, notFound, PlayError, required } from './errors.ts';
import type { FakePlayPurchase, JsonObject } from './objects.ts';
import { answerReview, refundOrder } from './refunds.ts';
import { orderOf, productOf, productV2Of, subscriptionOf } from './resources.ts';
import { findOrder, findPurchase, type State } from './state.ts';
import { listVoided } from './voided.ts';

/** A request after authentication. */
export interface Call {
  readonly method: string;
  readonly url: URL;
  readonly body: JsonObject;
}

type Handler = (state: State, call: Call, names: readonly string[]) => JsonObject | null;

const APP = '/androidpublisher/v3/applications/([^/]+)';
const PRODUCT = `${APP}/purchases/products/([^/]+)/tokens/([^/:]+)`;
const SUBSCRIPTION = `${APP}/purchases/subscriptionsv2/tokens/([^/:]+)`;
const ORDER = `${APP}/orders/([^/:]+)`;

const routes: readonly (readonly [string, string, Handler])[] = [
  [
    'GET',
    `${APP}/purchases/productsv2/tokens/([^/:]+)`,
    (state, _, [token = '']) => productV2Of(findPurchase(state, token, 'one_time')),
  ],
  ['GET', PRODUCT, (state, _, names) => productOf(product(state, names))],
  ['POST', `${PRODUCT}:acknowledge`, (state, _, names) => acknowledge(product(state, names))],
  ['POST', `${PRODUCT}:consume`, (state, _, names) => consume(product(state, names))],
  [
    'GET',
    SUBSCRIPTION,
    (state, _, [token = '']) => subscriptionOf(state, findPurchase(state, token, 'subscription')),
  ],
  ['POST', `${SUBSCRIPTION}:revoke`, revoke],
  [
    'POST',
    `${APP}/purchases/subscriptions/([^/]+)/tokens/([^/:]+):acknowledge`,
    (state, _, [productId, token = '']) => {
      const purchase = findPurchase(state, token, 'subscription');
      if (purchase.productId !== productId) throw notFound();
      return acknowledge(purchase);
    },
  ],
  ['GET', `${APP}/purchases/voidedpurchases`, (state, { url }) => listVoided(state, url)],
  ['GET', `${APP}/orders:batchGet`, batchGet],
  ['GET', ORDER, (state, _, [orderId = '']) => orderOf(findOrder(state, orderId))],
  [
    'POST',
    `${ORDER}:refund`,
    (state, { url }, [orderId = '']) => {
      refundOrder(state, orderId, url.searchParams.get('revoke') === 'true');
      return null;
    },
  ],
  ['POST', `${ORDER}:reviewrefund`, review],
];

const ROUTES = routes.map(([method, path, handler]) => {
  return { method, pattern: new RegExp(`^${path}$`), handler };
});

/** Executes one request. @throws PlayError for an error response */
export function perform(state: State, call: Call): JsonObject | null {
  for (const { method, pattern, handler } of ROUTES) {
    const match = method === call.method ? pattern.exec(call.url.pathname) : null;
    if (match === null) continue;
    const [app = '', ...names] = match.slice(1).map((part) => decodeURIComponent(part));
    if (app !== state.packageName) {
      throw new PlayError(403, 'userInsufficientPermission', 'No permission for this app.');
    }
    return handler(state, call, names);
  }
  throw notFound();
}

function product(state: State, [productId, token = '']: readonly string[]): FakePlayPurchase {
  const purchase = findPurchase(state, token, 'one_time');
  if (purchase.productId !== productId) throw invalid('The token does not match the product.');
  return purchase;
}

function acknowledge(purchase: FakePlayPurchase): null {
  if (purchase.state !== 'PURCHASED') throw invalid('The purchase is not in a valid state.');
  purchase.isAcknowledged = true;
  return null;
}

function consume(purchase: FakePlayPurchase): null {
  acknowledge(purchase);
  purchase.isConsumed = true;
  return null;
}

function revoke(state: State, { body }: Call, [token = '']: readonly string[]): JsonObject {
  const context = body.revocationContext;
  if (typeof context !== 'object' || context === null) throw required('revocationContext');
  if (!('fullRefund' in context)) throw invalid('Only fullRefund is known here.');
  const purchase = findPurchase(state, token, 'subscription');
  refundOrder(state, purchase.orderIds.at(-1) ?? '', true);
  return {};
}

/** All or nothing. */
function batchGet(state: State, { url }: Call): JsonObject {
  const ids = url.searchParams.getAll('orderIds');
  if (ids.length === 0 || ids.length > 1_000) throw invalid('orderIds: 1 to 1000');
  if (new Set(ids).size < ids.length) throw invalid('orderIds must be distinct.');
  return { orders: ids.map((id) => orderOf(findOrder(state, id))) };
}

const PREFERENCES = ['APPROVE', 'DECLINE', 'NEUTRAL'] as const;

function review(state: State, { body }: Call, [orderId = '']: readonly string[]): null {
  const { pendingRefundToken: token, refundPreference, sampleContentProvided } = body;
  if (typeof token !== 'string') throw required('pendingRefundToken');
  if (typeof sampleContentProvided !== 'boolean') throw required('sampleContentProvided');
  const preference = PREFERENCES.find((each) => each === refundPreference);
  if (preference === undefined) throw invalid('refundPreference');
  const { consumptionPercentageMilliunits: percentage, consumptionUsageEvents: events } = body;
  const isPart = typeof percentage === 'number' && percentage >= 0 && percentage <= 100_000;
  if (percentage !== undefined && !isPart) throw invalid('consumptionPercentageMilliunits');
  if (Array.isArray(events) && events.length > 1_000) throw invalid('consumptionUsageEvents');
  findOrder(state, orderId);
  answerReview(state, orderId, { token, preference });
  return null;
}
