import {
  type OverdueCommand,
  type RefundCommand,
  type ReserveCommand,
  SpendcapError,
  type UsageCommand,
} from '@spendcap/core';
import type { Outcome } from './batch.ts';
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

/** Any verb's inputs, as `core` names them. */
export type PostgresInputs = Partial<
  Omit<ReserveCommand, 'windows'> & RefundCommand & OverdueCommand & Pick<UsageCommand, 'windows'>
>;

/**
 * A command as the function `run` reads it: a list, since names would be most of what goes over.
 *
 * @throws SpendcapError `invalid_request` for a text that Postgres cannot hold
 */
export function postgresCommand(verb: string, given: PostgresInputs): PostgresCommand {
  const { id, subject, windows = [] } = given;
  const json = JSON.stringify([
    ...[verb, id, given.at, subject, given.amount, given.request, given.currency, given.app],
    ...[given.category, given.expiresAt, given.onExpiry, given.basis, given.refundId],
    ...[given.restores, given.limit],
  ]).slice(0, -1);
  const texts = JSON.stringify(windows);
  for (const text of [json, texts]) {
    if (text.includes('\\u') && UNSTORABLE.test(text)) {
      const message = 'A text with NUL or half a character cannot be kept.';
      throw new SpendcapError('invalid_request', message);
    }
  }
  return { json, windows: texts, verb, id, subject, sent: false, dropped: false };
}

/** NUL, and halves of surrogate pairs, as JSON writes them. */
const UNSTORABLE = /(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f])/;

/** One command on its way to the database. */
export interface PostgresCommand {
  /** Its verb and inputs as a JSON list still open: the number of its windows comes last. */
  readonly json: string;
  /** Its windows as JSON: one text for many calls, which goes over once. */
  readonly windows: string;
  readonly verb: string;
  readonly id: string | undefined;
  /** With `reserve` and `usage`. */
  readonly subject: string | undefined;
  /** From then on nobody can tell whether it was done, until the answer comes. */
  sent: boolean;
  /** Its caller has been told that it failed: it must not be sent any more. */
  dropped: boolean;
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
  const text = `SELECT "${schema}".run($1::jsonb) AS replies`;
  const ask = (text: string) => sendHarmless(pool, { text, query_timeout: timeoutMs });
  let checked = false;

  /** @throws SpendcapError that says what the operator has to do */
  const check = async (): Promise<void> => {
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
    if (!row.migrated) throw toSpendcapError({ code: '42P01' });
    const { rows: found } = await ask(
      `SELECT coalesce(max(version), 0) AS reached FROM "${schema}".migrations`,
    );
    const { reached } = found[0] as { readonly reached: number };
    if (reached < MIGRATIONS.length) throw toSpendcapError({ code: '42P01' });
    if (reached > MIGRATIONS.length) throw toSpendcapError({ code: 'SC002' });
    checked = true;
  };

  /** One statement; again if others were in the way. */
  const send = async (commands: readonly PostgresCommand[]): Promise<readonly Reply[]> => {
    const values = [batchOf(commands)];
    for (let attempt = 1; ; attempt += 1) {
      // The time of one was up while others were in the way, and its caller has been told so.
      if (commands.some(({ dropped }) => dropped)) throw LATE;
      try {
        for (const command of commands) command.sent = true;
        const { rows } = await pool.query({ text, values, query_timeout: timeoutMs });
        const { replies } = rows[0] as { readonly replies: string };
        return JSON.parse(replies) as readonly Reply[];
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
      const replies = waiting.length === 0 ? [] : await send(waiting);
      const outcomes = new Map(
        waiting.map((command, index) => [command, toOutcome(replies[index])]),
      );
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
      await sendHarmless(pool, { text: migrationOf(schema) });
    },
  };
}

type Reply = { readonly error: 'invalid_amount' } | object;

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

/** The commands, and what the database has to look up for them. */
function batchOf(commands: readonly PostgresCommand[]): string {
  const subjects = new Set<string>();
  const asked = new Set<string>();
  const ids = new Set<string>();
  const seen = new Map<string, string | undefined>();
  const hints: Record<string, string> = Object.create(null);
  for (const { verb, id, subject } of commands) {
    if (verb === 'reserve' && subject !== undefined) subjects.add(subject);
    else if (subject !== undefined) asked.add(subject);
    else if (id !== undefined) ids.add(id);
    if (id === undefined) continue;
    // An id that is named twice may be reserved by the one and settled by the other.
    const known = seen.get(id) ?? subject;
    if (seen.has(id) && known !== undefined) hints[id] = known;
    seen.set(id, known);
  }
  const lists = { subjects: [...subjects], asked: [...asked], ids: [...ids], hints };
  const windows = new Map<string, number>();
  const list = commands.map((command) => {
    const number = windows.get(command.windows) ?? windows.size;
    windows.set(command.windows, number);
    return `${command.json},${number}]`;
  });
  const texts = `"windows":[${[...windows.keys()].join(',')}],"commands":[${list.join(',')}]`;
  return `${JSON.stringify(lists).slice(0, -1)},${texts}}`;
}

function toOutcome(reply: Reply | undefined): Outcome<unknown> {
  if (reply === undefined) return LOST;
  if (!('error' in reply)) return { value: reply };
  const message = 'The total would pass the safe integer range.';
  return { error: new SpendcapError('invalid_amount', message) };
}

function unavailable(message: string): SpendcapError {
  return new SpendcapError('store_unavailable', message);
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
