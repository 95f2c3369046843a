import type { DisputeSnapshot, Money } from '@spendcap/core';
import { addMoney } from '../money.ts';
import { type JsonObject, listOf, objectOf, textOf, timeOf, unreadable } from './fields.ts';
import { moneyOf } from './money.ts';

/** What a purchase token gives, of a one-time product or a subscription. */
export interface PlayPurchase {
  readonly kind: 'one_time' | 'subscription';
  readonly purchaseToken: string;
  readonly product: string;
  readonly state: 'pending' | 'purchased' | 'cancelled';
  /** The newest charge; `null` if nothing was charged. */
  readonly orderId: string | null;
  /** Epoch milliseconds. */
  readonly purchasedAt: number | null;
  readonly isAcknowledged: boolean;
  readonly isConsumed: boolean;
  /** What `begin` handed to the billing flow. */
  readonly accountId: string | null;
  readonly profileId: string | null;
  /** The subscription that this one replaced. */
  readonly linkedToken: string | null;
}

const ACKNOWLEDGED = 'ACKNOWLEDGEMENT_STATE_ACKNOWLEDGED';

/** `ProductPurchaseV2`. Its states are words: the numbers of the older resource differ. */
export function productPurchaseOf(purchaseToken: string, answer: JsonObject): PlayPurchase {
  const [item] = listOf(answer.productLineItem);
  const product = textOf(item?.productId);
  if (product === null) throw unreadable('a purchase');
  const { purchaseState } = objectOf(answer.purchaseStateContext);
  const { consumptionState } = objectOf(item?.productOfferDetails);
  return {
    ...{ kind: 'one_time', purchaseToken, product, state: productStateOf(purchaseState) },
    orderId: textOf(answer.orderId),
    purchasedAt: timeOf(answer.purchaseCompletionTime),
    isAcknowledged: answer.acknowledgementState === ACKNOWLEDGED,
    isConsumed: consumptionState === 'CONSUMPTION_STATE_CONSUMED',
    ...idsOf(answer),
    linkedToken: null,
  };
}

function productStateOf(state: unknown): PlayPurchase['state'] {
  if (state === 'PURCHASED') return 'purchased';
  if (state === 'PENDING') return 'pending';
  if (state === 'CANCELLED') return 'cancelled';
  throw unreadable('the state of a purchase');
}

/** `SubscriptionPurchaseV2`. What has ended or is on hold was charged before. */
export function subscriptionPurchaseOf(purchaseToken: string, answer: JsonObject): PlayPurchase {
  const [item] = listOf(answer.lineItems);
  const product = textOf(item?.productId);
  if (product === null) throw unreadable('a subscription');
  const { subscriptionState: state } = answer;
  if (typeof state !== 'string') throw unreadable('the state of a subscription');
  const isPending = state === 'SUBSCRIPTION_STATE_PENDING';
  const isCancelled = state === 'SUBSCRIPTION_STATE_PENDING_PURCHASE_CANCELED';
  return {
    ...{ kind: 'subscription', purchaseToken, product },
    state: isPending ? 'pending' : isCancelled ? 'cancelled' : 'purchased',
    orderId: textOf(item?.latestSuccessfulOrderId),
    purchasedAt: timeOf(answer.startTime),
    isAcknowledged: answer.acknowledgementState === ACKNOWLEDGED,
    isConsumed: false,
    ...idsOf(objectOf(answer.externalAccountIdentifiers)),
    linkedToken: textOf(answer.linkedPurchaseToken),
  };
}

function idsOf(fields: JsonObject): Pick<PlayPurchase, 'accountId' | 'profileId'> {
  return {
    accountId: textOf(fields.obfuscatedExternalAccountId),
    profileId: textOf(fields.obfuscatedExternalProfileId),
  };
}

/** One charge: prices and refunds are nowhere else. */
export interface PlayOrder {
  readonly orderId: string;
  readonly purchaseToken: string | null;
  readonly product: string | null;
  /** `cancelled`: it never was paid. */
  readonly state: 'pending' | 'purchased' | 'cancelled';
  /** Epoch milliseconds. */
  readonly chargedAt: number | null;
  /** Paid, with tax. */
  readonly total: Money;
  /** Given back, without what a bank took back. */
  readonly refunded: Money | 'all' | null;
  /** What a bank took back. */
  readonly disputes: readonly DisputeSnapshot[];
}

const STATES: Readonly<Record<string, PlayOrder['state']>> = {
  ...{ PENDING: 'pending', PROCESSED: 'purchased', CANCELED: 'cancelled' },
  ...{ PENDING_REFUND: 'purchased', PARTIALLY_REFUNDED: 'purchased', REFUNDED: 'purchased' },
};

/** `Order` @throws SpendcapError `invalid_amount`, `invalid_currency`, `outcome_unknown` */
export function orderOf(answer: JsonObject): PlayOrder {
  const { orderId, state: given, total: paid, purchaseToken, lineItems, createTime } = answer;
  const id = textOf(orderId);
  const state = typeof given === 'string' && Object.hasOwn(STATES, given) ? STATES[given] : null;
  if (id === null || state == null) throw unreadable('an order');
  const { processedEvent, refundEvent, partialRefundEvents } = objectOf(answer.orderHistory);
  const total = moneyOf(paid);
  const parts = partsOf(partialRefundEvents);
  const { refundReason, refundDetails } = objectOf(refundEvent);
  const base = {
    ...{ orderId: id, purchaseToken: textOf(purchaseToken), state, total },
    product: textOf(listOf(lineItems)[0]?.productId),
    chargedAt: timeOf(objectOf(processedEvent).eventTime) ?? timeOf(createTime),
  };
  if (given !== 'REFUNDED') return { ...base, refunded: parts, disputes: [] };
  if (refundReason !== 'CHARGEBACK') return { ...base, refunded: 'all', disputes: [] };
  // The rest, if parts had been given back before.
  const amount = parts === null ? total : moneyOf(objectOf(refundDetails).total);
  const dispute: DisputeSnapshot = { id: 'chargeback', amount, state: 'withdrawn' };
  return { ...base, refunded: parts, disputes: [dispute] };
}

function partsOf(events: unknown): Money | null {
  return listOf(events)
    .filter(({ state }) => state === 'PROCESSED_SUCCESSFULLY')
    .map(({ refundDetails }) => moneyOf(objectOf(refundDetails).total))
    .reduce<Money | null>(addMoney, null);
}
