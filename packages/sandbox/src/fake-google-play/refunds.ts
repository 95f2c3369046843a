import { emitSubscription } from './device.ts';
import { invalid } from './errors.ts';
import type { FakePlayOrder, FakePlayReview, FakePlayVoided } from './objects.ts';
import { emit, findOrder, nextNumber, type State } from './state.ts';

const DAY = 86_400_000;
const ACKNOWLEDGE_WITHIN = 3 * DAY;
const ANSWER_WITHIN = DAY;

/** How an order is given back in full. */
export interface Voiding {
  readonly source: FakePlayVoided['source'];
  readonly reason: number;
  /** Epoch milliseconds. */
  readonly at: number;
}

/** `orders.refund`. Without `isRevoked` only the order says so. @throws PlayError */
export function refundOrder(state: State, orderId: string, isRevoked: boolean): FakePlayOrder {
  const order = findOrder(state, orderId);
  if (order.refund !== null) throw invalid('The order has been refunded.');
  if (state.now() - order.processedAt > 3 * 365 * DAY) throw invalid('The order is too old.');
  if (isRevoked) return voidOrder(state, order, { source: 1, reason: 0, at: state.now() });
  order.refund = { at: state.now(), reason: 'OTHER' };
  return order;
}

/** A bank takes back what is left of an order. @throws PlayError if nothing is */
export function chargeback(state: State, orderId: string): FakePlayOrder {
  const order = findOrder(state, orderId);
  if (order.refund !== null) throw invalid('The order has been refunded.');
  return voidOrder(state, order, { source: 2, reason: 7, at: state.now() });
}

/** Gives an order back in full and takes the item away. */
function voidOrder(state: State, order: FakePlayOrder, voiding: Voiding): FakePlayOrder {
  const purchase = state.purchases.get(order.purchaseToken);
  if (purchase === undefined) throw new Error('An order without a purchase.');
  order.refund = { at: voiding.at, reason: voiding.reason === 7 ? 'CHARGEBACK' : 'OTHER' };
  purchase.refundedQuantity = purchase.quantity;
  if (order.orderId === purchase.orderIds.at(-1)) {
    purchase.state = 'CANCELLED';
    purchase.isRenewing = false;
    purchase.expiresAt = purchase.kind === 'subscription' ? voiding.at : null;
    if (purchase.kind === 'subscription') emitSubscription(state, purchase, 12);
  }
  recordVoided(state, order, { ...voiding, quantity: null });
  return order;
}

/** Gives some of several pieces back; of the last ones the record has no quantity. */
export function refundPieces(state: State, orderId: string, pieces: number): FakePlayOrder {
  const order = findOrder(state, orderId);
  const purchase = state.purchases.get(order.purchaseToken);
  const left = order.quantity - (purchase?.refundedQuantity ?? 0);
  if (purchase === undefined || order.refund !== null || pieces < 1 || pieces > left) {
    throw new Error('There are not so many pieces to give back.');
  }
  const voiding = { source: 1, reason: 0, at: state.now() } as const;
  if (pieces === left) return voidOrder(state, order, voiding);
  purchase.refundedQuantity += pieces;
  order.partialRefunds.push({ at: state.now(), micros: purchase.price.micros * pieces });
  recordVoided(state, order, { ...voiding, quantity: pieces });
  return order;
}

function recordVoided(
  state: State,
  { purchaseToken, orderId, kind, processedAt }: FakePlayOrder,
  { source, reason, at, quantity }: Voiding & { readonly quantity: number | null },
): void {
  const times = { purchasedAt: processedAt, voidedAt: at, recordedAt: state.now() };
  state.voided.push({ purchaseToken, orderId, kind, ...times, source, reason, quantity });
  const productType = kind === 'subscription' ? 1 : 2;
  const refundType = quantity === null ? 1 : 2;
  const content = { purchaseToken, orderId, productType, refundType };
  emit(state, { voidedPurchaseNotification: content });
}

/** Gives back what was not acknowledged for three days. Every request does so first. */
export function voidUnacknowledged(state: State): void {
  for (const purchase of state.purchases.values()) {
    const { purchasedAt, isAcknowledged, orderIds } = purchase;
    if (purchase.state !== 'PURCHASED' || purchasedAt === null || isAcknowledged) continue;
    const at = purchasedAt + ACKNOWLEDGE_WITHIN;
    if (state.now() < at) continue;
    const order = findOrder(state, orderIds.at(-1) ?? '');
    if (order.refund === null) voidOrder(state, order, { source: 2, reason: 8, at });
  }
}

/** A bank or the player requests money back, and Google lets the developer comment. */
export function openReview(state: State, orderId: string, refundReason: number): FakePlayReview {
  const order = findOrder(state, orderId);
  const purchase = state.purchases.get(order.purchaseToken);
  const pendingRefundToken = `pending.${nextNumber(state, 8)}`;
  const review: FakePlayReview = {
    ...{ orderId, pendingRefundToken, openedAt: state.now(), answer: null },
  };
  state.reviews.push(review);
  const { obfuscatedAccountId, obfuscatedProfileId } = purchase ?? {};
  emit(state, {
    pendingRefundReviewNotification: {
      ...{ version: '1.0', pendingRefundToken, orderId, refundReason },
      ...(obfuscatedAccountId ? { obfuscatedAccountId } : {}),
      ...(obfuscatedProfileId ? { obfuscatedProfileId } : {}),
    },
  });
  return review;
}

/** `orders.reviewrefund`: a later or late answer is accepted and has no effect. */
export function answerReview(
  state: State,
  orderId: string,
  given: { readonly token: string; readonly preference: NonNullable<FakePlayReview['answer']> },
): void {
  const review = state.reviews.find(
    (each) => each.orderId === orderId && each.pendingRefundToken === given.token,
  );
  if (review === undefined) throw invalid('pendingRefundToken is not of this order.');
  if (review.answer !== null || state.now() > review.openedAt + ANSWER_WITHIN) return;
  review.answer = given.preference;
}
