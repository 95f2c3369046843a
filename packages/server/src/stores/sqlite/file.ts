import { DatabaseSync } from 'node:sqlite';
import {
  type OverdueCommand,
  type ReserveCommand,
  SpendcapError,
  type SpendcapErrorCode,
  type Store,
} from '@spendcap/core';
import {
  commit,
  get,
  type Rows,
  refund,
  release,
  reserve,
  reverseRefund,
  usage,
} from '../../ledger/ledger.ts';
import { toReply } from '../../ledger/reserve-reply.ts';
import { SCHEMA, SCHEMA_VERSION, sqliteRows } from './rows.ts';

/** A verb of the store and what it was given. `ready` only begins and ends a transaction. */
export type SqliteCommand = readonly [verb: Exclude<keyof Store, 'close'>, command: unknown];

/** How a command came out, in plain data that can cross to another thread. */
export type SqliteReply =
  | { readonly value: unknown }
  | {
      readonly error: {
        readonly code: SpendcapErrorCode;
        readonly message: string;
        /** What SQLite said of it. */
        readonly cause?: string;
      };
    };

export interface SqliteFile {
  readonly path: string;
  readonly busyTimeoutMs: number;
}

/** Durable at every commit; a longer log and a larger page cache than the defaults of 4 and 2 MB. */
const PRAGMAS = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  PRAGMA wal_autocheckpoint = 8000;
  PRAGMA cache_size = -65536;
`;

/**
 * Opens the file and makes the schema if it is new.
 *
 * @throws SpendcapError `store_unavailable` if it is no database of ours, or newer than this version
 */
function openFile({ path, busyTimeoutMs }: SqliteFile) {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path, { timeout: busyTimeoutMs });
    database.exec(PRAGMAS);
    migrate(database);
    // Fails on another program's tables, whatever version number it gave them.
    return { database, ...sqliteRows(database) };
  } catch (cause) {
    database?.close();
    if (SpendcapError.isInstance(cause)) throw cause;
    throw new SpendcapError('store_unavailable', 'The SQLite file cannot be opened.', { cause });
  }
}

/** Makes the schema, once, even if several processes start together. */
function migrate(database: DatabaseSync): void {
  const version = () => Number(database.prepare('PRAGMA user_version').get()?.user_version);
  if (version() === SCHEMA_VERSION) return;
  database.exec('BEGIN IMMEDIATE');
  try {
    if (version() > SCHEMA_VERSION) {
      const message = 'The SQLite file was made by a newer version of spendcap.';
      throw new SpendcapError('store_unavailable', message);
    }
    if (version() === 0) database.exec(`${SCHEMA} PRAGMA user_version = ${SCHEMA_VERSION};`);
    database.exec('COMMIT');
  } catch (error) {
    database.exec('ROLLBACK');
    throw error;
  }
}

/** One transaction after the other on a file, which other processes may write in between. */
function transactions({ database, refresh, forget, tidy }: ReturnType<typeof openFile>) {
  const begin = database.prepare('BEGIN IMMEDIATE');
  const end = database.prepare('COMMIT');
  const rollBack = database.prepare('ROLLBACK');
  const dataVersion = database.prepare('PRAGMA data_version');
  let seen: unknown;
  return {
    begin(): void {
      begin.run();
      const version = dataVersion.get()?.data_version;
      if (version !== seen) refresh();
      seen = version;
    },
    commit(): void {
      tidy();
      end.run();
    },
    /** Nothing that is remembered of the file can be relied upon after it. */
    undo(): void {
      if (database.isTransaction) rollBack.run();
      forget();
      seen = undefined;
    },
  };
}

const VERBS = {
  reserve: (rows: Rows, command: ReserveCommand) => toReply(reserve(rows, command)),
  commit,
  release,
  refund,
  reverseRefund,
  get,
  usage,
  ready: () => null,
};

/** How long a begun batch may keep the file from other processes while its rest is awaited. */
const MAX_PAUSE_MS = 50;

/** The ledger in a SQLite file: runs commands as one transaction. One that fails, fails alone. */
export function sqliteLedger(file: SqliteFile) {
  const opened = openFile(file);
  const { database, rows } = opened;
  const transaction = transactions(opened);
  const verbs = {
    ...VERBS,
    overdue: (_: unknown, { at, limit }: OverdueCommand) => opened.overdue(at, limit),
  };
  /** The commands that the next batch began with, and how those came out that have been run. */
  const early: SqliteCommand[] = [];
  let begun: { readonly replies: SqliteReply[]; readonly timer: NodeJS.Timeout } | undefined;

  /** A coded error comes before anything is written; any other one undoes the whole transaction. */
  const attempt = ([verb, command]: SqliteCommand): SqliteReply => {
    try {
      return { value: verbs[verb](rows, command as never) };
    } catch (error) {
      if (!SpendcapError.isInstance(error)) throw error;
      return { error: { code: error.code, message: error.message } };
    }
  };

  const undo = (): void => {
    clearTimeout(begun?.timer);
    begun = undefined;
    transaction.undo();
  };

  const runAll = (commands: readonly SqliteCommand[]): readonly SqliteReply[] => {
    let committing = false;
    try {
      if (begun === undefined) transaction.begin();
      const replies = begun?.replies ?? [];
      for (const command of commands.slice(replies.length)) replies.push(attempt(command));
      clearTimeout(begun?.timer);
      begun = undefined;
      committing = true;
      transaction.commit();
      return replies;
    } catch (error) {
      undo();
      if (commands.length > 1 && !committing && isOfOneCommand(error)) {
        return commands.flatMap((command) => runAll([command]));
      }
      return commands.map(() => ({ error: whatHappened(error, committing) }));
    }
  };

  return {
    /** Begins with the first commands of a batch. If that fails, `run` does them with the rest. */
    begin(commands: readonly SqliteCommand[]): void {
      const isFirst = early.length === 0;
      early.push(...commands);
      try {
        if (isFirst) {
          transaction.begin();
          begun = { replies: [], timer: setTimeout(undo, MAX_PAUSE_MS) };
        }
        begun?.replies.push(...commands.map(attempt));
      } catch {
        undo();
      }
    },
    /** Runs a batch: what it began with, then these. Tells how each came out, in order. */
    run: (commands: readonly SqliteCommand[]) => runAll([...early.splice(0), ...commands]),
    close: () => database.close(),
  };
}

function whatHappened(error: unknown, committing: boolean) {
  const cause = error instanceof Error ? error.message : 'unknown';
  return committing
    ? { code: 'outcome_unknown' as const, message: 'The commit was not confirmed. Retry.', cause }
    : { code: 'store_unavailable' as const, message: 'The SQLite file cannot be used now.', cause };
}

/** SQLite's result codes that speak of one statement's values, not of the file. */
const CODES_OF_ONE_COMMAND = new Set([18, 19, 20, 25]);

function isOfOneCommand(error: unknown): boolean {
  if (typeof error !== 'object' || error === null || !('errcode' in error)) return true;
  return CODES_OF_ONE_COMMAND.has(Number(error.errcode) & 0xff);
}
