import { SpendcapError } from '@spendcap/core';
import type { Outcome } from './batch.ts';
import { type PostgresCommand, toOutcomes, valuesOf } from './postgres-batch.ts';
import { isInTheWay, isOfOneCommand, toSpendcapError } from './postgres-errors.ts';
import { MIGRATIONS, MIN_SERVER_VERSION, migrationOf } from './postgres-schema.ts';

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
  let checked = false;

  /** @throws SpendcapError if it is not a server to keep a ledger on, with what to do */
  const checkServer = async (): Promise<Checked> => {
    const { rows } = await ask(checkOf(schema));
    const [row] = rows as readonly Checked[];
    if (row === undefined) throw unavailable('The database gave no answer.');
    if (row.version < MIN_SERVER_VERSION) {
      const oldest = Math.floor(MIN_SERVER_VERSION / 10_000);
      throw unavailable(`The server is too old: PostgreSQL ${oldest} or newer is needed.`);
    }
    if (row.replica) throw unavailable('The server is read-only. Connect to the primary.');
    if (row.durability === 'off') {
      throw unavailable('synchronous_commit is off: an answered hold could be lost. Set it to on.');
    }
    return row;
  };

  /** @throws SpendcapError that says what the operator has to do */
  const check = async (): Promise<void> => {
    const { migrated } = await checkServer();
    if (!migrated) throw toSpendcapError({ code: '42P01' });
    const { rows: found } = await ask(
      `SELECT coalesce(max(version), 0) AS reached FROM "${schema}".migrations`,
    );
    const { reached } = found[0] as { readonly reached: number };
    if (reached < MIGRATIONS.length) throw toSpendcapError({ code: '42P01' });
    if (reached > MIGRATIONS.length) throw toSpendcapError({ code: 'SC002' });
    checked = true;
  };

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

interface Checked {
  readonly version: number;
  readonly replica: boolean;
  readonly durability: string;
  readonly migrated: boolean;
}

const LATE = unavailable('The database did not answer in time.');
const LOST: Outcome<never> = { error: LATE };

const checkOf = (schema: string): string => `
  SELECT current_setting('server_version_num')::int AS version, pg_is_in_recovery() AS replica,
    current_setting('synchronous_commit') AS durability,
    to_regclass('"${schema}".migrations') IS NOT NULL AS migrated`;

/** A statement whose effect, if any, does no harm if it is not known. */
async function sendHarmless(pool: PostgresPool, query: Parameters<PostgresPool['query']>[0]) {
  try {
    return await pool.query(query);
  } catch (cause) {
    const error = toSpendcapError(cause);
    throw error.code === 'outcome_unknown' ? unavailable(error.message) : error;
  }
}

function unavailable(message: string): SpendcapError {
  return new SpendcapError('store_unavailable', message);
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
