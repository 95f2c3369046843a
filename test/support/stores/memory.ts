import { memoryStore } from '@spendcap/server/stores/memory';
import { not, type StoreEntry } from './entry.ts';

export const memory: StoreEntry = {
  name: 'memory',
  drivers: [],
  isHere: async () => true,
  async openLedger({ keepMs } = {}) {
    const store = memoryStore(keepMs === undefined ? {} : { keepEndedMs: keepMs });
    return {
      // All simulated processes are in this one.
      connect: async () => ({ ...store, close: async () => undefined }),
      endpoint: null,
      dump: async () => [],
      remove: store.close,
    };
  },
  suites: {
    options: { numbers: { keepEndedMs: 'from 1' }, create: (options) => memoryStore(options) },
    properties: { histories: 400 },
    simulation: { reorders: false },
    linearizability: not('a verb runs from its start to its end in one turn of the event loop'),
    network: not('it has no server'),
    restart: not('it has no server'),
    privacy: not('it keeps nothing outside the process'),
  },
};
