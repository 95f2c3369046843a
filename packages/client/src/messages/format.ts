import type { RefusalCode } from '@spendcap/core/wire';

/**
 * The texts of a language, one for each refusal code. But the limits of a day, week, month and year
 * share texts that name the date on which they start again:
 *
 * - `cap_exceeded`: something is left; `cap_reached`: nothing is
 * - `lifetime_cap_exceeded`, `lifetime_cap_reached`: the same for a limit that never starts again
 * - `category_limit`: after the text of a limit that counts only some categories
 * - `something_else`: after `forbidden_category`, if other things can be bought
 * - `other`: for a code of a newer server, or if the value of a placeholder is missing
 */
export type MessageKey =
  | Exclude<RefusalCode, `${'day' | 'week' | 'month' | 'year'}_cap_exceeded`>
  | 'cap_exceeded'
  | 'cap_reached'
  | 'lifetime_cap_reached'
  | 'category_limit'
  | 'something_else'
  | 'other';

/**
 * The messages of one language, written for a ten-year-old: why, and what to do next. Placeholders:
 * `{cap}`, `{remaining}` and `{resets}` (a date) in the texts of limits, `{age}` in
 * `age_not_precise`, `{currency}` in `currency_not_supported`.
 */
export interface Messages {
  /** BCP 47. */
  readonly locale: string;
  readonly texts: Readonly<Record<MessageKey, string>>;
}
