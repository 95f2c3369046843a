import {
  type OverdueCommand,
  type RecordCommand,
  type RefundCommand,
  type ReserveCommand,
  SpendcapError,
  type UsageCommand,
  type Window,
} from '@spendcap/core';
import { selects } from '../../ledger/account.ts';
import { memoizedByWindows } from '../../ledger/window-cache.ts';
import { COLUMNS } from './sql/batch.ts';

/** Any verb's inputs, as `core` names them. */
export type PostgresInputs = Partial<
  Omit<ReserveCommand, 'windows'> &
    Pick<RecordCommand, 'chargedAt'> &
    RefundCommand &
    Pick<OverdueCommand, 'limit' | 'after'> &
    Pick<UsageCommand, 'windows'>
>;

/** Windows as a list that Postgres reads, and their caps. Many commands have the same. */
interface WindowList {
  readonly text: string;
  readonly caps: readonly number[];
  /** Both in one text: equal lists have the same. */
  readonly key: string;
}

/** One command as it goes to the database. */
export interface PostgresCommand {
  readonly verb: string;
  readonly isRead: boolean;
  readonly id: string | undefined;
  readonly subject: string | undefined;
  readonly inputs: PostgresInputs;
  readonly list: WindowList;
  /** A `reserve` that all its windows count. */
  readonly inAllWindows: boolean;
}

const NO_WINDOWS: readonly Window[] = [];

/** @throws SpendcapError `invalid_request` for a text that Postgres cannot store */
export function postgresCommand(verb: string, inputs: PostgresInputs): PostgresCommand {
  const { windows = NO_WINDOWS, id, subject, at = 0 } = inputs;
  for (const name of TEXTS) {
    const text = inputs[name];
    if (typeof text === 'string') checkText(text);
  }
  if (inputs.after !== undefined) checkText(inputs.after.id);
  return {
    verb,
    isRead: verb === 'get' || verb === 'usage' || verb === 'overdue',
    id,
    subject,
    inputs,
    // `record` checks no cap, so a window that has ended need not be summed.
    list: windowList(verb === 'record' ? windows.filter(({ end }) => at < end) : windows),
    inAllWindows: verb === 'reserve' && countsInAll(windows, inputs as ReserveCommand),
  };
}

const TEXTS = [
  ...(['id', 'request', 'subject', 'currency', 'app', 'category', 'basis'] as const),
  ...(['processor', 'processorRef', 'refundId'] as const),
];

/** NUL, and unpaired surrogates. */
const UNSTORABLE = /[\0\ud800-\udfff]/u;

function checkText(text: string): void {
  if (!UNSTORABLE.test(text)) return;
  const message = 'A text with NUL or an unpaired surrogate cannot be stored.';
  throw new SpendcapError('invalid_request', message);
}

const windowList = memoizedByWindows((windows: readonly Window[]): WindowList => {
  for (const { selector } of windows) {
    for (const text of [selector.currency, selector.app, ...(selector.categories ?? [])]) {
      if (text !== null) checkText(text);
    }
  }
  const text = arrayOf(windows.map((window) => quote(textOf(window))));
  const caps = windows.map((window) => ('cap' in window ? Number(window.cap) : 0));
  return { text, caps, key: `${text}${caps.join(',')}` };
});

/** A window in one text: equal texts are the same window. */
function textOf({ start, end, selector }: Window): string {
  return JSON.stringify([start, end, selector.currency, selector.app, selector.categories]);
}

function countsInAll(windows: readonly Window[], command: ReserveCommand): boolean {
  const { at, currency, app, category } = command;
  const purchase = { reservedAt: at, currency, app, category };
  return windows.every((window) => selects(window, purchase));
}

/** What the commands of a batch have in common. */
interface Context {
  /** Numbers, from 1, of each distinct list of windows, and of each distinct request and basis. */
  readonly lists: ReadonlyMap<string, number>;
  readonly texts: ReadonlyMap<string, number>;
  /** The subject that has an id reserved or recorded in this batch. */
  readonly buyers: ReadonlyMap<string, string>;
  /** Ids and subjects that several commands name. */
  readonly repeatedIds: ReadonlySet<string>;
  readonly repeatedSubjects: ReadonlySet<string>;
}

/** A batch as it is sent. */
export interface EncodedBatch<C> {
  /** The parameters of `apply_batch` and `read_batch`: an array for each column. */
  readonly values: readonly string[];
  /** The commands in the order in which they are sent; replies name them by number. */
  readonly commands: readonly C[];
}

export function encodeBatch<C extends PostgresCommand>(given: readonly C[]): EncodedBatch<C> {
  const lists = new Map<string, number>();
  const windows: string[] = [];
  const first: number[] = [];
  const caps: number[] = [];
  const texts = new Map<string, number>();
  const buyers = new Map<string, string>();
  const ids = new Set<string>();
  const subjects = new Set<string>();
  const repeatedIds = new Set<string>();
  const repeatedSubjects = new Set<string>();
  for (const { inputs, list } of given) {
    const { id, subject, request, basis } = inputs;
    if (id !== undefined) (ids.has(id) ? repeatedIds : ids).add(id);
    if (subject !== undefined) {
      (subjects.has(subject) ? repeatedSubjects : subjects).add(subject);
      if (id !== undefined) buyers.set(id, subject);
    }
    if (request !== undefined) addNumber(texts, request);
    if (basis !== undefined) addNumber(texts, basis);
    if (lists.has(list.key)) continue;
    addNumber(lists, list.key);
    windows.push(quote(list.text));
    first.push(caps.length);
    caps.push(...list.caps);
  }
  const context = { lists, texts, buyers, repeatedIds, repeatedSubjects };
  const commands = inLockOrder(given, context);
  const columns = COLUMNS.map(([name]) => column(commands, context, CELLS[name]));
  const shared = [windows, first, caps, Array.from(texts.keys(), quote)];
  return { values: [...columns, ...shared.map(arrayOf)], commands };
}

/**
 * Puts the holds of the fast path first, in the order of their subjects: the statement updates, and
 * so locks, their accounts in the order of the batch.
 */
function inLockOrder<C extends PostgresCommand>(commands: readonly C[], context: Context): C[] {
  const fast: C[] = [];
  const others: C[] = [];
  for (const each of commands) (isFastReserve(each, context) ? fast : others).push(each);
  const compare = fast.some(({ subject = '' }) => SURROGATE.test(subject)) ? byBytes : byUnits;
  fast.sort((a, b) => compare(subjectOf(a), subjectOf(b)));
  return [...fast, ...others];
}

/**
 * The order of the server's collation "C", and a faster one that is the same without surrogates.
 */
const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));
const byUnits = (a: string, b: string): number => (a < b ? -1 : 1);
const SURROGATE = /[\ud800-\udfff]/;

const subjectOf = ({ subject = '' }: PostgresCommand): string => subject;

/** Gives a text the next number, from 1, unless it has one. */
function addNumber(numbers: Map<string, number>, text: string): void {
  if (!numbers.has(text)) numbers.set(text, numbers.size + 1);
}

type Value = string | number | boolean | null | undefined;
type Cell = (command: PostgresCommand, context: Context) => Value;

const numberOf = (numbers: ReadonlyMap<string, number>, text: string | undefined): Value =>
  text === undefined ? null : numbers.get(text);
const hasRepeatedId = ({ id = '' }: PostgresCommand, { repeatedIds }: Context): boolean =>
  repeatedIds.has(id);
/** Whether it is held depends on no other command of the batch. */
const isFastReserve = (command: PostgresCommand, context: Context): boolean =>
  command.inAllWindows &&
  !context.repeatedSubjects.has(subjectOf(command)) &&
  !hasRepeatedId(command, context);

/** An expiry that no hold has: the first page follows it. */
const BEFORE_ALL = Number.MIN_SAFE_INTEGER;

const CELLS: Readonly<Record<(typeof COLUMNS)[number][0], Cell>> = {
  verb: ({ verb }) => verb,
  id: ({ verb, inputs }) => (verb === 'overdue' ? (inputs.after?.id ?? '') : inputs.id),
  at: ({ inputs }) => inputs.at,
  subject: ({ inputs }, { buyers }) => inputs.subject ?? buyers.get(inputs.id ?? ''),
  amount: ({ inputs }) => inputs.amount ?? inputs.limit,
  list: ({ list }, { lists }) => lists.get(list.key),
  fast: (command, context) => {
    if (isFastReserve(command, context)) return 'reserve';
    return command.verb === 'commit' && !hasRepeatedId(command, context) ? 'commit' : null;
  },
  in_all_windows: ({ inAllWindows }) => inAllWindows,
  repeated_id: hasRepeatedId,
  request: ({ inputs }, { texts }) => numberOf(texts, inputs.request),
  currency: ({ inputs }) => inputs.currency,
  app: ({ inputs }) => inputs.app,
  category: ({ inputs }) => inputs.category,
  expires_at: ({ verb, inputs }) =>
    verb === 'overdue'
      ? (inputs.after?.expiresAt ?? BEFORE_ALL)
      : (inputs.expiresAt ?? inputs.chargedAt),
  reconcile: ({ inputs }) => inputs.onExpiry && inputs.onExpiry === 'reconcile',
  basis: ({ inputs }, { texts }) => numberOf(texts, inputs.basis),
  refund: ({ inputs }) => inputs.refundId,
  restores: ({ inputs }) => inputs.restores,
  total: ({ inputs }) => inputs.total,
  processor: ({ inputs }) => inputs.processor,
  processor_ref: ({ inputs }) => inputs.processorRef,
};

/** The values of a column as the text of an array; empty if no command has one. */
function column(commands: readonly PostgresCommand[], context: Context, cell: Cell): string {
  let list = '';
  let empty = true;
  let last: Value;
  let text = NULL;
  for (const command of commands) {
    const value = cell(command, context) ?? null;
    // Neighbours often have the same value.
    if (value !== last) text = typeof value === 'string' ? quote(value) : String(value ?? NULL);
    last = value;
    empty &&= value === null;
    list += list === '' ? text : `,${text}`;
  }
  return empty ? '{}' : `{${list}}`;
}

const NULL = 'NULL';
function arrayOf(elements: readonly (string | number)[]): string {
  return `{${elements.join(',')}}`;
}

/** A text as an element of an array. */
function quote(text: string): string {
  return SPECIAL.test(text) ? `"${text.replace(SPECIALS, '\\$&')}"` : `"${text}"`;
}

const SPECIAL = /["\\]/;
const SPECIALS = /["\\]/g;
