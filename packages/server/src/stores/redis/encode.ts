import type {
  CappedWindow,
  CommitCommand,
  RefundCommand,
  ReserveCommand,
  ReverseRefundCommand,
  StoredPurchase,
  Window,
} from '@spendcap/core';
import { selects } from '../../ledger/account.ts';
import { rememberingWindows } from '../../ledger/window-cache.ts';

/** A command as the script takes it, see `redis-lua.ts`. */
export interface RedisCommand {
  /**
   * The verb, the instant and what else it needs that is short: a list in JSON without its brackets,
   * since the place of its windows among the lists of the call is added last.
   */
  readonly numbers: string;
  /** The subject as a hash tag; empty where only the purchase is known. */
  readonly subject: string;
  /** The purchase as a hash tag; empty where there is none. */
  readonly id: string;
  readonly record: string;
  /** A line each, and one for the caps, all in JSON. */
  readonly windows: string;
  /** How many sums a quick hold answers. */
  readonly windowCount: number;
}

/** A name as a hash tag, so that what has the same name lies in the same slot. */
function tagOf(name: string): string {
  if (!/[%}]/.test(name)) return `{${name}}`;
  return `{${name.replaceAll('%', '%25').replaceAll('}', '%7D')}}`;
}

export function nameOf(tag: string): string {
  const inside = tag.slice(1, -1);
  return inside.includes('%') ? inside.replaceAll('%7D', '}').replaceAll('%25', '%') : inside;
}

/**
 * The numbers of a reserve. A `plain` one makes a hold that ends by itself and that all of its windows
 * count, as a limiter's do; `reconcile` one that does not end.
 */
export type ReserveNumbers = readonly [
  verb: 'plain' | 'reserve' | 'reconcile',
  at: number,
  amount: number,
  /** Milliseconds from then on until the hold ends, and as long as the purchase is needed. */
  hold: number,
  lifetime: number,
];

export function reserveCommand(
  command: ReserveCommand,
  purchase: StoredPurchase,
  keepMs: number,
): RedisCommand {
  const { at, amount, expiresAt, onExpiry, windows } = command;
  let until = expiresAt + keepMs;
  let verb = onExpiry === 'release' ? 'plain' : 'reconcile';
  for (const window of windows) {
    if (window.end > until) until = window.end;
    if (verb === 'plain' && !selects(window, purchase)) verb = 'reserve';
  }
  return {
    // By hand, since this is most of what a hold costs here.
    numbers: `"${verb}",${at},${amount},${expiresAt - at},${until - at}`,
    subject: tagOf(command.subject),
    id: tagOf(command.id),
    record: recordOf(purchase),
    windows: cappedTexts(windows),
    windowCount: windows.length,
  };
}

/** Without an amount it crosses as `false`, which Lua tells from nothing. */
export const commitCommand = ({ id, at, amount }: CommitCommand): RedisCommand =>
  onPurchase(id, ['commit', at, amount ?? false]);

export const releaseCommand = (id: string, at: number): RedisCommand =>
  onPurchase(id, ['release', at]);

export const getCommand = (id: string, at: number): RedisCommand => onPurchase(id, ['get', at]);

export const refundCommand = (command: RefundCommand): RedisCommand => {
  const { id, at, refundId, amount, restores } = command;
  return onPurchase(id, ['refund', at, refundId, amount ?? false, restores]);
};

export const reverseRefundCommand = ({ id, at, refundId }: ReverseRefundCommand): RedisCommand =>
  onPurchase(id, ['reverseRefund', at, refundId]);

export function usageCommand(
  subject: string,
  at: number,
  windows: readonly Window[],
): RedisCommand {
  return {
    ...onPurchase(null, ['usage', at]),
    subject: tagOf(subject),
    windows: textsOf(windows, []),
    windowCount: windows.length,
  };
}

export const overdueCommand = (at: number, limit: number): RedisCommand =>
  onPurchase(null, ['overdue', at, limit]);

/** Only whether a purchase is there and what it is: no hold ends by it. */
export const peekCommand = (id: string, subject: string): RedisCommand => ({
  ...onPurchase(id, ['peek', 0]),
  subject,
});

function onPurchase(id: string | null, numbers: readonly unknown[]): RedisCommand {
  const tag = id === null ? '' : tagOf(id);
  return {
    numbers: JSON.stringify(numbers).slice(1, -1),
    subject: '',
    id: tag,
    record: '',
    windows: '',
    windowCount: 0,
  };
}

/** A purchase that nothing has happened to yet: the parts that the script needs, and two texts. */
function recordOf(purchase: StoredPurchase): string {
  const { amount, reservedAt, expiresAt, onExpiry, request, basis } = purchase;
  const numbers = `${amount},${reservedAt},${expiresAt},${onExpiry === 'release' ? 1 : 0}`;
  return `[${numbers},${namesOf(purchase)},${request.length}]\n${request}${basis}`;
}

function namesOf({ currency, app, category }: StoredPurchase): string {
  if (app !== null || category !== null)
    return JSON.stringify([currency, app, category]).slice(1, -1);
  return `${JSON.stringify(currency)},null,null`;
}

/** Windows and their caps as text: the same text for the same windows, so that it can be compared. */
const cappedTexts = rememberingWindows((windows: readonly CappedWindow[]) =>
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
