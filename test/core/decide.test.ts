import {
  ANY_AGE,
  boundsOf,
  cnGame,
  decide,
  FOREVER,
  limitAllowance,
  limitKey,
  limitsOn,
  type Policy,
  parsePolicy,
  REFUSAL_CODES,
  type RuleLimit,
  rulesFor,
  windowOf,
} from '@spendcap/core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

const RULE = { citation: 'rule 1', status: 'operator', effectiveFrom: '2024-01-01' } as const;
const policy = cnGame();
const CHILD = { min: 8, maxExclusive: 16 };
const FACTS = { amount: 100, category: null, ageVerified: true, guardianApproved: false };

function shop(scope: Policy['scope'], limits: readonly object[]): Policy {
  return parsePolicy({
    id: 'shop',
    version: '1',
    effectiveFrom: '2024-01-01',
    jurisdiction: 'CN',
    currency: 'CNY',
    timeZone: 'Asia/Shanghai',
    scope,
    unverified: 'refuse',
    refunds: 'original_window',
    bands: [{ minAge: 0, maxAgeExclusive: null, limits }],
  });
}

function onlyLimit(of: Policy): RuleLimit {
  const [limit] = rulesFor(of, ANY_AGE).limits;
  if (limit === undefined) throw new Error('no limit');
  return limit;
}

describe('rulesFor', () => {
  test('an age that no band holds is not an age without limits', () => {
    const gap = { ...policy, bands: policy.bands.slice(1) };
    expect(() => rulesFor(gap, { min: 3, maxExclusive: 4 })).toThrow(TypeError);
  });

  test('is worked out once for the bands that a range touches', () => {
    expect(rulesFor(policy, { min: 9, maxExclusive: 10 })).toBe(rulesFor(policy, CHILD));
    expect(rulesFor(policy, CHILD)).not.toBe(rulesFor(policy, { min: 8, maxExclusive: 17 }));
    expect(rulesFor(policy, CHILD)).not.toBe(rulesFor(cnGame(), CHILD));
  });

  test('throws for a range that holds no age, rather than find no limit', () => {
    for (const [min, maxExclusive] of [
      [Number.NaN, null],
      [10, Number.NaN],
      [20, 5],
      [12, 10],
      [8, 8],
      [Infinity, null],
    ] as const) {
      expect(() => rulesFor(policy, { min, maxExclusive })).toThrow(TypeError);
    }
  });

  test('names the row of the youngest age where several bands say the same', () => {
    const band = (name: string, minAge: number, maxAgeExclusive: number | null) => ({
      ...{ minAge, maxAgeExclusive },
      forbidden: { id: `${name}-none`, ...RULE },
      guardianApproval: { id: `${name}-asks`, ...RULE },
      forbiddenCategories: [{ id: `${name}-tip`, category: 'tip', ...RULE }],
      limits: [{ id: `${name}-day`, period: 'day', max: '5', ...RULE }],
    });
    const bands = [band('child', 0, 12), band('teen', 12, 18), band('adult', 18, null)];
    const same = parsePolicy({ ...shop('enterprise', []), bands });
    const ids = ({ limits, ...rules }: ReturnType<typeof rulesFor>) => [
      ...limits.map(({ row }) => row.id),
      rules.forbidden?.id,
      rules.guardianApproval?.id,
      rules.forbiddenCategories.get('tip')?.id,
    ];
    const of = (name: string) => ['day', 'none', 'asks', 'tip'].map((what) => `${name}-${what}`);
    expect(ids(rulesFor(same, ANY_AGE))).toEqual(of('child'));
    expect(ids(rulesFor(same, { min: 12, maxExclusive: 30 }))).toEqual(of('teen'));
  });

  test('finds what only one of several bands forbids or asks for, whichever it is', () => {
    const band = (name: string, minAge: number, maxAgeExclusive: number | null) => ({
      ...{ minAge, maxAgeExclusive, limits: [] },
      ...(name === 'teen' ? { forbidden: { id: 'none', ...RULE } } : {}),
      ...(name === 'adult' ? { guardianApproval: { id: 'asks', ...RULE } } : {}),
    });
    const bands = [band('child', 0, 12), band('teen', 12, 18), band('adult', 18, null)];
    const odd = parsePolicy({ ...shop('enterprise', []), bands });
    const of = (min: number, maxExclusive: number | null) => {
      const { forbidden, guardianApproval } = rulesFor(odd, { min, maxExclusive });
      return [forbidden?.id, guardianApproval?.id];
    };
    expect(of(0, 12)).toEqual([undefined, undefined]);
    expect(of(0, 13)).toEqual(['none', undefined]);
    expect(of(12, null)).toEqual(['none', 'asks']);
    expect(of(18, null)).toEqual([undefined, 'asks']);
    const reasons = decide(odd, { min: 0, maxExclusive: 13 }, { purchase: FACTS, usage: [] });
    expect(reasons).toEqual([
      // No age of the range that can be proven allows it.
      { code: 'forbidden_for_age', row: { id: 'none', ...RULE } },
    ]);
  });

  test('is never looser for a wider range', () => {
    const age = fc.integer({ min: 0, max: 30 });
    fc.assert(
      fc.property(fc.tuple(age, age, age, age), (ages) => {
        const [min = 0, low = 0, high = 0, end = 0] = ages.toSorted((x, y) => x - y);
        const narrow = rulesFor(policy, { min: low, maxExclusive: high + 1 });
        const wide = rulesFor(policy, { min, maxExclusive: end + 1 });
        if (narrow.forbidden !== null) expect(wide.forbidden).not.toBeNull();
        for (const { key, cap } of narrow.limits) {
          const other = wide.limits.find((limit) => limit.key === key);
          expect(other?.cap).toBeLessThanOrEqual(cap);
        }
      }),
    );
  });
});

describe('limitsOn', () => {
  const of = shop('enterprise', [
    { id: 'all', period: 'day', max: '1', ...RULE },
    { id: 'loot', period: 'day', max: '2', categories: ['loot_box', 'gacha'], ...RULE },
  ]);
  const ids = (category: string | null) =>
    limitsOn(rulesFor(of, ANY_AGE), category).map(({ row }) => row.id);

  test('holds the limits that count a category', () => {
    expect(ids('gacha')).toEqual(['all', 'loot']);
    expect(ids('skin')).toEqual(['all']);
    expect(ids(null)).toEqual(['all']);
  });

  test('sorts categories, so that stores see one selector', () => {
    expect(rulesFor(of, ANY_AGE).limits[1]?.categories).toEqual(['gacha', 'loot_box']);
    expect(limitKey('day', ['b', 'a'])).toBe(limitKey('day', ['a', 'b']));
    expect(limitKey('day', null)).not.toBe(limitKey('day', ['day']));
  });
});

describe('windowOf', () => {
  const at = Date.parse('2026-11-30T16:00:00Z');

  test('is none for a transaction', () => {
    const of = shop('enterprise', [{ id: 'once', period: 'transaction', max: '1', ...RULE }]);
    expect(windowOf(onlyLimit(of), of, { app: null, at })).toBeNull();
  });

  test('lies in the policy zone and counts every app of an enterprise', () => {
    const of = shop('enterprise', [{ id: 'month', period: 'month', max: '1.5', ...RULE }]);
    expect(windowOf(onlyLimit(of), of, { app: 'game-1', at })).toEqual({
      selector: { currency: 'CNY', app: null, categories: null },
      start: at,
      end: Date.parse('2026-12-31T16:00:00Z'),
      cap: 150,
    });
    expect(boundsOf('month', at - 1, 'Asia/Shanghai').end).toBe(at);
  });

  test('counts one app where the policy says so', () => {
    const of = shop('app', [{ id: 'ever', period: 'lifetime', max: '1', ...RULE }]);
    expect(windowOf(onlyLimit(of), of, { app: 'game-1', at })).toMatchObject({
      selector: { app: 'game-1' },
      end: FOREVER,
    });
  });
});

describe('decide', () => {
  const day = rulesFor(policy, CHILD).limits.find(({ period }) => period === 'day');
  if (day === undefined) throw new Error('no day limit');

  test('gives a reason that can be shown: row, citation, amounts and when it resets', () => {
    const usage = [{ limit: day, used: 9_950, resetsAt: Date.parse('2026-11-30T16:00:00Z') }];
    expect(decide(policy, CHILD, { purchase: FACTS, usage })).toEqual([
      {
        code: 'day_cap_exceeded',
        row: {
          id: 'cn-game.8-15.day',
          citation: '《未成年人网络保护条例》（国务院令第766号）第四十四条',
          citationIn: {
            zh: '《未成年人网络保护条例》（国务院令第766号）第四十四条',
            en: 'Regulations on the Protection of Minors on the Internet (State Council Decree No. 766), Art. 44',
          },
          status: 'operator',
          effectiveFrom: '2024-01-01',
        },
        limit: {
          period: 'day',
          categories: null,
          cap: '100.00',
          used: '99.50',
          remaining: '0.50',
          resetsAt: '2026-11-30T16:00:00.000Z',
        },
      },
    ]);
  });

  test('takes an unknown usage for none, and no number for too much', () => {
    expect(decide(policy, CHILD, { purchase: FACTS, usage: [] })).toEqual([]);
    const nonsense = { ...FACTS, amount: Number.NaN };
    const codes = decide(policy, CHILD, { purchase: nonsense, usage: [] }).map(({ code }) => code);
    expect(codes).toEqual(['transaction_cap_exceeded', 'day_cap_exceeded', 'month_cap_exceeded']);
  });

  test('reports an unknown usage as none used', () => {
    const reasons = decide(policy, CHILD, { purchase: { ...FACTS, amount: 20_001 }, usage: [] });
    expect(reasons.map(({ code, limit }) => [code, limit?.used, limit?.remaining])).toEqual([
      ['transaction_cap_exceeded', '0.00', '50.00'],
      ['day_cap_exceeded', '0.00', '100.00'],
      ['month_cap_exceeded', '0.00', '200.00'],
    ]);
  });

  test('is pure', () => {
    const usage = [Object.freeze({ limit: day, used: 9_950, resetsAt: null })];
    const facts = Object.freeze({ purchase: Object.freeze({ ...FACTS }), usage });
    expect(decide(policy, CHILD, facts)).toEqual(decide(policy, CHILD, facts));
  });

  test('a purchase that is allowed stays so with less money, less used or a higher proven age', () => {
    const amount = fc.integer({ min: 1, max: 25_000 });
    const age = fc.integer({ min: 0, max: 20 });
    fc.assert(
      fc.property(fc.tuple(amount, amount), fc.tuple(age, age), ([money, spent], [min, more]) => {
        const range = { min, maxExclusive: 21 };
        const ask = (facts: number, used: number, of: typeof range) => {
          const { limits } = rulesFor(policy, of);
          const usage = limits.map((limit) => ({
            limit,
            used: limit.period === 'transaction' ? 0 : used,
            resetsAt: null,
          }));
          return decide(policy, of, { purchase: { ...FACTS, amount: facts }, usage });
        };
        const reasons = ask(money, spent, range);
        if (reasons.length === 0) {
          expect(ask(Math.ceil(money / 2), spent, range)).toEqual([]);
          expect(ask(money, Math.floor(spent / 2), range)).toEqual([]);
          expect(ask(money, spent, { min: Math.max(min, more), maxExclusive: 21 })).toEqual([]);
        }
        const [first] = reasons;
        if (first?.code !== 'age_not_precise') return;
        const { provableAge = 0 } = first;
        expect(ask(money, spent, { min: provableAge, maxExclusive: 21 })).toEqual([]);
        expect(ask(money, spent, { min: provableAge - 1, maxExclusive: 21 })).not.toEqual([]);
      }),
      { numRuns: 1_000 },
    );
  });

  test('knows every code that it gives', () => {
    const codes = decide(policy, ANY_AGE, { purchase: { ...FACTS, amount: 99_999 }, usage: [] });
    for (const { code } of codes) expect(REFUSAL_CODES).toContain(code);
    expect(codes.length).toBeGreaterThan(3);
  });
});

test('an allowance never remains below zero', () => {
  const limit = onlyLimit(shop('enterprise', [{ id: 'day', period: 'day', max: '1', ...RULE }]));
  expect(limitAllowance({ limit, used: 250, resetsAt: null }, 'CNY')).toMatchObject({
    cap: '1.00',
    used: '2.50',
    remaining: '0.00',
    resetsAt: null,
  });
});
