import type { Purchase } from '@spendcap/core';

/** A customer wants a refund, and Apple wants to know what the app thinks (CONSUMPTION_REQUEST). */
export interface ConsumptionQuery {
  readonly transactionId: string;
  readonly product: string;
  /** Apple's `consumptionRequestReason`; empty if it states none. */
  readonly reason: string;
  /** The purchase; `null` if the ledger has none. */
  readonly purchase: Purchase | null;
  /** It was charged past a hold, after its end, or without one. */
  readonly isOverCap: boolean;
}

/** What to answer, only for a customer who has consented to it. */
export interface ConsumptionAnswer {
  /** Default `GRANT_FULL` if it exceeds the cap; else none. */
  readonly refundPreference?: 'DECLINE' | 'GRANT_FULL' | 'GRANT_PRORATED';
  /** Default `DELIVERED`. */
  readonly deliveryStatus?: (typeof STATUSES)[number];
  /** Whether there was a free sample. Default false. */
  readonly sampleContentProvided?: boolean;
  /** In thousandths of a per cent, 0 to 100,000; not of auto-renewable subscriptions. */
  readonly consumptionPercentage?: number;
}

const STATUSES = [
  'DELIVERED',
  'UNDELIVERED_QUALITY_ISSUE',
  'UNDELIVERED_WRONG_ITEM',
  'UNDELIVERED_SERVER_OUTAGE',
  'UNDELIVERED_OTHER',
] as const;

/** Answers Apple's question about a refund; `null` without the customer's consent. */
export type ConsumptionRule = (
  query: ConsumptionQuery,
) => ConsumptionAnswer | null | Promise<ConsumptionAnswer | null>;
