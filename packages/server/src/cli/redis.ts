import type { Store } from '@spendcap/core';
import { redisStore } from '../stores/redis/index.ts';
import { storeFault, UsageError } from './usage-error.ts';

/** A connection without a reply for this long is closed: the network may have dropped it. */
const SOCKET_TIMEOUT_MS = 2_000;

/**
 * The store on one Redis server, over a connection of its own that closes with it. The URL may
 * contain a password, so no message quotes it.
 *
 * @throws UsageError if ioredis is not installed, or the server is unavailable or misconfigured
 */
export async function openRedis(location: string): Promise<Store> {
  if (!URL.canParse(location)) throw new UsageError('--store is not a valid Redis URL');
  const { Redis } = await importIoredis();
  const client = new Redis(location, { socketTimeout: SOCKET_TIMEOUT_MS });
  // A call that fails because there is no connection does not have the reason.
  let reason: string | undefined;
  client.on('error', (error) => {
    reason = 'code' in error ? String(error.code) : undefined;
  });
  const store = redisStore({ client });
  try {
    await store.ready();
  } catch (error) {
    client.disconnect();
    throw storeFault(error, reason);
  }
  return {
    ...store,
    close: async () => {
      await store.close();
      client.disconnect();
    },
  };
}

/** The time of a Redis server, in epoch milliseconds. */
export async function redisTime(location: string): Promise<number> {
  const { Redis } = await importIoredis();
  const client = new Redis(location, { socketTimeout: SOCKET_TIMEOUT_MS });
  try {
    const [seconds, microseconds] = await client.time();
    return Number(seconds) * 1000 + Number(microseconds) / 1000;
  } finally {
    client.disconnect();
  }
}

async function importIoredis() {
  try {
    return await import('ioredis');
  } catch {
    throw new UsageError("--store redis:// needs the package 'ioredis': npm install ioredis");
  }
}
