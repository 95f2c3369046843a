import { randomUUID } from 'node:crypto';
import { memoryStore } from '@spendcap/server/stores/memory';
import { sqliteStore } from '@spendcap/server/stores/sqlite';
import { RateLimiterMemory, RateLimiterUnion } from 'rate-limiter-flexible';
import { temporaryFile } from '../support/temporary.ts';
import { evidenceOf, limiterOn, reserveFor, reserveOne } from './fixtures.ts';
import { type Comparison, inFlight, SUBJECTS } from './harness.ts';

/** Our hold of day and month, with idempotency, beside a count of both without either. */
export function memoryComparison(): Comparison {
  const limiter = limiterOn(memoryStore());
  // 24 days, since its timer cannot wait for a month: it would begin anew at once.
  const union = new RateLimiterUnion(
    new RateLimiterMemory({ keyPrefix: 'day', points: 1e12, duration: 86_400 }),
    new RateLimiterMemory({ keyPrefix: 'month', points: 1e12, duration: 24 * 86_400 }),
  );
  return {
    work: 'reserve on memory',
    ours: {
      name: 'limiter.reserve, hold kept',
      run: (count) => inFlight(count, (index) => reserveOne(limiter, index)),
    },
    beside: {
      name: 'RateLimiterUnion of day and month',
      run: (count) =>
        inFlight(count, (index) => union.consume(`sub_${(index * 7_919) % SUBJECTS}`, 100)),
    },
    atLeast: 1,
    count: 50_000,
    close: () => limiter.close(),
  };
}

/** The same limiter and the same SQL: many purchases in a transaction, or one. */
export function sqliteComparison(): Comparison {
  const together = limiterOn(sqliteStore({ path: temporaryFile('together.db') }));
  const alone = limiterOn(sqliteStore({ path: temporaryFile('alone.db'), maxBatch: 1 }));
  const run = (limiter: typeof together) => (count: number) =>
    inFlight(count, (index) => reserveOne(limiter, index));
  return {
    work: 'reserve on SQLite, synchronous=FULL',
    ours: { name: 'group commit', run: run(together) },
    beside: { name: 'one transaction per purchase', run: run(alone) },
    atLeast: 10,
    count: 10_000,
    close: async () => {
      await together.close();
      await alone.close();
    },
  };
}

const PAST_PURCHASES = 10_000;

/** A subject with a long history this month beside one without. */
export async function historyComparison(kind: 'memory' | 'SQLite'): Promise<Comparison> {
  const open = () =>
    kind === 'memory' ? memoryStore() : sqliteStore({ path: temporaryFile('history.db') });
  const limiter = limiterOn(open());
  const old = evidenceOf('sub_with_history');
  await inFlight(PAST_PURCHASES, async () => {
    const id = randomUUID();
    await limiter.reserve({ id, evidence: old, amount: '1.00', currency: 'CNY' });
    await limiter.commit(id);
  });
  let others = 0;
  return {
    work: `reserve on ${kind} with 10,000 past purchases`,
    ours: {
      name: 'long history',
      run: (count) => inFlight(count, () => reserveFor(limiter, old)),
    },
    beside: {
      name: 'no history',
      run: (count) => {
        // A subject that no round has used, so that it has none indeed.
        others += 1;
        const fresh = evidenceOf(`sub_fresh_${others}`);
        return inFlight(count, () => reserveFor(limiter, fresh));
      },
    },
    atLeast: 0.9,
    count: 1_000,
    close: () => limiter.close(),
  };
}
