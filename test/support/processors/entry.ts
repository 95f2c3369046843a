import type { Decision, DeviceProcessor, Money, Processor, Purchase } from '@spendcap/core';
import type { createLimiter } from '@spendcap/server';
import type { PaymentProblem, PurchaseContext, Reconciled } from '@spendcap/server/payments';
import type { DeviceActions } from '@spendcap/server/testing';

export type Limiter = ReturnType<typeof createLimiter>;

/** What a player wants to buy. */
export interface Wanted extends Money {
  readonly spendcap: PurchaseContext;
  /** One of the entry's `ways`. Default: its first. */
  readonly way?: string;
}

/** What a process of a shop is connected to. */
export interface Shop {
  readonly limiter: Limiter;
  /** The clock of the process. */
  readonly now: () => number;
  /** Runs before each of its network calls; the call is lost if it rejects. */
  readonly beforeCall?: () => Promise<void>;
  readonly onProblem?: (problem: PaymentProblem) => unknown;
}

/** One server process of a shop, whose charges go through the guard. */
export interface ProcessorServer {
  readonly processor: Processor | DeviceProcessor;
  /** Starts the charge of a purchase. */
  start(
    wanted: Wanted,
  ): Promise<Decision & { readonly purchase?: Purchase; readonly replayed?: boolean }>;
  readonly webhook: (request: Request) => Promise<Response>;
  /** One run of the reconciler, by default one hold at a time. */
  reconcile(options?: { readonly concurrency: number }): Promise<readonly Reconciled[]>;
  /**
   * One of the entry's `deeds`. Resolves to `false` if there is nothing to do it to.
   *
   * @param amount of the smallest unit; all of it if absent
   */
  deed(name: string, id: string, amount?: number): Promise<boolean>;
  /** Of a store on the device. */
  readonly device?: DeviceActions & {
    /** Buys under the token of the purchase, however often it was bought. */
    buy(id: string): Promise<void>;
  };
}

/** What the processor has done for a purchase, in the currency's smallest unit. */
export interface Books {
  readonly captured: number;
  /** Each refund that has moved money, or their total. */
  readonly refunds: readonly number[];
  /** Money moved although the payment had expired or was closed, so that no hold can cover it. */
  readonly isLate?: boolean;
  /** The guard let the store keep the money, as it may of what was held only. */
  readonly isAccepted?: boolean;
  /** Of a store on a device: the id under which the ledger has it, if there was no hold. */
  readonly recordedAs?: string;
}

/** A processor's fake: the service, its payers and its banks. */
export interface ProcessorWorld {
  serve(shop: Shop): ProcessorServer;
  /** The payer pays. Rejects if that is not possible any more. */
  pay(id: string): Promise<void>;
  /** The operator refunds at the processor, past the guard. */
  readonly refund?: (id: string, refund: { readonly amount: string }) => Promise<void>;
  /** Payers and banks end what they have begun. */
  settle(): void | Promise<void>;
  /** Every notification so far, or those about a purchase, oldest first, signed now. */
  notifications(id?: string): readonly Request[];
  books(id: string): Books;
  /** The same of charges without a hold, by the ids under which the ledger records them. */
  readonly unheld?: () => ReadonlyMap<string, Books>;
  /** Calls that started a charge. */
  charges(): number;
  /** What becomes of the next network call: one of the entry's `faults`. */
  fail(fault: string): void;
  /** Cancels the pending faults. */
  heal(): void;
  /** Every request that reached the processor: method, address, headers and body. */
  received(): readonly string[];
  /** Ends what runs for it. */
  readonly close?: () => Promise<void>;
}

/** A way to start a charge. */
export interface Way {
  /** How often a simulated player takes it, beside the others. */
  readonly weight: number;
  /** What usually follows, one of each group. */
  readonly usually: readonly (readonly string[])[];
  /** True if it makes no network call, so that none can fail. */
  readonly isLocal?: boolean;
  /** True for a subscription, which is charged again each period. */
  readonly renews?: boolean;
}

/** What can become of any processor's calls; some can be answered in more ways. */
export type CommonFault = 'reject' | 'cut_before' | 'cut_after' | 'rate_limit' | 'error' | 'slow';

/** A payment processor, as the suites use it. */
export interface ProcessorEntry {
  readonly name: string;
  /** The ids of purchases, if not every text is one. */
  readonly idOf?: (index: number) => string;
  /** ISO 4217, with weights. */
  readonly currencies: Readonly<Record<string, number>>;
  /** Ways to start a charge. The first leaves it to the payer to pay. */
  readonly ways: Readonly<Record<string, Way>>;
  /** What players, banks, operators and the guard may do to a payment that has been started. */
  readonly deeds: readonly string[];
  readonly faults: readonly string[];
  /** Codes of problems that need no mistake: what cannot be prevented there. */
  readonly reports?: readonly string[];
  /** Of a notification's body, if not all of it is signed: what is. */
  readonly signedPart?: (body: string) => string | null;
  open(options: { readonly now: () => number }): ProcessorWorld | Promise<ProcessorWorld>;
}

/** The id of a purchase in the form of the processor. */
export function purchaseIdOf({ idOf }: ProcessorEntry, index: number): string {
  return idOf?.(index) ?? `order_${index}`;
}
