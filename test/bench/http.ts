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

/** Products of the largest shelf that one request may have. */
const SHELF = 100;

/** `POST /v1/purchases` on SQLite, beside a bare Hono route that parses the same body. */
export async function httpComparison(kind: 'ours' | 'ours-permit'): Promise<Comparison> {
  const { tokens, jwks } = await players();
  const ours = await startOurs(kind, jwks);
  const bare = await start(['bare']);
  const bodyOf = (index: number) =>
    JSON.stringify({
      id: randomUUID(),
      ageToken: tokens[index % SUBJECTS],
      amount: '1.00',
      currency: 'CNY',
    });
  const load = (port: number) => (count: number) =>
    post(count, { port, path: '/v1/purchases', bodyOf });
  const size = tokens[0]?.length ?? 0;
  return {
    work: `POST /v1/purchases, ${size}-byte token${kind === 'ours' ? '' : ', with a signed permit'}`,
    ours: { name: 'spendcap on SQLite', run: load(ours.port) },
    beside: { name: 'bare Hono route', run: load(bare.port) },
    // A permit's signature costs about as much as everything else.
    atLeast: kind === 'ours' ? 0.45 : 0.3,
    count: 10_000,
    close: () => {
      ours.child.kill('SIGKILL');
      bare.child.kill('SIGKILL');
    },
  };
}

/**
 * A shelf of a hundred products in one request, beside the decision on one of them: how long a
 * player waits for it, one at a time, or what it takes of a server that is busy.
 */
export async function shelfComparison(inFlight: number): Promise<Comparison> {
  const { tokens, jwks } = await players();
  const { child, port } = await startOurs('ours', jwks);
  const price = (amount: number) => ({ amount: `${amount}.00`, currency: 'CNY' });
  // Half of them are above the cap of a single payment.
  const products = Array.from({ length: SHELF }, (_, index) => price(index + 1));
  const load = (path: string, request: object) => {
    // Made before, so that only the server's work grows with the shelf.
    const bodies = tokens.map((ageToken) => JSON.stringify({ ageToken, ...request }));
    const bodyOf = (index: number) => bodies[index % SUBJECTS] ?? '';
    return (count: number) => post(count, { port, path, bodyOf, inFlight });
  };
  return {
    work: `a shelf of ${SHELF} products in one request, ${inFlight} in flight`,
    ours: { name: 'shelves', run: load('/v1/decisions/batch', { products }) },
    beside: { name: 'single decisions', run: load('/v1/decisions', price(48)) },
    atLeast: 0.5,
    count: inFlight === 1 ? 2_000 : 10_000,
    close: () => void child.kill('SIGKILL'),
  };
}

async function players() {
  const issuer = await ageIssuer(NAMED);
  const tokens = await Promise.all(
    Array.from({ length: SUBJECTS }, (_, index) =>
      issuer.issue({ subject: `player-${index}`, age: 12, expiresInSeconds: 3_600 }),
    ),
  );
  return { tokens, jwks: JSON.stringify(issuer.jwks) };
}

function startOurs(kind: 'ours' | 'ours-permit', jwks: string) {
  return start([kind, temporaryFile('http.db'), jwks, API_KEY]);
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

interface Load {
  readonly port: number;
  readonly path: string;
  readonly bodyOf: (index: number) => string;
  readonly inFlight?: number;
}

/** A cheap load generator: sockets with one open request each. */
async function post(count: number, { port, path, bodyOf, inFlight = IN_FLIGHT }: Load) {
  const latencies: number[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    await once(socket, 'connect');
    while (next < count) {
      const body = bodyOf(next);
      next += 1;
      const begin = performance.now();
      await exchange(socket, request(path, body));
      latencies.push(performance.now() - begin);
    }
    socket.destroy();
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  return latencies;
}

function request(path: string, body: string): string {
  const head = [
    `POST ${path} HTTP/1.1`,
    'host: 127.0.0.1',
    `authorization: Bearer ${API_KEY}`,
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
  ];
  return `${head.join('\r\n')}\r\n\r\n${body}`;
}

/** Sends a request and waits for the whole response, which must be 200 or 201. */
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
      if (/^HTTP\/1.1 20[01] /.test(answer)) resolve();
      else reject(new Error(`not done: ${answer.slice(0, 300)}`));
    };
    socket.on('data', listen);
    socket.write(text);
  });
}
