/**
 * The JSON that server and client exchange: types and constants only, no imports.
 * Every amount is a decimal string in the stated currency (`"48.00"`), every instant an
 * ISO 8601 string in UTC.
 *
 * @module
 */

/** The periods of limits. `transaction` limits a single purchase. */
export const PERIODS = ['transaction', 'day', 'week', 'month', 'year', 'lifetime'] as const;
/** The period over which a limit counts. */
export type Period = (typeof PERIODS)[number];

/** How binding a row is: law, published guidance, the operator's own limit, or unconfirmed. */
export const ROW_STATUSES = ['law', 'guidance', 'operator', 'unconfirmed'] as const;
/** How binding a policy row is. */
export type RowStatus = (typeof ROW_STATUSES)[number];

/** Why a purchase was refused. New codes are added in minor versions. */
export const REFUSAL_CODES = [
  'transaction_cap_exceeded',
  'day_cap_exceeded',
  'week_cap_exceeded',
  'month_cap_exceeded',
  'year_cap_exceeded',
  'lifetime_cap_exceeded',
  'forbidden_for_age',
  'forbidden_category',
  'category_required',
  'age_unverified',
  'age_not_precise',
  'guardian_approval_required',
  'frozen_by_guardian',
  'currency_not_supported',
] as const;
/** The code of a reason. */
export type RefusalCode = (typeof REFUSAL_CODES)[number];

/** The policy row behind a limit or a refusal: its source, status and first day in effect. */
export interface PolicyRow {
  readonly id: string;
  readonly citation: string;
  /** The citation by language (ISO 639, such as `zh`), its own included; others read `en`. */
  readonly citationIn?: Readonly<Record<string, string>> | undefined;
  readonly status: RowStatus;
  /** ISO date, in the policy's time zone. */
  readonly effectiveFrom: string;
}

/** One limit of a subject. For `transaction` limits `used` is zero and `resetsAt` is `null`. */
export interface LimitAllowance {
  /** The policy row's id. Refusals contain the whole row. */
  readonly id: string;
  readonly period: Period;
  /** The categories that the limit counts; `null`: all purchases. */
  readonly categories: readonly string[] | null;
  readonly cap: string;
  readonly used: string;
  readonly remaining: string;
  /** End of the window; `null` for `transaction` and `lifetime`. */
  readonly resetsAt: string | null;
}

/** What a subject may still spend: everything that a shop shows before a purchase. */
export interface Allowance {
  /** When it was computed, by the server's clock: a device's clock may be days wrong. */
  readonly at: string;
  readonly currency: string;
  readonly policy: { readonly id: string; readonly version: string; readonly timeZone: string };
  /** The ages that this person may have, given the evidence. */
  readonly ageRange: AgeRange;
  /** Empty if no limit applies, as for an adult. */
  readonly limits: readonly LimitAllowance[];
  /** Reasons that refuse every purchase of this kind, regardless of its amount. */
  readonly blocked: readonly Reason[];
  /**
   * Reasons that refuse every purchase of one category: `forbidden_category` of each that is
   * forbidden, and `category_required`, which has none, of purchases without a category.
   */
  readonly blockedCategories: readonly Reason[];
}

/**
 * Ages in completed years, half-open: `{ min: 8, maxExclusive: 16 }` is 8 to under 16, and
 * `maxExclusive: null` has no upper end.
 */
export interface AgeRange {
  readonly min: number;
  readonly maxExclusive: number | null;
}

/**
 * How reliably an age was established, weakest first: claimed by a device, declared by the player,
 * stated by a guardian, assessed (a card, a face, a picture of a document), verified against an
 * identity source.
 */
export const ASSURANCES = [
  'client_claim',
  'self_declared',
  'guardian',
  'assessed',
  'verified',
] as const;
/** How reliably an age was established. */
export type Assurance = (typeof ASSURANCES)[number];

/** One reason of a refusal, with all data needed to show it in any language. */
export interface Reason {
  readonly code: RefusalCode;
  /** The policy row that refuses; absent if there is none (`age_unverified`). */
  readonly row?: PolicyRow;
  /** On every `*_cap_exceeded`, and on `age_not_precise` if the first reason is a limit. */
  readonly limit?: Omit<LimitAllowance, 'id'>;
  /** With `age_not_precise`: proof of this age or more would allow the purchase. */
  readonly provableAge?: number;
  /** With `age_unverified`: the assurance that the policy requires. */
  readonly minimumAssurance?: Assurance;
  /** With `forbidden_category`: the category. */
  readonly category?: string;
  /** With `currency_not_supported`: the policy's currency. */
  readonly currency?: string;
}

/** The states of a purchase. A refund is no state: see `Purchase.refunded`. */
export const PURCHASE_STATES = ['reserved', 'committed', 'released', 'expired'] as const;
/** The state of a purchase. */
export type PurchaseState = (typeof PURCHASE_STATES)[number];

/** A purchase as the API returns it. */
export interface Purchase {
  readonly id: string;
  readonly state: PurchaseState;
  readonly amount: string;
  readonly currency: string;
  /**
   * The currency of the caps and of `held`, `committed` and `refunded`. It differs from `currency`
   * only if the limiter has an `exchange`.
   */
  readonly capCurrency: string;
  readonly held: string;
  readonly committed: string;
  readonly refunded: string;
  /** True if the charge came without a hold or after its end, so a cap may have been exceeded. */
  readonly late: boolean;
  readonly category: string | null;
  readonly app: string | null;
  readonly product: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  /** Who moves the money, as `reserve` named it. */
  readonly processor: string | null;
  /** The processor's own name of the payment. */
  readonly processorRef: string | null;
  /** When it was charged, if there was no hold. */
  readonly reservedAt: string;
  /** Equal to `reservedAt` if there was no hold. */
  readonly expiresAt: string;
}

/** The decision to allow a purchase. */
export interface Allowed {
  readonly allowed: true;
  readonly allowance: Allowance;
  /** Never set. Lets `allowed` narrow a decision without `strictNullChecks`. */
  readonly reasons?: undefined;
}

/** The decision to refuse a purchase. */
export interface Refused {
  readonly allowed: false;
  /** Every reason, most important first. Never empty. */
  readonly reasons: readonly [Reason, ...Reason[]];
  readonly allowance: Allowance;
}

/** The result of `check` and `POST /v1/decisions`. Nothing is held. */
export type Decision = Allowed | Refused;

/** The decision on one product of a `DecisionBatch`. */
export interface BatchDecision {
  readonly allowed: boolean;
  /** Places in the batch's `reasons`, most important first. Empty if it is allowed. */
  readonly reasons: readonly number[];
}

/** The result of `checkMany` and `POST /v1/decisions/batch`. Nothing is held. */
export interface DecisionBatch {
  /** One for each product, in their order, each as if only this product was bought. */
  readonly decisions: readonly BatchDecision[];
  /** Every reason of the decisions once: most products are refused for the same ones. */
  readonly reasons: readonly Reason[];
  /** With the limits of every category. */
  readonly allowance: Allowance;
}

/** The result of `reserve` and `POST /v1/purchases` if the purchase is allowed. */
export interface Reservation extends Allowed {
  readonly purchase: Purchase;
  /** A signed proof for a separate payment service; `null` if no permit key is configured. */
  readonly permit: string | null;
  /** True if this id was reserved before; the first purchase is returned. */
  readonly replayed: boolean;
}

/** An RFC 9457 problem, media type `application/problem+json`. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly retryable: boolean;
  /** With `invalid_request`: one entry for each invalid field. */
  readonly errors?: readonly { readonly path: string; readonly message: string }[];
  /** With `age_token_invalid`: the reason, machine-readable. */
  readonly why?: string;
}
