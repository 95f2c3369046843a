/**
 * The JSON that server and client exchange: plain types and constants, no imports.
 * Every amount is a decimal string in the stated currency (`"48.00"`), every instant an
 * ISO 8601 string in UTC.
 */

/** How long a limit counts. `transaction` looks at one purchase alone. */
export const PERIODS = ['transaction', 'day', 'week', 'month', 'year', 'lifetime'] as const;
export type Period = (typeof PERIODS)[number];

/** How firm a policy row is: binding law, guidance, the operator's own figure, or not confirmed. */
export const ROW_STATUSES = ['law', 'guidance', 'operator', 'unconfirmed'] as const;
export type RowStatus = (typeof ROW_STATUSES)[number];

/** Why a purchase was refused. A closed union: a new code is a new minor version. */
export const REFUSAL_CODES = [
  'transaction_cap_exceeded',
  'day_cap_exceeded',
  'week_cap_exceeded',
  'month_cap_exceeded',
  'year_cap_exceeded',
  'lifetime_cap_exceeded',
  'forbidden_for_age',
  'forbidden_category',
  'age_unverified',
  'age_not_precise',
  'guardian_approval_required',
  'frozen_by_guardian',
  'currency_not_supported',
] as const;
export type RefusalCode = (typeof REFUSAL_CODES)[number];

/** The policy row behind a limit or a refusal: where it is written, how firm, since when. */
export interface PolicyRow {
  readonly id: string;
  readonly citation: string;
  readonly status: RowStatus;
  /** ISO date, in the policy's time zone. */
  readonly effectiveFrom: string;
}

/** What one limit leaves to a subject. `transaction` limits have no `used` and never reset. */
export interface LimitAllowance {
  /** The policy row's id. The whole row, with its citation, comes with a refusal. */
  readonly id: string;
  readonly period: Period;
  /** The categories the limit counts; `null` counts every purchase. */
  readonly categories: readonly string[] | null;
  readonly cap: string;
  readonly used: string;
  readonly remaining: string;
  /** When the window ends; `null` where it never does (`transaction`, `lifetime`). */
  readonly resetsAt: string | null;
}

/** Everything that a shop needs to show before anyone buys. */
export interface Allowance {
  readonly currency: string;
  readonly policy: { readonly id: string; readonly version: string; readonly timeZone: string };
  /** The ages this person may have, in completed years; `maxExclusive: null` has no upper end. */
  readonly ageRange: AgeRange;
  /** Empty means that no limit applies (an adult). */
  readonly limits: readonly LimitAllowance[];
  /** Reasons that refuse every purchase of this kind, whatever its amount. */
  readonly blocked: readonly Reason[];
}

/** Ages in completed years, half-open: `{ min: 8, maxExclusive: 16 }` is 8 to under 16. */
export interface AgeRange {
  readonly min: number;
  readonly maxExclusive: number | null;
}

/**
 * How surely an age was established, the weakest first: a device's word, the player's own, a
 * guardian's, assessed (a card, a face, a document's picture), verified against an identity source.
 */
export const ASSURANCES = [
  'client_claim',
  'self_declared',
  'guardian',
  'assessed',
  'verified',
] as const;
export type Assurance = (typeof ASSURANCES)[number];

/** One reason of a refusal, complete enough to be shown in any language. */
export interface Reason {
  readonly code: RefusalCode;
  /** The policy row that refuses; absent where no row is involved (`age_unverified`). */
  readonly row?: PolicyRow;
  /** The limit's figures; on every `*_cap_exceeded`, and on `age_not_precise` if a limit is first. */
  readonly limit?: Omit<LimitAllowance, 'id'>;
  /** With `age_not_precise`: proof of being at least this old would settle it. */
  readonly provableAge?: number;
  /** With `age_unverified`: how surely the policy wants the age established, at the least. */
  readonly minimumAssurance?: Assurance;
  /** With `forbidden_category`: the category. */
  readonly category?: string;
  /** With `currency_not_supported`: the policy's currency. */
  readonly currency?: string;
}

export const PURCHASE_STATES = ['reserved', 'committed', 'released', 'expired'] as const;
/** The life of a purchase; refunds are told by `refunded`, so that a part refund has a place. */
export type PurchaseState = (typeof PURCHASE_STATES)[number];

/** A purchase as the API shows it. */
export interface Purchase {
  readonly id: string;
  readonly state: PurchaseState;
  readonly amount: string;
  readonly currency: string;
  /**
   * The currency of the caps, in which `held`, `committed` and `refunded` are told. It differs from
   * `currency` only where the limiter has an `exchange`.
   */
  readonly capCurrency: string;
  readonly held: string;
  readonly committed: string;
  readonly refunded: string;
  /** True when the charge came after the hold had ended, so the caps may have been passed. */
  readonly late: boolean;
  readonly category: string | null;
  readonly app: string | null;
  readonly product: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly reservedAt: string;
  readonly expiresAt: string;
}

export interface Allowed {
  readonly allowed: true;
  readonly allowance: Allowance;
}

export interface Refused {
  readonly allowed: false;
  /** Every reason, the one to show first in front. Never empty. */
  readonly reasons: readonly [Reason, ...Reason[]];
  readonly allowance: Allowance;
}

/** The answer of `check` and `POST /v1/decisions`: nothing is held. */
export type Decision = Allowed | Refused;

/** The answer of `reserve` and `POST /v1/purchases` when the purchase may go on. */
export interface Reservation extends Allowed {
  readonly purchase: Purchase;
  /** A signed proof for a separate payment service; `null` when no permit key is configured. */
  readonly permit: string | null;
  /** True when this id had been reserved before and this is its first answer again. */
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
  /** What was wrong with the input, one entry a field; with `invalid_request`. */
  readonly errors?: readonly { readonly path: string; readonly message: string }[];
  /** With `age_token_invalid`: what was wrong with the token. */
  readonly why?: string;
}
