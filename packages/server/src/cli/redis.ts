import { SpendcapError, type Store } from '@spendcap/core';
import { redisStore } from '../stores/redis/index.ts';
import { UsageError } from './usage-error.ts';

/** After so long without an answer the connection is given up: the network may have forgotten it. */
const SILENCE_MS = 2_000;

/**
 * The store on one Redis server, over a connection of its own that ends with it. The address may hold a
 * password, so no message quotes it.
 *
 * @throws UsageError if ioredis is not installed, or the server is away or cannot keep a ledger
 */
export async function openRedis(location: string): Promise<Store> {
  if (!URL.canParse(location)) throw new UsageError('--store is not a valid Redis URL');
  const { Redis } = await importIoredis();
  const client = new Redis(location, { socketTimeout: SILENCE_MS });
  // What it means for a call is told with the call.
  client.on('error', () => undefined);
  const store = redisStore({ client });
  try {
    await store.ready();
  } catch (error) {
    client.disconnect();
    if (!SpendcapError.isInstance(error)) throw error;
    throw new UsageError(`--store: ${error.message}`);
  }
  return {
    ...store,
    close: async () => {
      await store.close();
      client.disconnect();
    },
  };
}

async function importIoredis() {
  try {
    return await import('ioredis');
  } catch {
    throw new UsageError('--store redis:// needs ioredis: run npm install ioredis');
  }
}
