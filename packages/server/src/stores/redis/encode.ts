import type {
  AttachCommand,
  CappedWindow,
  CommitCommand,
  OverdueCommand,
  RecordCommand,
  RefundCommand,
  ReserveCommand,
  ReverseRefundCommand,
  UsageCommand,
  Window,
} from '@spendcap/core';
import { selects } from '../../ledger/account.ts';
import { memoizedByWindows } from '../../ledger/window-cache.ts';

/** A command as the script takes it, see `lua/main.ts`. */
export interface RedisCommand {
  /**
   * The verb, the instant and the verb's other short values: a list in JSON without its brackets,
   * because the number of its list of windows is appended when the call is made.
   */
  readonly numbers: string;
  /** The subject as a hash tag; empty where only the purchase is known. */
  readonly subject: string;
  /** The purchase id as a hash tag; empty where there is none. */
  readonly id: string;
  /** Of a new purchase; else empty. */
  readonly record: string;
  /** A line each, and one for the caps, all in JSON. */
  readonly windows: string;
  /** How many items the script replies if the command took a fast path. */
  readonly fastItems: number;
}

/** A name as a hash tag, so that all keys with this name are in the same slot. */
export function tagOf(name: string): string {
  if (!/[%}]/.test(name)) return `{${name}}`;
  return `{${name.replaceAll('%', '%25').replaceAll('}', '%7D')}}`;
}

export function nameOf(tag: string): string {
  const inside = tag.slice(1, -1);
  return inside.includes('%') ? inside.replaceAll('%7D', '}').replaceAll('%25', '%') : inside;
}

/**
 * The numbers of a new purchase. `reserve` makes a hold that expires automatically, `reconcile` one
 * that does not. Each of their windows counts them, as a limiter's do, so they may take the fast
 * path; the `_slow` ones have a window that does not. `record` makes no hold.
 */
export type NewNumbers = readonly [
  verb: 'reserve' | 'reserve_slow' | 'reconcile' | 'reconcile_slow' | 'record',
  at: number,
  amount: number,
  /** Milliseconds from `at` to the end of the hold, and as long as the purchase is kept. */
  holdMs: number,
  lifetimeMs: number,
];

export function reserveCommand(command: ReserveCommand, keepMs: number): RedisCommand {
  const { at, amount, currency, app, category, expiresAt, onExpiry, windows } = command;
  const purchase = { reservedAt: at, currency, app, category };
  let until = expiresAt + keepMs;
  const hold = onExpiry === 'release' ? 'reserve' : 'reconcile';
  let verb: NewNumbers[0] = hold;
  for (const window of windows) {
    if (window.end > until) until = window.end;
    if (verb === hold && !selects(window, purchase)) verb = `${hold}_slow`;
  }
  return {
    // Concatenated, because this is most of what a hold costs here.
    numbers: `"${verb}",${at},${amount},${expiresAt - at},${until - at}`,
    subject: tagOf(command.subject),
    id: tagOf(command.id),
    record: recordOf(command),
    windows: cappedTexts(windows),
    fastItems: windows.length,
  };
}

export function recordCommand(command: RecordCommand, keepMs: number): RedisCommand {
  const { id, subject, amount, at, chargedAt } = command;
  // No window keeps it that has ended.
  const windows = command.windows.filter(({ end }) => at < end);
  const until = Math.max(at + keepMs, ...windows.map(({ end }) => end));
  return {
    numbers: numbersOf(['record', at, amount, 0, until - at]),
    subject: tagOf(subject),
    id: tagOf(id),
    record: recordOf({ ...command, at: chargedAt, expiresAt: chargedAt, onExpiry: 'reconcile' }),
    windows: textsOf(windows, []),
    fastItems: 0,
  };
}

/** An absent amount is `false`, which Lua distinguishes from a number. */
export function commitCommand({ id, at, amount }: CommitCommand): RedisCommand {
  return { ...onPurchase(id, `"commit",${at},${amount ?? false}`), fastItems: 2 };
}

export function releaseCommand(id: string, at: number): RedisCommand {
  return onPurchase(id, `"release",${at}`);
}

export function getCommand(id: string, at: number): RedisCommand {
  return onPurchase(id, `"get",${at}`);
}

export function refundCommand(command: RefundCommand): RedisCommand {
  const { id, at, refundId, amount = false, restores, total = false } = command;
  return onPurchase(id, numbersOf(['refund', at, refundId, amount, restores, total]));
}

export function reverseRefundCommand({ id, at, refundId }: ReverseRefundCommand): RedisCommand {
  return onPurchase(id, numbersOf(['reverseRefund', at, refundId]));
}

export function attachCommand({ id, at, processor, processorRef }: AttachCommand): RedisCommand {
  return onPurchase(id, numbersOf(['attach', at, processor, processorRef]));
}

export function usageCommand({ subject, at, windows }: UsageCommand): RedisCommand {
  const command = onPurchase(null, `"usage",${at}`);
  return { ...command, subject: tagOf(subject), windows: textsOf(windows, []) };
}

export function overdueCommand({ at, limit, processor, after }: OverdueCommand): RedisCommand {
  const place = after === undefined ? [] : [after.expiresAt, tagOf(after.id)];
  return onPurchase(null, numbersOf(['overdue', at, limit, processor ?? false, ...place]));
}

/** Reads a purchase as it is: no hold expires. `id` is a name, `subject` a hash tag. */
export function peekCommand(id: string, subject: string): RedisCommand {
  return { ...onPurchase(id, '"peek",0'), subject };
}

const numbersOf = (values: readonly unknown[]): string => JSON.stringify(values).slice(1, -1);

function onPurchase(id: string | null, numbers: string): RedisCommand {
  const tag = id === null ? '' : tagOf(id);
  return { numbers, subject: '', id: tag, record: '', windows: '', fastItems: 0 };
}

/** The record of a purchase that nothing has happened to yet. */
function recordOf(command: Omit<ReserveCommand, 'windows'>): string {
  const { amount, at, expiresAt, onExpiry, currency, app, category, request, basis } = command;
  const { processor, processorRef } = command;
  const numbers = `${amount},${at},${expiresAt},${onExpiry === 'release' ? 1 : 0}`;
  const names =
    app === null && category === null
      ? `${JSON.stringify(currency)},null,null`
      : numbersOf([currency, app, category]);
  const payment =
    processor === null && processorRef === null ? '' : `,${numbersOf([processor, processorRef])}`;
  return `[${numbers},${names},${request.length}${payment}]\n${request}${basis}`;
}

/** Windows and caps as text: equal windows have equal texts, so that texts can be compared. */
const cappedTexts = memoizedByWindows((windows: readonly CappedWindow[]) =>
  textsOf(
    windows,
    windows.map(({ cap }) => cap),
  ),
);

function textsOf(windows: readonly Window[], caps: readonly number[]): string {
  const lines = windows.map(({ selector: { currency, app, categories }, start, end }) =>
    JSON.stringify([currency, app, categories, start, end]),
  );
  return `${lines.join('\n')}\n${JSON.stringify(caps)}`;
}
