import { SpendcapError } from '@spendcap/core';
import type { Outcome } from './batch.ts';
import { type PostgresCommand, postgresBatch } from './postgres-batch.ts';
import { postgresCheck, unavailable } from './postgres-check.ts';
import { isInTheWay, isOfOneCommand, toSpendcapError } from './postgres-errors.ts';
import { toOutcomes } from './postgres-reply.ts';
import { migrationOf } from './postgres-schema.ts';

/** What is used of a `Pool` of `pg`: each call may take another connection. */
export interface PostgresPool {
  query(query: {
    readonly text: string;
    readonly values?: unknown[];
    /** After so many milliseconds the pool gives the connection up. */
    readonly query_timeout?: number;
  }): Promise<{ readonly rows: readonly unknown[] }>;
}

interface PostgresLedgerOptions {
  readonly pool: PostgresPool;
  readonly schema: string;
  readonly timeoutMs: number;
}

const ATTEMPTS = 6;
const FIRST_PAUSE_MS = 4;

/** The ledger in a schema of a Postgres database. */
export function postgresLedger({ pool, schema, timeoutMs }: PostgresLedgerOptions) {
  const ask = (text: string) => sendHarmless(pool, { text, query_timeout: timeoutMs });
  const { checkServer, check } = postgresCheck(ask, schema);
  let checked = false;

  /** One statement, which may leave some undone unless all are done in order; again if others were in the way. */
  const send = async (
    commands: readonly PostgresCommand[],
    inOrder: boolean,
  ): Promise<Map<PostgresCommand, Outcome<unknown>>> => {
    const { values, sent } = postgresBatch(commands);
    const isRead = commands.every((command) => command.isRead);
    const parameters = values.map((_, index) => `$${index + 1}`).join();
    const call = isRead ? `read(${parameters})` : `run(${parameters},${inOrder})`;
    const text = `SELECT "${schema}".${call} AS replies`;
    for (let attempt = 1; ; attempt += 1) {
      // The time of one was up while others were in the way, and its caller has been told so.
      if (commands.some(({ dropped }) => dropped)) throw LATE;
      try {
        for (const command of commands) command.sent = true;
        const query = { text, values: [...values], query_timeout: timeoutMs };
        const { rows } = await pool.query(query);
        const { replies } = rows[0] as { readonly replies: string };
        return toOutcomes(sent, replies);
      } catch (cause) {
        if (attempt >= ATTEMPTS || !isInTheWay(cause)) throw cause;
        // It was undone, so that a call whose time is up now was not done.
        for (const command of commands) command.sent = false;
        await pause(FIRST_PAUSE_MS * 2 ** attempt * Math.random());
      }
    }
  };

  const run = async (
    commands: readonly PostgresCommand[],
    inOrder = false,
  ): Promise<readonly Outcome<unknown>[]> => {
    try {
      if (!checked) await check();
      checked = true;
      const waiting = commands.filter(({ dropped }) => !dropped);
      if (waiting.length === 0) return commands.map(() => LOST);
      const outcomes = await send(waiting, inOrder);
      const left = inOrder ? [] : waiting.filter((command) => !outcomes.has(command));
      if (left.length > 0) {
        const later = await run(left, true);
        for (const [index, command] of left.entries()) {
          outcomes.set(command, later[index] ?? UNANSWERED);
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

const LATE = unavailable('The database did not answer in time.');
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

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
