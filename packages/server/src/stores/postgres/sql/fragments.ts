import { FOREVER, MAX_HOLD_MS } from '@spendcap/core';

/**
 * The commands of a batch as rows: column by column, since that is what Postgres reads fastest. What
 * a verb does not need is null.
 */
export const COLUMNS = [
  ['verb', 'text'],
  ['id', 'text'],
  ['at', 'bigint'],
  // Of an id: the subject that reserves it in this batch, if any.
  ['subject', 'text'],
  ['amount', 'bigint'],
  // Which of the batch's lists of windows, from 1.
  ['list', 'int'],
  // `reserve` if its subject and id are named once and all of its windows count it; `commit` if its
  // id is; else null.
  ['plain', 'text'],
  // All of its windows count it.
  ['counted', 'boolean'],
  // Its id is named more than once.
  ['again', 'boolean'],
  // A number in `texts_`; so is `basis`.
  ['request', 'int'],
  ['currency', 'text'],
  ['app', 'text'],
  ['category', 'text'],
  ['expires_at', 'bigint'],
  ['reconcile', 'boolean'],
  ['basis', 'int'],
  ['refund', 'text'],
  ['restores', 'boolean'],
] as const;

type Column = (typeof COLUMNS)[number][0];

const all = COLUMNS.map(([name]) => name);
const arguments_ = all.map((name) => `${name}_`).join(', ');
const parameters = COLUMNS.map(([name, type]) => `${name}_ ${type}[]`).join(', ');

/** The parameters of a function that takes a batch, and the same as it hands them on. */
export const PARAMETERS = `${parameters},
  windows_ text[], first_ int[], caps_ bigint[], texts_ text[]`;
/**
 * What of them is not a column: the lists of windows, each as text; how many caps stand before those of
 * each list; the caps of all lists, one after another; requests and bases. Commands name lists and
 * texts by their number, from 1.
 */
export const SHARED = 'windows_, first_, caps_, texts_';
export const ARGUMENTS = `${arguments_}, ${SHARED}`;

/**
 * The commands, with the subject that was found and locked for each: only the columns that are asked
 * for, since each takes time of its own.
 */
export function commandsWith(columns: readonly (Column | 'owner')[]): string {
  const lists = columns.map((name) => (name === 'owner' ? 'owners' : `${name}_`));
  return `unnest(${lists.join(', ')}) WITH ORDINALITY AS b (${columns.join(', ')}, n)`;
}

export const COMMANDS = commandsWith([...all, 'owner']);

/**
 * Writes new purchases, each with its entry, from the numbers in held: what is only written is taken
 * from the lists by its place, since each column that has to go through a step takes time there.
 */
export const WRITE_HELD = `
    bought AS (
      INSERT INTO purchases (amount, reserved_at, expires_at, reconcile, id, subject, currency, app,
          category, request, basis)
        SELECT amount_[h.n], at_[h.n], expires_at_[h.n], reconcile_[h.n], id_[h.n], subject_[h.n],
          currency_[h.n], app_[h.n], category_[h.n], texts_[request_[h.n]], texts_[basis_[h.n]]
        FROM held h
    ), waiting AS (
      INSERT INTO unsettled SELECT expires_at_[h.n], id_[h.n] FROM held h WHERE reconcile_[h.n]
    ), logged AS (
      INSERT INTO entries (at, amount, kind, purchase, subject, basis)
        SELECT at_[h.n], amount_[h.n], 'reserved', id_[h.n], subject_[h.n], texts_[basis_[h.n]]
        FROM held h
    )`;

/**
 * The holds of an account `a` that may be open and end by themselves: none was made earlier than a
 * hold may last before the first of them ends.
 */
const OPEN_HOLDS = `purchases q WHERE q.subject = a.subject
          AND q.reserved_at >= a.next_expiry - ${MAX_HOLD_MS}
          AND q.state = 'reserved' AND NOT q.reconcile`;

/** True if no hold of an account `a` has ended by the time of a command `b` without being told. */
export const NONE_IS_OVER = `(b.at < a.next_expiry
        OR NOT EXISTS (SELECT FROM ${OPEN_HOLDS} AND q.expires_at <= b.at))`;

/**
 * True if nobody has written to an account `a` since the statement began that locks it by writing to
 * it. Otherwise `a` is what the other left, but holds are seen as they were before. Who only locked it
 * has settled holds in full, and to take those for open is safe.
 */
export const IS_AS_SEEN = 'EXISTS (SELECT FROM accounts s WHERE s.ctid = a.ctid)';

/** When the first hold of an account `a` ends; what it remembers may have been settled since. */
export const NEXT_EXPIRY = `CASE WHEN b.at < a.next_expiry THEN a.next_expiry
          ELSE (SELECT coalesce(min(q.expires_at), ${FOREVER}) FROM ${OPEN_HOLDS}) END`;
