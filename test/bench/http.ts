import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { ageIssuer } from '@spendcap/sandbox';
import { temporaryFile } from '../support/temporary.ts';
import { type Comparison, IN_FLIGHT, SUBJECTS } from './harness.ts';

const NAMED = { issuer: 'https://age.example', audience: 'https://limiter.example' };
const API_KEY = 'an-example-key-of-a-benchmark';

/** `POST /v1/purchases` on SQLite, beside a bare Hono route that parses the same body. */
export async function httpComparison(kind: 'ours' | 'ours-permit'): Promise<Comparison> {
  const issuer = await ageIssuer(NAMED);
  const tokens = await Promise.all(
    Array.from({ length: SUBJECTS }, (_, index) =>
      issuer.issue({ subject: `player-${index}`, age: 12, expiresInSeconds: 3_600 }),
    ),
  );
  const jwks = JSON.stringify(issuer.jwks);
  const ours = await start([kind, temporaryFile('http.db'), jwks, API_KEY]);
  const bare = await start(['bare']);
  const bodyOf = (index: number) =>
    JSON.stringify({
      id: randomUUID(),
      ageToken: tokens[index % SUBJECTS],
      amount: '1.00',
      currency: 'CNY',
    });
  const load = (port: number) => (count: number) => post(port, count, bodyOf);
  const size = tokens[0]?.length ?? 0;
  return {
    work: `POST /v1/purchases, ${size}-byte token${kind === 'ours' ? '' : ', with a signed permit'}`,
    ours: { name: 'spendcap on SQLite', run: load(ours.port) },
    beside: { name: 'bare Hono route', run: load(bare.port) },
    // No promise with a permit: its signature costs more than everything else.
    atLeast: kind === 'ours' ? 0.5 : 0,
    count: 10_000,
    close: () => {
      ours.child.kill('SIGKILL');
      bare.child.kill('SIGKILL');
    },
  };
}

async function start(args: readonly string[]): Promise<{ child: ChildProcess; port: number }> {
  const script = fileURLToPath(new URL('./http-server.ts', import.meta.url));
  const child = spawn(process.execPath, ['--conditions=@spendcap/source', script, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  process.once('exit', () => child.kill('SIGKILL'));
  const [line] = await once(child.stdout, 'data');
  return { child, port: Number(String(line).trim()) };
}

/** A cheap load generator: sockets with one open request each. */
async function post(port: number, count: number, bodyOf: (index: number) => string) {
  const latencies: number[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    await once(socket, 'connect');
    while (next < count) {
      const body = bodyOf(next);
      next += 1;
      const begin = performance.now();
      await exchange(socket, request(body));
      latencies.push(performance.now() - begin);
    }
    socket.destroy();
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
  return latencies;
}

function request(body: string): string {
  const head = [
    'POST /v1/purchases HTTP/1.1',
    'host: 127.0.0.1',
    `authorization: Bearer ${API_KEY}`,
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
  ];
  return `${head.join('\r\n')}\r\n\r\n${body}`;
}

/** Sends a request and waits for the whole response, which must be 201. */
function exchange(socket: Socket, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const listen = (chunk: Buffer): void => {
      answer += chunk.toString('latin1');
      const end = answer.indexOf('\r\n\r\n');
      if (end === -1) return;
      const length = /content-length: (\d+)/i.exec(answer)?.[1];
      const complete =
        length === undefined
          ? answer.endsWith('0\r\n\r\n')
          : answer.length >= end + 4 + Number(length);
      if (!complete) return;
      socket.removeListener('data', listen);
      if (answer.startsWith('HTTP/1.1 201')) resolve();
      else reject(new Error(`not created: ${answer.slice(0, 300)}`));
    };
    socket.on('data', listen);
    socket.write(text);
  });
}
