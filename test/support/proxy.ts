import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** Where in an exchange the fault happens. */
export const STEPS = ['before request', 'mid request', 'before answer', 'mid answer'] as const;
/** Both ends cut, the reader's end closed, bytes delayed, or lost from then on. */
export const FAULTS = ['cut', 'half-close', 'delay', 'lose'] as const;

export type Trouble = 'none' | 'refuse' | `${(typeof FAULTS)[number]} ${(typeof STEPS)[number]}`;

interface Making {
  /** Affects the next bytes only. */
  readonly once?: boolean;
  /** For how long `delay` delays bytes. Default 50. */
  readonly delayMs?: number;
}

/** The bytes of one connection in one direction. */
interface Pipe {
  readonly from: Socket;
  readonly to: Socket;
  readonly direction: 'request' | 'answer';
}

/**
 * A TCP proxy that injects faults before the bytes of a request or of an answer, or in the middle
 * of them. `refuse` accepts no connection.
 */
export async function troubleProxy(target: { readonly host: string; readonly port: number }) {
  let trouble: Trouble = 'none';
  let making: Making = {};
  let struck = 0;
  const open = new Set<Socket>();
  const cut = (): void => {
    for (const socket of open) socket.destroy();
  };

  /** The fault for bytes of this direction, and how many of them pass before it. */
  const strike = (direction: Pipe['direction'], bytes: number) => {
    const [, fault, part, where] = /^(\S+) (\S+) (\S+)$/.exec(trouble) ?? [];
    if (where !== direction) return { fault: 'none', pass: bytes };
    struck += 1;
    if (making.once === true) trouble = 'none';
    return { fault, pass: part === 'mid' ? Math.floor(bytes / 2) : 0 };
  };

  const pipe = ({ from, to, direction }: Pipe): void => {
    let held: Promise<unknown> = Promise.resolve();
    let closed = false;
    const after = (work: () => void): void => {
      held = held.then(work);
    };
    from.on('data', (data) => {
      if (closed) return;
      const { fault, pass } = strike(direction, data.length);
      after(() => to.write(data.subarray(0, pass)));
      if (fault === 'cut') after(() => from.destroy());
      // A TCP stream has no gaps: what follows lost bytes is lost as well.
      closed = fault === 'half-close' || fault === 'lose';
      if (fault === 'half-close') after(() => to.end());
      if (fault !== 'delay') return;
      held = held.then(() => new Promise((resolve) => setTimeout(resolve, making.delayMs ?? 50)));
      after(() => to.write(data.subarray(pass)));
    });
    from.on('end', () => after(() => to.end()));
    from.on('error', () => to.destroy()).on('close', () => to.destroy());
  };

  const server = createServer({ allowHalfOpen: true }, (client) => {
    if (trouble === 'refuse') {
      client.destroy();
      return;
    }
    const upstream = connect({ ...target, allowHalfOpen: true });
    for (const socket of [client, upstream]) {
      socket.setNoDelay();
      open.add(socket);
      socket.on('close', () => open.delete(socket));
    }
    pipe({ from: client, to: upstream, direction: 'request' });
    pipe({ from: upstream, to: client, direction: 'answer' });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    make(next: Trouble, how: Making = {}): void {
      trouble = next;
      making = how;
      if (next === 'refuse') cut();
    },
    /** Cuts every connection, now. */
    cut,
    /** How many times a fault has been injected. */
    struck: () => struck,
    async close(): Promise<void> {
      cut();
      server.close();
      await once(server, 'close');
    },
  };
}
