import { sqliteStore } from '@spendcap/server/stores/sqlite';
import { atEnd } from '../at-end.ts';
import { filesBeside, removeTemporaryFiles, temporaryFile } from '../temporary.ts';
import { not, openStores, type StoreEntry } from './entry.ts';

atEnd(removeTemporaryFiles);

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
    options: {
      numbers: { maxBatch: 'from 1', maxQueue: 'from 1', busyTimeoutMs: 'wait from 0' },
      create: (options) => sqliteStore({ path: ':memory:', ...options }),
    },
    properties: { histories: 200 },
    simulation: { reorders: false },
    linearizability: { subjects: 2, overdue: true },
    network: not('it has no server'),
    restart: not('it has no server; test/faults/kill.test.ts kills the process that serves a file'),
    privacy: true,
  },
};
