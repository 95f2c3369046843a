import type { Purchase } from './wire.ts';

/**
 * The processor contract. A processor moves money, and only *reports*: its answers, notifications
 * and queries all yield the same cumulative snapshot, and one function of the engine applies it to
 * the ledger. Late, repeated and reordered messages therefore need no code of their own.
 */

/** An amount: a decimal string and an ISO 4217 code. */
export interface Money {
  readonly amount: string;
  readonly currency: string;
}

/** A refund of captured money; what was never captured cannot be refunded. */
export interface RefundSnapshot {
  /** The processor's id of the refund, unique within the purchase. */
  readonly id: string;
  readonly amount: Money;
  /** Only `succeeded` gives back. `failed` also undoes a refund that had succeeded before. */
  readonly state: 'pending' | 'succeeded' | 'failed';
}

/**
 * The running total of all refunds, for a processor that reports no more. `all`: everything that
 * was captured. `reversed`: what was refunded is charged again, finally.
 */
export interface RefundTotal {
  readonly total: Money | RefundShare | 'all' | 'reversed';
  /** Default `total`. Another one counts what is refunded after a reversal. */
  readonly id?: string;
}

/** A share of what was captured, rounded to the nearest minor unit, half a unit up. */
export interface RefundShare {
  /** Thousandths of a per cent, 0 to 100,000. */
  readonly milliPercent: number;
}

/** A dispute, or any other claim by which a bank takes money back. */
export interface DisputeSnapshot {
  readonly id: string;
  readonly amount: Money;
  /** `open`: no money has moved yet. */
  readonly state: 'open' | 'withdrawn' | 'returned';
}

/**
 * What a processor says about all payments of one purchase, cumulative: applying it twice changes
 * nothing.
 */
export interface PaymentSnapshot {
  readonly purchaseId: string;
  /**
   * `open`: somebody may still pay, or this message does not say. `closed`: certainly nobody can.
   * `unseen`: the processor knows no payment of the purchase.
   */
  readonly state: 'open' | 'closed' | 'unseen';
  /**
   * The total captured so far; `null` if nothing was, `held` if the message states no amount: that
   * of the hold. Required with refunds and disputes.
   */
  readonly captured: Money | 'held' | null;
  /** Each refund by its id, or only their running total; in the currency of `captured`. */
  readonly refunds: readonly RefundSnapshot[] | RefundTotal;
  readonly disputes?: readonly DisputeSnapshot[];
  /** The processor's own id of the payment, if it is not derived from the purchase id. */
  readonly reference?: string;
}

/** The properties of a processor that the engine and its conformance suite go by. */
export interface ProcessorTraits {
  /** Who starts a charge. For `device` see `DeviceTraits`. Default `server`. */
  readonly startedBy?: 'server';
  /**
   * What the processor calls the purchase: its order number or idempotency key.
   *
   * @throws TypeError for an id that does not fit, before anything is held
   */
  reference(purchaseId: string): string;
  /**
   * The merchant or app within which a reference is unique. Kept with the hold as `processorRef`: a
   * retry at another account is a conflict, and what another account says is not about this hold.
   * 1 to 512 visible ASCII characters. Absent if references are unique everywhere, or the processor
   * has ids of its own for payments.
   */
  readonly account?: string;
  /** How long after the reservation a repeated start cannot charge twice, in seconds. */
  readonly retrySeconds: number;
  /** How long after its expiry a hold stays although the processor knows no payment, in seconds. */
  readonly unseenGraceSeconds: number;
  /** `whole`: a captured amount other than the held one belongs to another order and is refused. */
  readonly captures: 'whole' | 'partial';
  /**
   * What makes it certain that nobody can pay any more: the last call was never made, the payment
   * was closed, only its expiry, or nothing.
   */
  readonly release: 'never_captured' | 'closed' | 'expired_only' | 'none';
  readonly refunds: 'none' | 'full' | 'partial';
  /** Default true. False if only notifications report refunds, because `query` cannot. */
  readonly queriesRefunds?: boolean;
}

/** What an error of a call proves. Anything not certainly rejected is `unknown`: the hold stays. */
export type CallOutcome = 'rejected' | 'unknown' | 'key_reused';

/** A payment processor. */
export interface Processor {
  /** Kept with the hold, and selects its overdue holds: `wechat_pay`. */
  readonly name: string;
  readonly traits: ProcessorTraits;
  /** Never throws. */
  outcomeOf(error: unknown): CallOutcome;
  /** Asks now; no cached or searched copy. */
  query(held: Purchase): Promise<PaymentSnapshot>;
  /** Makes sure that nobody can pay any more, as far as possible, then looks. */
  close(held: Purchase): Promise<PaymentSnapshot>;
  /** Absent if the processor sends no notifications. */
  readonly notifications?: NotificationDialect;
}

/** A notification as it arrived: the unparsed bytes. */
export interface RawNotification {
  /** As the server received it; behind a proxy only its path and query are the sender's. */
  readonly url: string;
  /** The value of a header, whose name may be in any case. */
  header(name: string): string | null;
  readonly body: Uint8Array;
}

/** A notification whose signature, age and addressee were checked. */
export interface VerifiedNotification {
  /** The processor's id of the message, to find it there; `null` if it has none. */
  readonly id: string | null;
  readonly type: string;
  /** The parsed message. */
  readonly payload: unknown;
}

/**
 * How a notification ended. `settled`: applied. `ignored`: about no purchase of ours, or rejected
 * by the ledger permanently. `refused`: for another merchant, app or amount. `forged`: signature or
 * age wrong. `too_large`: over `maxBytes`. `retry`: not now.
 */
export type NotificationResult =
  | 'settled'
  | 'ignored'
  | 'refused'
  | 'forged'
  | 'too_large'
  | 'retry';

/** The HTTP response to a notification, in the processor's words. */
export interface NotificationReply {
  readonly status: number;
  readonly contentType?: string;
  readonly body?: string;
}

/** How a processor's notifications are read and answered. `Said` is what they say. */
export interface NotificationDialect<Said = PaymentSnapshot> {
  readonly maxBytes: number;
  /**
   * True if a message only says where to look: its sender is verified, what it says is not, and
   * `read` queries. Default false.
   */
  readonly isHint?: boolean;
  /** The method of its requests. Default `POST`. */
  readonly method?: 'GET' | 'POST';
  /** The processor gives up waiting then: the response is `retry` in time. */
  readonly deadlineMs?: number;
  /**
   * Checks the signature over the raw bytes and the age at `at` (epoch milliseconds).
   *
   * @returns `null` if it is forged or too old, `'refused'` if it is for another merchant or app
   */
  verify(message: RawNotification, at: number): Promise<VerifiedNotification | 'refused' | null>;
  /** `[]` if it is about no purchase of ours. May query, where a message is only a hint. */
  read(message: VerifiedNotification): Promise<readonly Said[]>;
  /** The response for a result: `retry` makes it deliver again. */
  reply(result: NotificationResult): NotificationReply;
}
