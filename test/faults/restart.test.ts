import { setTimeout as sleep } from 'node:timers/promises';
import { postgresStore } from '@spendcap/server/stores/postgres';
import { redisStore } from '@spendcap/server/stores/redis';
import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { afterEach, describe, expect, test } from 'vitest';
import { findPrograms, ownPostgres } from '../support/own-postgres.ts';
import { poolOf } from '../support/postgres.ts';
import { canStartRedis, redisServer } from '../support/redis.ts';
import { NO_DAMAGE, underLoad } from './load.ts';
import { CAP, invitesRetry, storeTill } from './store-till.ts';

const TIMEOUT_MS = 1_000;
/** How long the server is away: longer than a call of the Redis stores waits for it. */
const AWAY_MS = 400;

const undo: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

describe.each(findPrograms('Postgres restarted under load'))('PostgreSQL $version', (programs) => {
  test.each(['fast', 'immediate', 'kill'] as const)(
    'stopped under load (%s) and started: nothing lost, nothing doubled, no cap passed',
    async (how) => {
      const server = await ownPostgres(programs);
      await server.start();
      undo.push(() => server.stop('immediate'));
      const stores = [0, 1, 2].map(() => {
        const pool = poolOf(server.url, { connectionTimeoutMillis: TIMEOUT_MS });
        undo.push(() => pool.end());
        return postgresStore({ pool, timeoutMs: TIMEOUT_MS });
      });
      await stores[0]?.migrate();
      const strike = async () => {
        await server.stop(how);
        await sleep(AWAY_MS);
        await server.start();
      };
      const tills = stores.map(storeTill);
      const fault = { after: 150, strike };
      const found = await underLoad({ tills, cap: CAP, fault, mayRetry: invitesRetry });
      expect(found.damage).toEqual(NO_DAMAGE);
      expect(found.held).toBeGreaterThan(300);
      expect(found.refused).toBeGreaterThan(0);
      expect(found.unanswered).toBeGreaterThan(0);
    },
    60_000,
  );
});

describe.skipIf(!canStartRedis('Redis restarted under load'))('Redis', () => {
  async function world(settings: readonly string[]) {
    const server = await redisServer(settings);
    await server.start();
    undo.push(() => server.crash());
    const url = `redis://127.0.0.1:${server.port}`;
    const clients = [0, 1].map(() => new Redis(url, { retryStrategy: () => 30 }));
    const other = createClient({ url, socket: { reconnectStrategy: 30 } });
    for (const client of [...clients, other]) client.on('error', () => undefined);
    await other.connect();
    undo.push(async () => {
      for (const client of clients) client.disconnect();
      other.destroy();
    });
    const stores = [...clients, other].map((client) => redisStore({ client, timeoutMs: 200 }));
    const restart = async (how: 'stop' | 'crash') => {
      await server[how]();
      await sleep(AWAY_MS);
      await server.start();
    };
    return { stores, restart };
  }

  test.each(['stop', 'crash'] as const)(
    'appendfsync always: %s under load and start: nothing lost, nothing doubled, no cap passed',
    async (how) => {
      const { stores, restart } = await world(['--appendonly', 'yes', '--appendfsync', 'always']);
      const fault = { after: 150, strike: () => restart(how) };
      const tills = stores.map(storeTill);
      const found = await underLoad({ tills, cap: CAP, fault, mayRetry: invitesRetry });
      expect(found.damage).toEqual(NO_DAMAGE);
      expect(found.held).toBeGreaterThan(300);
      expect(found.refused).toBeGreaterThan(0);
      expect(found.unanswered).toBeGreaterThan(0);
    },
    60_000,
  );
});
