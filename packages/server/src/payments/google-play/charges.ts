import type { DeviceCharge } from '@spendcap/core';
import { isZero } from '../money.ts';
import type { PlayApi } from './client.ts';
import { isGooglePlayError } from './errors.ts';
import { type JsonObject, unreadable } from './fields.ts';
import {
  orderOf,
  type PlayOrder,
  type PlayPurchase,
  productPurchaseOf,
  subscriptionPurchaseOf,
} from './resources.ts';

/** A charge of Google Play, with what is needed to acknowledge it or to give it back. */
export interface GooglePlayCharge extends DeviceCharge {
  readonly kind: PlayPurchase['kind'];
  readonly product: string;
  readonly purchaseToken: string;
  /** `null` for a purchase that is pending, or free. */
  readonly orderId: string | null;
  readonly isAcknowledged: boolean;
  readonly isConsumed: boolean;
  /** False for the first charge of a token, the only one that needs an acknowledgement. */
  readonly isRenewal: boolean;
}

/**
 * The charge of a one-time purchase: one call for a pending one, and the price is another.
 *
 * @throws GooglePlayError, SpendcapError
 */
export async function chargeOfProduct(api: PlayApi, token: string): Promise<GooglePlayCharge> {
  const purchase = productPurchaseOf(token, await api.product(token));
  if (purchase.orderId === null) return withoutOrder(purchase);
  return chargeOf(purchase, orderOf(await api.order(purchase.orderId)));
}

/**
 * Notifications are kept for at most 31 days, and the shortest period of a subscription is a week:
 * so many renewals can have passed before the first of their notifications is read.
 */
const RENEWALS = 5;

/**
 * The newest charges of a subscription, oldest first.
 *
 * @throws GooglePlayError, SpendcapError
 */
export async function chargesOfSubscription(
  api: PlayApi,
  token: string,
): Promise<readonly GooglePlayCharge[]> {
  const purchase = subscriptionPurchaseOf(token, await api.subscription(token));
  if (purchase.orderId === null) return [withoutOrder(purchase)];
  const recent = recentOf(purchase.orderId);
  // Without its only order a subscription cannot be read at all.
  const answers =
    recent.length > 1 ? await readOrders(api, recent) : [await api.order(purchase.orderId)];
  const orders = answers.map(orderOf);
  const replaced = await replacedBy(api, purchase);
  return orders.map((order) => chargeOf(purchase, order, replaced));
}

/** Charges of a subscription are numbered: `GPA.1`, then `GPA.1..0`, `GPA.1..1`. */
function recentOf(orderId: string): readonly string[] {
  const { first, renewal } = numberOf(orderId);
  const from = Math.max(-1, renewal - RENEWALS + 1);
  return Array.from({ length: renewal - from + 1 }, (_, index) => {
    const number = from + index;
    return number === -1 ? first : `${first}..${number}`;
  });
}

function numberOf(orderId: string): { readonly first: string; readonly renewal: number } {
  const [, first, renewal] = /^(.+)\.\.(\d{1,6})$/.exec(orderId) ?? [];
  return first === undefined
    ? { first: orderId, renewal: -1 }
    : { first, renewal: Number(renewal) };
}

/** In one call; one by one if Google lacks any of them. */
export async function readOrders(
  api: PlayApi,
  orderIds: readonly string[],
): Promise<readonly JsonObject[]> {
  if (orderIds.length > 1) {
    try {
      return await api.orders(orderIds);
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }
  const found: JsonObject[] = [];
  for (const orderId of orderIds) {
    try {
      found.push(await api.order(orderId));
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }
  return found;
}

/** Google has no such order or token, or says that it is none. */
function isMissing(error: unknown): boolean {
  return isGooglePlayError(error) && [400, 404, 410].includes(error.status ?? 0);
}

/** The subscription that this one replaced. */
interface Replaced {
  /** Its first charge. */
  readonly renewalOf: string;
  readonly purchaseId: string | null;
}

/**
 * Some billing libraries drop the profile id when a subscription is replaced: the player is found
 * by the one that was replaced.
 */
async function replacedBy(api: PlayApi, purchase: PlayPurchase): Promise<Replaced | null> {
  const { linkedToken, profileId } = purchase;
  if (linkedToken === null || profileId !== null) return null;
  try {
    const linked = subscriptionPurchaseOf(linkedToken, await api.subscription(linkedToken));
    if (linked.orderId === null) return null;
    return { renewalOf: numberOf(linked.orderId).first, purchaseId: linked.profileId };
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

/** Which purchase an order paid for, as the operator knows it; `null` if that is unknown. */
export type PurchaseIdOf = (orderId: string) => string | null | Promise<string | null>;

/** How a charge is found by its order. */
export interface OrderReading {
  readonly api: PlayApi;
  readonly purchaseIdOf: PurchaseIdOf | undefined;
}

/** A charge by its order, whose purchase may be too old to be found. */
export async function chargeOfOrder(
  { api, purchaseIdOf }: OrderReading,
  order: PlayOrder,
): Promise<GooglePlayCharge | null> {
  const { purchaseToken: token } = order;
  if (token === null) return null;
  const isRenewal = numberOf(order.orderId).renewal >= 0;
  const product = () => api.product(token).then((answer) => productPurchaseOf(token, answer));
  const subscription = () =>
    api.subscription(token).then((answer) => subscriptionPurchaseOf(token, answer));
  for (const read of isRenewal ? [subscription] : [product, subscription]) {
    try {
      return chargeOf(await read(), order);
    } catch (error) {
      // Of the other kind, or gone.
      if (!isMissing(error)) throw error;
    }
  }
  // The ledger finds a charge that it recorded by its order, and one that was held by its purchase.
  const profileId = (await purchaseIdOf?.(order.orderId)) ?? null;
  return chargeOf(lostPurchase(token, order, profileId), order);
}

/** What the order says of it: who bought is unknown. */
function lostPurchase(
  purchaseToken: string,
  { product, orderId }: PlayOrder,
  profileId: string | null,
): PlayPurchase {
  if (product === null) throw unreadable('an order');
  return {
    ...{ kind: 'one_time', purchaseToken, product, state: 'purchased', orderId },
    ...{ purchasedAt: null, isAcknowledged: true, isConsumed: true },
    ...{ accountId: null, profileId, linkedToken: null },
  };
}

/** Pending, given up, or paid with a promotional code. */
function withoutOrder(purchase: PlayPurchase): GooglePlayCharge {
  const { purchaseToken, product, state, purchasedAt } = purchase;
  return {
    ...{ reference: purchaseToken, renewalOf: null, product, state, captured: null, refunds: [] },
    // No money moves at that time.
    chargedAt: purchasedAt ?? 0,
    ...namesOf(purchase),
    ...{ orderId: null, isRenewal: false },
  };
}

function chargeOf(
  purchase: PlayPurchase,
  order: PlayOrder,
  replaced: Replaced | null = null,
): GooglePlayCharge {
  const { orderId, state, total, refunded, disputes } = order;
  const { first, renewal } = numberOf(orderId);
  const isFree = isZero(total);
  const chargedAt = order.chargedAt ?? purchase.purchasedAt;
  if (chargedAt === null) throw unreadable('an order without a time');
  return {
    ...{ reference: orderId, state, orderId },
    product: purchase.product,
    chargedAt,
    captured: isFree ? null : total,
    refunds: refunded === null || isFree ? [] : { total: refunded },
    ...{ disputes, isRenewal: renewal >= 0 },
    ...namesOf(purchase),
    ...(replaced ?? { renewalOf: renewal >= 0 ? first : null }),
  };
}

function namesOf(purchase: PlayPurchase) {
  const { kind, purchaseToken, accountId, profileId, isAcknowledged, isConsumed } = purchase;
  const names = { account: accountId, purchaseId: profileId };
  return { ...names, kind, purchaseToken, isAcknowledged, isConsumed };
}
