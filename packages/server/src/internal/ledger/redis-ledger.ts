import type { StoredPurchase } from '@spendcap/core';
import { SpendcapError } from '@spendcap/core';
import type { Outcome } from './batch.ts';
import type { redisCalls } from './redis-calls.ts';
import { overdueCommand, type RedisCommand } from './redis-command.ts';
import { LEDGER_SCRIPT } from './redis-lua.ts';
import { type RedisReply, toReply } from './redis-reply.ts';

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

/** Instead of the windows of the command before: most have the same. */
const SAME = '=';

/** The arguments of the script for some commands. */
export function scriptArgs(
  { prefix, keepMs }: LedgerOptions,
  indexed: boolean,
  commands: readonly RedisCommand[],
): readonly string[] {
  const args = [prefix, String(keepMs), indexed ? '1' : '0'];
  let last = '';
  for (const { numbers, subject, id, record, windows } of commands) {
    const isSame = windows === '' || windows === last;
    args.push(numbers, subject, id, record, isSame ? SAME : windows);
    if (!isSame) last = windows;
  }
  return args;
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
        return (await evaluate(commands, deadline)).map(attempt);
      } catch (error) {
        return batch.map(() => ({ error: coded(error) }));
      }
    },
    async overdue(at, limit, deadline) {
      const [raw] = await evaluate([overdueCommand(at, limit)], deadline);
      return toReply(raw).expired;
    },
  };
}

function attempt(raw: unknown): Outcome<RedisReply> {
  try {
    return { value: toReply(raw) };
  } catch (error) {
    return { error: coded(error) };
  }
}

/** Any error as a coded one: what has no code was not foreseen, so nothing is known of the outcome. */
export function coded(error: unknown): SpendcapError {
  if (SpendcapError.isInstance(error)) return error;
  return new SpendcapError('outcome_unknown', 'Redis did not confirm. Retry.', { cause: error });
}
