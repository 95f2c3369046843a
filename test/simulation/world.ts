import type { Store } from '@spendcap/core';
import { fakeStripe } from '@spendcap/sandbox';
import { createLimiter, type SpendcapEvent } from '@spendcap/server';
import { guardStripe, reconcileStripe, stripeWebhook } from '@spendcap/server/payments/stripe';
import Stripe from 'stripe';
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
  const shared = { history, ledger, fake, journal, events, clock };
  return {
    ...shared,
    players: playersOf(history),
    observer: await ledger.connect(),
    /** The bank's, the operator's and the players' own way to Stripe. */
    stripe: stripeOver(fake.fetch),
    /** A process, started when it is first needed. */
    async server(number: number): Promise<Server> {
      return servers.get(number) ?? this.restart(number, 0);
    },
    async restart(number: number, edition: number): Promise<Server> {
      await servers.get(number)?.stop();
      const server = await startServer(shared, edition);
      servers.set(number, server);
      return server;
    },
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

/** One server process, as an operator would put it together. */
async function startServer(shared: Shared, edition: number) {
  const { history, ledger, fake, journal, events, clock } = shared;
  const connection: Store = await ledger.connect();
  const { store, begin, isDead } = inRounds(connection, journal);
  const policies = editionOf(history, edition);
  let skew = 0;
  const now = () => clock.now + skew;
  const limiter = createLimiter({
    policy: policies,
    store,
    exchange: rateOf,
    now,
    onEvent: (event) => void (isDead() || events.push(event)),
  });
  const stripe = stripeOver((input, init) =>
    isDead() ? Promise.reject(new TypeError('This process is dead.')) : fake.fetch(input, init),
  );
  const deps = { stripe, limiter, now };
  return {
    edition,
    policies,
    limiter,
    now,
    isDead,
    guard: guardStripe(deps),
    webhook: stripeWebhook({ ...deps, secrets: [fake.webhookSecret] }),
    reconcile: reconcileStripe(deps),
    begin(nextSkew: number, fault: Step['fault']): void {
      skew = nextSkew;
      begin(fault);
    },
    stop: () => connection.close(),
  };
}

function stripeOver(
  fetch: (input: string | URL | Request, init?: RequestInit) => Promise<Response>,
) {
  return new Stripe('sk_test_simulated', {
    maxNetworkRetries: 0,
    telemetry: false,
    httpClient: Stripe.createFetchHttpClient(fetch),
  });
}
