import { type Allowance, cnGame, type Policy, type Purchase, type Store } from '@spendcap/core';
import { fakeStripe } from '@spendcap/sandbox';
import { createLimiter } from '@spendcap/server';
import type { PurchaseContext } from '@spendcap/server/payments';
import { http } from 'msw';
import { setupServer } from 'msw/node';
import Stripe from 'stripe';
import { afterAll, beforeAll } from 'vitest';
import { anyStore } from '../../../support/any-store.ts';
import { serveStripe } from '../../../support/processors/stripe.ts';
import { aged } from '../buyer.ts';

export { aged, allowed, codeOf } from '../buyer.ts';

/** 10:00 in Shanghai, so that a test does not run over midnight. */
const START = Date.parse('2026-03-10T02:00:00Z');

const FORM = 'https://api.stripe.com/*';

export interface WorldOptions {
  readonly policy?: Policy;
  readonly allow?: readonly string[];
  /** A store to use instead of a new one in memory. */
  readonly store?: Store;
}

/** A shop of its own: clock, ledger, fake Stripe, real client, guard and webhook endpoint. */
export function createWorld({
  policy = cnGame(),
  allow = [],
  store = anyStore(),
}: WorldOptions = {}) {
  const clock = { at: START };
  const now = () => clock.at;
  const fake = fakeStripe({
    now,
    prices: { price_gems: { unit_amount: 3000, currency: 'cny' } },
  });
  const storeCalls: string[] = [];
  const limiter = createLimiter({ policy, store: recorded(store, storeCalls), now });
  const problems: string[] = [];
  const server = serveStripe({
    ...{ fake, limiter, now, allow },
    onProblem: ({ code }) => problems.push(code),
  });
  return {
    clock,
    fake,
    limiter,
    ...server,
    problems,
    /** The verbs of the store that were called. */
    storeCalls,
    /** Delivers all events so far, in order. */
    deliverAll: () => fake.deliver([...fake.events], server.webhook),
    advance(minutes: number) {
      clock.at += minutes * 60_000;
    },
    /** Calls that could move money: everything but reads. */
    posts: () => fake.requests.filter(({ method }) => method === 'POST').map(({ path }) => path),
    async used(age = 12): Promise<string | undefined> {
      return monthUsed(await limiter.allowance({ evidence: aged(age, now()) }));
    },
    async purchase(id: string): Promise<Purchase> {
      const purchase = await limiter.get(id);
      if (purchase === null) throw new Error('The ledger has no such purchase.');
      return purchase;
    },
    buyer: (id: string, age = 12): PurchaseContext => ({ id, evidence: aged(age, now()) }),
  };
}

/** The store, with the name of each call noted. */
function recorded(store: Store, calls: string[]): Store {
  return new Proxy(store, {
    get(target, name: keyof Store) {
      return (command: never) => {
        calls.push(name);
        return target[name](command);
      };
    },
  });
}

export type World = ReturnType<typeof createWorld>;

/** The same world with the client's usual Node transport, which msw answers. */
export function overMsw(worlds: { readonly current: World }) {
  const server = setupServer(http.all(FORM, ({ request }) => worlds.current.fake.handle(request)));
  beforeAll(() => server.listen({ onUnhandledFrame: 'error' }));
  afterAll(() => server.close());
  return () => new Stripe('sk_test_fake', { maxNetworkRetries: 0 });
}

function monthUsed(allowance: Allowance): string | undefined {
  return allowance.limits.find(({ period }) => period === 'month')?.used;
}

/** Thirty yuan, charged immediately, with a card that works. */
export const THIRTY = {
  amount: 3000,
  currency: 'cny',
  payment_method: 'pm_card_visa',
  confirm: true,
} as const;

export function sessionOf(amount = 3000): Stripe.Checkout.SessionCreateParams {
  return {
    mode: 'payment',
    success_url: 'https://shop.example/thanks',
    line_items: [
      {
        quantity: 1,
        price_data: { currency: 'cny', unit_amount: amount, product_data: { name: 'Gems' } },
      },
    ],
  };
}
