import {
  type OverdueCommand,
  type RefundCommand,
  type ReserveCommand,
  SpendcapError,
  type UsageCommand,
  type Window,
} from '@spendcap/core';
import { selects } from '../../ledger/account.ts';
import { rememberingWindows } from '../../ledger/window-cache.ts';
import { COLUMNS } from './sql/fragments.ts';

/** Any verb's inputs, as `core` names them. */
export type PostgresInputs = Partial<
  Omit<ReserveCommand, 'windows'> & RefundCommand & OverdueCommand & Pick<UsageCommand, 'windows'>
>;

/** Windows as a list that Postgres reads, and their caps. Many commands have the very same. */
interface WindowList {
  readonly text: string;
  readonly caps: readonly number[];
  /** Both in one text: equal lists have the same. */
  readonly key: string;
}

/** One command on its way to the database. */
export interface PostgresCommand {
  readonly verb: string;
  readonly isRead: boolean;
  readonly id: string | undefined;
  readonly subject: string | undefined;
  readonly given: PostgresInputs;
  readonly list: WindowList;
  /** All of its windows count it. */
  readonly counted: boolean;
  /** From then on nobody can tell whether it was done, until the answer comes. */
  sent: boolean;
  /** Its caller has been told that it failed: it must not be sent any more. */
  dropped: boolean;
}

const NO_WINDOWS: readonly Window[] = [];

/** @throws SpendcapError `invalid_request` for a text that Postgres cannot hold */
export function postgresCommand(verb: string, given: PostgresInputs): PostgresCommand {
  const { windows = NO_WINDOWS, id, request, subject, currency, app, category, basis } = given;
  for (const text of [id, request, subject, currency, app, category, basis, given.refundId]) {
    if (typeof text === 'string') checkText(text);
  }
  return {
    verb,
    isRead: verb === 'get' || verb === 'usage' || verb === 'overdue',
    id,
    subject,
    given,
    list: windowList(windows),
    counted: verb === 'reserve' && countsIn(windows, given as ReserveCommand),
    sent: false,
    dropped: false,
  };
}

/** NUL, and halves of surrogate pairs. */
const UNSTORABLE = /[\0\ud800-\udfff]/u;

function checkText(text: string): void {
  if (!UNSTORABLE.test(text)) return;
  const message = 'A text with NUL or half a character cannot be kept.';
  throw new SpendcapError('invalid_request', message);
}

const windowList = rememberingWindows((windows: readonly Window[]): WindowList => {
  for (const { selector } of windows) {
    for (const text of [selector.currency, selector.app, ...(selector.categories ?? [])]) {
      if (text !== null) checkText(text);
    }
  }
  const text = listOf(windows.map((window) => quote(textOf(window))));
  const caps = windows.map((window) => ('cap' in window ? Number(window.cap) : 0));
  return { text, caps, key: `${text}${caps.join(',')}` };
});

/** A window in one text: equal texts are the same window. */
function textOf({ start, end, selector }: Window): string {
  return JSON.stringify([start, end, selector.currency, selector.app, selector.categories]);
}

function countsIn(windows: readonly Window[], command: ReserveCommand): boolean {
  const { at, currency, app, category } = command;
  const bought = { reservedAt: at, currency, app, category };
  return windows.every((window) => selects(window, bought));
}

/** What the commands of a batch have to do with each other. */
interface Together {
  /** The number of each list of windows, and of each request and basis: many are the same. */
  readonly lists: ReadonlyMap<string, number>;
  readonly texts: ReadonlyMap<string, number>;
  /** Who reserves an id in this batch. */
  readonly buyers: ReadonlyMap<string, string>;
  /** Ids and subjects that are named more than once. */
  readonly againIds: ReadonlySet<string>;
  readonly againSubjects: ReadonlySet<string>;
}

/** A batch as it is sent. */
export interface PostgresBatch {
  /** For the parameters of `run` and `read`: a list for each column. */
  readonly values: readonly string[];
  /** The commands in the order in which they are sent. */
  readonly sent: readonly PostgresCommand[];
}

export function postgresBatch(commands: readonly PostgresCommand[]): PostgresBatch {
  const lists = new Map<string, number>();
  const windows: string[] = [];
  const first: number[] = [];
  const caps: number[] = [];
  const texts = new Map<string, number>();
  const buyers = new Map<string, string>();
  const ids = new Set<string>();
  const subjects = new Set<string>();
  const againIds = new Set<string>();
  const againSubjects = new Set<string>();
  for (const command of commands) {
    const { id, subject, request, basis } = command.given;
    if (id !== undefined) (ids.has(id) ? againIds : ids).add(id);
    if (subject !== undefined) {
      (subjects.has(subject) ? againSubjects : subjects).add(subject);
      if (id !== undefined) buyers.set(id, subject);
    }
    if (request !== undefined) giveNumber(texts, request);
    if (basis !== undefined) giveNumber(texts, basis);
    const { list } = command;
    if (lists.has(list.key)) continue;
    giveNumber(lists, list.key);
    windows.push(quote(list.text));
    first.push(caps.length);
    caps.push(...list.caps);
  }
  const together = { lists, texts, buyers, againIds, againSubjects };
  const sent = usualFirst(commands, together);
  const columns = COLUMNS.map(([name]) => column(sent, together, CELLS[name]));
  const shared = [windows, first, caps, Array.from(texts.keys(), quote)];
  return { values: [...columns, ...shared.map(listOf)], sent };
}

/** Usual holds come first, in the order of their subjects, in which their accounts are locked. */
function usualFirst(
  commands: readonly PostgresCommand[],
  together: Together,
): readonly PostgresCommand[] {
  const holds: PostgresCommand[] = [];
  const others: PostgresCommand[] = [];
  for (const each of commands) (isPlainReserve(each, together) ? holds : others).push(each);
  const compare = holds.some(({ subject = '' }) => SURROGATE.test(subject)) ? byBytes : byUnits;
  holds.sort((a, b) => compare(subjectOf(a), subjectOf(b)));
  return [...holds, ...others];
}

/** Two orders of texts: the one of the server's collation "C", and one that is quicker and, of texts without surrogates, the same. */
const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));
const byUnits = (a: string, b: string): number => (a < b ? -1 : 1);
const SURROGATE = /[\ud800-\udfff]/;

const subjectOf = ({ subject = '' }: PostgresCommand): string => subject;

/** Gives what has none yet the next number, from 1. */
function giveNumber(numbers: Map<string, number>, each: string): void {
  if (!numbers.has(each)) numbers.set(each, numbers.size + 1);
}

type Value = string | number | boolean | null | undefined;
type Cell = (command: PostgresCommand, together: Together) => Value;

const numberOf = (numbers: ReadonlyMap<string, number>, text: string | undefined): Value =>
  text === undefined ? null : numbers.get(text);
const isAgain = ({ id = '' }: PostgresCommand, { againIds }: Together): boolean => againIds.has(id);
/** It is made or refused by itself, whatever else is in the batch. */
const isPlainReserve = (command: PostgresCommand, together: Together): boolean =>
  command.counted && !together.againSubjects.has(subjectOf(command)) && !isAgain(command, together);

const CELLS: Readonly<Record<(typeof COLUMNS)[number][0], Cell>> = {
  verb: ({ verb }) => verb,
  id: ({ given }) => given.id,
  at: ({ given }) => given.at,
  subject: ({ given }, { buyers }) => given.subject ?? buyers.get(given.id ?? ''),
  amount: ({ given }) => given.amount ?? given.limit,
  list: (command, { lists }) => lists.get(command.list.key),
  plain: (command, together) => {
    if (isPlainReserve(command, together)) return 'reserve';
    return command.verb === 'commit' && !isAgain(command, together) ? 'commit' : null;
  },
  counted: ({ counted }) => counted,
  again: isAgain,
  request: ({ given }, { texts }) => numberOf(texts, given.request),
  currency: ({ given }) => given.currency,
  app: ({ given }) => given.app,
  category: ({ given }) => given.category,
  expires_at: ({ given }) => given.expiresAt,
  reconcile: ({ given }) => given.onExpiry && given.onExpiry === 'reconcile',
  basis: ({ given }, { texts }) => numberOf(texts, given.basis),
  refund: ({ given }) => given.refundId,
  restores: ({ given }) => given.restores,
};

/** The values of a column; none at all if no command has one. */
function column(commands: readonly PostgresCommand[], together: Together, cell: Cell): string {
  let list = '';
  let empty = true;
  let last: Value;
  let text = NULL;
  for (const command of commands) {
    const value = cell(command, together) ?? null;
    // Neighbours often have the same value, and often the very same text.
    if (value !== last) text = typeof value === 'string' ? quote(value) : String(value ?? NULL);
    last = value;
    empty &&= value === null;
    list += list === '' ? text : `,${text}`;
  }
  return empty ? '{}' : `{${list}}`;
}

const NULL = 'NULL';
function listOf(texts: readonly (string | number)[]): string {
  return `{${texts.join(',')}}`;
}

/** A text within a list. */
function quote(text: string): string {
  return SPECIAL.test(text) ? `"${text.replace(SPECIALS, '\\$&')}"` : `"${text}"`;
}

const SPECIAL = /["\\]/;
const SPECIALS = /["\\]/g;
