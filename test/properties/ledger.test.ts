import type {
  CappedWindow,
  OverdueCommand,
  RecordCommand,
  ReserveCommand,
  Store,
  StoredPurchase,
  Window,
} from '@spendcap/core';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freshStore, runnable, storesOf } from '../support/stores.ts';
import { NaiveLedger } from './model.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const START = Date.UTC(2026, 10, 29, 20);

/** Windows as a policy defines them: days, months, a category, an app; two zones. */
const LIMITS = [
  { cap: 3_000, length: DAY, shift: 0, app: null, categories: null },
  { cap: 2_500, length: DAY, shift: 8 * HOUR, app: null, categories: null },
  { cap: 6_000, length: 30 * DAY, shift: 0, app: null, categories: null },
  { cap: 1_500, length: 30 * DAY, shift: 0, app: null, categories: ['loot', 'tip'] },
  { cap: 2_000, length: 30 * DAY, shift: 0, app: 'game-1', categories: null },
] as const;

function windowAt(limit: (typeof LIMITS)[number], at: number): CappedWindow {
  const { cap, length, shift, app, categories } = limit;
  const start = Math.floor((at + shift) / length) * length - shift;
  return { selector: { currency: 'CNY', app, categories }, start, end: start + length, cap };
}

const anyStep = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      verb: fc.constant('reserve' as const),
      id: fc.nat(14),
      subject: fc.nat(1),
      amount: fc.integer({ min: 1, max: 2_000 }),
      category: fc.constantFrom(null, 'loot', 'skin'),
      app: fc.constantFrom(null, 'game-1', 'game-2'),
      limits: fc.subarray([0, 1, 2, 3, 4]),
      hold: fc.integer({ min: 1, max: 30 * HOUR }),
      onExpiry: fc.constantFrom('release' as const, 'release' as const, 'reconcile' as const),
      processor: fc.constantFrom(null, null, 'one_pay', 'two_pay'),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      verb: fc.constant('record' as const),
      id: fc.nat(14),
      subject: fc.nat(1),
      amount: fc.integer({ min: 1, max: 2_000 }),
      category: fc.constantFrom(null, 'loot', 'skin'),
      app: fc.constantFrom(null, 'game-1', 'game-2'),
      limits: fc.subarray([0, 1, 2, 3, 4]),
      ago: fc.oneof(fc.constant(0), fc.nat(40 * DAY)),
      processor: fc.constantFrom(null, 'one_pay', 'two_pay'),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      verb: fc.constantFrom('attach' as const, 'overdue' as const),
      id: fc.nat(14),
      processor: fc.constantFrom('one_pay', 'two_pay'),
      ref: fc.nat(1),
      limit: fc.integer({ min: 20, max: 60 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      verb: fc.constantFrom('commit' as const, 'release' as const, 'get' as const),
      id: fc.nat(14),
      amount: fc.option(fc.integer({ min: 1, max: 2_500 }), { nil: undefined }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      verb: fc.constantFrom('refund' as const, 'reverseRefund' as const),
      id: fc.nat(14),
      refundId: fc.nat(2),
      amount: fc.option(fc.integer({ min: 1, max: 1_000 }), { nil: undefined }),
      isTotal: fc.boolean(),
      restores: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ verb: fc.constant('wait' as const), ms: fc.nat(20 * HOUR) }),
  },
  { weight: 1, arbitrary: fc.record({ verb: fc.constant('skew' as const), ms: fc.nat(2 * HOUR) }) },
);
type Step = typeof anyStep extends fc.Arbitrary<infer T> ? T : never;

/** A step of one history, whose purchases and subjects begin with `own`. */
interface Situation {
  readonly step: Step;
  readonly at: number;
  readonly own: string;
}

function commandOf(
  step: Extract<Step, { verb: 'reserve' }>,
  { at, own }: Situation,
): ReserveCommand {
  const { hold, onExpiry } = step;
  const windows = windowsOf(step, at);
  return { ...boughtIn(step, own), windows, at, expiresAt: at + hold, onExpiry };
}

function recordOf(step: Extract<Step, { verb: 'record' }>, { at, own }: Situation): RecordCommand {
  const chargedAt = at - step.ago;
  return { ...boughtIn(step, own), windows: windowsOf(step, chargedAt), chargedAt, at };
}

type Bought = Extract<Step, { verb: 'reserve' | 'record' }>;

const boughtIn = ({ id, subject, amount, category, app, processor }: Bought, own: string) => ({
  ...{ id: `${own}p${id}`, request: JSON.stringify([amount, category, app, processor]) },
  ...{ subject: `${own}s${subject}`, amount, currency: 'CNY', app, category },
  ...{ processor, processorRef: null, basis: '{}' },
});

function windowsOf({ limits, category, app }: Bought, at: number): CappedWindow[] {
  return limits.flatMap((index) => {
    const limit = LIMITS[index];
    if (limit === undefined) return [];
    const { categories } = limit;
    const counts = categories === null || categories.some((name) => name === category);
    return counts && (limit.app === null || limit.app === app) ? [windowAt(limit, at)] : [];
  });
}

const optional = (amount: number | undefined) => (amount === undefined ? {} : { amount });

/** Does one step on both, and compares what they answer. */
async function both(store: Store, model: NaiveLedger, situation: Situation) {
  const { step, at, own } = situation;
  switch (step.verb) {
    case 'reserve': {
      const command = commandOf(step, situation);
      const { outcome, ...rest } = await store.reserve(command);
      const expected = model.reserve(command);
      expect({ outcome, ...rest }).toMatchObject(expected);
      return;
    }
    case 'record': {
      const command = recordOf(step, situation);
      expect(await store.record(command)).toMatchObject(model.record(command));
      return;
    }
    case 'attach': {
      const { processor, ref } = step;
      const command = { id: `${own}p${step.id}`, processor, processorRef: `ref-${ref}`, at };
      expect(await store.attach(command)).toMatchObject(model.attach(command));
      return;
    }
    case 'overdue': {
      const { processor, limit } = step;
      // Other histories share the store.
      const mine = (await pagesOf(store, { at, processor, limit })).filter((id) =>
        id.startsWith(own),
      );
      expect(mine.toSorted()).toEqual(model.overdue({ at, processor }).toSorted());
      return;
    }
    case 'commit': {
      const command = { id: `${own}p${step.id}`, at, ...optional(step.amount) };
      expect(await store.commit(command)).toMatchObject(model.commit(command));
      return;
    }
    case 'release': {
      const command = { id: `${own}p${step.id}`, at };
      expect(await store.release(command)).toMatchObject(model.release(command));
      return;
    }
    case 'refund': {
      const { restores, isTotal, amount } = step;
      const ids = { id: `${own}p${step.id}`, refundId: `r${step.refundId}` };
      const some = isTotal && amount !== undefined ? { total: amount } : optional(amount);
      const command = { ...ids, restores, at, ...some };
      expect(await store.refund(command)).toMatchObject(model.refund(command));
      return;
    }
    case 'reverseRefund': {
      const command = { id: `${own}p${step.id}`, refundId: `r${step.refundId}`, at };
      expect(await store.reverseRefund(command)).toMatchObject(model.reverseRefund(command));
      return;
    }
    case 'get': {
      const { purchase } = await store.get({ id: `${own}p${step.id}`, at });
      const expected = model.get(`${own}p${step.id}`, at);
      if (expected === null) expect(purchase).toBeNull();
      else expect(purchase).toMatchObject(expected);
      return;
    }
  }
}

async function pagesOf(store: Store, query: OverdueCommand): Promise<readonly string[]> {
  const ids: string[] = [];
  let after: StoredPurchase | undefined;
  do {
    const page = await store.overdue({ ...query, ...(after && { after }) });
    ids.push(...page.map(({ id }) => id));
    after = page.at(-1);
  } while (after !== undefined);
  return ids;
}

/** Every window of both subjects, also those that no command has named yet. */
async function compareUsage(
  store: Store,
  model: NaiveLedger,
  { at, own }: Omit<Situation, 'step'>,
): Promise<void> {
  for (const subject of [`${own}s0`, `${own}s1`]) {
    const windows: Window[] = LIMITS.flatMap((limit) => [
      windowAt(limit, at),
      windowAt(limit, at - limit.length),
    ]);
    const { used } = await store.usage({ subject, windows, at });
    expect(used).toEqual(model.usage({ subject, windows, at }).used);
    expect(used.every((sum) => sum >= 0)).toBe(true);
  }
}

async function run(store: Store, steps: readonly Step[], own: string): Promise<void> {
  const model = new NaiveLedger();
  let now = START;
  for (const step of steps) {
    if (step.verb === 'wait') now += step.ms;
    // Another server's clock is behind: only for this one call.
    const at = step.verb === 'skew' ? now - step.ms : now;
    if (step.verb === 'wait' || step.verb === 'skew') await compareUsage(store, model, { at, own });
    else await both(store, model, { step, at, own });
  }
  await compareUsage(store, model, { at: now, own });
}

describe.each(await runnable(storesOf('properties')))('$name', (entry) => {
  const numRuns = entry.needs.histories;
  // One store for all runs, since opening one may start a thread; each run has names of its own.
  let store: Store;
  let started = 0;
  const ownNames = (): string => `${started++}-`;
  beforeAll(async () => {
    store = await freshStore(entry, { keepMs: 400 * DAY });
  });
  afterAll(() => store.close());

  test('answers every history as the naive ledger does', async () => {
    const histories = fc.array(anyStep, { minLength: 1, maxLength: 60, size: 'max' });
    await fc.assert(
      fc.asyncProperty(histories, (steps) => run(store, steps, ownNames())),
      { numRuns },
    );
  });

  test('holds and commits in parallel never pass a cap', async () => {
    const bursts = fc.array(fc.integer({ min: 1, max: 900 }), { minLength: 2, maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(bursts, fc.array(fc.nat(2), { maxLength: 40 }), async (amounts, fates) => {
        const own = ownNames();
        const subject = `${own}s0`;
        const window = windowAt(LIMITS[0], START);
        const windows = [window];
        await Promise.all(
          amounts.map(async (amount, index) => {
            const id = `${own}p${index}`;
            const base = {
              subject,
              currency: 'CNY',
              app: null,
              category: null,
              processor: null,
              processorRef: null,
              basis: '{}',
            };
            const times = { at: START, expiresAt: START + HOUR, onExpiry: 'release' as const };
            const held = await store.reserve({
              ...base,
              ...times,
              id,
              request: id,
              amount,
              windows,
            });
            const { used } = await store.usage({ subject, windows, at: START });
            expect(used[0]).toBeLessThanOrEqual(window.cap);
            if (held.outcome !== 'held') return;
            if (fates[index] === 1) await store.commit({ id, at: START });
            if (fates[index] === 2) await store.release({ id, at: START });
          }),
        );
        const { used } = await store.usage({ subject, windows, at: START });
        expect(used[0]).toBeLessThanOrEqual(window.cap);
      }),
      { numRuns },
    );
  });
});
