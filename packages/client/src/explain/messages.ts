import type { RefusalCode } from '@spendcap/core/wire';

/**
 * Why a purchase is refused: one text for each refusal code. But the limits of a day, week, month
 * and year share texts that name the date on which they start again:
 *
 * - `cap_exceeded`: something is left; `cap_reached`: nothing is
 * - `lifetime_cap_exceeded`, `lifetime_cap_reached`: the same for a limit that never starts again
 * - `category_limit`: after the text of a limit that counts only some categories
 * - `something_else`: after `forbidden_category`, if other things can be bought
 * - `other`: for a code of a newer server, if the value of a placeholder is missing, and for
 *   `category_required`, which only the app can fix
 */
export type RefusalKey =
  | Exclude<RefusalCode, `${'day' | 'week' | 'month' | 'year'}_cap_exceeded` | 'category_required'>
  | 'cap_exceeded'
  | 'cap_reached'
  | 'lifetime_cap_reached'
  | 'category_limit'
  | 'something_else'
  | 'other';

/** What else a checkout has to say; without placeholders. */
export const STATUSES = [
  'paid',
  /** Charged after the hold had ended. */
  'paid_late',
  'pending',
  /** A device's store waits for a parent's approval. */
  'waiting_for_guardian',
  'refunded',
  'partly_refunded',
  /** Released, expired or cancelled. */
  'not_paid',
  /** Certainly not paid. */
  'failed',
  /** Money may have been taken. Also for any status that is not in this list. */
  'unknown',
  /** The server cannot be reached, and nothing was paid. */
  'unavailable',
  'signed_out',
  'allowance_unknown',
  /** No limit applies, as for an adult. */
  'no_limit',
] as const;
/** A status of a purchase or of a checkout that has a text. */
export type Status = (typeof STATUSES)[number];

/** A text of a language. */
export type MessageKey = RefusalKey | Status;

/** Who reads the texts: a ten-year-old player, or a parent or support about the player. */
export type Audience = 'child' | 'adult';

/** The texts of one language for one audience: what happened, and what to do now. */
export type Texts = Readonly<Record<MessageKey, string>>;

/** Headings, buttons and captions of a checkout, by their place. */
export type LabelKey =
  | 'allowance'
  | 'transaction'
  | 'day'
  | 'week'
  | 'month'
  | 'year'
  | 'lifetime'
  /** A period of a newer server. */
  | 'other_period'
  /** `{remaining}`, `{cap}` */
  | 'left'
  /** `{cap}` */
  | 'up_to'
  /** `{used}`, `{remaining}`, `{cap}` */
  | 'used'
  /** `{resets}` */
  | 'resets'
  | 'some_things'
  | 'loading'
  | 'stale'
  | 'shelf'
  | 'buy'
  /** `{product}`, `{price}` */
  | 'buy_named'
  | 'why'
  /** `{product}` */
  | 'why_named'
  /** `{product}` */
  | 'confirm'
  /** `{price}` */
  | 'pay'
  | 'paying'
  /** `{product}`, `{price}` */
  | 'bought'
  | 'cancel'
  | 'close'
  | 'ok'
  | 'retry'
  | 'check'
  | 'refused'
  | 'failed'
  | 'pending'
  | 'unknown'
  | 'no_money'
  | 'rule'
  | 'law'
  | 'guidance'
  | 'operator'
  | 'unconfirmed'
  | 'badge_price'
  | 'badge_age'
  | 'badge_proof'
  | 'badge_guardian'
  | 'badge_other';

/** The labels of one language. */
export type Labels = Readonly<Record<LabelKey, string>>;

/**
 * The messages of one language. Placeholders: `{cap}` and `{remaining}` in the texts of limits,
 * `{resets}` (a date) and `{period}` (a label) in those that start again, `{age}` in
 * `age_not_precise`, `{currency}` in `currency_not_supported`.
 */
export interface Messages {
  /** BCP 47. */
  readonly locale: string;
  readonly child: Texts;
  readonly adult: Texts;
  readonly labels: Labels;
}
