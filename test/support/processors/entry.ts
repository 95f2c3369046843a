import type { createLimiter } from '@spendcap/server';

export type Limiter = ReturnType<typeof createLimiter>;

export interface Order {
  readonly id: string;
  readonly ageToken: string;
  /** Of the currency's smallest unit. */
  readonly amount: number;
  /** ISO 4217. */
  readonly currency: string;
}

/** One server process of a shop, whose charges go through the guard. */
export interface ProcessorServer {
  /** Starts the charge of an order, which the player then pays. */
  buy(order: Order): Promise<{ readonly allowed: boolean }>;
  /** Gives back all that an order has cost. */
  refund(orderId: string): Promise<unknown>;
  /** Delivers every notification so far once more, and expects each to be acknowledged. */
  notify(): Promise<void>;
  reconcile(): Promise<unknown>;
}

/** A processor's fake, and the shops that use it. */
export interface ProcessorWorld {
  serve(limiter: Limiter): ProcessorServer;
  /** Every request that reached the processor: method, address, headers and body. */
  received(): readonly string[];
}

/** A payment processor as the suites take it. */
export interface ProcessorEntry {
  readonly name: string;
  open(options: { readonly now: () => number }): ProcessorWorld;
}
