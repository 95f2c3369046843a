import { cnGame } from '@spendcap/core';
import { type FakeAppStoreOptions, fakeAppStore } from '@spendcap/sandbox';
import { createLimiter } from '@spendcap/server';
import { type PaymentProblem, processorWebhook, reconcile } from '@spendcap/server/payments';
import {
  type AppleOptions,
  appleProcessor,
  type GuardAppleOptions,
  guardApple,
} from '@spendcap/server/payments/apple';
import { anyStore } from '../../../support/any-store.ts';
import { clientOver, verifierOf } from '../../../support/app-store-client.ts';
import { cny, evidenceOf, START } from '../engine-kit.ts';

export const HOUR = 3_600_000;
export const DAY = 24 * HOUR;
export const child = { evidence: evidenceOf() };
export const friend = { evidence: evidenceOf('friend') };
export const P1 = '0193a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b';
export const P2 = '0193a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1c';

const PRODUCTS = {
  gems: { type: 'Consumable', price: 30_000, currency: 'CNY' },
  month: { type: 'Auto-Renewable Subscription', price: 30_000, currency: 'CNY' },
  year: { type: 'Auto-Renewable Subscription', price: 40_000, currency: 'CNY' },
  level: { type: 'Non-Consumable', price: 30_000, currency: 'CNY' },
} as const;

export interface AppOptions {
  readonly apple?: Partial<AppleOptions>;
  readonly store?: FakeAppStoreOptions;
  readonly deps?: Partial<GuardAppleOptions>;
}

/** An app of a player of 12, who may spend 50 at a time and 200 a month, and Apple. */
export function app({ apple = {}, store = {}, deps: change = {} }: AppOptions = {}) {
  const clock = { at: START };
  const now = () => clock.at;
  const fake = fakeAppStore({ now, products: PRODUCTS, ...store });
  const { bundleId, environment } = fake;
  const limiter = createLimiter({ policy: cnGame(), store: anyStore(), now });
  const problems: PaymentProblem[] = [];
  const onProblem = (problem: PaymentProblem) => problems.push(problem);
  const processor = appleProcessor({
    ...{ verifier: verifierOf(fake), api: clientOver(fake), bundleId, environment, now },
    ...apple,
  });
  const deps = { processor, limiter, now, onProblem, ...change };
  const guard = guardApple(deps);
  const webhook = processorWebhook(deps);
  return {
    ...{ clock, deps, fake, guard, limiter, problems, processor, webhook },
    begin: (id = P1, amount = '30.00', product = 'gems') =>
      guard.begin({ id, ...child, ...cny(amount), product }),
    buy: (token: string | null = P1, productId = 'gems') =>
      fake.buy({ productId, ...(token !== null && { appAccountToken: token }) }).transactionId,
    confirm: (id: string, player: typeof child | null = child) =>
      guard.confirm(fake.signedTransaction(id), player ?? undefined),
    /** Delivers all notifications in an order; the statuses of the answers. */
    async deliver(order = (all: typeof fake.notices) => all) {
      const answers = await fake.deliver(order([...fake.notices]), webhook);
      return answers.map(({ status }) => status);
    },
    sweep: (since = START) => reconcile({ ...deps, since, concurrency: 1 }),
    purchase: (id: string) => limiter.get(id),
    async used({ evidence } = child) {
      const { limits } = await limiter.allowance({ evidence });
      return limits.find(({ period }) => period === 'month')?.used;
    },
    codes: () => problems.map(({ code }) => code),
  };
}
