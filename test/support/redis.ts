import { execFileSync, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { freePort } from '../../packages/sandbox/src/spendcap-server.ts';
import { atEnd } from './at-end.ts';

/** A server that a test starts, and can kill and start again on the same port and files. */
export interface RedisServer {
  readonly port: number;
  /** Where the servers of a cluster reach it. */
  readonly busPort: number;
  start(): Promise<void>;
  /** `kill -9`, as a crash would. */
  crash(): Promise<void>;
  /** SIGTERM: it finishes what it is doing and exits. */
  stop(): Promise<void>;
}

function answers(port: number, host = '127.0.0.1'): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host, timeout: 1_000 });
    const end = (yes: boolean) => {
      socket.destroy();
      resolve(yes);
    };
    socket.once('connect', () => socket.write('PING\r\n'));
    socket.once('data', (data) => end(data.toString().startsWith('+PONG')));
    socket.once('error', () => end(false)).once('timeout', () => end(false));
  });
}

export async function redisServer(settings: readonly string[] = []): Promise<RedisServer> {
  const port = await freePort(0);
  // The default, 10,000 above the port, may be that of a connection of another test.
  const busPort = await freePort(0);
  const folder = mkdtempSync(join(tmpdir(), 'spendcap-redis-'));
  const ports = ['--port', String(port), '--cluster-port', String(busPort)];
  const base = [...ports, '--dir', folder, '--bind', '127.0.0.1', '--save', ''];
  let child: ReturnType<typeof spawn> | undefined;
  atEnd(() => {
    child?.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });
  return {
    ...{ port, busPort },
    async start() {
      child = spawn('redis-server', [...base, ...settings], { stdio: 'ignore' });
      child.unref();
      for (let tries = 0; !(await answers(port)); tries += 1) {
        if (tries > 200) throw new Error('redis-server did not start');
        await new Promise((resolve) => setTimeout(resolve, 25));
      }
    },
    crash: () => end('SIGKILL'),
    stop: () => end('SIGTERM'),
  };

  async function end(signal: NodeJS.Signals): Promise<void> {
    if (child === undefined) return;
    child.ref();
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
    child = undefined;
  }
}

function hasRedisServer(): boolean {
  try {
    execFileSync('redis-server', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Whether servers can be started here. If not, prints a line, or throws where required. */
export function canStartRedis(what: string): boolean {
  if (hasRedisServer()) return true;
  if (process.env.SPENDCAP_REQUIRE_SERVICES === '1') throw new Error(`no redis-server: ${what}`);
  console.error(`SKIPPED, no redis-server on this machine: ${what}`);
  return false;
}

let found: Promise<string | null> | undefined;

/** The address of a Redis to test on, or `null` if there is none and none can be started. */
export function findRedis(): Promise<string | null> {
  found ??= find();
  return found;
}

async function find(): Promise<string | null> {
  const given = process.env.SPENDCAP_TEST_REDIS_URL ?? '';
  if (given !== '') return given;
  if (await answers(6379)) return 'redis://127.0.0.1:6379';
  if (!canStartRedis('the Redis store')) return null;
  const server = await redisServer();
  await server.start();
  return `redis://127.0.0.1:${server.port}`;
}

/** A prefix that no other store has. */
export const freshPrefix = (): string => `spendcap-test-${randomUUID()}:`;

const SLOTS = 16_384;

/** Three masters that share the slots. Resolves to their ports when each knows all of it. */
export async function redisCluster(): Promise<readonly number[]> {
  const settings = ['--cluster-enabled', 'yes', '--appendonly', 'no'];
  const servers = await Promise.all([0, 1, 2].map(() => redisServer(settings)));
  await Promise.all(servers.map((server) => server.start()));
  const ports = servers.map(({ port }) => port);
  const clients = ports.map((port) => new Redis(port, '127.0.0.1'));
  await Promise.all(
    clients.map(async (client, index) => {
      const first = Math.floor((SLOTS * index) / 3);
      const last = Math.floor((SLOTS * (index + 1)) / 3) - 1;
      await client.call('CLUSTER', 'SET-CONFIG-EPOCH', String(index + 1));
      await client.call('CLUSTER', 'ADDSLOTSRANGE', String(first), String(last));
    }),
  );
  for (const { port, busPort } of servers.slice(1)) {
    await clients[0]?.call('CLUSTER', 'MEET', '127.0.0.1', port, busPort);
  }
  for (const client of clients) {
    for (let tries = 0; ; tries += 1) {
      const info = String(await client.call('CLUSTER', 'INFO'));
      if (info.includes('cluster_state:ok') && info.includes('cluster_known_nodes:3')) break;
      if (tries > 400) throw new Error('the cluster did not form');
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    client.disconnect();
  }
  return ports;
}
