import { cnGame, type Policy, parsePolicy } from '@spendcap/core';
import { createLimiter } from '@spendcap/server';
import { describe, expect, it } from 'vitest';
import { anyStore } from '../../support/any-store.ts';
import { type ProcessorEntry, purchaseIdOf } from '../../support/processors/entry.ts';
import { DEVICE_STORES } from '../../support/processors.ts';
import { aged } from './buyer.ts';
import { START } from './engine-kit.ts';

const row = { citation: "the operator's rule", status: 'operator' } as const;
const own = { ...row, effectiveFrom: '2020-01-01' };

/** The policy of a game with a rule of its own about subscriptions. */
function gameWith(rule: (band: Policy['bands'][number]) => object): Policy {
  const { bands, ...rest } = cnGame();
  return parsePolicy({ ...rest, bands: bands.map((band) => ({ ...band, ...rule(band) })) });
}

const REFUSES = gameWith(({ minAge }) => ({
  forbiddenCategories: [{ ...own, id: `no-subscription-${minAge}`, category: 'subscription' }],
}));
const COUNTS = gameWith(({ limits, minAge }) => ({
  limits: [
    ...limits,
    {
      ...own,
      id: `subscriptions-${minAge}`,
      period: 'month',
      max: '60',
      categories: ['subscription'],
    },
  ],
}));

/** A shop of a player of 12, with subscriptions of 30 yuan. */
async function shop(entry: ProcessorEntry, policy: Policy) {
  const now = () => START;
  const limiter = createLimiter({ policy, store: anyStore(), now });
  const world = await entry.open({ now });
  const { device, start, webhook } = world.serve({ limiter, now });
  if (device?.renew === undefined) throw new Error('It sells no subscriptions.');
  const way = Object.keys(entry.ways).at(-1) ?? '';
  const idOf = (index: number) => purchaseIdOf(entry, index);
  return {
    ...{ device: { ...device, renew: device.renew }, idOf, limiter, world },
    begin: (index: number, category: string) =>
      start({
        ...{ amount: '30.00', currency: 'CNY', way },
        spendcap: { id: idOf(index), category, evidence: aged(12, START) },
      }),
    async notify() {
      for (const notice of world.notifications()) expect((await webhook(notice)).ok).toBe(true);
    },
  };
}

describe.each(DEVICE_STORES)('$name', (entry) => {
  it('begins no subscription under a policy that refuses them', async () => {
    const { begin, idOf, limiter, world } = await shop(entry, REFUSES);
    expect(await begin(1, 'subscription')).toMatchObject({
      ...{ allowed: false, reasons: [{ code: 'forbidden_category' }] },
    });
    expect(world.received()).toEqual([]);
    expect(await limiter.get(idOf(1))).toBeNull();
    expect((await begin(2, 'skin')).allowed).toBe(true);
  });

  it('counts renewals, late, against the next subscription that is begun', async () => {
    const { begin, device, idOf, limiter, notify, world } = await shop(entry, COUNTS);
    expect((await begin(1, 'subscription')).allowed).toBe(true);
    await device.buy(idOf(1));
    await device.renew(idOf(1));
    await notify();
    const [[renewal = ''] = []] = [...(world.unheld?.() ?? [])];
    expect(await limiter.get(idOf(1))).toMatchObject({ state: 'committed', late: false });
    expect(await limiter.get(renewal)).toMatchObject({
      ...{ committed: '30.00', late: true, category: 'subscription' },
    });
    expect(await begin(2, 'subscription')).toMatchObject({
      ...{ allowed: false, reasons: [{ code: 'month_cap_exceeded' }] },
    });
    expect((await begin(3, 'skin')).allowed).toBe(true);
  });
});
