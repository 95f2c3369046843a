import assert from 'node:assert/strict';
import { type AgeEvidence, type Purchase, SpendcapError } from '@spendcap/core';
import type { Limiter } from '../limiter/types.ts';
import {
  type PaymentProblem,
  processorWebhook,
  type ReconcileCounts,
  reconcile,
} from '../payments/index.ts';
import type { ProcessorWorld } from './processor-world.ts';

/** What a case works with. */
export interface PaymentSetup {
  readonly limiter: Limiter;
  readonly clock: { at: number };
  readonly currency: string;
  /** Of the purchase of the case, and of another one. */
  readonly id: string;
  readonly otherId: string;
  readonly world: ProcessorWorld;
}

/** One guarantee of the processor contract. `run` rejects on a violation. */
export interface PaymentCase {
  readonly name: string;
  readonly run: (setup: PaymentSetup) => Promise<void>;
}

/** A shop of one case, in the words of the cases. */
export function shopOf({ limiter, clock, id: order, world }: PaymentSetup) {
  const now = () => clock.at;
  const isOnDevice = world.processor.traits.startedBy === 'device';
  const { traits } = world.processor;
  const problems: PaymentProblem['code'][] = [];
  const engine = {
    ...{ processor: world.processor, limiter, now },
    onProblem: ({ code }: PaymentProblem) => problems.push(code),
  };
  const webhook = processorWebhook(engine);
  const evidence = evidenceAt(clock.at);

  const purchase = async (id = order): Promise<Purchase> => {
    const found = await limiter.get(id);
    assert.ok(found !== null, `the ledger has no ${id}`);
    return found;
  };
  return {
    ...{ evidence, isOnDevice, problems },
    /** False for a store that lists no sales: only messages and the device say what was sold. */
    isListed: traits.startedBy !== 'device' || traits.listsCharges !== false,
    webhook,
    engine,
    purchase,
    buy: (id = order, amount = '30') => world.start({ id, amount, evidence }),
    /** Delivers every notification, in the given order; each must be acknowledged. */
    async deliver(order = (all: readonly Request[]): readonly Request[] => all): Promise<void> {
      for (const request of order(world.notifications())) {
        const { status } = await webhook(request);
        assert.ok(status >= 200 && status < 300, `a notification was answered ${status}`);
      }
    },
    /** One run of the reconciler. */
    reconcile: (): Promise<ReconcileCounts> => reconcile({ ...engine, concurrency: 1 }),
    /** Reconciles now and then, until the purchase has ended; for two days at most. */
    async reconcileUntilEnded(id = order): Promise<void> {
      for (let hours = 0; hours < 48; hours += 1) {
        await reconcile(engine);
        if ((await purchase(id)).state !== 'reserved') return;
        clock.at += 3_600_000;
      }
      assert.fail(`${id} did not end`);
    },
    async toExpiry(id = order): Promise<void> {
      clock.at = Date.parse((await purchase(id)).expiresAt);
    },
    /** When the reconciler looks for a payment: a store on the device lists them immediately. */
    async toReconcile(): Promise<void> {
      if (!isOnDevice) clock.at = Date.parse((await purchase()).expiresAt);
    },
    /** What the player has used this month. */
    async used(): Promise<string | undefined> {
      const { limits } = await limiter.allowance({ evidence });
      return limits.find(({ period }) => period === 'month')?.used;
    },
  };
}

/** Evidence of an adult. */
export function evidenceAt(at: number, subject = 'player'): AgeEvidence {
  return {
    subject,
    statements: [{ kind: 'range', min: 30, maxExclusive: 31, asOf: at }],
    kind: 'test',
    assurance: 'verified',
    expiresAt: at + 30 * 86_400_000,
  };
}

/** What a promise rejected with: the code of a SpendcapError, else `other`. */
export async function rejectionOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    return SpendcapError.isInstance(error) ? error.code : 'other';
  }
  return 'nothing';
}
