import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { type Trouble, troubleProxy } from '../support/proxy.ts';
import { randomNumbers } from '../support/random.ts';
import type { ConnectOptions } from '../support/stores/entry.ts';
import { type InSuite, runnable, storesOf } from '../support/stores.ts';
import { checkHistory } from './checker.ts';
import { oneByOne } from './ledger.ts';
import { type Client, type History, record } from './record.ts';

const BUDGET_MS = Number(process.env.SPENDCAP_LINEARIZABILITY_MS ?? 5_000);
const TIMEOUT_MS = 400;
const seed = Number(process.env.SPENDCAP_SEED ?? Date.now() % 1_000_000_000);

/** Small batches, or few calls would conflict. */
const OPTIONS = { maxBatch: 2, timeoutMs: TIMEOUT_MS };

type Entry = InSuite<'linearizability'>;
type Proxy = Awaited<ReturnType<typeof troubleProxy>>;

/** Several stores on one ledger, each with its own connections. The first has no trouble. */
interface World {
  readonly clients: readonly [Client, ...Client[]];
  readonly proxy?: Proxy;
  close(): Promise<void>;
}

/** Four stores, or three and some through a proxy that injects faults. */
async function openWorld(entry: Entry, resends: readonly boolean[]): Promise<World> {
  const ledger = await entry.openLedger();
  const connect = async (options: ConnectOptions): Promise<Client> => {
    return { store: await ledger.connect({ ...OPTIONS, ...options }) };
  };
  const { drivers } = entry;
  const direct = (index: number) => connect({ driver: drivers[index % drivers.length] });
  const [first, ...others] = [await direct(0), await direct(1), await direct(2)];
  if (ledger.endpoint === null || resends.length === 0) {
    return { clients: [first, ...others, await direct(3)], close: ledger.remove };
  }
  const proxy = await troubleProxy(ledger.endpoint);
  const troubled = resends.map(async (each) => {
    const { store } = await connect({ proxyPort: proxy.port, resends: each });
    return { store, resends: each };
  });
  return {
    clients: [first, ...others, ...(await Promise.all(troubled))],
    proxy,
    async close() {
      await ledger.remove();
      await proxy.close();
    },
  };
}

/** Injects one fault after another until `stopped`. */
async function trouble(proxy: Proxy, random: () => number, stopped: () => boolean): Promise<void> {
  const troubles: readonly Trouble[] = [
    'cut before request',
    'cut before answer',
    'lose before answer',
    'lose before request',
  ];
  while (!stopped()) {
    await sleep(random() * 40);
    const next = troubles[Math.floor(random() * troubles.length)] ?? 'none';
    proxy.make(next);
    await sleep(random() * 15);
    proxy.make('none');
    if (next.startsWith('lose')) proxy.cut();
  }
}

/** Records and checks small histories, side by side, until the deadline. */
async function histories({ clients, proxy }: World, { subjects, overdue }: Entry['needs']) {
  const random = randomNumbers(seed);
  const last = clients[0].store;
  const until = performance.now() + BUDGET_MS;
  const found: History[] = [];
  const troubled = proxy && trouble(proxy, random, () => performance.now() >= until);
  for (let round = 0; performance.now() < until; round += 1) {
    const groups = Array.from({ length: 4 }, (_, group) => {
      const scene = {
        own: `${round}-${group}-`,
        subjects: 1 + (group % subjects),
        overdue,
        random,
      };
      return record({ ...scene, clients: [...clients, ...clients], callsEach: 5, last });
    });
    for (const history of await Promise.all(groups)) {
      const verdict = checkHistory(history, oneByOne);
      if (verdict.outcome !== 'linearizable') throw new Error(`seed ${seed}: ${verdict.message}`);
      found.push(history);
    }
  }
  await troubled;
  return count(found);
}

/** What the histories contained: a check of empty ones would always pass. */
function count(found: readonly History[]) {
  const calls = found.flat();
  const countOf = (matches: (text: string) => boolean): number =>
    calls.filter(({ answered }) => answered !== undefined && matches(JSON.stringify(answered)))
      .length;
  const overlapping = found.flatMap((history) =>
    history.filter(({ called, answered }) =>
      history.some(
        (other) => other.called < called && (other.answered?.at ?? 0) > called && answered,
      ),
    ),
  );
  return {
    histories: found.length,
    calls: calls.length,
    overlapping: overlapping.length,
    unknown: found.flatMap((history) => history.filter((call) => isLost(history, call))).length,
    refused: countOf((text) => text.includes('"refused"')),
    late: countOf((text) => text.includes('"late":true')),
    expired: countOf((text) => text.includes('"expired":["')),
  };
}

/** It has no answer, nor has the second record of a call that may have been sent twice. */
const isLost = (history: History, { called, answered }: History[number]): boolean =>
  answered === undefined && !history.some((other) => other.called === called && other.answered);

const stores = await runnable(storesOf('linearizability'));
const networks = new Map(storesOf('network').map(({ name, needs }) => [name, needs]));
const worlds = stores.flatMap((entry) => {
  const { resends = [] } = networks.get(entry.name) ?? {};
  const direct = { name: entry.name, entry, resends: [] };
  return resends.length === 0
    ? [direct]
    : [direct, { ...direct, name: `${entry.name} through cuts`, resends }];
});

describe('what several stores on one ledger answer could have been answered one by one', () => {
  test.each(worlds)(
    '$name',
    async ({ name, entry, resends }) => {
      console.info(`${name}: SPENDCAP_SEED=${seed}`);
      const world = await openWorld(entry, resends);
      try {
        const seen = await histories(world, entry.needs);
        console.info(`${name}: ${JSON.stringify(seen)}`);
        const { calls, overlapping, unknown, refused, late, expired } = seen;
        expect(overlapping).toBeGreaterThan(calls / 2);
        for (const some of [refused, late, expired]) expect(some).toBeGreaterThan(0);
        if (world.proxy !== undefined) expect(unknown).toBeGreaterThan(0);
      } finally {
        await world.close();
      }
    },
    BUDGET_MS + 30_000,
  );
});
