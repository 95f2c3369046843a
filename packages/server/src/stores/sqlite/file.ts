import { DatabaseSync } from 'node:sqlite';
import {
  type OverdueCommand,
  type ReserveCommand,
  SpendcapError,
  type SpendcapErrorCode,
  type Store,
} from '@spendcap/core';
import {
  attach,
  commit,
  get,
  type Rows,
  record,
  refund,
  release,
  reserve,
  reverseRefund,
  usage,
} from '../../ledger/ledger.ts';
import { toReply } from '../../ledger/reserve-reply.ts';
import { misconfigured, unavailable } from '../../ledger/store-kit.ts';
import { assertSameFile, type FileIdentity, fileOf, logOf } from './identity.ts';
import { SCHEMA, SCHEMA_VERSION, sqliteRows } from './rows.ts';

/** A verb of the store and its inputs. `ready` writes without changing anything. */
export type SqliteCommand = readonly [verb: Exclude<keyof Store, 'close'>, command: unknown];

/** A SpendcapError in plain data that can cross to another thread. */
export interface PlainError {
  readonly code: SpendcapErrorCode;
  readonly message: string;
  /** What SQLite said. */
  readonly cause?: string;
}

/** How a command came out. */
export type SqliteReply = { readonly value: unknown } | { readonly error: PlainError };

/** A transaction that was rolled back, or (`outcome_unknown`) may have been. */
export interface SqliteFailure {
  readonly failure: PlainError;
  /** The values of one command are at fault, not the file. */
  readonly isDataError: boolean;
}

export interface SqliteFile {
  readonly path: string;
  readonly busyTimeoutMs: number;
  /** The file that the path named when the store was made. No other one is opened or made. */
  readonly file?: FileIdentity | undefined;
}

/**
 * Durable at every commit; a longer log and a larger page cache than the defaults of 4 and 2 MB.
 */
const PRAGMAS = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  PRAGMA wal_autocheckpoint = 8000;
  PRAGMA cache_size = -65536;
`;

/**
 * Opens the file and makes the schema if it is new.
 *
 * @throws SpendcapError `store_misconfigured` if it cannot be opened, is not a database of ours, or
 *   is newer than this version; `store_unavailable` if it cannot be used now
 */
function openFile({ path, busyTimeoutMs, file }: SqliteFile) {
  let database: DatabaseSync | undefined;
  try {
    assertSameFile(file);
    database = new DatabaseSync(path, { timeout: busyTimeoutMs });
    database.exec(PRAGMAS);
    migrate(database);
    // Fails on another program's tables, whatever version number it gave them.
    const rows = sqliteRows(database);
    const opened = file ?? fileOf(database);
    return { database, file: opened, log: logOf(opened), ...rows };
  } catch (cause) {
    database?.close();
    if (SpendcapError.isInstance(cause)) throw cause;
    throw TEMPORARY.has(resultOf(cause))
      ? unavailable('The SQLite file cannot be opened now.', cause)
      : misconfigured('The SQLite file cannot be opened, or is not a ledger.', cause);
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
      throw misconfigured(message);
    }
    if (version() === 0) database.exec(`${SCHEMA} PRAGMA user_version = ${SCHEMA_VERSION};`);
    database.exec('COMMIT');
  } catch (error) {
    // SQLite rolls back itself when the disk is full.
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}

/** One transaction after another on a file that other processes may write in between. */
function transactions({ database, refresh, forget }: ReturnType<typeof openFile>) {
  const begin = database.prepare('BEGIN IMMEDIATE');
  const end = database.prepare('COMMIT');
  const undo = database.prepare('ROLLBACK');
  const dataVersion = database.prepare('PRAGMA data_version');
  let seen: unknown;
  return {
    begin(): void {
      begin.run();
      const version = dataVersion.get()?.data_version;
      if (version !== seen) refresh();
      seen = version;
    },
    commit: () => end.run(),
    /** Rolls back. What is cached of the file may include the changes, so it is dropped. */
    rollBack(): void {
      if (database.isTransaction) undo.run();
      forget();
      seen = undefined;
    },
  };
}

const VERBS = {
  reserve: (rows: Rows, command: ReserveCommand) => toReply(reserve(rows, command)),
  commit,
  release,
  record,
  attach,
  refund,
  reverseRefund,
  get,
  usage,
};

/**
 * How long a prepared batch may keep the file from other processes while the rest of it arrives.
 */
const MAX_PREPARED_MS = 50;

/** The ledger in a SQLite file: runs batches of commands, each as one transaction. */
export function sqliteLedger(file: SqliteFile) {
  const opened = openFile(file);
  const { database, rows, tidy } = opened;
  const transaction = transactions(opened);
  const verbs = {
    ...VERBS,
    overdue: (_: unknown, command: OverdueCommand) => opened.overdue(command),
    ready: () => {
      opened.touch();
      return null;
    },
  };
  /** The first commands of the next batch, and the replies to those that have been run. */
  const early: SqliteCommand[] = [];
  let prepared: { readonly replies: SqliteReply[]; readonly timer: NodeJS.Timeout } | undefined;

  /** A coded error is thrown before anything is written; any other one fails the transaction. */
  const execute = ([verb, command]: SqliteCommand): SqliteReply => {
    try {
      return { value: verbs[verb](rows, command as never) };
    } catch (error) {
      if (!SpendcapError.isInstance(error)) throw error;
      return { error: { code: error.code, message: error.message } };
    }
  };

  const rollBack = (): void => {
    clearTimeout(prepared?.timer);
    prepared = undefined;
    transaction.rollBack();
  };

  const transact = (commands: readonly SqliteCommand[]): readonly SqliteReply[] | SqliteFailure => {
    let committing = false;
    try {
      if (prepared === undefined) transaction.begin();
      const replies = prepared?.replies ?? [];
      for (const command of commands.slice(replies.length)) replies.push(execute(command));
      clearTimeout(prepared?.timer);
      prepared = undefined;
      tidy();
      assertSameFile(opened.file);
      assertSameFile(opened.log);
      committing = true;
      transaction.commit();
      return replies;
    } catch (error) {
      rollBack();
      return { failure: failureOf(error, committing), isDataError: !committing && isData(error) };
    }
  };

  return {
    /**
     * Begins with the first commands of a batch. If that fails, `runBatch` runs them with the rest.
     */
    prepare(commands: readonly SqliteCommand[]): void {
      const isFirst = early.length === 0;
      early.push(...commands);
      try {
        if (isFirst) {
          transaction.begin();
          prepared = { replies: [], timer: setTimeout(rollBack, MAX_PREPARED_MS) };
        }
        prepared?.replies.push(...commands.map(execute));
      } catch {
        rollBack();
      }
    },
    /** Runs a batch: what was prepared, then these. Returns how each came out, in order. */
    runBatch: (commands: readonly SqliteCommand[]) => transact([...early.splice(0), ...commands]),
    file: opened.file,
    close: () => database.close(),
  };
}

/** Why a transaction failed; `committing` if it may still have been done. */
export function failureOf(error: unknown, committing = false): PlainError {
  if (SpendcapError.isInstance(error)) return { code: error.code, message: error.message };
  const cause = error instanceof Error ? error.message : 'unknown';
  if (committing) {
    return { code: 'outcome_unknown', message: 'The commit was not confirmed. Retry.', cause };
  }
  return READ_ONLY.has(resultOf(error))
    ? { code: 'store_misconfigured', message: 'The SQLite file cannot be written.', cause }
    : { code: 'store_unavailable', message: 'The SQLite file cannot be used now.', cause };
}

/** SQLite's result codes: BUSY, LOCKED, NOMEM, INTERRUPT, IOERR, CORRUPT, FULL, PROTOCOL. */
const TEMPORARY = new Set([5, 6, 7, 9, 10, 11, 13, 15]);
/** PERM and READONLY. */
const READ_ONLY = new Set([3, 8]);
/** TOOBIG, CONSTRAINT, MISMATCH and RANGE: about the values of one statement. */
const DATA = new Set([18, 19, 20, 25]);

/** An error without a result code comes from converting a value. */
function isData(error: unknown): boolean {
  if (SpendcapError.isInstance(error)) return false;
  const result = resultOf(error);
  return result === NO_RESULT || DATA.has(result);
}

const NO_RESULT = -1;

/** The primary result code of SQLite. */
function resultOf(error: unknown): number {
  if (typeof error !== 'object' || error === null || !('errcode' in error)) return NO_RESULT;
  return Number(error.errcode) & 0xff;
}
