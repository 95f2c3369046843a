import { type OverdueCommand, SpendcapError, type StoredPurchase } from '@spendcap/core';
import type { Outcome } from '../../ledger/group-commit.ts';
import type { RedisCalls } from './call.ts';
import { decodeReplies, type RedisReply } from './decode.ts';
import { overdueCommand, type RedisCommand } from './encode.ts';
import { sentError } from './errors.ts';
import { LEDGER_SCRIPT } from './lua/main.ts';

/** A command in the queue, and when its caller stops waiting for it. */
export interface QueuedCommand {
  readonly command: RedisCommand;
  readonly deadline: number;
}

export interface RedisLedger {
  /** Executes commands and returns the outcome of each, in order; never rejects. */
  executeBatch(batch: readonly QueuedCommand[]): Promise<readonly Outcome<RedisReply>[]>;
  overdue(command: OverdueCommand, deadline: number): Promise<readonly StoredPurchase[]>;
}

export interface LedgerOptions {
  readonly calls: RedisCalls;
  readonly prefix: string;
  readonly keepMs: number;
}

/** The script's arguments for some commands. Most have the same windows, which are sent once. */
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

/** The ledger on one server: a batch is one call of the script. */
export function redisLedger(options: LedgerOptions): RedisLedger {
  const keys = [`${options.prefix}overdue`] as const;
  const evaluateBatch = async (commands: readonly RedisCommand[], deadline: number) => {
    const args = scriptArgs(options, true, commands);
    const call = { script: LEDGER_SCRIPT, keys, args, deadline };
    return decodeReplies(commands, (await options.calls.evaluate(call)) as unknown[]);
  };
  return {
    async executeBatch(batch) {
      // The first has waited longest, so no other one is cut short.
      const deadline = batch[0]?.deadline ?? 0;
      try {
        const commands = batch.map(({ command }) => command);
        return await evaluateBatch(commands, deadline);
      } catch (cause) {
        const error = sentError(cause);
        return batch.map(() => ({ error }));
      }
    },
    async overdue(command, deadline) {
      const [outcome] = await evaluateBatch([overdueCommand(command)], deadline);
      return replyOf(outcome).expired;
    },
  };
}

/** @throws SpendcapError if the command failed */
export function replyOf(outcome: Outcome<RedisReply> | undefined): RedisReply {
  if (outcome !== undefined && 'value' in outcome) return outcome.value;
  throw outcome?.error ?? new SpendcapError('outcome_unknown', 'Redis replied nothing. Retry.');
}
