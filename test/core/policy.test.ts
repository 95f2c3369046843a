import {
  boundsOf,
  cnGame,
  cnLive,
  jpTypical,
  type Policy,
  type PolicyDocument,
  parsePolicy,
  policyInForce,
  policyJsonSchema,
  SpendcapError,
  startOfDate,
  usAppStore,
} from '@spendcap/core';
import { describe, expect, test } from 'vitest';

const RULE = { citation: 'rule 1', status: 'operator', effectiveFrom: '2024-01-01' } as const;

function document(): Mutable<PolicyDocument> {
  return {
    id: 'shop',
    version: '1',
    effectiveFrom: '2024-01-01',
    jurisdiction: 'CN',
    currency: 'CNY',
    timeZone: 'Asia/Shanghai',
    scope: 'enterprise',
    unverified: 'refuse',
    refunds: 'original_window',
    bands: [
      { minAge: 0, maxAgeExclusive: 8, limits: [], forbidden: { id: 'none', ...RULE } },
      {
        minAge: 8,
        maxAgeExclusive: 18,
        limits: [
          { id: 'once', period: 'transaction', max: '50', ...RULE },
          { id: 'month', period: 'month', max: '200.00', ...RULE },
          { id: 'loot', period: 'month', max: '20', categories: ['loot_box', 'gacha'], ...RULE },
        ],
        forbiddenCategories: [{ id: 'no-tips', category: 'tip', ...RULE }],
        guardianApproval: { id: 'guardian', ...RULE },
      },
      { minAge: 18, maxAgeExclusive: null, limits: [] },
    ],
  };
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Where the faults of a changed document are, with what is said of each. */
function faults(change: (it: ReturnType<typeof document>) => unknown): Record<string, string> {
  const it = document();
  const changed = change(it);
  return faultsOf(changed === undefined ? it : changed);
}

function faultsOf(it: unknown): Record<string, string> {
  try {
    parsePolicy(it);
  } catch (error) {
    if (!SpendcapError.isInstance(error) || error.code !== 'policy_invalid') throw error;
    const { errors = [] } = error;
    expect(errors.length).toBeGreaterThan(0);
    return Object.fromEntries(errors.map(({ path, message }) => [path, message]));
  }
  return {};
}

const pathsOf = (change: Parameters<typeof faults>[0]) => Object.keys(faults(change));

/** The second band, which has every kind of row. */
function teens(it: ReturnType<typeof document>): Mutable<PolicyDocument['bands'][number]> {
  const band = it.bands[1];
  if (band === undefined) throw new Error('no band');
  return band;
}

function limit(it: ReturnType<typeof document>, index = 0): Record<string, unknown> {
  return teens(it).limits[index] as unknown as Record<string, unknown>;
}

test('limits and bans name listed categories only', () => {
  expect(faults((it) => void Object.assign(it, { categories: ['loot_box', 'skin'] }))).toEqual({
    'bands.1.forbiddenCategories.0.category': 'is not one of the categories of this policy',
    'bands.1.limits.2.categories.1': 'is not one of the categories of this policy',
  });
  expect(
    faults((it) => void Object.assign(it, { categories: ['loot_box', 'gacha', 'tip'] })),
  ).toEqual({});
  expect(Object.keys(faults((it) => void Object.assign(it, { categories: ['Tip'] })))).toEqual([
    'categories.0',
  ]);
});

describe('a sound policy', () => {
  test('is read, with its default', () => {
    expect(parsePolicy(document())).toEqual({
      ...document(),
      minimumAssurance: 'self_declared',
      onUnavailable: 'refuse',
    });
  });

  test.each([cnGame(), cnLive(), jpTypical(), usAppStore()])('$id survives JSON', (policy) => {
    expect(parsePolicy(JSON.parse(JSON.stringify(policy)))).toEqual(policy);
  });

  test('may have a cap of zero, one age, one band and the last age', () => {
    const one = { ...document(), bands: [{ minAge: 0, maxAgeExclusive: null, limits: [] }] };
    expect(faultsOf(one)).toEqual({});
    expect(
      faults((it) => {
        limit(it).max = '0';
        it.bands = [
          { minAge: 0, maxAgeExclusive: 1, limits: [] },
          { minAge: 1, maxAgeExclusive: 150, limits: teens(it).limits },
          { minAge: 150, maxAgeExclusive: null, limits: [] },
        ];
      }),
    ).toEqual({});
  });
});

describe('bands', () => {
  test('that overlap', () => {
    expect(
      faults((it) => {
        teens(it).minAge = 7;
      }),
    ).toEqual({ 'bands.1': 'overlaps the previous band' });
  });

  test('that leave a gap', () => {
    expect(
      faults((it) => {
        teens(it).minAge = 10;
      }),
    ).toEqual({ 'bands.1': 'leaves a gap: ages from 8 have no band' });
  });

  test('that do not begin at 0', () => {
    expect(pathsOf((it) => void it.bands.shift())).toEqual(['bands.0']);
  });

  test('that end, so that the old have none', () => {
    expect(pathsOf((it) => void it.bands.pop())).toEqual(['bands.1']);
  });

  test('after one without an end', () => {
    expect(
      pathsOf((it) => {
        teens(it).maxAgeExclusive = null;
      }),
    ).toEqual(['bands.2']);
  });

  test('that hold no age, or go backwards', () => {
    for (const end of [8, 3]) {
      expect(
        pathsOf((it) => {
          teens(it).maxAgeExclusive = end;
        }),
      ).toContain('bands.1');
    }
  });

  test('out of order', () => {
    expect(pathsOf((it) => void it.bands.reverse())).toContain('bands.0');
  });

  test('with ages that are none', () => {
    for (const age of [-1, 8.5, 151, Number.NaN, '8', null]) {
      expect(pathsOf((it) => void Object.assign(teens(it), { minAge: age }))).toEqual([
        'bands.1.minAge',
      ]);
    }
  });

  test('none, and a thousand', () => {
    expect(pathsOf((it) => void Object.assign(it, { bands: [] }))).toEqual(['bands']);
    const bands = Array.from({ length: 1_000 }, (_, age) => ({
      minAge: Math.min(age, 150),
      maxAgeExclusive: Math.min(age + 1, 150),
      limits: [],
    }));
    expect(pathsOf((it) => void Object.assign(it, { bands: bands }))).toEqual(['bands']);
  });
});

describe('caps', () => {
  test.each([
    '-1',
    '+1',
    '1e3',
    '0.001',
    '1.000',
    '１００',
    'NaN',
    '',
    ' 5',
    '05',
    '9999999999999999',
  ])('%j', (max) => {
    const path = 'bands.1.limits.1.max';
    expect(pathsOf((it) => void Object.assign(limit(it, 1), { max: max }))).toEqual([path]);
  });

  test('that are numbers', () => {
    expect(pathsOf((it) => void Object.assign(limit(it), { max: 50 }))).toEqual([
      'bands.1.limits.0.max',
    ]);
  });

  test('with decimals that the currency does not have', () => {
    const yen = { ...document(), currency: 'JPY' };
    expect(faultsOf(yen)).toEqual({
      'bands.1.limits.1.max': 'must be a decimal string in JPY, such as "50" or "0"',
    });
    expect(faultsOf({ ...document(), currency: 'KWD' })).toEqual({});
  });

  test('over one period and the same categories twice, in any order', () => {
    const twice = (categories: string[]) =>
      faults((it) => {
        teens(it).limits.push({ id: 'more', period: 'month', max: '5', categories, ...RULE });
      });
    expect(twice(['gacha', 'loot_box'])).toEqual({
      'bands.1.limits.3': 'limits the same period and categories twice',
    });
    expect(twice(['gacha'])).toEqual({});
    expect(twice(['gacha', 'gacha'])).toEqual({
      'bands.1.limits.3.categories': 'names a category twice',
    });
    expect(pathsOf((it) => void Object.assign(limit(it), { period: 'month' }))).toEqual([
      'bands.1.limits.1',
    ]);
  });
});

describe('rows', () => {
  test('with one id twice, in different bands or kinds', () => {
    expect(faults((it) => void Object.assign(limit(it), { id: 'none' }))).toEqual({
      'bands.1.limits.0.id': 'is used twice',
    });
    expect(pathsOf((it) => void Object.assign(limit(it, 2), { id: 'guardian' }))).toEqual([
      'bands.1.limits.2.id',
    ]);
    expect(pathsOf((it) => void Object.assign(limit(it, 2), { id: 'no-tips' }))).toEqual([
      'bands.1.limits.2.id',
    ]);
  });

  test('that forbid one category twice', () => {
    const alsoForbid = (category: string) =>
      faults((it) => {
        teens(it).forbiddenCategories?.push({ id: 'again', category, ...RULE });
      });
    expect(alsoForbid('tip')).toEqual({
      'bands.1.forbiddenCategories.1': 'forbids the same category twice',
    });
    expect(alsoForbid('gift')).toEqual({});
  });

  test('that begin after the policy does', () => {
    expect(pathsOf((it) => void Object.assign(limit(it), { effectiveFrom: '2024-01-02' }))).toEqual(
      ['bands.1.limits.0.effectiveFrom'],
    );
    expect(
      pathsOf((it) => {
        teens(it).guardianApproval = { id: 'guardian', ...RULE, effectiveFrom: '2024-02-01' };
      }),
    ).toEqual(['bands.1.guardianApproval.effectiveFrom']);
    expect(pathsOf((it) => void Object.assign(limit(it), { effectiveFrom: '2019-11-01' }))).toEqual(
      [],
    );
  });

  test('without citation, status or date', () => {
    for (const field of ['citation', 'status', 'effectiveFrom', 'id']) {
      expect(pathsOf((it) => void delete limit(it)[field])).toEqual([`bands.1.limits.0.${field}`]);
    }
    expect(pathsOf((it) => void Object.assign(limit(it), { citation: '' }))).toEqual([
      'bands.1.limits.0.citation',
    ]);
    for (const citationIn of [{ en: '' }, { english: 'Rule 1' }, { 'zh-CN': 'Rule 1' }, 'Rule 1']) {
      const [path] = pathsOf((it) => void Object.assign(limit(it), { citationIn }));
      expect(path).toMatch(/^bands\.1\.limits\.0\.citationIn/);
    }
    expect(
      pathsOf((it) => void Object.assign(limit(it), { citationIn: { en: 'Rule 1' } })),
    ).toEqual([]);
    expect(pathsOf((it) => void Object.assign(limit(it), { status: 'rumour' }))).toEqual([
      'bands.1.limits.0.status',
    ]);
  });
});

describe('fields', () => {
  test.each<[keyof PolicyDocument, readonly unknown[]]>([
    ['timeZone', ['Mars/Olympus', '+08:00', '', 8, 'UTC+8', '../../etc']],
    ['currency', ['XXX', 'cny', 'CN', '', 'toString', '__proto__']],
    ['effectiveFrom', ['2024-02-30', '2024-1-1', '20240101', 'now', '2024-01-01T00:00', 0]],
    ['effectiveTo', ['2024-13-01', '2024-01-01', '2023-12-31', null]],
    ['jurisdiction', ['China', 'CHINA', 'cn', 'US-', '']],
    ['scope', ['game', null]],
    ['unverified', ['allow', undefined]],
    ['refunds', ['always', undefined]],
    ['onUnavailable', ['allow', 'allow_all', null]],
    ['id', ['', ' ', 'a b', 'x'.repeat(101), 'a@b', '../x']],
    ['version', ['', 'x'.repeat(51), '1 2']],
    ['bands', [null, {}, 'none', undefined]],
  ])('%s', (field, wrong) => {
    for (const value of wrong) {
      expect(pathsOf((it) => ({ ...it, [field]: value }))).toEqual([field]);
    }
  });

  test('that are unknown, each named by its path', () => {
    expect(
      pathsOf((it) => {
        Object.assign(it, { onUnavailible: 'refuse', note: '' });
        Object.assign(teens(it), { allow: true });
        limit(it).cap = '50';
      }).sort(),
    ).toEqual(['bands.1.allow', 'bands.1.limits.0.cap', 'note', 'onUnavailible']);
  });

  test('that would pollute a prototype', () => {
    const text = JSON.stringify(document());
    const polluted = text.replace('{', '{"__proto__":{"onUnavailable":"allow_adults"},');
    expect(Object.keys(faultsOf(JSON.parse(polluted)))).toEqual(['__proto__']);
    const band = text.replace('"bands":[{', '"bands":[{"__proto__":{"limits":[]},');
    expect(Object.keys(faultsOf(JSON.parse(band)))).toEqual(['bands.0.__proto__']);
    expect(pathsOf((it) => ({ ...it, constructor: { prototype: {} } }))).toEqual(['constructor']);
    expect(({} as Record<string, unknown>).onUnavailable).toBeUndefined();
  });

  test('missing altogether', () => {
    for (const it of [null, undefined, 'policy', 7, [], () => {}]) {
      expect(Object.keys(faultsOf(it))).toEqual(['']);
    }
    expect(Object.keys(faultsOf({}))).toContain('bands');
  });

  test('several faults are reported together', () => {
    expect(
      pathsOf((it) => {
        it.effectiveTo = '2023-01-01';
        teens(it).minAge = 9;
        limit(it).max = '-5';
        limit(it, 1).id = 'once';
      }).sort(),
    ).toEqual(['bands.1', 'bands.1.limits.0.max', 'bands.1.limits.1.id', 'effectiveTo']);
  });
});

describe('policyInForce', () => {
  const version = (name: string, effectiveFrom: string, effectiveTo?: string): Policy =>
    parsePolicy({
      ...document(),
      version: name,
      effectiveFrom,
      ...(effectiveTo === undefined ? {} : { effectiveTo }),
    });
  const versions = [
    version('3', '2026-07-01'),
    version('1', '2024-01-01', '2025-01-01'),
    version('2', '2025-01-01', '2026-01-01'),
  ];
  const inForce = (at: number) => policyInForce(versions, at)?.version;

  test('changes at midnight of the policy zone', () => {
    const midnight = Date.parse('2024-12-31T16:00:00Z');
    expect(startOfDate('2025-01-01', 'Asia/Shanghai')).toBe(midnight);
    expect(inForce(midnight - 1)).toBe('1');
    expect(inForce(midnight)).toBe('2');
  });

  test('is none before, between and, with an end, after', () => {
    expect(inForce(startOfDate('2024-01-01', 'Asia/Shanghai') - 1)).toBeUndefined();
    expect(inForce(startOfDate('2024-01-01', 'Asia/Shanghai'))).toBe('1');
    expect(inForce(startOfDate('2026-01-01', 'Asia/Shanghai') - 1)).toBe('2');
    expect(inForce(startOfDate('2026-01-01', 'Asia/Shanghai'))).toBeUndefined();
    expect(inForce(boundsOf('year', Date.UTC(2099, 0, 9), 'UTC').end)).toBe('3');
  });
});

test('what is missing or of another type is said in the words of a document', () => {
  const { version: _, ...policy } = cnGame();
  const parse = () => parsePolicy({ ...policy, currency: 5, scope: 'family', bands: {} });
  expect(parse).toThrow(
    expect.objectContaining({
      errors: expect.arrayContaining([
        { path: 'version', message: 'is required' },
        { path: 'currency', message: 'must be a string' },
        { path: 'scope', message: 'must be one of enterprise, app' },
        { path: 'bands', message: 'must be an array' },
      ]),
    }),
  );
});

test('the JSON Schema refuses unknown fields as well', () => {
  expect(policyJsonSchema()).toMatchObject({
    title: 'spendcap policy',
    type: 'object',
    additionalProperties: false,
  });
});

describe('the ends of a policy', () => {
  const changed = faults;
  const rows = (count: number) =>
    Array.from({ length: count }, (_, index) => ({
      ...{ id: `more-${index}`, period: 'day', max: '5', categories: [`c${index}`], ...RULE },
    }));

  test('are as far as its schema says, and no further', () => {
    for (const [wide, tooWide] of [
      [{ id: 'x'.repeat(100) }, { id: 'x'.repeat(101) }],
      [{ citation: 'x' }, { citation: '' }],
      [{ citation: 'x'.repeat(500) }, { citation: 'x'.repeat(501) }],
    ]) {
      expect(changed((it) => void Object.assign(limit(it), wide))).toEqual({});
      expect(pathsOf((it) => void Object.assign(limit(it), tooWide))).toHaveLength(1);
    }
    const codes = [...'abcdefghijklmnopqrstu'].map((letter) => `x${letter}`);
    const texts = (count: number) => ({
      citationIn: Object.fromEntries(codes.slice(0, count).map((code) => [code, 'rule'])),
    });
    expect(changed((it) => void Object.assign(limit(it), texts(20)))).toEqual({});
    expect(pathsOf((it) => void Object.assign(limit(it), texts(21)))).toEqual([
      'bands.1.limits.0.citationIn',
    ]);
    expect(changed((it) => void Object.assign(teens(it), { limits: rows(50) }))).toEqual({});
    expect(pathsOf((it) => void Object.assign(teens(it), { limits: rows(51) }))).toEqual([
      'bands.1.limits',
    ]);
  });

  test('are those of a category name, so that none passes beside the one that is limited', () => {
    for (const name of ['tip!', 'tip ', 'x'.repeat(65), '!tip']) {
      expect(pathsOf((it) => void Object.assign(limit(it, 2), { categories: [name] }))).toEqual([
        'bands.1.limits.2.categories.0',
      ]);
    }
    const longest = { categories: ['x'.repeat(64)] };
    expect(changed((it) => void Object.assign(limit(it, 2), longest))).toEqual({});
  });

  test('are the outage rules that it can name, and a band after the last one overlaps', () => {
    for (const onUnavailable of ['refuse', 'allow_adults'] as const) {
      expect(changed((it) => ({ ...it, onUnavailable }))).toEqual({});
    }
    const more = { minAge: 18, maxAgeExclusive: null, limits: [] };
    expect(changed((it) => ({ ...it, bands: [...it.bands, more] }))).toEqual({
      'bands.3': 'overlaps the previous band',
    });
  });

  test('are named by the error: the first fault, with its place', () => {
    expect(() => parsePolicy({ ...document(), bands: null })).toThrow(
      /^The policy is not valid\. bands: /,
    );
    expect(() => parsePolicy(null)).toThrow(/^The policy is not valid\. document: /);
    const two = { ...document(), currency: 'XXX', effectiveTo: '2023-01-01' };
    expect(() => parsePolicy(two)).toThrow('not valid. currency: is not an ISO 4217 code');
  });
});
