import type { FakePlayMoney, FakePlayOrder, FakePlayPurchase } from './objects.ts';
import { emit, nextNumber, type State } from './state.ts';

const MONTH = 30 * 86_400_000;

/** What an app passes to the billing flow. */
export interface FakePlayBuy {
  readonly productId: string;
  /** Default 1. */
  readonly quantity?: number;
  /** At most 64 characters each. Absent for a purchase made outside the app. */
  readonly obfuscatedAccountId?: string;
  readonly obfuscatedProfileId?: string;
  /** Replaces the price of the product. */
  readonly price?: FakePlayMoney;
  /** The player pays later: in cash, or a parent approves. */
  readonly isPending?: boolean;
  /** By a promotional code: nothing is paid and there is no order. */
  readonly isFree?: boolean;
  /** A subscription that this one replaces. */
  readonly linkedPurchaseToken?: string;
}

/** @throws Error if Google Play would block the purchase */
export function buy(
  state: State,
  given: FakePlayBuy,
  kind: FakePlayPurchase['kind'],
): FakePlayPurchase {
  const { productId, quantity = 1, isPending = false, isFree = false } = given;
  const { obfuscatedAccountId = null, obfuscatedProfileId = null } = given;
  const price = given.price ?? state.products.get(productId);
  if (price === undefined) throw new Error('ITEM_UNAVAILABLE');
  for (const id of [obfuscatedAccountId, obfuscatedProfileId]) {
    // Personal data in clear text blocks a purchase; an address is what Google names.
    if (id !== null && (id.length > 64 || id.includes('@'))) throw new Error('DEVELOPER_ERROR');
  }
  const purchase: FakePlayPurchase = {
    ...{ kind, productId, quantity, obfuscatedAccountId, obfuscatedProfileId, price, isFree },
    purchaseToken: `token.${nextNumber(state, 8)}-${kind}`,
    linkedPurchaseToken: given.linkedPurchaseToken ?? null,
    ...{ state: 'PENDING', purchasedAt: null, isAcknowledged: false, isConsumed: false },
    ...{ refundedQuantity: 0, orderIds: [], expiresAt: null, isRenewing: kind === 'subscription' },
  };
  state.purchases.set(purchase.purchaseToken, purchase);
  return isPending ? purchase : complete(state, purchase.purchaseToken);
}

function known(state: State, token: string): FakePlayPurchase {
  const purchase = state.purchases.get(token);
  if (purchase === undefined) throw new Error('There is no such purchase.');
  return purchase;
}

function pending(state: State, token: string): FakePlayPurchase {
  const purchase = known(state, token);
  if (purchase.state !== 'PENDING') throw new Error(`The purchase is ${purchase.state}.`);
  return purchase;
}

/** A pending purchase is paid. */
export function complete(state: State, token: string): FakePlayPurchase {
  const purchase = pending(state, token);
  purchase.state = 'PURCHASED';
  purchase.purchasedAt = state.now();
  if (!purchase.isFree) charge(state, purchase);
  if (purchase.kind === 'subscription') {
    purchase.expiresAt = state.now() + MONTH;
    emitSubscription(state, purchase, 4);
  } else emitOneTime(state, purchase, 1);
  return purchase;
}

/** A pending purchase will not be paid. */
export function cancelPending(state: State, token: string): FakePlayPurchase {
  const purchase = pending(state, token);
  purchase.state = 'CANCELLED';
  if (purchase.kind === 'subscription') emitSubscription(state, purchase, 20);
  else emitOneTime(state, purchase, 2);
  return purchase;
}

/** A period has passed: Google charges the next one. */
export function renew(state: State, token: string): FakePlayOrder {
  const purchase = known(state, token);
  if (!purchase.isRenewing || purchase.state !== 'PURCHASED') throw new Error('It does not renew.');
  purchase.expiresAt = Math.max(purchase.expiresAt ?? 0, state.now()) + MONTH;
  const order = charge(state, purchase);
  emitSubscription(state, purchase, 2);
  return order;
}

/** The player cancels a subscription: paid until its expiry. */
export function stopRenewing(state: State, token: string): FakePlayPurchase {
  const purchase = known(state, token);
  purchase.isRenewing = false;
  emitSubscription(state, purchase, 3);
  return purchase;
}

function charge(state: State, purchase: FakePlayPurchase): FakePlayOrder {
  const { purchaseToken, kind, productId, quantity, price, orderIds } = purchase;
  const [first] = orderIds;
  // A renewal has the id of the first order and its own number.
  const orderId =
    first === undefined
      ? `GPA.3301-2222-3333-${nextNumber(state, 5)}`
      : `${first}..${orderIds.length - 1}`;
  const total = { currency: price.currency, micros: price.micros * quantity };
  const order: FakePlayOrder = {
    ...{ orderId, purchaseToken, kind, productId, quantity, total, processedAt: state.now() },
    ...{ partialRefunds: [], refund: null },
  };
  orderIds.push(orderId);
  state.orders.set(orderId, order);
  return order;
}

function emitOneTime(state: State, { purchaseToken, productId }: FakePlayPurchase, type: 1 | 2) {
  const content = { version: '1.0', notificationType: type, purchaseToken, sku: productId };
  emit(state, { oneTimeProductNotification: content });
}

export function emitSubscription(
  state: State,
  { purchaseToken }: FakePlayPurchase,
  notificationType: number,
): void {
  const content = { version: '1.0', notificationType, purchaseToken };
  emit(state, { subscriptionNotification: content });
}
