import { DatabaseSync } from 'node:sqlite';
import { assertOptions, SpendcapError } from '@spendcap/core';
import type { NppaStore } from '../store.ts';

/** Options of `sqliteNppaStore`. */
export interface SqliteNppaStoreOptions {
  /** The database file, created if it does not exist. It may be the ledger's. */
  readonly path: string;
  /** How long to wait for another process, in milliseconds. Default 2000. */
  readonly busyTimeoutMs?: number;
}

const SCHEMA = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  CREATE TABLE IF NOT EXISTS nppa_records (
    key TEXT PRIMARY KEY,
    record TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
`;

/**
 * Results of the real-name system in one SQLite file. A resolved write survives `kill -9` and power
 * loss; several processes of one machine can share the file.
 *
 * @throws SpendcapError `store_unavailable` if the file cannot be opened or is not a database
 */
export function sqliteNppaStore(options: SqliteNppaStoreOptions): NppaStore & {
  /** Closes the file. */
  close(): Promise<void>;
} {
  assertOptions('sqliteNppaStore', options, { path: true, busyTimeoutMs: true });
  const { path, busyTimeoutMs = 2_000 } = options;
  if (typeof path !== 'string' || path === '') throw new TypeError('path must name a file');
  const database = openDatabase(path, busyTimeoutMs);
  const select = database.prepare('SELECT record FROM nppa_records WHERE key = ?');
  const insert = database.prepare('INSERT INTO nppa_records VALUES (?, ?) ON CONFLICT DO NOTHING');
  const update = database.prepare(
    'UPDATE nppa_records SET record = ? WHERE key = ? AND record = ?',
  );
  const remove = database.prepare('DELETE FROM nppa_records WHERE key = ? AND record = ?');
  const get = (key: string) => (select.get(key)?.record as string | undefined) ?? null;

  return {
    get: async (key) => get(key),
    swap: async (key, from, to) => {
      if (from === null) {
        return to === null ? get(key) === null : insert.run(key, to).changes === 1;
      }
      const { changes } = to === null ? remove.run(key, from) : update.run(to, key, from);
      return changes === 1;
    },
    close: async () => {
      if (database.isOpen) database.close();
    },
  };
}

function openDatabase(path: string, timeout: number): DatabaseSync {
  try {
    const database = new DatabaseSync(path, { timeout });
    database.exec(SCHEMA);
    return database;
  } catch (cause) {
    const message = 'The SQLite file cannot be opened.';
    throw new SpendcapError('store_unavailable', message, { cause });
  }
}
