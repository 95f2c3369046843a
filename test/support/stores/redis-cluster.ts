import { redisStore } from '@spendcap/server/stores/redis';
import { Cluster } from 'ioredis';
import { createCluster } from 'redis';
import { canStartRedis, freshPrefix, redisCluster } from '../redis.ts';
import {
  type ConnectOptions,
  closing,
  type Ledger,
  not,
  openStores,
  type StoreEntry,
} from './entry.ts';
import { DRIVERS, dumpOf, operatorOf, storeOptions, wipe } from './redis.ts';

let started: Promise<readonly number[]> | undefined;

/** The ports of the masters; started when they are first needed. */
function cluster(): Promise<readonly number[]> {
  started ??= redisCluster();
  return started;
}

async function clientOf(ports: readonly number[], { driver = 'ioredis' }: ConnectOptions) {
  if (driver === 'ioredis') {
    const client = new Cluster(ports.map((port) => ({ host: '127.0.0.1', port })));
    return { client, end: async () => client.disconnect() };
  }
  const rootNodes = ports.map((port) => ({ url: `redis://127.0.0.1:${port}` }));
  const client = createCluster({ rootNodes });
  await client.connect();
  return { client, end: () => client.close() };
}

async function openLedger({ keepMs }: { readonly keepMs?: number } = {}): Promise<Ledger> {
  const ports = await cluster();
  const prefix = freshPrefix();
  const stores = openStores();
  const operators = () => ports.map((port) => operatorOf(`redis://127.0.0.1:${port}`));
  return {
    async connect(options = {}) {
      const { client, end } = await clientOf(ports, options);
      const store = redisStore({ client, ...storeOptions(prefix, keepMs, options) });
      return stores.add(closing(store, end));
    },
    endpoint: null,
    async dump() {
      return (await Promise.all(operators().map((each) => dumpOf(each, prefix)))).flat();
    },
    async remove() {
      await stores.close();
      await Promise.all(operators().map((each) => wipe(each, prefix)));
    },
  };
}

export const redisClusters: StoreEntry = {
  name: 'redis cluster',
  drivers: DRIVERS,
  isHere: async () => canStartRedis('the Redis store on a cluster'),
  openLedger,
  suites: {
    options: not('it is the store of redis, with another client'),
    properties: { histories: 60 },
    simulation: not('its verbs take several trips, so that a crash may fall between two'),
    // What takes several trips is not one step: docs/redis.md says which.
    linearizability: { subjects: 1, overdue: false },
    network: not('its clients connect to the addresses that its servers announce'),
    restart: not('a master that is gone is replaced: test/faults/redis-replicas.test.ts'),
    privacy: true,
  },
};
