import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { ownServers } from '../support/stores.ts';
import { NO_DAMAGE, underLoad } from './load.ts';
import { CAP, invitesRetry, storeTill } from './store-till.ts';

/** Shorter than the server is down, so that calls time out. */
const TIMEOUT_MS = 300;
const DOWN_MS = 400;

const undo: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

const SERVERS = ownServers();

describe.skipIf(SERVERS.length === 0)('restart', () => {
  describe.each(SERVERS)('$name', ({ drivers, stops, create }) => {
    test.each(stops)(
      'stopped under load (%s) and started: nothing lost, nothing doubled, no cap passed',
      async (how) => {
        const server = await create();
        await server.start();
        undo.push(() => server.stop(stops.at(-1) ?? how));
        const ledger = await server.openLedger();
        const stores = await Promise.all(
          [0, 1, 2].map((index) =>
            ledger.connect({ driver: drivers[index % drivers.length], timeoutMs: TIMEOUT_MS }),
          ),
        );
        undo.push(() => Promise.all(stores.map((store) => store.close())));
        const strike = async () => {
          await server.stop(how);
          await sleep(DOWN_MS);
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
});
