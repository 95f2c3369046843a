import {
  type OverdueCommand,
  type RefundCommand,
  type ReserveCommand,
  SpendcapError,
  type StoredPurchase,
  type UsageCommand,
  type Window,
} from '@spendcap/core';
import { selects } from './account.ts';
import type { Outcome } from './batch.ts';
import { COLUMNS } from './postgres-columns.ts';
import { rememberingWindows } from './remembered-windows.ts';

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

/** The values of a batch for the parameters of `run` and `read`: a list for each column. */
export function valuesOf(commands: readonly PostgresCommand[]): string[] {
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
  const columns = COLUMNS.map(([name]) => column(commands, together, CELLS[name]));
  const shared = [windows, first, caps, Array.from(texts.keys(), quote)];
  return [...columns, ...shared.map(listOf)];
}

/** Gives what has none yet the next number, from 1. */
function giveNumber(numbers: Map<string, number>, each: string): void {
  if (!numbers.has(each)) numbers.set(each, numbers.size + 1);
}

type Value = string | number | boolean | null | undefined;
type Cell = (command: PostgresCommand, together: Together) => Value;

const numberOf = (numbers: ReadonlyMap<string, number>, text: string | undefined): Value =>
  text === undefined ? null : numbers.get(text);
const isAgain = ({ given: { id = '' } }: PostgresCommand, { againIds }: Together): boolean =>
  againIds.has(id);

const CELLS: Readonly<Record<(typeof COLUMNS)[number][0], Cell>> = {
  verb: ({ verb }) => verb,
  id: ({ given }) => given.id,
  at: ({ given }) => given.at,
  subject: ({ given }, { buyers }) => given.subject ?? buyers.get(given.id ?? ''),
  amount: ({ given }) => given.amount ?? given.limit,
  list: (command, { lists }) => lists.get(command.list.key),
  plain: (command, together) => {
    const { verb, given, counted } = command;
    const alone = counted && !together.againSubjects.has(given.subject ?? '');
    return !isAgain(command, together) && (verb === 'commit' || alone) ? verb : null;
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

/** A purchase as `purchase_json` tells it. */
type PurchaseList = readonly [
  id: string,
  request: string,
  subject: string,
  amount: number,
  currency: string,
  app: string | null,
  category: string | null,
  reservedAt: number,
  expiresAt: number,
  reconcile: boolean,
  basis: string,
  state: StoredPurchase['state'],
  committed: number,
  refunded: number,
  restored: number,
  late: boolean,
];

/** A list is what a fresh hold has used, or what is overdue. */
type Reply =
  | readonly number[]
  | readonly PurchaseList[]
  | { readonly error: 'invalid_amount' }
  | { readonly purchase?: PurchaseList | null; readonly expired: readonly PurchaseList[] };

/** How each command of a batch came out, from the text that `run` and `read` return. */
export function toOutcomes(
  commands: readonly PostgresCommand[],
  text: string,
): readonly Outcome<unknown>[] {
  const replies = JSON.parse(text) as readonly Reply[];
  return commands.map(({ verb }, index) => {
    const reply = replies[index];
    if (reply === undefined) return { error: new SpendcapError('outcome_unknown', 'No reply.') };
    return toOutcome(verb, reply);
  });
}

const NONE: readonly StoredPurchase[] = [];

function toOutcome(verb: string, reply: Reply): Outcome<unknown> {
  if (verb === 'overdue') return { value: (reply as readonly PurchaseList[]).map(toPurchase) };
  if (!('expired' in reply)) {
    if (!('error' in reply)) return { value: { outcome: 'fresh', used: reply, expired: NONE } };
    const message = 'The total would pass the safe integer range.';
    return { error: new SpendcapError('invalid_amount', message) };
  }
  const { purchase, expired } = reply;
  const told = purchase ? { purchase: toPurchase(purchase) } : {};
  return { value: { ...reply, ...told, expired: expired.map(toPurchase) } };
}

function toPurchase(list: PurchaseList): StoredPurchase {
  const [id, request, subject, amount, currency, app, category, reservedAt, ...rest] = list;
  const [expiresAt, reconcile, basis, state, committed, refunded, restored, late] = rest;
  const bought = { id, request, subject, amount, currency, app, category };
  const held = { reservedAt, expiresAt, onExpiry: reconcile ? 'reconcile' : 'release' } as const;
  return { ...bought, ...held, basis, state, committed, refunded, restored, late };
}
