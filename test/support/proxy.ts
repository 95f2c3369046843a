import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** What a proxy does with the bytes that come its way. */
export type Trouble = 'none' | 'no replies' | 'no requests' | 'cut before' | 'cut after' | 'refuse';

/**
 * A TCP proxy that makes trouble: it loses replies or requests, cuts the connection when a request
 * comes (`cut before` it reaches the server, `cut after` the server has done it), or refuses it.
 */
export async function troubleProxy(target: { readonly host: string; readonly port: number }) {
  let trouble: Trouble = 'none';
  const open = new Set<Socket>();
  const cut = (): void => {
    for (const client of open) client.destroy();
  };
  const server = createServer((client) => {
    if (trouble === 'refuse') {
      client.destroy();
      return;
    }
    const upstream = connect(target);
    const end = () => {
      client.destroy();
      upstream.destroy();
      open.delete(client);
    };
    open.add(client);
    client.on('data', (data) => {
      if (trouble === 'cut before') end();
      else if (trouble !== 'no requests') upstream.write(data);
    });
    upstream.on('data', (data) => {
      if (trouble === 'cut after') end();
      else if (trouble !== 'no replies') client.write(data);
    });
    for (const socket of [client, upstream]) socket.on('error', end).on('close', end);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    make(next: Trouble): void {
      trouble = next;
      if (next === 'refuse') cut();
    },
    /** Cuts every connection, now. */
    cut,
    async close(): Promise<void> {
      cut();
      server.close();
      await once(server, 'close');
    },
  };
}
