import type {
  FakePlayMoney,
  FakePlayOrder,
  FakePlayPurchase,
  FakePlayVoided,
  JsonObject,
} from './objects.ts';
import type { State } from './state.ts';

/** `Money`. Parts that are zero are absent, as JSON of protocol buffers leaves them out. */
function moneyOf({ currency: currencyCode, micros }: FakePlayMoney): JsonObject {
  const units = Math.trunc(micros / 1_000_000);
  const nanos = (micros % 1_000_000) * 1_000;
  return {
    currencyCode,
    ...(units === 0 ? {} : { units: String(units) }),
    ...(nanos === 0 ? {} : { nanos }),
  };
}

const timeOf = (at: number): string => new Date(at).toISOString();

function accountOf({ obfuscatedAccountId, obfuscatedProfileId }: FakePlayPurchase): JsonObject {
  return {
    ...(obfuscatedAccountId && { obfuscatedExternalAccountId: obfuscatedAccountId }),
    ...(obfuscatedProfileId && { obfuscatedExternalProfileId: obfuscatedProfileId }),
  };
}

const acknowledgementOf = ({ isAcknowledged }: FakePlayPurchase): string =>
  `ACKNOWLEDGEMENT_STATE_${isAcknowledged ? 'ACKNOWLEDGED' : 'PENDING'}`;

/** `ProductPurchaseV2` */
export function productV2Of(purchase: FakePlayPurchase): JsonObject {
  const { productId, quantity, refundedQuantity, isConsumed, purchasedAt } = purchase;
  const consumed = isConsumed ? 'CONSUMED' : 'YET_TO_BE_CONSUMED';
  const [orderId] = purchase.orderIds;
  return {
    kind: 'androidpublisher#productPurchaseV2',
    productLineItem: [
      {
        productId,
        productOfferDetails: {
          ...{ quantity, refundableQuantity: quantity - refundedQuantity },
          consumptionState: `CONSUMPTION_STATE_${consumed}`,
        },
      },
    ],
    purchaseStateContext: { purchaseState: purchase.state },
    ...accountOf(purchase),
    ...(orderId && { orderId }),
    ...(purchasedAt && { purchaseCompletionTime: timeOf(purchasedAt) }),
    regionCode: 'DE',
    acknowledgementState: acknowledgementOf(purchase),
  };
}

const STATES = { PURCHASED: 0, CANCELLED: 1, PENDING: 2 } as const;

/** `ProductPurchase`, the older resource. */
export function productOf(purchase: FakePlayPurchase): JsonObject {
  const { quantity, refundedQuantity, purchasedAt, isFree } = purchase;
  const [orderId] = purchase.orderIds;
  return {
    kind: 'androidpublisher#productPurchase',
    purchaseState: STATES[purchase.state],
    acknowledgementState: purchase.isAcknowledged ? 1 : 0,
    consumptionState: purchase.isConsumed ? 1 : 0,
    ...(quantity > 1 && { quantity, refundableQuantity: quantity - refundedQuantity }),
    ...accountOf(purchase),
    ...(orderId && { orderId }),
    ...(purchasedAt && { purchaseTimeMillis: String(purchasedAt) }),
    ...(isFree && { purchaseType: 1 }),
    regionCode: 'DE',
  };
}

/** `SubscriptionPurchaseV2` */
export function subscriptionOf(state: State, purchase: FakePlayPurchase): JsonObject {
  const { productId, linkedPurchaseToken, purchasedAt, expiresAt, isRenewing } = purchase;
  const latestSuccessfulOrderId = purchase.orderIds.at(-1);
  const account = accountOf(purchase);
  const item = {
    productId,
    ...(expiresAt && { expiryTime: timeOf(expiresAt) }),
    ...(latestSuccessfulOrderId && { latestSuccessfulOrderId }),
    autoRenewingPlan: {
      ...(isRenewing && { autoRenewEnabled: true }),
      recurringPrice: moneyOf(purchase.price),
    },
    offerDetails: { basePlanId: 'monthly' },
  };
  return {
    kind: 'androidpublisher#subscriptionPurchaseV2',
    subscriptionState: `SUBSCRIPTION_STATE_${subscriptionStateOf(state, purchase)}`,
    ...(purchasedAt && { startTime: timeOf(purchasedAt) }),
    ...(linkedPurchaseToken && { linkedPurchaseToken }),
    ...(Object.keys(account).length > 0 && { externalAccountIdentifiers: account }),
    lineItems: [item],
    regionCode: 'DE',
    acknowledgementState: acknowledgementOf(purchase),
  };
}

function subscriptionStateOf({ now }: State, purchase: FakePlayPurchase): string {
  const { purchasedAt, expiresAt, isRenewing } = purchase;
  if (purchase.state === 'PENDING') return 'PENDING';
  if (purchasedAt === null) return 'PENDING_PURCHASE_CANCELED';
  if (now() >= (expiresAt ?? 0)) return 'EXPIRED';
  return isRenewing ? 'ACTIVE' : 'CANCELED';
}

/** `Order` */
export function orderOf(order: FakePlayOrder): JsonObject {
  const { orderId, purchaseToken, productId, quantity, total, processedAt, refund } = order;
  const { partialRefunds, kind } = order;
  const given = partialRefunds.reduce((sum, { micros }) => sum + micros, 0);
  const money = (micros: number) => moneyOf({ currency: total.currency, micros });
  const details =
    kind === 'subscription'
      ? { subscriptionDetails: { basePlanId: 'monthly', offerPhase: 'BASE' } }
      : { oneTimePurchaseDetails: { quantity } };
  return {
    ...{ orderId, purchaseToken, state: orderStateOf(order), createTime: timeOf(processedAt) },
    ...{ total: moneyOf(total), tax: money(0) },
    lineItems: [{ productId, total: moneyOf(total), tax: money(0), ...details }],
    orderHistory: {
      processedEvent: { eventTime: timeOf(processedAt) },
      ...(partialRefunds.length > 0 && {
        partialRefundEvents: partialRefunds.map(({ at, micros }) => ({
          ...{ createTime: timeOf(at), processTime: timeOf(at), state: 'PROCESSED_SUCCESSFULLY' },
          refundDetails: { total: money(micros), tax: money(0) },
        })),
      }),
      ...(refund && {
        refundEvent: {
          ...{ eventTime: timeOf(refund.at), refundReason: refund.reason },
          // Only what had not been given back before.
          refundDetails: { total: money(total.micros - given), tax: money(0) },
        },
      }),
    },
  };
}

function orderStateOf({ refund, partialRefunds }: FakePlayOrder): string {
  if (refund !== null) return 'REFUNDED';
  return partialRefunds.length > 0 ? 'PARTIALLY_REFUNDED' : 'PROCESSED';
}

/** `VoidedPurchase` */
export function voidedOf(record: FakePlayVoided): JsonObject {
  const { purchaseToken, orderId, source, reason, quantity } = record;
  return {
    ...{ kind: 'androidpublisher#voidedPurchase', purchaseToken, orderId },
    purchaseTimeMillis: String(record.purchasedAt),
    voidedTimeMillis: String(record.voidedAt),
    ...{ voidedSource: source, voidedReason: reason },
    ...(quantity !== null && { voidedQuantity: quantity }),
  };
}
