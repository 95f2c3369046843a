import { type AppliedCharge, cnGame, SpendcapError } from '@spendcap/core';
import { createLimiter, type Limiter } from '@spendcap/server';
import {
  type DeviceDeps,
  type PaymentProblem,
  processorWebhook,
  type Reconciled,
  reconcile,
} from '@spendcap/server/payments';
import { describe, expect, it } from 'vitest';
import { anyStore } from '../../support/any-store.ts';
import { acmeStoreProcessor, guardAcmeStore } from './acme-store/acme-store.ts';
import { acmeStore, type Sheet } from './acme-store/fake.ts';
import { cny, evidenceOf, START, unavailable } from './engine-kit.ts';

const SECRET = 'acme-secret';
const HOUR = 3_600_000;
const child = { evidence: evidenceOf() };
const friend = { evidence: evidenceOf('friend') };

/** An app of a player of 12 who may spend 50 at a time and 200 a month. */
function app(change: Partial<DeviceDeps> = {}) {
  const clock = { at: START };
  const now = () => clock.at;
  const store = acmeStore(SECRET, now);
  const base = createLimiter({ policy: cnGame(), store: anyStore(), now });
  const problems: PaymentProblem[] = [];
  const onProblem = (problem: PaymentProblem) => problems.push(problem);
  const processor = acmeStoreProcessor({ secret: SECRET, list: store.list });
  const deps = { processor, limiter: base, now, onProblem, ...change };
  const guard = guardAcmeStore(SECRET, deps);
  const webhook = processorWebhook(deps);
  return {
    ...{ clock, deps, guard, problems, store, webhook },
    begin: (id = 'p1', amount = '30.00') =>
      guard.begin({ id, ...child, ...cny(amount), product: 'gems' }),
    buy: (sheet: Partial<Sheet> = {}) => store.buy({ token: 'p1', cents: 3_000, ...sheet }),
    confirm: (number: string, by: typeof child | Record<string, never> = child) =>
      guard.confirm(store.receipt(number), by),
    async deliver(order = (all: readonly Request[]): readonly Request[] => all) {
      const statuses: number[] = [];
      for (const request of order(store.notifications())) {
        statuses.push((await webhook(request)).status);
      }
      return statuses;
    },
    purchase: (id = 'p1') => base.get(id),
    async used({ evidence } = child) {
      const { limits } = await base.allowance({ evidence });
      return limits.find(({ period }) => period === 'month')?.used;
    },
    codes: () => problems.map(({ code }) => code),
  };
}

const outcome = ({ result, wasHeld }: AppliedCharge) => [result, wasHeld];

describe('before the sheet opens', () => {
  it('the purchase is held for as long as the store may leave it pending', async () => {
    const { begin, purchase, used } = app();
    expect(await begin()).toMatchObject({ allowed: true, reference: 'p1' });
    const expiresAt = new Date(START + 25 * HOUR).toISOString();
    expect(await purchase()).toMatchObject({ processor: 'acme_store', expiresAt });
    expect(await used()).toBe('30.00');
  });

  it('it is refused over a cap, and an id that is no token is no purchase', async () => {
    const { begin, used } = app();
    expect(await begin('p1', '51.00')).toMatchObject({ allowed: false });
    await expect(begin('p:1')).rejects.toThrow(TypeError);
    expect(await used()).toBe('0.00');
  });

  it('a retry gets the same answer, until it was charged or has ended', async () => {
    const { begin, buy, clock, confirm } = app();
    await begin();
    expect(await begin()).toMatchObject({ allowed: true, replayed: true, reference: 'p1' });
    await begin('p2', '20.00');
    await confirm(buy());
    clock.at += 25 * HOUR;
    for (const [id, amount] of [
      ['p1', '30.00'],
      ['p2', '20.00'],
    ]) {
      await expect(begin(id, amount)).rejects.toMatchObject({ code: 'purchase_ended' });
    }
  });
});

describe('a charge under its hold', () => {
  it('is committed once, confirmed and notified, twice and in every order', async () => {
    const { begin, buy, confirm, deliver, problems, purchase, used } = app();
    await begin();
    const number = buy();
    expect(outcome(await confirm(number))).toEqual(['committed', true]);
    await deliver();
    await Promise.all([confirm(number), deliver(), confirm(number, {})]);
    expect(outcome(await confirm(number))).toEqual(['committed', true]);
    expect(await purchase()).toMatchObject({ state: 'committed', processorRef: number });
    expect(await used()).toBe('30.00');
    expect(problems).toEqual([]);
  });

  it.each([
    [2_500, '25.00', true],
    [3_500, '35.00', false],
  ])('of %i instead of 3000 cents counts that much', async (cents, committed, wasHeld) => {
    const { begin, buy, confirm, purchase } = app();
    await begin();
    expect(outcome(await confirm(buy({ cents })))).toEqual(['committed', wasHeld]);
    expect(await purchase()).toMatchObject({ committed });
  });

  it('whose price the store does not state counts what was held', async () => {
    const { begin, confirm, purchase, store } = app();
    await begin();
    const number = store.buy({ token: 'p1' });
    expect(outcome(await confirm(number))).toEqual(['committed', true]);
    expect(await purchase()).toMatchObject({ committed: '30.00' });
  });

  it('for another product is counted, reported and not held', async () => {
    const { begin, buy, codes, confirm, used } = app();
    await begin();
    expect(outcome(await confirm(buy({ product: 'diamonds' })))).toEqual(['committed', false]);
    expect(await used()).toBe('30.00');
    expect(codes()).toEqual(['purchase_conflict']);
  });

  it("that another player confirms counts for the hold's, is reported and not held", async () => {
    const { begin, buy, codes, confirm, used } = app();
    await begin();
    const number = buy();
    expect(outcome(await confirm(number, friend))).toEqual(['committed', false]);
    expect(await used()).toBe('30.00');
    expect(await used(friend)).toBe('0.00');
    expect(codes()).toEqual(['purchase_conflict']);
    expect(outcome(await confirm(number))).toEqual(['committed', true]);
  });

  it('after the hold has ended is late, past the caps and reported once', async () => {
    const { begin, buy, clock, codes, confirm, deliver } = app();
    await begin();
    clock.at += 25 * HOUR;
    expect(outcome(await confirm(buy()))).toEqual(['late', false]);
    await deliver();
    expect(codes()).toEqual(['purchase_ended']);
  });

  it('that waits for a parent leaves the hold, until the answer', async () => {
    const { begin, confirm, deliver, purchase, store, used } = app();
    await begin();
    const number = store.askToBuy({ token: 'p1', cents: 3_000 });
    expect(outcome(await confirm(number))).toEqual(['pending', false]);
    expect(await purchase()).toMatchObject({ state: 'reserved' });
    store.answer(number, 'bought');
    await deliver((all) => all.toReversed());
    expect(await purchase()).toMatchObject({ state: 'committed' });
    await begin('p2', '20.00');
    const other = store.askToBuy({ token: 'p2', cents: 2_000 });
    store.answer(other, 'abandoned');
    await deliver();
    expect(await purchase('p2')).toMatchObject({ state: 'released' });
    expect(await used()).toBe('30.00');
  });

  it('refunded is given back, also if the refund is known first', async () => {
    const { begin, buy, deliver, purchase, store, used } = app();
    await begin();
    const number = buy();
    store.refund(number, 1_000);
    store.refund(number, 500);
    await deliver((all) => all.toReversed());
    expect(await purchase()).toMatchObject({ committed: '30.00', refunded: '15.00' });
    expect(await used()).toBe('15.00');
  });
});

describe('a charge without a hold of its own', () => {
  it('whose token was used already is recorded for the same player', async () => {
    const { begin, buy, clock, codes, confirm, deliver, purchase, used } = app();
    await begin();
    await confirm(buy());
    clock.at += HOUR;
    const second = buy({ cents: 2_000 });
    expect(outcome(await confirm(second))).toEqual(['recorded', false]);
    await deliver((all) => all.toReversed());
    const reservedAt = new Date(clock.at).toISOString();
    const recorded = { committed: '20.00', late: true, reservedAt, processorRef: second };
    expect(await purchase(`acme_store:${second}`)).toMatchObject(recorded);
    expect(await used()).toBe('50.00');
    expect(codes()).toEqual(['purchase_not_found']);
  });

  it('of two transactions at the same time one gets the hold, the other is recorded', async () => {
    const { begin, buy, confirm, used } = app();
    await begin();
    const results = await Promise.all([buy(), buy()].map((number) => confirm(number)));
    expect(results.map(outcome)).toContainEqual(['committed', true]);
    expect(results.map(outcome)).toContainEqual(['recorded', false]);
    expect(await used()).toBe('60.00');
  });

  it('that renews is recorded for the first player, without a report', async () => {
    const { begin, buy, codes, confirm, deliver, store, used } = app();
    await begin();
    const first = buy();
    await confirm(first);
    store.renew(first);
    await deliver();
    await deliver();
    expect(await used()).toBe('60.00');
    expect(codes()).toEqual([]);
  });

  it('that renews never takes the hold, even if it arrives before the first', async () => {
    const { begin, buy, deliver, purchase, store, used } = app();
    await begin();
    const first = buy();
    store.renew(first);
    await deliver((all) => all.toReversed());
    expect(await purchase()).toMatchObject({ processorRef: first, late: false });
    expect(await used()).toBe('60.00');
  });

  it("is recorded for the operator's player, renewals included, refunds given back", async () => {
    const playerOf = async () => friend;
    const { buy, confirm, deliver, store, used } = app({ playerOf });
    const number = buy({ token: null });
    expect(outcome(await confirm(number))).toEqual(['recorded', false]);
    store.refund(store.renew(number), 1_000);
    await deliver();
    expect([await used(), await used(friend)]).toEqual(['0.00', '50.00']);
  });

  it('is recorded for the player who confirms it, if the operator names nobody', async () => {
    const { buy, confirm, used } = app({ playerOf: () => null });
    expect(outcome(await confirm(buy({ token: 'never-begun' })))).toEqual(['recorded', false]);
    expect(await used()).toBe('30.00');
  });

  it.each([
    ['nobody', { token: null, cents: 3_000 }, 'purchase_not_found'],
    ['an id that no purchase has', { token: 'ids have no blank', cents: 1 }, 'purchase_not_found'],
  ])('of %s is reported and not recorded', async (_, sheet, code) => {
    const { codes, deliver, store, used } = app();
    store.buy(sheet);
    expect(await deliver()).toEqual([204]);
    expect(codes()).toEqual([code]);
    expect(await used()).toBe('0.00');
  });

  it('and without a price is reported and not recorded', async () => {
    const { codes, confirm, store } = app();
    expect(outcome(await confirm(store.buy({ token: null })))).toEqual(['unattributed', false]);
    expect(codes()).toEqual(['invalid_amount']);
  });

  it('of an unknown product has no price of an earlier purchase', async () => {
    const { codes, confirm, deps, store, used } = app();
    await deps.limiter.reserve({ id: 'p1', ...child, ...cny('30.00'), processor: 'acme_store' });
    await confirm(store.buy({ token: 'p1', product: null, cents: 3_000 }));
    const second = store.buy({ token: 'p1', product: null });
    expect(outcome(await confirm(second))).toEqual(['unattributed', false]);
    expect(codes()).toEqual(['invalid_amount']);
    expect(await used()).toBe('30.00');
  });

  it('does not touch the hold of another processor that its token names', async () => {
    const { buy, codes, confirm, deps, purchase } = app();
    await deps.limiter.reserve({ id: 'p1', ...child, ...cny('30.00'), processor: 'another_pay' });
    expect(outcome(await confirm(buy(), {}))).toEqual(['unattributed', false]);
    expect(await purchase()).toMatchObject({ state: 'reserved' });
    expect(codes()).toEqual(['purchase_conflict', 'purchase_not_found']);
  });

  it('that was recorded is not counted again by a hold that is begun later', async () => {
    const { begin, buy, confirm, deliver, purchase, used } = app();
    await confirm(buy());
    await begin();
    await deliver();
    expect(await purchase()).toMatchObject({ state: 'reserved' });
    expect(await used()).toBe('60.00');
  });
});

describe('around it', () => {
  it.each(['get', 'attach', 'commit', 'record'] as const)(
    'an unavailable ledger (%s) makes a message retried, and the next one complete',
    async (verb) => {
      const world = app();
      const { begin, buy, deliver, deps, store, used } = world;
      await begin();
      buy();
      buy({ cents: 1_000 });
      const limiter: Limiter = { ...deps.limiter, [verb]: unavailable };
      const webhook = processorWebhook({ ...deps, limiter });
      const statuses: number[] = [];
      for (const request of store.notifications()) statuses.push((await webhook(request)).status);
      expect(statuses).toContain(503);
      await deliver();
      expect(await used()).toBe('40.00');
    },
  );

  it('what was held is finished at the store, again until that succeeds', async () => {
    const finished: unknown[] = [];
    let isAway = true;
    const { begin, buy, deliver, deps } = app();
    const finish = async (_: unknown, { wasHeld }: AppliedCharge) => {
      if (isAway) throw new TypeError('fetch failed');
      finished.push(wasHeld);
    };
    Object.assign(deps.processor, { finish });
    await begin();
    buy();
    buy();
    expect(await deliver()).toEqual([503, 503]);
    isAway = false;
    await deliver();
    expect(finished).toEqual([true, false]);
  });

  it('a problem names its notification', async () => {
    const { buy, deliver, problems } = app();
    buy({ token: null });
    await deliver();
    expect(problems).toMatchObject([{ processor: 'acme_store', messageType: 'bought' }]);
    expect(problems[0]?.messageId).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('a run finds what notifications missed, and counts what failed', async () => {
    const { begin, buy, deps, store, used } = app();
    await begin();
    store.renew(buy());
    store.buy({ token: null, cents: 100 });
    const engine = { ...deps, concurrency: 2 };
    const counts = { committed: 2, released: 0, open: 1, unseen: 0, failed: 0 };
    expect(await reconcile(engine)).toEqual(counts);
    expect(await reconcile({ ...engine, since: START })).toEqual(counts);
    expect(await used()).toBe('60.00');
    const away: Limiter = { ...deps.limiter, get: unavailable };
    const failed = await reconcile({ ...engine, limiter: away });
    expect(failed).toMatchObject({ failed: 3, committed: 0 });
    const later = await reconcile({ ...engine, since: START + 1 });
    expect(later).toMatchObject({ committed: 0, open: 0 });
  });

  it('a run names each charge by its purchase, and looks back a week', async () => {
    const { begin, buy, deps, store } = app();
    await begin();
    const number = buy();
    store.buy({ token: null, cents: 100 });
    const spare = buy();
    const since: number[] = [];
    const list = (instant: number) => {
      since.push(instant);
      return store.list(instant);
    };
    const processor = acmeStoreProcessor({ secret: SECRET, list });
    const results: Reconciled[] = [];
    await reconcile({ ...deps, processor, onResult: (result) => results.push(result) });
    expect(since).toEqual([START - 7 * 24 * HOUR]);
    expect(results.sort((a, b) => `${a.purchaseId}`.localeCompare(`${b.purchaseId}`))).toEqual([
      { purchaseId: `acme_store:${spare}`, outcome: 'committed' },
      { purchaseId: null, outcome: 'open' },
      { purchaseId: 'p1', outcome: 'committed' },
    ]);
    expect((await deps.limiter.get('p1'))?.processorRef).toBe(number);
  });

  it('a run needs an instant, and a store that lists its charges', async () => {
    const { deps } = app();
    for (const since of [1.5, Number.NaN, '2026' as never]) {
      await expect(reconcile({ ...deps, since })).rejects.toThrow('since: expected epoch');
    }
    const { sweep: _none, ...processor } = deps.processor;
    await expect(reconcile({ ...deps, processor })).rejects.toThrow('acme_store lists no charges');
  });

  it('a run whose list breaks off rejects, after what it has read', async () => {
    const { begin, buy, deps, store, used } = app();
    await begin();
    buy();
    const list = async function* (since: number) {
      yield* store.list(since);
      throw new SpendcapError('store_unavailable', 'The list is unavailable.');
    };
    const processor = acmeStoreProcessor({ secret: SECRET, list });
    const sweeping = reconcile({ ...deps, processor });
    await expect(sweeping).rejects.toMatchObject({ code: 'store_unavailable' });
    expect(await used()).toBe('30.00');
  });
});
