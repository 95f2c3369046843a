import {
  cnGame,
  cnLive,
  isIsoDate,
  jpTypical,
  type Policy,
  ROW_STATUSES,
  SpendcapError,
  usAppStore,
} from '@spendcap/core';
import { describe, expect, test } from 'vitest';

const POLICIES: readonly Policy[] = [cnGame(), cnLive(), jpTypical(), usAppStore()];

/** Every band as text: ages, then what it says. */
function bandsOf({ bands }: Policy): string[] {
  return bands.map((band) => {
    const limits = band.limits.map(({ period, max, status }) => `${period} ${max} ${status}`);
    const forbidden = band.forbidden === undefined ? [] : [`nothing ${band.forbidden.status}`];
    const categories = (band.forbiddenCategories ?? []).map(
      ({ category, status }) => `no ${category} ${status}`,
    );
    const { guardianApproval } = band;
    const guardian = guardianApproval === undefined ? [] : [`guardian ${guardianApproval.status}`];
    const rules = [...forbidden, ...categories, ...guardian, ...limits].join(', ');
    return `${band.minAge}-${band.maxAgeExclusive ?? ''}: ${rules}`;
  });
}

function rowsOf({ bands }: Policy) {
  return bands.flatMap(({ forbidden, guardianApproval, forbiddenCategories = [], limits }) => [
    ...(forbidden === undefined ? [] : [forbidden]),
    ...(guardianApproval === undefined ? [] : [guardianApproval]),
    ...forbiddenCategories,
    ...limits,
  ]);
}

describe.each(POLICIES)('$id', (policy) => {
  test('has rows, and every row a citation, a status, a date and its policy in its id', () => {
    const rows = rowsOf(policy);
    expect(rows.length).toBeGreaterThan(0);
    for (const { id, citation, status, effectiveFrom } of rows) {
      expect(id.startsWith(`${policy.id}.`)).toBe(true);
      expect(citation.length).toBeGreaterThan(10);
      expect(ROW_STATUSES).toContain(status);
      expect(isIsoDate(effectiveFrom)).toBe(true);
      expect(effectiveFrom <= policy.effectiveFrom).toBe(true);
    }
  });

  test('says the source of a rule in English too', () => {
    for (const { citation, citationIn } of rowsOf(policy)) {
      expect(citationIn?.en ?? citation).toMatch(/^[ -~]+$/);
      // A Chinese citation stays itself to whoever reads Chinese.
      if (citationIn !== undefined) expect(citationIn.zh).toBe(citation);
    }
  });

  test('fails closed and gives refunds back to their own window', () => {
    expect(policy).toMatchObject({ onUnavailable: 'refuse', refunds: 'original_window' });
    expect(policy.effectiveTo).toBeUndefined();
  });
});

test('an age is verified where the law demands a real name', () => {
  const assurances = POLICIES.map(({ id, minimumAssurance }) => [id, minimumAssurance]);
  expect(Object.fromEntries(assurances)).toEqual({
    'cn-game': 'verified',
    'cn-live': 'verified',
    'jp-typical': 'self_declared',
    'us-app-store': 'self_declared',
  });
});

test('cn-game: the limits of the 2019 notice, daily ones of the operator', () => {
  const policy = cnGame();
  expect(bandsOf(policy)).toEqual([
    '0-8: nothing law',
    '8-16: transaction 50 law, day 100 operator, month 200 law',
    '16-18: transaction 100 law, day 200 operator, month 400 law',
    '18-: ',
  ]);
  expect(policy).toMatchObject({
    id: 'cn-game',
    jurisdiction: 'CN',
    currency: 'CNY',
    timeZone: 'Asia/Shanghai',
    scope: 'enterprise',
    unverified: 'refuse',
    effectiveFrom: '2024-01-01',
  });
  const dates = rowsOf(policy).map(({ id, effectiveFrom }) => [id, effectiveFrom]);
  expect(Object.fromEntries(dates)).toEqual({
    'cn-game.0-7.forbidden': '2019-11-01',
    'cn-game.8-15.transaction': '2019-11-01',
    'cn-game.8-15.day': '2024-01-01',
    'cn-game.8-15.month': '2019-11-01',
    'cn-game.16-17.transaction': '2019-11-01',
    'cn-game.16-17.day': '2024-01-01',
    'cn-game.16-17.month': '2019-11-01',
  });
});

test('cn-game: the operator may be stricter or looser by the day, one band at a time', () => {
  expect(bandsOf(cnGame({ daily: { age8to15: '80' } })).slice(1, 3)).toEqual([
    '8-16: transaction 50 law, day 80 operator, month 200 law',
    '16-18: transaction 100 law, day 200 operator, month 400 law',
  ]);
  expect(bandsOf(cnGame({ daily: { age16to17: '0' } }))[2]).toContain('day 0 operator');
});

test.each(['', '-1', '1e2', '0.001', 'NaN', '９'])('a daily limit of %j is no policy', (limit) => {
  const wrong: (() => Policy)[] = [
    () => cnGame({ daily: { age8to15: limit } }),
    () => cnGame({ daily: { age16to17: limit } }),
    () => cnLive({ age8to15: { transaction: limit, day: '100' } }),
    () => cnLive({ age16to17: { transaction: '100', day: limit } }),
  ];
  for (const make of wrong) {
    expect(make).toThrow(expect.objectContaining({ code: 'policy_invalid' }));
    expect(make).toThrow(SpendcapError);
  }
});

test.each([
  ['a number for the daily limits', () => cnGame({ daily: 80 } as never)],
  ['another spelling of a band', () => cnGame({ daily: { age8To15: '80' } } as never)],
  ['another name', () => cnGame({ daly: {} } as never)],
  ['no object', () => cnGame('80' as never)],
  ['a limit that cn-live does not have', () => cnLive({ daily: {} } as never)],
  [
    'a window that cn-live does not have',
    () => cnLive({ age8to15: { transaction: '30', day: '60', month: '90' } } as never),
  ],
])('options of a policy: %s is an error, not the default', (_, make) => {
  expect(make).toThrow(TypeError);
});

test('an unknown option is named together with the known ones', () => {
  expect(() => cnGame({ daily: { age8To15: '80' } } as never)).toThrow(
    'cnGame daily has no option "age8To15", only age8to15, age16to17',
  );
});

test('cn-live lists its categories, and an option extends the list', () => {
  expect(cnLive().categories).toEqual(['tip', 'top_up', 'item', 'subscription']);
  expect(cnLive({ categories: ['skin', 'tip'] }).categories).toEqual([
    ...['tip', 'top_up', 'item', 'subscription', 'skin'],
  ]);
  expect(() => cnLive({ categories: ['Skin'] })).toThrow(
    expect.objectContaining({ code: 'policy_invalid' }),
  );
});

test('cn-live: tips are forbidden under 18, the rest is capped by the operator', () => {
  const policy = cnLive();
  expect(bandsOf(policy)).toEqual([
    '0-8: nothing law, no tip guidance',
    '8-16: no tip guidance, transaction 50 operator, day 100 operator',
    '16-18: no tip guidance, transaction 100 operator, day 200 operator',
    '18-: ',
  ]);
  expect(policy).toMatchObject({ currency: 'CNY', timeZone: 'Asia/Shanghai', scope: 'enterprise' });
  const own = cnLive({ age16to17: { transaction: '30', day: '60.50' } });
  expect(bandsOf(own)[2]).toBe(
    '16-18: no tip guidance, transaction 30 operator, day 60.50 operator',
  );
});

test('jp-typical: guidance by the month and by the title', () => {
  const policy = jpTypical();
  expect(bandsOf(policy)).toEqual([
    '0-16: month 5000 guidance',
    '16-18: month 20000 guidance',
    '18-: ',
  ]);
  expect(policy).toMatchObject({
    currency: 'JPY',
    timeZone: 'Asia/Tokyo',
    scope: 'app',
    unverified: 'strictest_band',
  });
});

test('us-app-store: a guardian approves every purchase under 18, and no amount is capped', () => {
  const policy = usAppStore();
  expect(bandsOf(policy)).toEqual([
    '0-13: guardian law',
    '13-16: guardian law',
    '16-18: guardian law',
    '18-: ',
  ]);
  expect(policy).toMatchObject({
    jurisdiction: 'US-TX',
    currency: 'USD',
    timeZone: 'America/Chicago',
    unverified: 'refuse',
  });
});
