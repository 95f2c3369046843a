import type { AgeEvidence, AppliedCharge, DeviceProcessor, Processor } from '@spendcap/core';
import type { Limiter } from '../limiter/types.ts';

/** What a processor under test is connected to. */
export interface ProcessorSetup {
  readonly limiter: Limiter;
  /** The suite's clock, for processor, guard and fake. */
  readonly now: () => number;
}

/** A purchase that the suite has started. `amount` is in the currency of the suite. */
export interface SuitePurchase {
  readonly id: string;
  readonly amount: string;
  readonly evidence: AgeEvidence;
}

/** A processor with its guard, connected to something that behaves as the real service. */
export interface ProcessorWorld {
  readonly processor: Processor | DeviceProcessor;
  /** Starts a charge through the guard, or begins one on a device; rejects as the guard does. */
  start(purchase: SuitePurchase): Promise<{ readonly allowed: boolean }>;
  /**
   * The payer pays at the processor. Rejects if that is not possible any more. A store on a device
   * charges again, each time, under the same token.
   */
  pay(id: string): Promise<void>;
  /**
   * The operator refunds the last payment at the processor, past the guard. Absent with `refunds:
   * 'none'`.
   */
  readonly refund?: (id: string, refund: { readonly amount: string }) => Promise<void>;
  /** Every notification sent so far, oldest first, signed now. */
  notifications(): readonly Request[];
  /** Calls that started or took a charge, and reached the processor. */
  charges(): number;
  /**
   * What becomes of the next call that starts a charge: rejected for certain, lost before it
   * arrives, or done with its answer lost.
   */
  failNext(fault: 'reject' | 'cut_before' | 'cut_after'): void;
  /** True if a call that starts a charge makes no network call, so that none can fail. */
  readonly startsLocally?: boolean;
  /** Required of a store on the device. */
  readonly device?: DeviceActions;
}

/** What only a store on the device does. */
export interface DeviceActions {
  /** The device gives the last charge of a purchase to the guard, in the name of a player. */
  confirm(id: string, evidence: AgeEvidence): Promise<AppliedCharge>;
  /** The player wants a parent's approval, in the store's sheet. */
  ask(id: string): Promise<void>;
  /** The parent approves what the player wants. */
  approve(id: string): Promise<void>;
  /** The subscription that was bought last is renewed. Absent if the guard takes none. */
  readonly renew?: (id: string) => Promise<void>;
}
