import { randomUUID } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import { memoryStore } from '@spendcap/server/stores/memory';
import { sqliteStore } from '@spendcap/server/stores/sqlite';
import { RateLimiterMemory, RateLimiterUnion } from 'rate-limiter-flexible';
import { temporaryFile } from '../support/temporary.ts';
import { evidenceOf, limiterOn, reserveFor, reserveOne } from './fixtures.ts';
import { type Comparison, inFlight, SUBJECTS } from './harness.ts';

/** Our hold of day and month, with idempotency, beside a count of both without either. */
export function memoryComparison(): Comparison {
  const limiter = limiterOn(memoryStore());
  // 24 days, since its timer cannot wait for a month: it would fire immediately.
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
    atLeast: 0.4,
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

/** Reserve and commit: two of our calls, beside two transactions by hand. */
export function sqlitePurchaseComparison(): Comparison {
  const limiter = limiterOn(sqliteStore({ path: temporaryFile('purchases.db') }));
  const byHand = handWritten(temporaryFile('by-hand.db'));
  return {
    work: 'reserve + commit on SQLite, synchronous=FULL',
    ours: {
      name: 'limiter.reserve, limiter.commit',
      run: (count) =>
        inFlight(count, async (index) => limiter.commit(await reserveOne(limiter, index))),
    },
    beside: {
      name: 'two transactions by hand',
      run: (count) =>
        inFlight(count, async (index) =>
          byHand.commit(byHand.reserve(`sub_${(index * 7_919) % SUBJECTS}`)),
        ),
    },
    atLeast: 8,
    count: 10_000,
    besideCount: 1_000,
    close: async () => {
      await limiter.close();
      byHand.close();
    },
  };
}

/** The work of a purchase as one would write it: a transaction for each step. */
function handWritten(path: string) {
  const database = new DatabaseSync(path);
  database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
    CREATE TABLE counters (subject TEXT, period TEXT, used INTEGER NOT NULL,
      PRIMARY KEY (subject, period)) WITHOUT ROWID;
    CREATE TABLE purchases (id TEXT PRIMARY KEY, subject TEXT NOT NULL, amount INTEGER NOT NULL,
      state TEXT NOT NULL DEFAULT 'reserved')`);
  const sql = (text: string) => database.prepare(text);
  const [begin, end] = [sql('BEGIN IMMEDIATE'), sql('COMMIT')];
  const addCounters = sql(
    `INSERT INTO counters VALUES (?1, 'day', 0), (?1, 'month', 0) ON CONFLICT DO NOTHING`,
  );
  const selectUsed = sql('SELECT used FROM counters WHERE subject = ?');
  const addUsed = sql('UPDATE counters SET used = used + 100 WHERE subject = ?');
  const addPurchase = sql('INSERT INTO purchases (id, subject, amount) VALUES (?, ?, 100)');
  const selectState = sql('SELECT state FROM purchases WHERE id = ?');
  const setCommitted = sql(`UPDATE purchases SET state = 'committed' WHERE id = ?`);
  return {
    /** Returns the id. */
    reserve(subject: string): string {
      const id = randomUUID();
      begin.run();
      addCounters.run(subject);
      const counters = selectUsed.all(subject);
      if (counters.some(({ used }) => Number(used) + 100 > 1e12)) throw new Error('refused');
      addUsed.run(subject);
      addPurchase.run(id, subject);
      end.run();
      return id;
    },
    commit(id: string): void {
      begin.run();
      if (selectState.get(id)?.state !== 'reserved') throw new Error('it has ended');
      setCommitted.run(id);
      end.run();
    },
    close: () => database.close(),
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
