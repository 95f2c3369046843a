import {
  cnGame,
  cnLive,
  decide,
  jpTypical,
  limitsOn,
  type Policy,
  parseAmount,
  parseMoney,
  parsePolicy,
  type Reason,
  rulesFor,
  usAppStore,
} from '@spendcap/core';
import { describe, expect, test } from 'vitest';
import { loadVectors } from './load.ts';

interface DecideCase {
  readonly name: string;
  readonly policy: string;
  /** `[min, maxExclusive]` in completed years. */
  readonly age: readonly [number, number | null];
  /** Default true. */
  readonly verified?: boolean;
  readonly guardianApproved?: boolean;
  readonly amount: string;
  readonly category?: string;
  /**
   * By period, with the sorted categories of the limit behind it if it has any; the rest is zero.
   */
  readonly used?: Readonly<Record<string, string>>;
  /** In order; empty if the purchase is allowed. */
  readonly reasons: readonly ExpectedReason[];
}

interface ExpectedReason {
  readonly code: string;
  readonly row?: string;
  readonly cap?: string;
  readonly used?: string;
  readonly remaining?: string;
  readonly provableAge?: number;
  readonly category?: string;
  readonly minimumAssurance?: string;
}

interface DecideVectors {
  readonly policies: Readonly<Record<string, unknown>>;
  readonly cases: readonly DecideCase[];
}

const vectors = loadVectors<DecideVectors>('decide.json');
const policies = new Map<string, Policy>([
  ...Object.entries(vectors.policies).map(([name, it]) => [name, parsePolicy(it)] as const),
  ...[cnGame(), cnLive(), jpTypical(), usAppStore()].map((policy) => [policy.id, policy] as const),
]);

function decideCase({ policy: name, age, amount, used = {}, ...given }: DecideCase) {
  const policy = policies.get(name);
  if (policy === undefined) throw new Error(`no policy ${name}`);
  const range = { min: age[0], maxExclusive: age[1] };
  const category = given.category ?? null;
  const limits = limitsOn(rulesFor(policy, range), category);
  const unknown = Object.keys(used).filter((key) => limits.every((limit) => limit.key !== key));
  if (unknown.length > 0) throw new Error(`no limit ${unknown.join()} applies`);
  const usage = limits.map((limit) => ({
    limit,
    used: parseMoney(used[limit.key] ?? '0', policy.currency),
    resetsAt: null,
  }));
  const purchase = {
    amount: parseAmount(amount, policy.currency),
    category,
    ageVerified: given.verified ?? true,
    guardianApproved: given.guardianApproved ?? false,
  };
  return decide(policy, range, { purchase, usage }).map(toExpected);
}

function toExpected(reason: Reason): ExpectedReason {
  const { code, row, limit, provableAge, category, minimumAssurance } = reason;
  return {
    code,
    ...(row === undefined ? {} : { row: row.id }),
    ...(limit === undefined
      ? {}
      : { cap: limit.cap, used: limit.used, remaining: limit.remaining }),
    ...(provableAge === undefined ? {} : { provableAge }),
    ...(category === undefined ? {} : { category }),
    ...(minimumAssurance === undefined ? {} : { minimumAssurance }),
  };
}

for (const name of policies.keys()) {
  describe(name, () => {
    test.each(vectors.cases.filter(({ policy }) => policy === name))('$name: $amount', (each) => {
      expect(decideCase(each)).toEqual(each.reasons);
    });
  });
}

test('every case names a policy, and no two cases are the same', () => {
  const names = vectors.cases.map(({ policy, name }) => `${policy}: ${name}`);
  expect(new Set(names).size).toBe(names.length);
  expect(vectors.cases.filter(({ policy }) => !policies.has(policy))).toEqual([]);
  expect(names.length).toBeGreaterThanOrEqual(80);
});
