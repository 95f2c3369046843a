import type { Store } from '@spendcap/core';
import { createLimiter, type SpendcapEvent } from '@spendcap/server';
import type { ProcessorWorld } from '../support/processors/entry.ts';
import { ALL_PROCESSORS } from '../support/processors.ts';
import type { History, Step } from './history.ts';
import { editionOf, playersOf, rateOf } from './policies.ts';
import { type Entry, inRounds } from './rounds.ts';
import type { Ledger } from './stores.ts';

export type World = Awaited<ReturnType<typeof openWorld>>;
export type Server = Awaited<ReturnType<typeof startServer>>;

/** A shop: server processes over one ledger, their clocks, players, and a payment processor. */
export async function openWorld(history: History, ledger: Ledger) {
  const clock = { now: history.start };
  const entry = ALL_PROCESSORS.find(({ name }) => name === history.processor);
  if (entry === undefined) throw new TypeError(`there is no processor ${history.processor}`);
  const processor = await entry.open({ now: () => clock.now });
  const sold = history.steps.flatMap((step) => (step.do === 'sell' ? [step.sale.id] : []));
  const sales: ReadonlySet<string> = new Set(sold);
  const journal: Entry[] = [];
  const events: SpendcapEvent[] = [];
  const servers = new Map<number, Server>();
  const lost = new Set<string>();
  const shared = { history, ledger, processor, sales, journal, events, clock };
  return {
    ...shared,
    players: playersOf(history),
    observer: await ledger.connect(),
    /** A process, started when it is first needed. */
    async server(number: number): Promise<Server> {
      return servers.get(number) ?? this.restart(number, 0);
    },
    async restart(number: number, edition: number): Promise<Server> {
      const before = servers.get(number);
      if (before?.isDead()) for (const id of before.unrecorded) lost.add(id);
      await before?.stop();
      const server = await startServer(shared, edition);
      servers.set(number, server);
      return server;
    },
    /** Stops every process cleanly, so that nothing is pending in one. */
    async restartAll(): Promise<Server> {
      for (const number of servers.keys()) await this.restart(number, 0);
      return this.server(0);
    },
    /** Purchases that a process admitted during an outage of its store, and never recorded. */
    lost,
    async close(): Promise<void> {
      for (const server of servers.values()) await server.stop();
      await this.observer.close();
      await processor.close?.();
    },
  };
}

interface Shared {
  readonly history: History;
  readonly ledger: Ledger;
  readonly processor: ProcessorWorld;
  /** The ids of purchases that are paid through the processor. */
  readonly sales: ReadonlySet<string>;
  readonly journal: Entry[];
  readonly events: SpendcapEvent[];
  readonly clock: { now: number };
}

/** One server process, set up as an operator would. */
async function startServer(shared: Shared, edition: number) {
  const { history, ledger, processor, sales, journal, events, clock } = shared;
  const connection: Store = await ledger.connect();
  const { store, breakAt, isDead, quiet } = inRounds(connection, journal);
  const policies = editionOf(history, edition);
  const unrecorded: string[] = [];
  let skew = 0;
  const now = () => clock.now + skew;
  const limiter = createLimiter({
    policy: policies,
    store,
    exchange: rateOf,
    now,
    onEvent(event) {
      if (event.type === 'purchase.unrecorded') unrecorded.push(event.purchaseId);
      if (!isDead()) events.push(event);
    },
  });
  const { deed, reconcile, start, webhook } = processor.serve({
    ...{ limiter, now },
    async beforeCall() {
      // Background work of the process happens at the same point on every store.
      await quiet();
      if (isDead()) throw new TypeError('This process is dead.');
    },
  });
  return {
    edition,
    policies,
    limiter,
    now,
    isDead,
    quiet,
    sales,
    deed,
    reconcile,
    start,
    webhook,
    begin(nextSkew: number, fault: Step['fault']): void {
      skew = nextSkew;
      breakAt(fault);
    },
    unrecorded,
    async stop(): Promise<void> {
      breakAt(undefined);
      await (isDead() ? connection : limiter).close();
    },
  };
}
