import { SpendcapError } from '@spendcap/core';
import type { Outcome, Tell } from '../../ledger/group-commit.ts';
import { unavailable } from '../../ledger/store-kit.ts';
import { postgresCheck } from './check.ts';
import type { PostgresCommand } from './encode.ts';
import { isOfOneCommand, toSpendcapError } from './errors.ts';
import { LATE, type PostgresOptions, type PostgresPool, sender } from './retry.ts';
import { migrationOf } from './sql/schema.ts';

/** The ledger in a schema of a Postgres database. */
export function postgresLedger({ pool, schema, timeoutMs }: PostgresOptions) {
  const ask = (text: string) => sendHarmless(pool, { text, query_timeout: timeoutMs });
  const { checkServer, check } = postgresCheck(ask, schema);
  let checked = false;

  const send = sender({ pool, schema, timeoutMs });

  /** Of commands that have to come again, those that need not are told at once. */
  const run = async (
    commands: readonly PostgresCommand[],
    tell?: Tell<unknown>,
    inOrder = false,
  ): Promise<readonly Outcome<unknown>[]> => {
    try {
      if (!checked) await check();
      checked = true;
      const waiting = commands.filter(({ dropped }) => !dropped);
      if (waiting.length === 0) return commands.map(() => LOST);
      const outcomes = await send(waiting, inOrder);
      const left = waiting.filter((command) => !outcomes.has(command));
      if (left.length > 0 && !inOrder) {
        for (const [index, command] of commands.entries()) {
          const outcome = outcomes.get(command);
          if (outcome !== undefined) tell?.(index, outcome);
        }
        const later = await run(left, undefined, true);
        for (const [index, outcome] of later.entries()) {
          const command = left[index];
          if (command !== undefined) outcomes.set(command, outcome);
        }
      }
      return commands.map(
        (command) => outcomes.get(command) ?? (command.dropped ? LOST : UNANSWERED),
      );
    } catch (cause) {
      if (commands.length === 1 || !isOfOneCommand(cause)) {
        const error = toSpendcapError(cause);
        return commands.map(() => ({ error }));
      }
      const alone: Outcome<unknown>[] = [];
      for (const command of commands) alone.push(...(await run([command])));
      return alone;
    }
  };

  return {
    run,
    check,
    async migrate(): Promise<void> {
      await checkServer();
      await sendHarmless(pool, { text: migrationOf(schema) });
    },
  };
}

const LOST: Outcome<never> = { error: LATE };
const UNANSWERED: Outcome<never> = {
  error: new SpendcapError('outcome_unknown', 'The database did not tell. Retry.'),
};

/** A statement whose effect, if any, does no harm if it is not known. */
async function sendHarmless(pool: PostgresPool, query: Parameters<PostgresPool['query']>[0]) {
  try {
    return await pool.query(query);
  } catch (cause) {
    const error = toSpendcapError(cause);
    throw error.code === 'outcome_unknown' ? unavailable(error.message) : error;
  }
}
