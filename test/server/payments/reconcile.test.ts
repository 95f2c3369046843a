import { type PaymentSnapshot, SpendcapError } from '@spendcap/core';
import { reconcile } from '@spendcap/server/payments';
import { describe, expect, it } from 'vitest';
import { cny, evidenceOf, held, paid, says, scripted, unavailable } from './engine-kit.ts';

const NONE = { committed: 0, released: 0, open: 0, unseen: 0, failed: 0 };

/** An overdue hold whose payment is closed as a test says. */
async function overdue(close: () => Promise<PaymentSnapshot>) {
  const world = await held(scripted({ close }));
  world.clock.at = Date.parse((await world.purchase()).expiresAt);
  const { deps, onProblem, onResult } = world;
  return { ...world, run: () => reconcile({ ...deps, onProblem, onResult }) };
}

/** 250 overdue holds of as many players. */
async function many(close: () => Promise<PaymentSnapshot>) {
  const world = await overdue(close);
  for (let index = 0; index < 249; index += 1) {
    await world.base.reserve({
      ...{ id: `m${index}`, evidence: evidenceOf(`player-${index}`), ...cny('1.00') },
      ...{ processor: 'test_pay', onExpiry: 'reconcile', expiresInSeconds: 60 },
    });
  }
  world.clock.at += 60_000;
  return world;
}

describe('one hold', () => {
  it.each<[string, PaymentSnapshot, keyof typeof NONE]>([
    ['paid', paid(), 'committed'],
    ['closed', says({ state: 'closed' }), 'released'],
    ['open', says(), 'open'],
    ['not there yet', says({ state: 'unseen' }), 'unseen'],
    ['paid, though it is not to be seen', paid({ state: 'unseen' }), 'committed'],
    ['that of another purchase', paid({ purchaseId: 'p2' }), 'open'],
    ["another's, unseen", says({ purchaseId: 'p2', state: 'unseen' }), 'open'],
  ])('whose payment is %s', async (_, snapshot, outcome) => {
    const world = await overdue(async () => snapshot);
    expect(await world.run()).toEqual({ ...NONE, [outcome]: 1 });
    const { state } = await world.purchase();
    expect(state).toBe(outcome === 'open' || outcome === 'unseen' ? 'reserved' : outcome);
    expect(world.codes()).toEqual(snapshot.purchaseId === 'p1' ? [] : ['purchase_conflict']);
  });

  it('whose payment is unseen is released after the grace, not before', async () => {
    const world = await overdue(async () => says({ state: 'unseen' }));
    world.clock.at += 599_999;
    expect(await world.run()).toMatchObject({ unseen: 1 });
    world.clock.at += 1;
    expect(await world.run()).toMatchObject({ released: 1 });
    expect(world.reasons()).toEqual(['test_pay_unseen']);
  });

  it('of another account is left to that account, which alone is called', async () => {
    const world = await held();
    for (const [id, processorRef] of [
      ['p2', 'merchant_1'],
      ['p3', 'merchant_2'],
    ] as const) {
      const hold = { ...world.order, id, amount: '5.00', processorRef, expiresInSeconds: 60 };
      await world.base.reserve({ ...hold, processor: 'test_pay', onExpiry: 'reconcile' });
    }
    await world.base.commit('p1');
    world.clock.at += 60_000;
    const closed: string[] = [];
    const close = async ({ id }: { readonly id: string }) => {
      closed.push(id);
      return says({ purchaseId: id, state: 'closed' });
    };
    const traits = { ...scripted().traits, account: 'merchant_2' };
    const { deps, onProblem } = world;
    const processor = scripted({ close, traits });
    const counts = await reconcile({ ...deps, onProblem, processor });
    expect([counts, closed]).toEqual([{ ...NONE, open: 1, released: 1 }, ['p3']]);
    expect(await world.purchase('p2')).toMatchObject({ state: 'reserved' });
    expect(world.codes()).toEqual([]);
  });

  it.each<[string, PaymentSnapshot, readonly string[]]>([
    ['unseen', says({ state: 'unseen' }), []],
    ['paid', paid(), []],
    ['closed', says({ state: 'closed' }), ['purchase_ended']],
  ])('that a notification commits meanwhile is counted so (%s)', async (_, snapshot, codes) => {
    const world = await overdue(async () => {
      await world.base.commit('p1');
      return snapshot;
    });
    world.clock.at += 600_000;
    expect(await world.run()).toEqual({ ...NONE, committed: 1 });
    expect(world.codes()).toEqual(codes);
  });

  it.each<[string, () => Promise<PaymentSnapshot>]>([
    ['rejects', () => Promise.reject(new TypeError('fetch failed'))],
    [
      'throws',
      () => {
        throw new TypeError('fetch failed');
      },
    ],
  ])('whose processor %s is kept, and named', async (_, close) => {
    const world = await overdue(close);
    expect(await world.run()).toEqual({ ...NONE, failed: 1 });
    expect(world.results).toMatchObject([{ purchaseId: 'p1', outcome: 'failed' }]);
    expect((await world.purchase()).state).toBe('reserved');
  });
});

describe('many holds', () => {
  it('are each checked once, with bounded calls, although none of them ends', async () => {
    let [under, most] = [0, 0];
    const world = await many(async () => {
      under += 1;
      most = Math.max(most, under);
      await new Promise(setImmediate);
      under -= 1;
      return says({ purchaseId: 'p1' });
    });
    const { deps, onResult } = world;
    const counts = await reconcile({ ...deps, concurrency: 5, onResult });
    expect([counts.open, most]).toEqual([250, 5]);
    most = 0;
    await reconcile(deps);
    expect(most).toBe(8);
    expect(new Set(world.results.map(({ purchaseId }) => purchaseId)).size).toBe(250);
  });

  it('are each settled, although the pages shrink while they are read', async () => {
    const processor = scripted({
      close: async ({ id }) => says({ purchaseId: id, state: 'closed' }),
    });
    const world = await many(async () => says());
    const counts = await reconcile({ ...world.deps, processor });
    expect(counts).toEqual({ ...NONE, released: 250 });
    expect(await reconcile({ ...world.deps, processor })).toEqual(NONE);
  });

  it('that can no longer be listed end the run; what was checked stays settled', async () => {
    const world = await many(async () => says());
    let pages = 0;
    const list: typeof world.base.overdue = (options) => {
      pages += 1;
      return pages === 3 ? unavailable() : world.base.overdue(options);
    };
    const { deps, onResult } = world;
    const processor = scripted({
      close: async ({ id }) => says({ purchaseId: id, state: 'closed' }),
    });
    const limiter = { ...world.base, overdue: list };
    const run = reconcile({ ...deps, processor, limiter, onResult });
    await expect(run).rejects.toBeInstanceOf(SpendcapError);
    expect(world.results.filter(({ outcome }) => outcome === 'released')).toHaveLength(200);
    expect(await reconcile({ ...deps, processor })).toEqual({ ...NONE, released: 50 });
  });

  it('have no time since which they changed', async () => {
    const { deps } = await held();
    await expect(reconcile({ ...deps, since: 0 })).rejects.toThrow('since: only for a store');
  });

  it.each([[0], [1.5], [Number.NaN]])('need a concurrency above 0, not %d', async (concurrency) => {
    const { deps } = await held();
    await expect(reconcile({ ...deps, concurrency })).rejects.toThrow('concurrency');
  });
});
