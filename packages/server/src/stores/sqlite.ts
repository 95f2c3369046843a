import { DatabaseSync } from 'node:sqlite';
import { SpendcapError, type Store } from '@spendcap/core';
import { batcher, type Outcome } from '../internal/batch.ts';
import {
  commit,
  get,
  type Rows,
  refund,
  release,
  reserve,
  reverseRefund,
  usage,
} from '../internal/ledger.ts';
import { SCHEMA, SCHEMA_VERSION, sqliteRows } from '../internal/sqlite-rows.ts';

export interface SqliteStoreOptions {
  /** The database file, made if it does not exist. `:memory:` keeps it in memory. */
  readonly path: string;
  /** How long to wait for another process's transaction, in milliseconds. Default 2000. */
  readonly busyTimeoutMs?: number;
  /** Calls that share a transaction at most. Default 256. */
  readonly maxBatch?: number;
  /** Calls that may wait for the store; more are refused as `overloaded`. Default 10,000. */
  readonly maxQueue?: number;
}

/** Durable at every commit; a longer log and a larger page cache than the defaults of 4 and 2 MB. */
const PRAGMAS = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  PRAGMA wal_autocheckpoint = 8000;
  PRAGMA cache_size = -65536;
`;

type Work = () => unknown;

/**
 * A durable ledger in one SQLite file (`node:sqlite`), for one machine. What was answered survives
 * `kill -9` and power loss: write-ahead log, `synchronous=FULL`, one flush for all the calls of an
 * event-loop turn. Several processes of the machine may share the file.
 *
 * @throws SpendcapError `store_unavailable` if the file cannot be opened, is no database, or was
 *   made by a newer version
 */
export function sqliteStore(options: SqliteStoreOptions): Store {
  const { path, busyTimeoutMs = 2_000, maxBatch = 256, maxQueue = 10_000 } = options;
  if (typeof path !== 'string' || path === '') throw new TypeError('path must name a file');
  const database = open(path, busyTimeoutMs);
  const { rows, forget, overdue } = sqliteRows(database);
  const transaction = transactionOf(database, forget);
  const queue = batcher<Work, unknown>({ run: transaction, maxBatch, maxQueue });
  let closed = false;

  const submit = async <R>(work: () => R): Promise<R> => {
    if (closed) throw new SpendcapError('store_unavailable', 'The store is closed.');
    return (await queue.submit(work)) as R;
  };
  const verb =
    <C, R>(run: (rows: Rows, command: C) => R) =>
    (command: C): Promise<R> =>
      submit(() => run(rows, command));

  return {
    reserve: verb(reserve),
    commit: verb(commit),
    release: verb(release),
    refund: verb(refund),
    reverseRefund: verb(reverseRefund),
    get: verb(get),
    usage: verb(usage),
    overdue: ({ at, limit }) => submit(() => overdue(at, limit)),
    ready: async () => {
      await submit(() => undefined);
    },
    close: async () => {
      if (closed) return;
      closed = true;
      queue.drain();
      database.close();
    },
  };
}

function open(path: string, busyTimeoutMs: number): DatabaseSync {
  try {
    const database = new DatabaseSync(path, { timeout: busyTimeoutMs });
    database.exec(PRAGMAS);
    migrate(database);
    return database;
  } catch (cause) {
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

/** Runs works as one transaction. A work that fails alone leaves the others as they are. */
function transactionOf(database: DatabaseSync, forget: () => void) {
  const dataVersion = database.prepare('PRAGMA data_version');
  let seen: unknown;

  /** Another process has written since: what is remembered of the file may be wrong. */
  const forgetIfChanged = (): void => {
    const version = dataVersion.get()?.data_version;
    if (version !== seen) forget();
    seen = version;
  };

  const begin = database.prepare('BEGIN IMMEDIATE');
  const end = database.prepare('COMMIT');
  const undo = database.prepare('ROLLBACK');

  const run = (works: readonly Work[]): readonly Outcome<unknown>[] => {
    let committing = false;
    try {
      begin.run();
      forgetIfChanged();
      const outcomes = works.map(attempt);
      committing = true;
      end.run();
      return outcomes;
    } catch (cause) {
      if (database.isTransaction) undo.run();
      forget();
      if (works.length > 1 && !committing && isOfOneCommand(cause)) {
        return works.flatMap((work) => run([work]));
      }
      const error = committing
        ? new SpendcapError('outcome_unknown', 'The commit was not confirmed. Retry.', { cause })
        : new SpendcapError('store_unavailable', 'The SQLite file cannot be used now.', { cause });
      return works.map(() => ({ error }));
    }
  };
  return run;
}

/** A coded error comes before anything is written; any other one undoes the whole transaction. */
function attempt(work: Work): Outcome<unknown> {
  try {
    return { value: work() };
  } catch (error) {
    if (SpendcapError.isInstance(error)) return { error };
    throw error;
  }
}

/** SQLite's result codes that speak of one statement's values, not of the file. */
const CODES_OF_ONE_COMMAND = new Set([18, 19, 20, 25]);

function isOfOneCommand(error: unknown): boolean {
  if (typeof error !== 'object' || error === null || !('errcode' in error)) return true;
  return CODES_OF_ONE_COMMAND.has(Number(error.errcode) & 0xff);
}
