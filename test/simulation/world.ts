import type { Store } from '@spendcap/core';
import { fakeStripe } from '@spendcap/sandbox';
import { createLimiter, type SpendcapEvent } from '@spendcap/server';
import { serveStripe, stripeOver } from '../support/processors/stripe.ts';
import type { History, Step } from './history.ts';
import { editionOf, playersOf, rateOf } from './policies.ts';
import { type Entry, inRounds } from './rounds.ts';
import type { Ledger } from './stores.ts';

export type World = Awaited<ReturnType<typeof openWorld>>;
export type Server = Awaited<ReturnType<typeof startServer>>;

/** A shop: server processes over one ledger, their clocks, players, and a Stripe. */
export async function openWorld(history: History, ledger: Ledger) {
  const clock = { now: history.start };
  const fake = fakeStripe({ now: () => clock.now });
  const journal: Entry[] = [];
  const events: SpendcapEvent[] = [];
  const servers = new Map<number, Server>();
  const lost = new Set<string>();
  const shared = { history, ledger, fake, journal, events, clock };
  return {
    ...shared,
    players: playersOf(history),
    observer: await ledger.connect(),
    /** Stripe as the bank, the operator and the players reach it. */
    stripe: stripeOver(fake.fetch),
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
    },
  };
}

interface Shared {
  readonly history: History;
  readonly ledger: Ledger;
  readonly fake: ReturnType<typeof fakeStripe>;
  readonly journal: Entry[];
  readonly events: SpendcapEvent[];
  readonly clock: { now: number };
}

/** One server process, set up as an operator would. */
async function startServer(shared: Shared, edition: number) {
  const { history, ledger, fake, journal, events, clock } = shared;
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
  const { guard, webhook, reconcile } = serveStripe({
    ...{ fake, limiter, now },
    async fetch(input, init) {
      // Background work of the process happens at the same point on every store.
      await quiet();
      if (isDead()) throw new TypeError('This process is dead.');
      return fake.fetch(input, init);
    },
  });
  return {
    edition,
    policies,
    limiter,
    now,
    isDead,
    quiet,
    guard,
    webhook,
    reconcile,
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
