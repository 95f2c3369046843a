import type { Outcome } from './batch.ts';
import { type PostgresCommand, toOutcomes, valuesOf } from './postgres-batch.ts';
import { postgresCheck, unavailable } from './postgres-check.ts';
import { isInTheWay, isOfOneCommand, toSpendcapError } from './postgres-errors.ts';
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

  /** One statement; again if others were in the way. */
  const send = async (
    commands: readonly PostgresCommand[],
  ): Promise<readonly Outcome<unknown>[]> => {
    const values = valuesOf(commands);
    const parameters = values.map((_, index) => `$${index + 1}`);
    const name = commands.every(({ isRead }) => isRead) ? 'read' : 'run';
    const text = `SELECT "${schema}".${name}(${parameters}) AS replies`;
    for (let attempt = 1; ; attempt += 1) {
      // The time of one was up while others were in the way, and its caller has been told so.
      if (commands.some(({ dropped }) => dropped)) throw LATE;
      try {
        for (const command of commands) command.sent = true;
        const { rows } = await pool.query({ text, values, query_timeout: timeoutMs });
        const { replies } = rows[0] as { readonly replies: string };
        return toOutcomes(commands, replies);
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
  ): Promise<readonly Outcome<unknown>[]> => {
    try {
      if (!checked) await check();
      checked = true;
      const waiting = commands.filter(({ dropped }) => !dropped);
      const told = waiting.length === 0 ? [] : await send(waiting);
      if (waiting.length === commands.length) return told;
      const outcomes = new Map(waiting.map((command, index) => [command, told[index]]));
      return commands.map((command) => outcomes.get(command) ?? LOST);
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
