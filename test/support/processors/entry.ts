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
  /** Refunds an order in full. */
  refund(orderId: string): Promise<unknown>;
  /** Delivers every notification so far; each must be acknowledged. */
  notify(): Promise<void>;
  reconcile(): Promise<unknown>;
}

/** A processor's fake, and the shops that use it. */
export interface ProcessorWorld {
  serve(limiter: Limiter): ProcessorServer;
  /** Every request that reached the processor: method, address, headers and body. */
  received(): readonly string[];
}

/** A payment processor, as the suites use it. */
export interface ProcessorEntry {
  readonly name: string;
  open(options: { readonly now: () => number }): ProcessorWorld;
}
