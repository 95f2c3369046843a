import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A TCP proxy that can be told to lose what the server answers, to refuse, and to cut. */
export async function tcpProxy(target: { readonly host: string; readonly port: number }) {
  const sockets = new Set<Socket>();
  let mode: 'pass' | 'cut on answer' | 'swallow' | 'refuse' = 'pass';
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
    sockets.clear();
  };
  const server = createServer((client) => {
    if (mode === 'refuse') {
      client.destroy();
      return;
    }
    const upstream = connect(target);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
    }
    client.on('data', (data) => upstream.write(data));
    upstream.on('data', (data) => {
      if (mode === 'pass') client.write(data);
      if (mode === 'cut on answer') cut();
    });
    client.on('close', () => upstream.destroy());
    upstream.on('close', () => client.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    port,
    cut,
    set(next: typeof mode): void {
      mode = next;
    },
    async close(): Promise<void> {
      cut();
      server.close();
      await once(server, 'close');
    },
  };
}
