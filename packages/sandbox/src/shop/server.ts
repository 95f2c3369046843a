import { serve } from '@hono/node-server';
import type { Sandbox } from '../sandbox.ts';
import { freePort } from '../spendcap-server.ts';
import { createShop } from './app.ts';
import { openLimiter } from './limiter.ts';
import { openProviders } from './payments/index.ts';
import { openStores } from './phone/index.ts';
import { settler } from './settle.ts';

/** A real shop needs minutes; here somebody is watching. */
const SETTLE_MS = 2_000;

/** Starts the shop and its limiter on the loopback interface, and returns the shop's URL. */
export async function openShop(sandbox: Sandbox, wantedPort: number): Promise<string> {
  // A separate ledger: in that of the story every allowance is used up.
  const limiter = await openLimiter(sandbox);
  const { now } = sandbox.clock;
  const providers = await openProviders({ limiter, now });
  const stores = openStores({ limiter, now });
  const endpoint = async (request: Request) => app.fetch(request);
  const settle = settler({ notifiers: [...providers, ...stores], endpoint });
  const app = createShop({ sandbox, limiter, providers, stores, settle });
  setInterval(() => settle().catch((error: unknown) => console.error(error)), SETTLE_MS);

  const port = await freePort(wantedPort);
  await new Promise<void>((resolve) => {
    serve({ fetch: app.fetch, port, hostname: '127.0.0.1' }, () => resolve());
  });
  return `http://127.0.0.1:${port}/`;
}
