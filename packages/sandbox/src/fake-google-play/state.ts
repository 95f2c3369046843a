import { notFound } from './errors.ts';
import type {
  FakePlayMoney,
  FakePlayNotice,
  FakePlayOrder,
  FakePlayPurchase,
  FakePlayReview,
  FakePlayVoided,
  JsonObject,
} from './objects.ts';

/** The state of the fake. */
export interface State {
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly packageName: string;
  /** Prices of one piece or one period, by product id. */
  readonly products: ReadonlyMap<string, FakePlayMoney>;
  readonly purchases: Map<string, FakePlayPurchase>;
  readonly orders: Map<string, FakePlayOrder>;
  readonly voided: FakePlayVoided[];
  readonly reviews: FakePlayReview[];
  readonly notices: FakePlayNotice[];
  serial: number;
}

export function nextNumber(state: State, digits: number): string {
  state.serial += 1;
  return String(state.serial).padStart(digits, '0');
}

/** A notification for the topic of the app. */
export function emit(state: State, content: JsonObject): void {
  const at = state.now();
  const head = { version: '1.0', packageName: state.packageName, eventTimeMillis: String(at) };
  const messageId = nextNumber(state, 16);
  state.notices.push({ messageId, at, content: { ...head, ...content } });
}

/** @throws PlayError as the API answers */
export function findPurchase(
  state: State,
  token: string,
  kind: FakePlayPurchase['kind'],
): FakePlayPurchase {
  const found = state.purchases.get(token);
  if (found?.kind !== kind) throw notFound();
  return found;
}

/** @throws PlayError as the API answers */
export function findOrder(state: State, orderId: string): FakePlayOrder {
  const found = state.orders.get(orderId);
  if (found === undefined) throw notFound();
  return found;
}
