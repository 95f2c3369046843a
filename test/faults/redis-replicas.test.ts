import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ReserveCommand, SpendcapError, type Store } from '@spendcap/core';
import { redisStore } from '@spendcap/server/stores/redis';
import { Cluster, Redis } from 'ioredis';
import { createCluster } from 'redis';
import { afterEach, describe, expect, test } from 'vitest';
import { freePort } from '../../packages/sandbox/src/spendcap-server.ts';
import { canStartRedis, redisCluster, redisServer } from '../support/redis.ts';

const AT = Date.UTC(2026, 10, 30, 12);
const HOUR = 3_600_000;
const CAP = 1_000;
const DAY = {
  selector: { currency: 'CNY', app: null, categories: null },
  ...{ start: AT - 12 * HOUR, end: AT + 12 * HOUR },
};

const purchase = (id: string, subject: string): ReserveCommand => ({
  ...{
    id,
    request: id,
    subject,
    amount: 10,
    currency: 'CNY',
    app: null,
    category: null,
    processor: null,
    processorRef: null,
  },
  ...{ at: AT, expiresAt: AT + HOUR, onExpiry: 'release', basis: '{}' },
  windows: [{ ...DAY, cap: CAP }],
});

const outcomeOf = (attempt: Promise<{ readonly outcome: string }>): Promise<string> =>
  attempt.then(
    ({ outcome }) => outcome,
    (error: unknown) => (SpendcapError.isInstance(error) ? error.code : String(error)),
  );

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

async function started(settings: readonly string[]) {
  const server = await redisServer(['--appendonly', 'no', ...settings]);
  await server.start();
  undo.push(() => server.crash());
  return server;
}

/** Gives each master of a cluster a replica. */
async function addReplicas(ports: readonly number[]): Promise<void> {
  const add = async (port: number) => {
    const { port: own } = await started(['--cluster-enabled', 'yes']);
    const [master, replica] = [new Redis(port), new Redis(own)];
    const id = String(await master.call('CLUSTER', 'MYID'));
    const [, busPort] = (await master.config('GET', 'cluster-port')) as string[];
    await replica.call('CLUSTER', 'MEET', '127.0.0.1', port, String(busPort));
    // It must have heard of its master first.
    await expect
      .poll(() => replica.call('CLUSTER', 'REPLICATE', id).catch(String), { timeout: 10_000 })
      .toBe('OK');
    master.disconnect();
    replica.disconnect();
  };
  await Promise.all(ports.map(add));
}

describe.skipIf(!canStartRedis('replicas of Redis'))('replicas', () => {
  test('minReplicas on a cluster: unavailable while none confirms, held when each master has one', async () => {
    const ports = await redisCluster();
    const client = new Cluster(ports.map((port) => ({ host: '127.0.0.1', port })));
    undo.push(() => client.disconnect());
    const store = redisStore({ client, minReplicas: 1, timeoutMs: 700 });
    // Of many subjects, so that each of the masters has some.
    const all = () =>
      Promise.all(
        Array.from({ length: 12 }, (_, n) => outcomeOf(store.reserve(purchase(`p${n}`, `s${n}`)))),
      );
    // The id is claimed first, so without a replica for that nothing is held.
    expect(new Set(await all())).toEqual(new Set(['store_unavailable']));
    await addReplicas(ports);
    await expect
      .poll(async () => [...new Set(await all())], { timeout: 15_000, interval: 250 })
      .toEqual(['held']);
    const { used } = await store.usage({ subject: 's0', windows: [DAY], at: AT });
    expect(used).toEqual([10]);
  }, 40_000);

  test('node-redis cannot tie WAIT to its write on a cluster, and says so', () => {
    const client = createCluster({ rootNodes: [] });
    expect(() => redisStore({ client, minReplicas: 1 })).toThrow('needs a Cluster of ioredis');
  });

  test('Sentinel promotes a replica under load: nothing that one had confirmed is lost', async () => {
    const { store, master } = await behindSentinel();
    const held = new Map<string, string>();
    let failed = 0;
    let killed: Promise<void> | undefined;
    let since = 0;
    for (let n = 0; since < 200 && n < 200_000; n += 1) {
      const ids = Array.from({ length: 8 }, (_, k) => [`p${n}-${k}`, `s${(n + k) % 40}`] as const);
      const outcomes = await Promise.all(
        ids.map((pair) => outcomeOf(store.reserve(purchase(...pair)))),
      );
      for (const [k, [id, subject]] of ids.entries()) {
        if (outcomes[k] === 'held') held.set(id, subject);
        else if (outcomes[k] !== 'refused') failed += 1;
      }
      if (held.size > 200) killed ??= master.crash();
      if (failed > 0 && outcomes.every((outcome) => outcome === 'held' || outcome === 'refused')) {
        since += 1;
      }
    }
    await killed;
    expect([failed > 0, since]).toEqual([true, 200]);
    await expectKept(store, held);
  }, 60_000);
});

async function expectKept(store: Store, held: ReadonlyMap<string, string>): Promise<void> {
  const lost: string[] = [];
  for (const id of held.keys()) {
    const { purchase: found } = await retried(() => store.get({ id, at: AT }));
    if (found?.state !== 'reserved') lost.push(id);
  }
  expect(lost).toEqual([]);
  for (const subject of new Set(held.values())) {
    const { used } = await retried(() => store.usage({ subject, windows: [DAY], at: AT }));
    expect(used[0]).toBeLessThanOrEqual(CAP);
  }
}

/** Retries as a caller does: on a busy machine Sentinel may promote another once more. */
async function retried<T>(read: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await read();
    } catch (error) {
      if (!(SpendcapError.isInstance(error) && error.retryable && tries < 25)) throw error;
    }
  }
}

/**
 * A master with two replicas that one Sentinel watches, and a store that asks it for the master.
 */
async function behindSentinel() {
  const master = await started([]);
  const replicas = [await started(['--replicaof', '127.0.0.1', String(master.port)])];
  replicas.push(await started(['--replicaof', '127.0.0.1', String(master.port)]));
  const folder = mkdtempSync(join(tmpdir(), 'spendcap-sentinel-'));
  const file = join(folder, 'sentinel.conf');
  const port = await freePort(0);
  const lines = [
    ...[`port ${port}`, 'bind 127.0.0.1', `dir ${folder}`],
    `sentinel monitor ledger 127.0.0.1 ${master.port} 1`,
    ...['sentinel down-after-milliseconds ledger 500', 'sentinel failover-timeout ledger 3000'],
  ];
  writeFileSync(file, lines.join('\n'));
  const sentinel = spawn('redis-server', [file, '--sentinel'], { stdio: 'ignore' });
  undo.push(() => sentinel.kill('SIGKILL'));
  undo.push(() => rmSync(folder, { recursive: true, force: true }));
  const asking = new Redis(port, { retryStrategy: () => 50 });
  asking.on('error', () => undefined);
  await expect
    .poll(async () => String(await asking.call('SENTINEL', 'MASTER', 'ledger')), {
      timeout: 15_000,
    })
    .toMatch(/num-slaves,2/);
  asking.disconnect();
  const client = new Redis({
    ...{ sentinels: [{ host: '127.0.0.1', port }], name: 'ledger' },
    ...{ retryStrategy: () => 50, sentinelRetryStrategy: () => 50 },
  });
  client.on('error', () => undefined);
  undo.push(() => client.disconnect());
  const store = redisStore({ client, minReplicas: 1, timeoutMs: 1_000 });
  await expect
    .poll(() => outcomeOf(store.reserve(purchase('first', 'first'))), { timeout: 15_000 })
    .toBe('held');
  return { store, master };
}
