/**
 * The commands of a batch as rows, column by column, since Postgres reads that fastest. What a verb
 * does not use is null. `encode.ts` fills the columns, and each is a parameter of `apply_batch` and
 * `read_batch`, with a `_` at its end.
 */
export const COLUMNS = [
  ['verb', 'text'],
  // For `overdue`, the id of the hold that the page follows.
  ['id', 'text'],
  ['at', 'bigint'],
  // Of a command that names only an id: the subject that has this id reserved or recorded in this
  // batch, if any.
  ['subject', 'text'],
  // For `overdue`, its limit.
  ['amount', 'bigint'],
  // Which of the batch's window lists, from 1.
  ['list', 'int'],
  // Which fast path may do it: `reserve` if no other command of the batch names its subject or id
  // and all its windows count it; `commit` if no other command names its id; else null.
  ['fast', 'text'],
  // All windows of the `reserve` count it.
  ['in_all_windows', 'boolean'],
  // Another command of the batch names the same id.
  ['repeated_id', 'boolean'],
  // A number in `texts_`, as is `basis`.
  ['request', 'int'],
  ['currency', 'text'],
  ['app', 'text'],
  ['category', 'text'],
  // For `record`, when it was charged; for `overdue`, the expiry of the hold that the page follows.
  ['expires_at', 'bigint'],
  ['reconcile', 'boolean'],
  ['basis', 'int'],
  ['refund', 'text'],
  ['restores', 'boolean'],
  ['total', 'bigint'],
  ['processor', 'text'],
  ['processor_ref', 'text'],
] as const;

/**
 * What the commands share, after the columns. They name lists and texts by number, from 1:
 *
 * - `windows_`: each distinct list of windows, as the text of an array of JSON
 * - `first_`: for each list, how many caps come before its own in `caps_`
 * - `caps_`: the caps of all lists, one after another
 * - `texts_`: each distinct request and basis
 */
const SHARED = [
  ['windows', 'text'],
  ['first', 'int'],
  ['caps', 'bigint'],
  ['texts', 'text'],
] as const;

const all = [...COLUMNS, ...SHARED];

/** How many parameters carry a batch. */
export const PARAMETER_COUNT = all.length;

const declare = (list: readonly (readonly [name: string, type: string])[]): string =>
  list.map(([name, type]) => `${name}_ ${type}[]`).join(', ');
const name = (list: readonly (readonly [name: string, type: string])[]): string =>
  list.map(([each]) => `${each}_`).join(', ');

/** The declaration of these parameters. */
export const PARAMETERS = declare(all);

const slow = all.filter(([each]) => each !== 'fast');

/** The parameters of the slow path, and the same as `apply_batch` hands them on. */
export const SLOW_PARAMETERS = declare(slow);
export const SLOW_ARGUMENTS = name(slow);
