import { isAtLeast } from './age-finding.ts';
import { type AgeEvidence, ageRangeAt } from './age-range.ts';
import { formatMoney, parseMoney } from './money.ts';
import { boundsOf } from './period.ts';
import { type Band, limitKey, type Policy } from './policy.ts';
import { capReason, type LimitUsage, type RuleLimit } from './reason.ts';
import type { CappedWindow } from './store-commands.ts';
import type { AgeRange, PolicyRow, Reason } from './wire.ts';

/** The rules for one age range: the strictest of all bands that the range touches. */
export interface Rules {
  /** Index of the first and last touched band in `policy.bands`. */
  readonly first: number;
  readonly last: number;
  readonly limits: readonly RuleLimit[];
  /** False if every limit counts every category. */
  readonly hasCategories: boolean;
  /** The first row that a purchase without a category would evade; `null` if there is none. */
  readonly categoryRequired: PolicyRow | null;
  readonly forbidden: PolicyRow | null;
  readonly forbiddenCategories: ReadonlyMap<string, PolicyRow>;
  /** What each category is refused for, and what a purchase without one is. */
  readonly categoryReasons: readonly Reason[];
  readonly guardianApproval: PolicyRow | null;
}

/** The age range that a policy derives from evidence at an instant. */
export interface CountedAge {
  readonly range: AgeRange;
  /** False if the evidence states nothing, or its assurance is below the policy's minimum. */
  readonly verified: boolean;
}

/** The parts of a purchase that a decision depends on. */
export interface PurchaseFacts {
  /** Minor units of the policy's currency. */
  readonly amount: number;
  readonly category: string | null;
  /** `CountedAge.verified`. */
  readonly ageVerified: boolean;
  readonly guardianApproved: boolean;
}

/**
 * The age range to which a policy applies its bands. Evidence below the policy's `minimumAssurance`
 * is unverified and can only lower an age: the upper end of its range counts, the lower one does
 * not.
 *
 * @param at epoch milliseconds
 * @throws SpendcapError `age_token_invalid`, see `ageRangeAt`
 * @example
 * ```ts
 * import { cnGame, countedAge } from '@spendcap/core';
 * const at = Date.UTC(2026, 10, 23);
 * const evidence = {
 *   subject: 'player-1',
 *   statements: [{ kind: 'range', min: 14, maxExclusive: 16, asOf: at }],
 *   kind: 'age_token',
 *   assurance: 'self_declared',
 *   expiresAt: at + 60_000,
 * } as const;
 * countedAge(cnGame(), evidence, at);
 * // => { range: { min: 0, maxExclusive: 16 }, verified: false }
 * ```
 */
export function countedAge(policy: Policy, evidence: AgeEvidence, at: number): CountedAge {
  const { statements, assurance } = evidence;
  const range = ageRangeAt(statements, at, policy.timeZone);
  if (isAtLeast(assurance, policy.minimumAssurance)) {
    return { range, verified: statements.length > 0 };
  }
  return { range: { min: 0, maxExclusive: range.maxExclusive }, verified: false };
}

/** The reason of a refusal because the age is not verified. */
export function unverifiedReason({ minimumAssurance }: Policy): Reason {
  return { code: 'age_unverified', minimumAssurance };
}

/** Rules depend only on the policy and the touched bands, so they are computed once. */
const cachedRules = new WeakMap<Policy, Map<number, Rules>>();
const MAX_BANDS = 30;

/**
 * The rules for an age range: each limit is the strictest of the bands that the range touches.
 *
 * @throws TypeError for an empty range, or one outside every band, which would have no limits
 */
export function rulesFor(policy: Policy, range: AgeRange): Rules {
  const touches = ({ minAge, maxAgeExclusive }: Band): boolean =>
    range.min < (maxAgeExclusive ?? Infinity) && minAge < (range.maxExclusive ?? Infinity);
  if (!(range.min < (range.maxExclusive ?? Infinity))) throw new TypeError('empty age range');
  const first = policy.bands.findIndex(touches);
  const last = policy.bands.findLastIndex(touches);
  if (first === -1) throw new TypeError('no band of the policy covers this age');
  return rulesOfBands(policy, first, last);
}

function rulesOfBands(policy: Policy, first: number, last: number): Rules {
  let known = cachedRules.get(policy);
  if (known === undefined) {
    known = new Map();
    cachedRules.set(policy, known);
  }
  const key = first * MAX_BANDS + last;
  let rules = known.get(key);
  if (rules === undefined) {
    rules = computeRules(policy, first, last);
    known.set(key, rules);
  }
  return rules;
}

function computeRules(policy: Policy, first: number, last: number): Rules {
  const bands = policy.bands.slice(first, last + 1);
  const strictest = new Map<string, RuleLimit>();
  const forbiddenCategories = new Map<string, PolicyRow>();
  for (const band of bands) {
    for (const { period, max, categories, ...row } of band.limits) {
      const selected = categories === undefined ? null : [...categories].sort();
      const key = limitKey(period, selected);
      const cap = parseMoney(max, policy.currency);
      const other = strictest.get(key);
      if (other === undefined || cap < other.cap) {
        const capText = formatMoney(cap, policy.currency);
        strictest.set(key, { key, row, period, categories: selected, cap, capText });
      }
    }
    for (const { category, ...row } of band.forbiddenCategories ?? []) {
      if (!forbiddenCategories.has(category)) forbiddenCategories.set(category, row);
    }
  }
  const limits = [...strictest.values()];
  const [banned] = forbiddenCategories.values();
  const selective = limits.find(({ categories }) => categories !== null);
  const categoryRequired = banned ?? selective?.row ?? null;
  return {
    first,
    last,
    limits,
    hasCategories: selective !== undefined,
    categoryRequired,
    forbidden: bands.find((band) => band.forbidden !== undefined)?.forbidden ?? null,
    forbiddenCategories,
    categoryReasons: Object.freeze([
      ...[...forbiddenCategories].map(
        ([category, row]): Reason => ({ code: 'forbidden_category', row, category }),
      ),
      ...requiredBy(categoryRequired),
    ]),
    guardianApproval:
      bands.find((band) => band.guardianApproval !== undefined)?.guardianApproval ?? null,
  };
}

/** The limits that apply to a purchase of this category. */
export function limitsOn(rules: Rules, category: string | null): readonly RuleLimit[] {
  if (!rules.hasCategories) return rules.limits;
  return rules.limits.filter(
    ({ categories }) => categories === null || (category !== null && categories.includes(category)),
  );
}

/**
 * The window of a limit at an instant; `null` for a `transaction` limit.
 *
 * @param app the app whose purchases count, in a policy of scope `app`
 */
export function windowOf(
  limit: RuleLimit,
  policy: Policy,
  { app, at }: { readonly app: string | null; readonly at: number },
): CappedWindow | null {
  if (limit.period === 'transaction') return null;
  const { start, end } = boundsOf(limit.period, at, policy.timeZone);
  const scope = policy.scope === 'app' ? app : null;
  const last = lastWindows.get(limit);
  if (last?.start === start && last.end === end && last.selector.app === scope) return last;
  const selector = { currency: policy.currency, app: scope, categories: limit.categories };
  const window = { selector, start, end, cap: limit.cap };
  lastWindows.set(limit, window);
  return window;
}

/** The most recent window of each limit: most purchases are in the same one. */
const lastWindows = new WeakMap<RuleLimit, CappedWindow>();

/**
 * Every reason against a purchase; empty if it is allowed. Pure. An amount equal to the cap is
 * allowed.
 *
 * @param usage of each limit in `limitsOn`, without this purchase
 */
export function decide(
  policy: Policy,
  range: AgeRange,
  { purchase, usage }: { readonly purchase: PurchaseFacts; readonly usage: readonly LimitUsage[] },
): readonly Reason[] {
  if (!purchase.ageVerified && policy.unverified === 'refuse') return [unverifiedReason(policy)];
  const rules = rulesFor(policy, range);
  const reasons = reasonsOf(policy, rules, { purchase, usage });
  if (reasons.length === 0) return reasons;
  return [...imprecision(policy, rules, { purchase, usage, reasons }), ...reasons];
}

function reasonsOf(
  policy: Policy,
  rules: Rules,
  { purchase, usage }: { readonly purchase: PurchaseFacts; readonly usage: readonly LimitUsage[] },
): Reason[] {
  const reasons = blockingReasons(rules, purchase.category);
  if (purchase.category === null) reasons.push(...requiredBy(rules.categoryRequired));
  if (rules.guardianApproval !== null && !purchase.guardianApproved) {
    reasons.push({ code: 'guardian_approval_required', row: rules.guardianApproval });
  }
  for (const limit of limitsOn(rules, purchase.category)) {
    const known =
      usage.length === 0 ? undefined : usage.find(({ limit: { key } }) => key === limit.key);
    // Not `>`, so that NaN is refused.
    if (!((known?.used ?? 0) + purchase.amount <= limit.cap)) {
      // The same limit of a younger or older band has the same window and another cap.
      const usage = known?.limit === limit ? known : { used: 0, resetsAt: null, ...known, limit };
      reasons.push(capReason(usage, policy.currency));
    }
  }
  return reasons;
}

/** Reasons that no amount and no approval can lift. */
export function blockingReasons(rules: Rules, category: string | null): Reason[] {
  const reasons: Reason[] = [];
  if (rules.forbidden !== null) reasons.push({ code: 'forbidden_for_age', row: rules.forbidden });
  const row = category === null ? undefined : rules.forbiddenCategories.get(category);
  if (row !== undefined && category !== null) {
    reasons.push({ code: 'forbidden_category', row, category });
  }
  return reasons;
}

function requiredBy(row: PolicyRow | null): readonly Reason[] {
  return row === null ? [] : [{ code: 'category_required', row }];
}

/** `age_not_precise` with the lowest provable age, within the range, that allows the purchase. */
function imprecision(
  policy: Policy,
  rules: Rules,
  {
    purchase,
    usage,
    reasons,
  }: {
    readonly purchase: PurchaseFacts;
    readonly usage: readonly LimitUsage[];
    readonly reasons: readonly Reason[];
  },
): Reason[] {
  for (let first = rules.first + 1; first <= rules.last; first += 1) {
    const older = rulesOfBands(policy, first, rules.last);
    if (reasonsOf(policy, older, { purchase, usage }).length > 0) continue;
    const provableAge = policy.bands[first]?.minAge ?? 0;
    const { row, limit } = reasons[0] ?? {};
    return [
      {
        code: 'age_not_precise',
        ...(row === undefined ? {} : { row }),
        ...(limit === undefined ? {} : { limit }),
        provableAge,
      },
    ];
  }
  return [];
}
