import {
  cnGame,
  type Money,
  type NotificationDialect,
  type PaymentSnapshot,
  type Processor,
  SpendcapError,
} from '@spendcap/core';
import { createLimiter, type Limiter, type SpendcapEvent } from '@spendcap/server';
import { applySnapshot, type PaymentProblem, type Reconciled } from '@spendcap/server/payments';
import { anyStore } from '../../support/any-store.ts';

/** 10:00 in Shanghai, so that a test does not run over midnight. */
export const START = Date.parse('2026-03-10T02:00:00Z');

export const cny = (amount: string): Money => ({ amount, currency: 'CNY' });
export const usd = (amount: string): Money => ({ amount, currency: 'USD' });

/** What a processor says; by default nothing is captured and somebody may still pay. */
export function says(change: Partial<PaymentSnapshot> = {}): PaymentSnapshot {
  return { purchaseId: 'p1', state: 'open', captured: null, refunds: [], ...change };
}

/** All 30 yuan captured. */
export function paid(change: Partial<PaymentSnapshot> = {}): PaymentSnapshot {
  return says({ state: 'closed', captured: cny('30.00'), ...change });
}

export const unavailable = () =>
  Promise.reject(new SpendcapError('store_unavailable', 'The store is unavailable.'));

/** A processor that only says what a test lets it say. */
export function scripted(change: Partial<Processor> = {}): Processor {
  return {
    name: 'test_pay',
    traits: {
      reference: (id) => id,
      retrySeconds: 3_600,
      unseenGraceSeconds: 600,
      captures: 'partial',
      release: 'closed',
      refunds: 'partial',
    },
    outcomeOf: (error) => (error instanceof Refusal ? 'rejected' : 'unknown'),
    query: async () => says(),
    close: async () => says(),
    ...change,
  };
}

/** What the scripted processor throws for a call that it certainly rejected. */
export class Refusal extends Error {}

/** A dialect in which every body verifies, and says what a test lets it say. */
export function dialect(change: Partial<NotificationDialect> = {}): NotificationDialect {
  return {
    maxBytes: 1_000,
    verify: async () => ({ id: 'm1', type: 'paid', payload: null }),
    read: async () => [paid()],
    reply: (result) => ({ status: 200, body: result }),
    ...change,
  };
}

/** A ledger with a hold of 30 yuan at the scripted processor. */
export async function held(processor = scripted(), changed: Partial<Limiter> = {}) {
  const clock = { at: START };
  const now = () => clock.at;
  const events: SpendcapEvent[] = [];
  const onEvent = (event: SpendcapEvent) => void events.push(event);
  const base = createLimiter({ policy: cnGame(), store: anyStore(), now, onEvent });
  const limiter: Limiter = { ...base, ...changed };
  const problems: PaymentProblem[] = [];
  const results: Reconciled[] = [];
  const deps = { processor, limiter, now };
  const order = { id: 'p1', evidence: evidenceOf(), ...cny('30.00') };
  await base.reserve({ ...order, processor: processor.name, onExpiry: 'reconcile' });
  return {
    ...{ base, clock, deps, limiter, now, order, problems, results },
    onProblem: (problem: PaymentProblem) => problems.push(problem),
    onResult: (result: Reconciled) => results.push(result),
    apply: (snapshot: PaymentSnapshot) => applySnapshot(deps, snapshot),
    async purchase(id = 'p1') {
      const found = await base.get(id);
      if (found === null) throw new Error('The ledger has no such purchase.');
      return found;
    },
    async used() {
      const { limits } = await base.allowance({ evidence: evidenceOf() });
      return limits.find(({ period }) => period === 'month')?.used;
    },
    codes: () => problems.map(({ code }) => code),
    /** Why each hold was given back. */
    reasons: () => reasonsIn(events),
  };
}

/** The recorded reason of each release. */
export function reasonsIn(events: readonly SpendcapEvent[]) {
  const released = events.filter(({ type }) => type === 'purchase.released');
  return released.map(({ reason }) => reason);
}

export function evidenceOf(subject = 'player') {
  return {
    subject,
    statements: [{ kind: 'range', min: 12, maxExclusive: 13, asOf: START } as const],
    kind: 'test',
    assurance: 'verified' as const,
    expiresAt: START + 30 * 86_400_000,
  };
}
