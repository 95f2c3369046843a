import {
  type AgeEvidence,
  type AgeRange,
  type Allowance,
  ANY_AGE,
  blockingReasons,
  type CappedWindow,
  countedAge,
  decide,
  exchange,
  FOREVER,
  invalidRequest,
  isoText,
  type LimitUsage,
  limitAllowance,
  limitsOn,
  type Policy,
  type PurchaseFacts,
  parseAmount,
  type Reason,
  type ReserveCommand,
  type RuleLimit,
  type Rules,
  rulesFor,
  SpendcapError,
  unverifiedReason,
  windowOf,
} from '@spendcap/core';
import type { DecisionRequest, Exchange } from './types.ts';

/** Whose allowance, under which rules: the input of both a decision and an allowance. */
export interface Standing {
  readonly at: number;
  readonly policy: Policy;
  readonly evidence: AgeEvidence;
  readonly range: AgeRange;
  readonly rules: Rules;
  /** Whether the policy accepts the evidence as proof of age. */
  readonly verified: boolean;
  readonly category: string | null;
  readonly limits: readonly RuleLimit[];
  /** One window for each entry of `limits` that is not per transaction, in the same order. */
  readonly windows: readonly CappedWindow[];
}

/** A standing and the purchase to decide on. */
export interface Assessment extends Standing {
  readonly facts: PurchaseFacts;
  /** Minor units of the purchase's currency; `facts.amount` is in the policy's. */
  readonly price: number;
  /** Units of the policy's currency for one of the purchase's; `null` where they are the same. */
  readonly rate: string | null;
}

/** What a decision on an amount needs of a request. */
type Wish = Pick<DecisionRequest, 'amount' | 'currency' | 'guardianApproval'>;

export interface StandingInput {
  readonly at: number;
  readonly policy: Policy;
  readonly evidence: AgeEvidence;
  readonly category: string | undefined;
  readonly app: string | undefined;
  /** If `category` is absent, include the limits of every category. */
  readonly allCategories: boolean;
}

export function standing(input: StandingInput): Standing {
  const { at, policy, evidence, category = null, app = null, allCategories } = input;
  assertKnown(policy, input);
  assertEvidence(evidence);
  // Negated, so that an `expiresAt` of undefined or NaN counts as expired.
  if (!(evidence.expiresAt > at)) {
    const message = 'The age evidence has expired.';
    throw new SpendcapError('age_token_invalid', message, { why: 'expired' });
  }
  const { range, verified } = countedAge(policy, evidence, at);
  const rules = rulesFor(policy, range);
  const limits = allCategories && category === null ? rules.limits : limitsOn(rules, category);
  const windows: CappedWindow[] = [];
  for (const limit of limits) {
    const window = windowOf(limit, policy, { app, at });
    if (window !== null) windows.push(window);
  }
  return { at, policy, evidence, range, rules, verified, category, limits, windows };
}

/**
 * Of a caller's own verifier, whose faults must not pass for an age or a bare error.
 *
 * @throws TypeError
 */
export function assertEvidence(evidence: AgeEvidence): void {
  if (typeof evidence !== 'object') throw new TypeError('evidence must be an object');
  const { subject, kind, statements } = evidence;
  const isText = (value: unknown) => typeof value === 'string' && value !== '';
  // Without a subject, all buyers would share one allowance.
  if (!isText(subject)) throw new TypeError('evidence.subject is required');
  if (!isText(kind)) throw new TypeError('evidence.kind must name the kind of evidence');
  if (!Array.isArray(statements) || !statements.every((each) => isStatement(each?.kind))) {
    throw new TypeError("evidence.statements must be a list of statements: 'range' or 'born'");
  }
}

function isStatement(kind: unknown): boolean {
  return kind === 'range' || kind === 'born';
}

/**
 * @throws SpendcapError `invalid_request` for a purchase that no limit of the policy would count
 */
export function assertKnown(
  policy: Policy,
  { app, category }: { readonly app?: string | undefined; readonly category?: string | undefined },
): void {
  if (policy.scope === 'app' && app === undefined)
    throw invalidRequest('app', 'is required by this policy');
  if (category !== undefined && policy.categories?.includes(category) === false) {
    throw invalidRequest('category', `must be one of ${policy.categories.join(', ')}`);
  }
}

/** Every window that could count the purchase at any age, each without a cap. */
export function uncappedWindows(
  policy: Policy,
  { at, app, category }: Pick<ReserveCommand, 'at' | 'app' | 'category'>,
): readonly CappedWindow[] {
  return limitsOn(rulesFor(policy, ANY_AGE), category).flatMap((limit) => {
    const window = windowOf(limit, policy, { app, at });
    return window === null ? [] : [{ ...window, cap: FOREVER }];
  });
}

/**
 * Adds the purchase to a standing. Returns the reason if it cannot be converted to the policy's
 * currency.
 *
 * @throws SpendcapError `invalid_amount`, `invalid_currency`, `exchange_unavailable`
 */
export function assess(
  base: Standing,
  request: Wish,
  exchangeRate: Exchange | undefined,
): Assessment | readonly [Reason] | Promise<Assessment> {
  const price = parseAmount(request.amount, request.currency);
  const { currency: to } = base.policy;
  const from = request.currency;
  if (from === to) return withFacts(base, request, { price, amount: price, rate: null });
  if (exchangeRate === undefined) return [unsupported(base.policy)];
  return rateOf(exchangeRate, { from, to, at: base.at }).then((rate) => {
    const amount = exchange(price, { from, to, rate, rounding: 'up' });
    return withFacts(base, request, { price, amount, rate });
  });
}

/** The reason of a purchase that cannot be converted to the policy's currency. */
export function unsupported({ currency }: Policy): Reason {
  return { code: 'currency_not_supported', currency };
}

function withFacts(
  base: Standing,
  request: Wish,
  { amount, price, rate }: Pick<PurchaseFacts, 'amount'> & Pick<Assessment, 'price' | 'rate'>,
): Assessment {
  const facts: PurchaseFacts = {
    amount,
    category: base.category,
    ageVerified: base.verified,
    guardianApproved: request.guardianApproval !== undefined,
  };
  return { ...base, facts, price, rate };
}

/** @throws SpendcapError `exchange_unavailable` */
export async function rateOf(
  exchangeRate: Exchange,
  pair: Parameters<Exchange>[0],
): Promise<string> {
  try {
    return await exchangeRate(pair);
  } catch (cause) {
    throw new SpendcapError('exchange_unavailable', 'The exchange rate is unavailable.', { cause });
  }
}

/** True if the purchase is refused even with unused windows. */
export function isRefusedOutright({ policy, range, facts }: Assessment): boolean {
  return decide(policy, range, { purchase: facts, usage: [] }).length > 0;
}

/** Every reason against the purchase, given the usage of its windows. */
export function reasonsAgainst(assessment: Assessment, used: readonly number[]): readonly Reason[] {
  const { policy, range, facts } = assessment;
  return decide(policy, range, { purchase: facts, usage: usageOf(assessment, used) });
}

/** The remaining allowance, given the usage of its windows. */
export function allowanceOf(base: Standing, used: readonly number[]): Allowance {
  const { policy, range, rules } = base;
  return {
    ...frame(base.at, policy, range),
    limits: usageOf(base, used).map((usage) => limitAllowance(usage, policy.currency)),
    blocked: blockedBy(base),
    blockedCategories: rules.categoryReasons,
  };
}

/** The reasons for which every purchase of the category is refused, whatever its amount. */
function blockedBy({ policy, rules, verified, category }: Standing): readonly Reason[] {
  if (!verified && policy.unverified === 'refuse') return [unverifiedReason(policy)];
  const { guardianApproval: row } = rules;
  const approval = row === null ? [] : [{ code: 'guardian_approval_required', row } as const];
  return [...blockingReasons(rules, category), ...approval];
}

/** The allowance without evidence: there is no subject whose usage could be read. */
export function unknownAllowance(policy: Policy, at: number): Allowance {
  const blocked = [unverifiedReason(policy)];
  return { ...frame(at, policy, ANY_AGE), limits: [], blocked, blockedCategories: [] };
}

function frame(at: number, policy: Policy, ageRange: AgeRange) {
  const { id, version, timeZone, currency } = policy;
  return { at: isoText(at), currency, policy: { id, version, timeZone }, ageRange };
}

/** Pairs each limit with the usage of its window; `transaction` limits have no window. */
export function usageOf(
  { limits, windows }: Standing,
  used: readonly number[],
): readonly LimitUsage[] {
  let next = 0;
  return limits.map((limit) => {
    if (limit.period === 'transaction') return { limit, used: 0, resetsAt: null };
    const end = windows[next]?.end ?? FOREVER;
    const sum = used[next] ?? 0;
    if (!Number.isSafeInteger(sum)) {
      const message = 'The total is beyond the safe integer range.';
      throw new SpendcapError('invalid_amount', message);
    }
    next += 1;
    return { limit, used: sum, resetsAt: end === FOREVER ? null : end };
  });
}
