import type { StoredPurchase } from '@spendcap/core';
import { SpendcapError } from '@spendcap/core';
import type { Outcome } from '../../ledger/group-commit.ts';
import type { redisCalls } from './call.ts';
import { type RedisReply, toQuickReply, toReply } from './decode.ts';
import { overdueCommand, type RedisCommand } from './encode.ts';
import { LEDGER_SCRIPT } from './lua/main.ts';

/** A command that waits, and when its caller stops waiting for it. */
export interface Asked {
  readonly command: RedisCommand;
  readonly deadline: number;
}

export interface RedisLedger {
  /** Runs commands and tells how each came out, in order; never rejects. */
  run(batch: readonly Asked[]): Promise<readonly Outcome<RedisReply>[]>;
  overdue(at: number, limit: number, deadline: number): Promise<readonly StoredPurchase[]>;
}

export interface LedgerOptions {
  readonly calls: ReturnType<typeof redisCalls>;
  readonly prefix: string;
  readonly keepMs: number;
}

/** The arguments of the script for some commands. Most have the same windows, which are sent once. */
export function scriptArgs(
  { prefix, keepMs }: LedgerOptions,
  indexed: boolean,
  commands: readonly RedisCommand[],
): readonly string[] {
  const lists = new Map<string, number>();
  const rows: string[] = [];
  for (const { numbers, subject, id, record, windows } of commands) {
    let list = lists.get(windows);
    if (list === undefined && windows !== '') {
      list = lists.size + 1;
      lists.set(windows, list);
    }
    rows.push(list === undefined ? `[${numbers}]` : `[${numbers},${list}]`, subject, id, record);
  }
  return [
    prefix,
    String(keepMs),
    indexed ? '1' : '0',
    String(lists.size),
    ...lists.keys(),
    ...rows,
  ];
}

/** The ledger on one server: a whole batch is one call of the script, and so one step. */
export function redisLedger(options: LedgerOptions): RedisLedger {
  const keys = [`${options.prefix}overdue`] as const;
  const evaluate = async (commands: readonly RedisCommand[], deadline: number) => {
    const args = scriptArgs(options, true, commands);
    return (await options.calls.call({ script: LEDGER_SCRIPT, keys, args, deadline })) as unknown[];
  };
  return {
    async run(batch) {
      // The first has waited longest, so no other one is cut short.
      const deadline = batch[0]?.deadline ?? 0;
      try {
        const commands = batch.map(({ command }) => command);
        return toOutcomes(commands, await evaluate(commands, deadline));
      } catch (error) {
        return batch.map(() => ({ error: coded(error) }));
      }
    },
    async overdue(at, limit, deadline) {
      const commands = [overdueCommand(at, limit)];
      const [outcome] = toOutcomes(commands, await evaluate(commands, deadline));
      return replyOf(outcome).expired;
    },
  };
}

/** How the commands of a call came out, from the flat list that the script answers. */
export function toOutcomes(
  commands: readonly RedisCommand[],
  flat: readonly unknown[],
): readonly Outcome<RedisReply>[] {
  let next = 0;
  const outcomes = commands.map(({ windowCount }): Outcome<RedisReply> => {
    const item = flat[next];
    if (Array.isArray(item)) {
      next += 1;
      return attempt(item);
    }
    const begin = next;
    // Of no windows a zero is told.
    next += Math.max(1, windowCount);
    return { value: toQuickReply(flat.slice(begin, begin + windowCount)) };
  });
  // No answer may go to another's call.
  if (next !== flat.length) throw new Error('The answers do not fit the commands.');
  return outcomes;
}

function attempt(row: readonly unknown[]): Outcome<RedisReply> {
  try {
    return { value: toReply(row) };
  } catch (error) {
    return { error: coded(error) };
  }
}

/** @throws SpendcapError if it did not come out well */
export function replyOf(outcome: Outcome<RedisReply> | undefined): RedisReply {
  if (outcome !== undefined && 'value' in outcome) return outcome.value;
  throw outcome?.error ?? new SpendcapError('outcome_unknown', 'Redis answered nothing. Retry.');
}

/** Any error as a coded one: what has no code was not foreseen, so nothing is known of the outcome. */
export function coded(error: unknown): SpendcapError {
  if (SpendcapError.isInstance(error)) return error;
  return new SpendcapError('outcome_unknown', 'Redis did not confirm. Retry.', { cause: error });
}
