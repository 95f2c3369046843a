import { randomUUID } from 'node:crypto';
import { AppStoreError } from './errors.ts';
import { noticeHistory, signedPayloadOf, startOf } from './notices.ts';
import {
  announce,
  type FakeAppTransaction,
  type JsonObject,
  type Mutable,
  type State,
  signTransaction,
} from './state.ts';

export interface Call {
  readonly method: string;
  readonly url: URL;
  readonly body: JsonObject;
}

/** A status with or without a body. */
export interface Answer {
  readonly status: number;
  readonly body?: JsonObject;
}

type Handler = (state: State, call: Call, id: string) => Answer;

const PAGE = 20;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

const ROUTES: readonly (readonly [string, RegExp, Handler])[] = [
  ['GET', /^\/inApps\/v1\/transactions\/([^/]+)$/, transactionInfo],
  ['GET', /^\/inApps\/v1\/history\/([^/]+)$/, (...given) => history(1, ...given)],
  ['GET', /^\/inApps\/v2\/history\/([^/]+)$/, (...given) => history(2, ...given)],
  ['GET', /^\/inApps\/v2\/refund\/lookup\/([^/]+)$/, refundHistory],
  ['POST', /^\/inApps\/v1\/notifications\/history$/, notifications],
  ['POST', /^\/inApps\/v1\/notifications\/test$/, requestTest],
  ['GET', /^\/inApps\/v1\/notifications\/test\/([^/]+)$/, testStatus],
  ['PUT', /^\/inApps\/v2\/transactions\/consumption\/([^/]+)$/, consumption],
  ['PUT', /^\/inApps\/v1\/transactions\/([^/]+)\/appAccountToken$/, setToken],
  ['POST', /^\/inApps\/v1\/transactions\/([^/]+)\/finish$/, finish],
];

/** Executes one request. @throws AppStoreError for an error response */
export function perform(state: State, call: Call): Answer {
  for (const [method, pattern, handler] of ROUTES) {
    const match = pattern.exec(call.url.pathname);
    if (match !== null && method === call.method) return handler(state, call, match[1] ?? '');
  }
  throw new AppStoreError(4_040_000, 'Not found.');
}

function find(state: State, id: string): Mutable<FakeAppTransaction> {
  if (!/^\d{1,20}$/.test(id)) throw new AppStoreError(4_000_006, 'Invalid transaction id.');
  const found = state.transactions.get(id);
  if (found === undefined) throw new AppStoreError(4_040_010, 'Transaction id not found.');
  return found;
}

function transactionInfo(state: State, _: Call, id: string): Answer {
  return ok({ signedTransactionInfo: signTransaction(state, find(state, id)) });
}

function ok(body: JsonObject): Answer {
  return { status: 200, body };
}

/** Of the customer who has the transaction, oldest first. */
function ofCustomer(state: State, id: string): readonly FakeAppTransaction[] {
  const { transactionId } = find(state, id);
  const customer = state.customers.get(transactionId);
  return [...state.transactions.values()].filter(
    (each) => state.customers.get(each.transactionId) === customer,
  );
}

function history(version: 1 | 2, ...[state, { url }, id]: Parameters<Handler>): Answer {
  const { searchParams: query } = url;
  const number = (name: string, otherwise: number) => Number(query.get(name) ?? otherwise);
  const [start, end] = [number('startDate', 0), number('endDate', Number.MAX_SAFE_INTEGER)];
  const productIds = query.getAll('productId');
  const revoked = query.get('revoked');
  const owned = query.get('inAppOwnershipType');
  const found = ofCustomer(state, id).filter(
    (each) =>
      // Version 1 leaves out consumables that the app has finished.
      (version === 2 || each.type !== 'Consumable' || state.unfinished.has(each.transactionId)) &&
      each.purchaseDate >= start &&
      each.purchaseDate < end &&
      (productIds.length === 0 || productIds.includes(each.productId)) &&
      (revoked === null || revoked === String(each.revocationDate !== undefined)) &&
      (owned === null || owned === each.inAppOwnershipType),
  );
  return page(state, query, query.get('sort') === 'DESCENDING' ? found.toReversed() : found);
}

function refundHistory(state: State, { url }: Call, id: string): Answer {
  const refunded = ofCustomer(state, id)
    .filter(({ revocationDate }) => revocationDate !== undefined)
    .toSorted((a, b) => (a.revocationDate ?? 0) - (b.revocationDate ?? 0));
  return page(state, url.searchParams, refunded);
}

function page(state: State, query: URLSearchParams, all: readonly FakeAppTransaction[]): Answer {
  const revision = query.get('revision');
  const start = startOf(revision);
  if (start === null) throw new AppStoreError(4_000_005, 'Invalid request revision.');
  const some = all.slice(start, start + PAGE);
  const { bundleId, environment, appAppleId } = state;
  return ok({
    revision: Buffer.from(String(start + some.length)).toString('base64url'),
    hasMore: start + some.length < all.length,
    ...{ bundleId, environment, ...(environment === 'Production' && { appAppleId }) },
    signedTransactions: some.map((each) => signTransaction(state, each)),
  });
}

function notifications(state: State, { url, body }: Call): Answer {
  const token = url.searchParams.get('paginationToken');
  const start = startOf(token);
  if (start === null) throw new AppStoreError(4_000_014, 'Invalid pagination token.');
  const all = noticeHistory(state, body);
  const some = all.slice(start, start + PAGE);
  const next = start + some.length;
  const hasMore = next < all.length;
  return ok({
    notificationHistory: some.map((notice) => ({
      signedPayload: signedPayloadOf(state, notice),
      sendAttempts:
        notice.attempts.length > 0
          ? notice.attempts
          : [{ attemptDate: notice.payload.signedDate, sendAttemptResult: 'NO_RESPONSE' }],
    })),
    hasMore,
    ...(hasMore && { paginationToken: Buffer.from(String(next)).toString('base64url') }),
  });
}

function requestTest(state: State): Answer {
  const testNotificationToken = randomUUID();
  state.tests.set(testNotificationToken, announce(state, 'TEST'));
  return ok({ testNotificationToken });
}

function testStatus(state: State, _: Call, token: string): Answer {
  const notice = state.tests.get(token);
  if (notice === undefined) throw new AppStoreError(4_040_008, 'Test notification not found.');
  return ok({ signedPayload: signedPayloadOf(state, notice), sendAttempts: notice.attempts });
}

const DELIVERED = /^(?:DELIVERED|UNDELIVERED_(?:QUALITY_ISSUE|WRONG_ITEM|SERVER_OUTAGE|OTHER))$/;
const PREFERENCE = /^(?:DECLINE|GRANT_FULL|GRANT_PRORATED)$/;

function consumption(state: State, { body }: Call, id: string): Answer {
  const { inAppOwnershipType, type } = find(state, id);
  const { customerConsented, deliveryStatus, refundPreference } = body;
  const { sampleContentProvided, consumptionPercentage } = body;
  if (customerConsented !== true) throw new AppStoreError(4_000_035, 'Consent is required.');
  if (inAppOwnershipType === 'FAMILY_SHARED') {
    throw new AppStoreError(4_000_185, 'Family shared transactions are not supported.');
  }
  if (typeof deliveryStatus !== 'string' || !DELIVERED.test(deliveryStatus)) {
    throw new AppStoreError(4_000_036, 'Invalid delivery status.');
  }
  if (typeof sampleContentProvided !== 'boolean') {
    throw new AppStoreError(4_000_041, 'Invalid sampleContentProvided.');
  }
  const isKnown = refundPreference === undefined || PREFERENCE.test(String(refundPreference));
  const isShare = consumptionPercentage === undefined || isPercentage(consumptionPercentage);
  const hasNone = type !== 'Auto-Renewable Subscription' || consumptionPercentage === undefined;
  if (!isKnown || !isShare || !hasNone) throw new AppStoreError(4_000_000, 'Bad request.');
  state.consumptions.push({ transactionId: id, body });
  return { status: 202 };
}

function isPercentage(value: unknown): boolean {
  return Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 100_000;
}

function setToken(state: State, { body }: Call, id: string): Answer {
  const transaction = find(state, id);
  const { appAccountToken } = body;
  if (typeof appAccountToken !== 'string' || !UUID.test(appAccountToken)) {
    throw new AppStoreError(4_000_183, 'The token is no UUID.');
  }
  if (transaction.inAppOwnershipType === 'FAMILY_SHARED') {
    throw new AppStoreError(4_000_185, 'Family shared transactions are not supported.');
  }
  if (transaction.originalTransactionId !== id) {
    throw new AppStoreError(4_000_187, 'It is not an original transaction id.');
  }
  transaction.appAccountToken = appAccountToken.toLowerCase();
  return { status: 200 };
}

function finish(state: State, _: Call, id: string): Answer {
  state.unfinished.delete(find(state, id).transactionId);
  return { status: 200 };
}
