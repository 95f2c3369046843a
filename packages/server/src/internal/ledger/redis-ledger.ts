import type { StoredPurchase } from '@spendcap/core';
import { SpendcapError } from '@spendcap/core';
import type { Outcome } from './batch.ts';
import type { redisCalls } from './redis-calls.ts';
import { type RedisCommand, type RedisReply, toReply } from './redis-reply.ts';
import { LEDGER_SCRIPT } from './redis-script.ts';

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

/** The hash tag of a subject or an id; the script has the same. */
export function tagged(prefix: string, text: string): string {
  return `${prefix}{${text.replaceAll('%', '%25').replaceAll('}', '%7D')}}`;
}

/** The ledger on one server: a whole batch is one call of the script, and so one step. */
export function redisLedger({ calls, prefix, keepMs }: LedgerOptions): RedisLedger {
  const options = JSON.stringify({ prefix, keepMs, indexed: true });
  const evaluate = async (commands: readonly RedisCommand[], deadline: number) => {
    const texts = commands.map((command) => JSON.stringify(command));
    const args = [options, ...texts];
    const keys = [`${prefix}overdue`] as const;
    return (await calls.call({ script: LEDGER_SCRIPT, keys, args, deadline })) as unknown[];
  };
  return {
    async run(batch) {
      // The first has waited longest, so no other one is cut short.
      const deadline = batch[0]?.deadline ?? 0;
      try {
        const replies = await evaluate(
          batch.map(({ command }) => command),
          deadline,
        );
        return replies.map((raw) => attempt(() => toReply(raw)));
      } catch (error) {
        return batch.map(() => ({ error: coded(error) }));
      }
    },
    async overdue(at, limit, deadline) {
      const [raw] = await evaluate([['overdue', at, false, limit]], deadline);
      return toReply(raw).expired;
    },
  };
}

function attempt(work: () => RedisReply): Outcome<RedisReply> {
  try {
    return { value: work() };
  } catch (error) {
    return { error: coded(error) };
  }
}

/** Any error as a coded one: what has no code was not foreseen, so nothing is known of the outcome. */
export function coded(error: unknown): SpendcapError {
  if (SpendcapError.isInstance(error)) return error;
  return new SpendcapError('outcome_unknown', 'Redis did not confirm. Retry.', { cause: error });
}
