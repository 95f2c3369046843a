import type {
  CallOutcome,
  DisputeSnapshot,
  Money,
  NotificationDialect,
  RefundSnapshot,
  RefundTotal,
} from './processor.ts';
import type { Purchase } from './wire.ts';

/**
 * The contract of a store on the device, such as the App Store, where no server can step in once
 * its sheet is open. So the hold comes before the sheet, its purchase id travels inside the store's
 * transaction as a token, and the charge is counted when a verified transaction arrives, whether a
 * hold covers it or not.
 */

/**
 * What a verified transaction of a store says about one charge, cumulative: applying it twice, late
 * or after a newer one changes nothing.
 */
export interface DeviceCharge {
  /**
   * The store's id of this charge, unique at the processor and the same in every message: a
   * transaction id, an order id. Any id of the store's while it is not `purchased`.
   */
  readonly reference: string;
  /** The purchase id that the store's sheet was opened with; `null` if the token is missing. */
  readonly purchaseId: string | null;
  /** For a charge that nobody confirmed: the `reference` of the subscription's first charge. */
  readonly renewalOf: string | null;
  /** The store's product id; `null` if it does not say. */
  readonly product: string | null;
  /** `pending`: a parent has to approve, or cash is to be paid. `cancelled`: it never was paid. */
  readonly state: 'pending' | 'purchased' | 'cancelled';
  /** Epoch milliseconds. */
  readonly chargedAt: number;
  /**
   * What was charged; `held` if the message states no price; `null` if no money moved from this
   * person, as for a free code or something shared in a family.
   */
  readonly captured: Money | 'held' | null;
  /** Each refund by its id, or only their running total; in the currency of `captured`. */
  readonly refunds: readonly RefundSnapshot[] | RefundTotal;
  readonly disputes?: readonly DisputeSnapshot[];
  /** The operator's account of the player, as the store carries it, for `playerOf`. */
  readonly account: string | null;
}

/** The properties of a store that the engine and its conformance suite go by. */
export interface DeviceTraits {
  readonly startedBy: 'device';
  /**
   * The token for the store's sheet.
   *
   * @throws TypeError for an id that does not fit, before anything is held
   */
  reference(purchaseId: string): string;
  /**
   * How long a hold lasts, in seconds: longer than a purchase may be pending. It then ends, since
   * nothing can close a sheet, and what is charged later is committed `late`.
   */
  readonly holdSeconds: number;
  readonly refunds: 'none' | 'full' | 'partial';
  /** Default true. False if `sweep` finds no sales, because the store does not list them. */
  readonly listsCharges?: boolean;
}

/** What applying a charge came to. */
export interface AppliedCharge {
  /**
   * | | |
   * |---|---|
   * | `committed` | under its hold |
   * | `late` | its hold had ended; past the caps if need be |
   * | `recorded` | it had no hold; past the caps if need be |
   * | `unattributed` | an unknown player's, or the ledger rejected it; reported |
   * | `pending` | nothing changed |
   * | `free`, `cancelled` | no money moves; the hold has ended |
   */
  readonly result:
    | 'committed'
    | 'late'
    | 'recorded'
    | 'unattributed'
    | 'pending'
    | 'free'
    | 'cancelled';
  /** The purchase now; `null` if the ledger has none. */
  readonly purchase: Purchase | null;
  /**
   * True only if this charge was committed in time and within its hold: same product and currency,
   * no higher amount, and by the player who asks, if known. Deliver or acknowledge nothing else.
   */
  readonly wasHeld: boolean;
}

/** A store on the device. */
export interface DeviceProcessor<Charge extends DeviceCharge = DeviceCharge> {
  /** Kept with the hold: `app_store`. */
  readonly name: string;
  readonly traits: DeviceTraits;
  /** What an error of a query proves. Never throws. */
  outcomeOf(error: unknown): CallOutcome;
  /** Absent if the store sends no notifications. */
  readonly notifications?: NotificationDialect<Charge>;
  /**
   * Every charge that changed since an instant (epoch milliseconds), if the store lists it: what
   * notifications have missed. Read one by one, so that any number needs constant memory.
   */
  sweep?(since: number): AsyncIterable<Charge>;
  /**
   * Called after a charge was applied, as often as it is: acknowledges to the store what was held.
   * If it rejects, the message is retried.
   */
  finish?(charge: Charge, applied: AppliedCharge): Promise<void>;
}
