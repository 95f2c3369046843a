import { serve } from '@hono/node-server';
import { freePort } from '../spendcap-server.ts';
import { createShop, type ShopSandbox } from './app.ts';

/** Starts the shop on the loopback interface and returns its URL. */
export async function openShop(sandbox: ShopSandbox, wantedPort: number): Promise<string> {
  const port = await freePort(wantedPort);
  const { fetch } = createShop(sandbox);
  await new Promise<void>((resolve) => {
    serve({ fetch, port, hostname: '127.0.0.1' }, () => resolve());
  });
  return `http://127.0.0.1:${port}/`;
}
