import { type Policy, parsePolicy } from '@spendcap/server';
import { describe, expect, test } from 'vitest';
import {
  bought,
  CHILD,
  codesOf,
  DAY,
  NOON,
  onePolicy,
  order,
  player,
  setUp,
  usedOf,
} from './limiter-kit.ts';

/** Midnight from Monday 23 to Tuesday 24 November 2026 in Shanghai. */
const MIDNIGHT = Date.parse('2026-11-23T16:00:00Z');
/** Midnight from November to December 2026 in Shanghai. */
const MONTH_END = Date.parse('2026-11-30T16:00:00Z');

const born = (date: string) => player(`born-${date}`, { kind: 'born', from: date, to: date });

describe('a birthday in mid-month changes the cap, never what was spent', () => {
  test('16: from midnight in the policy zone', async () => {
    const { limiter, clock } = setUp({ at: MIDNIGHT - 2 * DAY });
    const evidence = born('2010-11-24');
    for (const id of ['a', 'b', 'c', 'd']) {
      if (id === 'c') clock.at += DAY;
      bought(await limiter.reserve(order(id, { amount: '50', evidence })));
      await limiter.commit(id);
    }
    clock.at = MIDNIGHT - 1;
    const request = order('e', { amount: '100', evidence });
    expect(codesOf(await limiter.check(request))).toEqual([
      'transaction_cap_exceeded',
      'day_cap_exceeded',
      'month_cap_exceeded',
    ]);
    clock.at = MIDNIGHT;
    const decision = await limiter.reserve(request);
    bought(decision);
    expect(decision.allowance.ageRange).toEqual({ min: 16, maxExclusive: 17 });
    expect(usedOf(decision.allowance)).toMatchObject({ day: '100.00', month: '300.00' });
    expect(decision.allowance.limits[2]).toMatchObject({ cap: '400.00', remaining: '100.00' });
  });

  test('8 begins to buy, and 18 buys freely', async () => {
    const { limiter, clock } = setUp({ at: MIDNIGHT - 1 });
    const small = order('a', { amount: '50', evidence: born('2018-11-24') });
    const grown = order('b', { amount: '9999', evidence: born('2008-11-24') });
    expect(codesOf(await limiter.reserve(small))).toEqual(['forbidden_for_age']);
    expect(codesOf(await limiter.reserve(grown))).toContain('transaction_cap_exceeded');
    clock.at = MIDNIGHT;
    bought(await limiter.reserve(small));
    bought(await limiter.reserve(grown));
  });
});

describe('versions of a policy', () => {
  const first = onePolicy(
    [
      { period: 'day', max: '50' },
      { period: 'month', max: '100' },
    ],
    { version: '1', effectiveTo: '2026-11-24' },
  );
  const second = onePolicy(
    [
      { period: 'day', max: '50' },
      { period: 'month', max: '60' },
    ],
    { version: '2', effectiveFrom: '2026-11-24' },
  );

  test('change at midnight in the policy zone, and what was spent stays spent', async () => {
    const { limiter, clock, events } = setUp({ policy: [second, first], at: MIDNIGHT - DAY });
    bought(await limiter.reserve(order('a', { amount: '45' })));
    await limiter.commit('a');
    clock.at = MIDNIGHT - 1;
    expect(limiter.policy().version).toBe('1');
    bought(await limiter.reserve(order('b', { amount: '5' })));
    clock.at = MIDNIGHT;
    expect(limiter.policy().version).toBe('2');
    const refused = await limiter.reserve(order('c', { amount: '10.01' }));
    expect(refused).toMatchObject({
      allowed: false,
      reasons: [
        { code: 'month_cap_exceeded', limit: { cap: '60.00', used: '50.00', remaining: '10.00' } },
      ],
    });
    bought(await limiter.reserve(order('c', { amount: '10' })));
    expect(await limiter.commit('b')).toMatchObject({ state: 'committed' });
    expect(events.map(({ type, policy }) => `${type} ${policy}`)).toEqual([
      'purchase.reserved shop@1',
      'purchase.committed shop@1',
      'purchase.reserved shop@1',
      'purchase.refused shop@2',
      'purchase.reserved shop@2',
      'purchase.committed shop@1',
    ]);
  });

  test('a hold of the old one is answered again under the new one', async () => {
    const { limiter, clock } = setUp({ policy: [first, second], at: MIDNIGHT - 1 });
    bought(await limiter.reserve(order('a', { amount: '50' })));
    clock.at = MIDNIGHT;
    expect(await limiter.reserve(order('a', { amount: '50' }))).toMatchObject({ replayed: true });
  });
});

describe('a limit that is added, edited or moved counts what was spent before', () => {
  async function spend(policy: Policy, days: number) {
    const made = setUp({ policy, at: NOON - days * DAY });
    for (let day = 0; day < days; day += 1) {
      const id = `d${day}`;
      const category = day % 2 === 0 ? 'skin' : 'gacha';
      bought(
        await made.limiter.reserve(
          order(id, { amount: '20', category, app: `game-${day % 2}`, metadata: { day: id } }),
        ),
      );
      await made.limiter.commit(id);
      made.clock.at += DAY;
    }
    return (next: Policy) => setUp({ policy: next, store: made.store, at: made.clock.at }).limiter;
  }
  const daily = onePolicy([{ period: 'day', max: '20' }]);

  test.each([
    [{ period: 'month', max: '80.00' }, 'month', '80.00'],
    [{ period: 'year', max: '80' }, 'year', '80.00'],
    [{ period: 'lifetime', max: '80' }, 'lifetime', '80.00'],
    [{ period: 'month', max: '40', categories: ['skin'] }, 'month skin', '40.00'],
    [{ period: 'week', max: '80' }, 'week', '0.00'],
  ])('%j', async (limit, key, used) => {
    const limiter = (await spend(daily, 4))(onePolicy([limit]));
    expect(usedOf(await limiter.allowance({ evidence: CHILD }))).toEqual({ [key]: used });
    const decision = await limiter.check(order('new', { amount: '0.01', category: 'skin' }));
    expect(decision.allowed).toBe(used === '0.00');
  });

  test('under another scope', async () => {
    const month = [{ period: 'month', max: '60' }];
    const limiter = (await spend(daily, 3))(onePolicy(month, { scope: 'app' }));
    expect(usedOf(await limiter.allowance({ evidence: CHILD, app: 'game-0' })).month).toBe('40.00');
    expect(usedOf(await limiter.allowance({ evidence: CHILD, app: 'game-1' })).month).toBe('20.00');
    expect(usedOf(await limiter.allowance({ evidence: CHILD, app: 'game-2' })).month).toBe('0.00');
  });

  test('in another zone, by the windows of that zone', async () => {
    const made = setUp({ policy: daily });
    bought(await made.limiter.reserve(order('a', { amount: '20' })));
    await made.limiter.commit('a');
    const policy = onePolicy([{ period: 'day', max: '20' }], { timeZone: 'America/New_York' });
    const { limiter, clock } = setUp({ policy, store: made.store });
    const used = async () => usedOf(await limiter.allowance({ evidence: CHILD })).day;
    // NOON in Shanghai is 23:00 of the day before in New York.
    expect(await used()).toBe('20.00');
    clock.at = NOON + 3_600_000 - 1;
    expect(await used()).toBe('20.00');
    clock.at += 1;
    expect(await used()).toBe('0.00');
    made.clock.at = clock.at;
    expect(usedOf(await made.limiter.allowance({ evidence: CHILD })).day).toBe('20.00');
  });
});

describe('windows', () => {
  test('end at midnight in the policy zone, and the day before counts no more', async () => {
    const { limiter, clock } = setUp({ at: MIDNIGHT - 1 });
    for (const id of ['a', 'b']) bought(await limiter.reserve(order(id, { amount: '50' })));
    expect(codesOf(await limiter.check(order('c')))).toEqual(['day_cap_exceeded']);
    clock.at = MIDNIGHT;
    bought(await limiter.reserve(order('c')));
  });

  test('a hold counts where it was made, whenever it is settled', async () => {
    const { limiter, clock } = setUp({ at: MONTH_END - 60_000 });
    for (const id of ['paid', 'part', 'left']) {
      bought(await limiter.reserve(order(id, { amount: '30' })));
    }
    clock.at = MONTH_END + 60_000;
    await limiter.commit('paid');
    await limiter.commit('part', { amount: '10' });
    await limiter.release('left');
    expect(usedOf(await limiter.allowance({ evidence: CHILD }))).toMatchObject({
      day: '0.00',
      month: '0.00',
    });
    clock.at = MONTH_END - 1;
    expect(usedOf(await limiter.allowance({ evidence: CHILD }))).toMatchObject({
      day: '40.00',
      month: '40.00',
    });
  });

  test('the day of a clock change has 25 hours', async () => {
    const policy = parsePolicy({
      ...onePolicy([{ period: 'day', max: '30' }]),
      timeZone: 'America/New_York',
    });
    const start = Date.parse('2026-11-01T04:00:00Z');
    const { limiter, clock } = setUp({ policy, at: start });
    bought(await limiter.reserve(order('a')));
    await limiter.commit('a');
    clock.at = start + 25 * 3_600_000 - 1;
    expect((await limiter.check(order('b'))).allowed).toBe(false);
    clock.at += 1;
    expect((await limiter.check(order('b'))).allowed).toBe(true);
  });
});
