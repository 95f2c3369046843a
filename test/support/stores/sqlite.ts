import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { sqliteStore } from '@spendcap/server/stores/sqlite';
import { atEnd } from '../at-end.ts';
import { removeTemporaryFiles, temporaryFile } from '../temporary.ts';
import { type Kept, not, openStores, type StoreEntry } from './entry.ts';

atEnd(removeTemporaryFiles);

/** The bytes of a database file, of its log and of whatever else lies beside it. */
export function filesBeside(path: string): readonly Kept[] {
  const folder = dirname(path);
  return readdirSync(folder).map((name) => ({
    where: name,
    bytes: readFileSync(join(folder, name)),
  }));
}

export const sqlite: StoreEntry = {
  name: 'sqlite',
  drivers: [],
  isHere: async () => true,
  async openLedger() {
    const path = temporaryFile('ledger.db');
    const stores = openStores();
    return {
      async connect({ timeoutMs, maxBatch } = {}) {
        const wait = timeoutMs === undefined ? {} : { busyTimeoutMs: timeoutMs };
        const size = maxBatch === undefined ? {} : { maxBatch };
        return stores.add(sqliteStore({ path, ...wait, ...size }));
      },
      endpoint: null,
      dump: async () => filesBeside(path),
      remove: stores.close,
    };
  },
  suites: {
    properties: { histories: 200 },
    simulation: { reorders: false },
    linearizability: { subjects: 2, overdue: true },
    network: not('it has no server'),
    restart: not('it has no server; test/faults/kill.test.ts kills the process that serves a file'),
    privacy: true,
  },
};
