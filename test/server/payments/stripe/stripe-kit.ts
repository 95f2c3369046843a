import {
  type AgeEvidence,
  type Allowance,
  cnGame,
  type Policy,
  type Purchase,
  SpendcapError,
  type Store,
} from '@spendcap/core';
import { fakeStripe } from '@spendcap/sandbox';
import { createLimiter } from '@spendcap/server';
import type { PurchaseContext } from '@spendcap/server/payments/stripe';
import { http } from 'msw';
import { setupServer } from 'msw/node';
import Stripe from 'stripe';
import { afterAll, beforeAll, expect } from 'vitest';
import { anyStore } from '../../../support/any-store.ts';
import { serveStripe } from '../../../support/processors/stripe.ts';

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
  const limiter = createLimiter({ policy, store, now });
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

export type World = ReturnType<typeof createWorld>;

/** The same world with the client's usual Node transport, which msw answers. */
export function useMsw(worlds: { readonly current: World }) {
  const server = setupServer(http.all(FORM, ({ request }) => worlds.current.fake.handle(request)));
  beforeAll(() => server.listen({ onUnhandledFrame: 'error' }));
  afterAll(() => server.close());
  return () => new Stripe('sk_test_fake', { maxNetworkRetries: 0 });
}

export function aged(age: number, at: number): AgeEvidence {
  return {
    subject: `subject-${age}`,
    statements: [{ kind: 'range', min: age, maxExclusive: age + 1, asOf: at }],
    kind: 'test',
    assurance: 'verified',
    expiresAt: at + 30 * 86_400_000,
  };
}

function monthUsed(allowance: Allowance): string | undefined {
  return allowance.limits.find(({ period }) => period === 'month')?.used;
}

/** Thirty yuan at once with a card that works. */
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

/** Narrows to the allowed answer, or fails the test. */
export function allowed<T extends { readonly allowed: boolean }>(
  answer: T,
): Extract<T, { readonly allowed: true }> {
  if (!answer.allowed) expect.fail(`refused: ${JSON.stringify(answer)}`);
  return answer as Extract<T, { readonly allowed: true }>;
}

/** What a call rejected with: the code of a SpendcapError, or the name of another error's class. */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => expect.fail('did not reject'),
    (reason: unknown) => reason,
  );
  if (SpendcapError.isInstance(error)) return error.code;
  return error instanceof Error ? error.constructor.name : String(error);
}
