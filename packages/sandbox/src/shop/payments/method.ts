import type { Purchase, Refused, Reservation } from '@spendcap/core';
import type { Limiter } from '@spendcap/server';
import type { AnyDeps } from '@spendcap/server/payments';
import { type Product, SHOP_CURRENCY } from '../products.ts';

/** What every processor of the shop is built on: one limiter, so that the caps are shared. */
export interface PaymentDeps {
  readonly limiter: Limiter;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/** A text of the page in both of its languages. */
export interface Text {
  readonly en: string;
  readonly zh: string;
}

/** What a player orders. */
export interface Order {
  readonly id: string;
  readonly ageToken: string;
  readonly product: Product;
}

/**
 * What the player does on the processor's page. Each returns false if the processor refuses it,
 * because the payment has ended.
 */
export interface Cashier {
  /** What becomes of the hold if the player cancels. */
  readonly whenCancelled: Text;
  pay(id: string): boolean;
  /** Begins to pay in time; only `finish` moves the money. */
  begin(id: string): boolean;
  finish(id: string): boolean;
  /** Leaves without paying. The shop then ends the payment, if the processor can. */
  cancel(id: string): Promise<void>;
}

/** What a sale was paid with. */
export interface SaleMethod {
  readonly name: string;
  readonly label: Text;
  /** Where the player pays; `null` if there is no such page: a saved card, a store on a phone. */
  readonly cashier: Cashier | null;
  /** Refunds all of it. */
  refund(purchase: Purchase): Promise<void>;
}

/** One way to pay: an entry of the shop's list. */
export interface PaymentMethod extends SaleMethod {
  /** Holds the amount, then starts the payment. A refusal calls no processor. */
  start(order: Order): Promise<Reservation | Refused>;
}

export type Endpoint = (request: Request) => Promise<Response>;

/** Whoever moves the money, as a fake that notifies the shop. */
export interface Notifier {
  /** For `processorWebhook` and `reconcile`. */
  readonly engine: AnyDeps;
  /** Where the shop takes its notifications. */
  readonly path: string;
  /** The fake sends what it has not sent yet. */
  notify(endpoint: Endpoint): Promise<void>;
}

/** A processor, its fake, and the ways to pay through it. */
export interface Provider extends Notifier {
  readonly methods: readonly PaymentMethod[];
}

/** The part of `options.spendcap` that the shop states of an order. */
export function contextOf({ id, ageToken, product }: Order) {
  return { id, ageToken, product: product.id, category: product.category };
}

/**
 * What a processor of yuan refuses: its guard takes no currency, and the shop converts no price.
 * `null` for a price in yuan.
 */
export async function otherCurrency(
  limiter: Limiter,
  { ageToken, product }: Order,
): Promise<Refused | null> {
  const { price: amount, currency, category } = product;
  if (currency === SHOP_CURRENCY) return null;
  const decision = await limiter.check({ ageToken, amount, currency, category });
  if (decision.allowed) throw new Error('This processor takes yuan only.');
  return decision;
}

/** Sends each message once, in order. */
export function outbox<Message>(
  messages: readonly Message[],
  deliver: (fresh: readonly Message[], endpoint: Endpoint) => Promise<readonly Response[]>,
): Notifier['notify'] {
  let sent = 0;
  return async (endpoint) => {
    const fresh = messages.slice(sent);
    sent += fresh.length;
    const answers = await deliver(fresh, endpoint);
    const refused = answers.find(({ ok }) => !ok);
    if (refused !== undefined) console.error(`A notification was answered ${refused.status}.`);
  };
}

/** False if the fake throws, because the payment has ended. */
export function attempt(act: () => unknown): boolean {
  try {
    act();
    return true;
  } catch {
    return false;
  }
}

/** What `start` has stored for a purchase. @throws Error if there is nothing */
export function known<Value>(values: ReadonlyMap<string, Value>, id: string): Value {
  const value = values.get(id);
  if (value === undefined) throw new Error(`No payment of ${id} was started.`);
  return value;
}
