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
import { invalid } from './validate.ts';

/** Whose allowance, under which rules: all that a decision and an allowance share. */
export interface Standing {
  readonly at: number;
  readonly policy: Policy;
  readonly evidence: AgeEvidence;
  readonly range: AgeRange;
  /** Whether the policy takes the evidence for proof of an age. */
  readonly verified: boolean;
  readonly category: string | null;
  readonly limits: readonly RuleLimit[];
  /** The windows of `limits` that a store counts, in their order. */
  readonly windows: readonly CappedWindow[];
}

/** A standing together with a purchase to decide on. */
export interface Question extends Standing {
  readonly facts: PurchaseFacts;
  /** Units of the policy's currency for one of the purchase's; `null` where they are the same. */
  readonly rate: string | null;
}

export interface StandingInput {
  readonly at: number;
  readonly policy: Policy;
  readonly evidence: AgeEvidence;
  readonly category: string | undefined;
  readonly app: string | undefined;
  /** Without a category: the limits of every category, not only those that count any purchase. */
  readonly allCategories: boolean;
}

export function standing(input: StandingInput): Standing {
  const { at, policy, evidence, category = null, app = null, allCategories } = input;
  if (policy.scope === 'app' && app === null) throw invalid('app', 'is needed by this policy');
  // Without a subject, all who buy would share one allowance.
  if (typeof evidence.subject !== 'string' || evidence.subject === '') {
    throw new TypeError('evidence must name a subject');
  }
  // Not `<=`, so that evidence without an end is no evidence.
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
  return { at, policy, evidence, range, verified, category, limits, windows };
}

/** Every window that may count a purchase, whatever its buyer's age, with room for all that there is. */
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
 * Adds the purchase to a standing, or says why it cannot be put into the policy's currency.
 *
 * @throws SpendcapError `invalid_amount`, `invalid_currency`, `exchange_unavailable`
 */
export function question(
  base: Standing,
  request: DecisionRequest,
  exchangeRate: Exchange | undefined,
): Question | readonly [Reason] | Promise<Question> {
  const amount = parseAmount(request.amount, request.currency);
  const { currency: to } = base.policy;
  const from = request.currency;
  if (from === to) return withFacts(base, request, { amount, rate: null });
  if (exchangeRate === undefined) return [{ code: 'currency_not_supported', currency: to }];
  return rateOf(exchangeRate, { from, to, at: base.at }).then((rate) => {
    const exchanged = exchange(amount, { from, to, rate, rounding: 'up' });
    return withFacts(base, request, { amount: exchanged, rate });
  });
}

function withFacts(
  base: Standing,
  request: DecisionRequest,
  { amount, rate }: { readonly amount: number; readonly rate: string | null },
): Question {
  const facts: PurchaseFacts = {
    amount,
    category: base.category,
    ageVerified: base.verified,
    guardianApproved: request.guardianApproval !== undefined,
  };
  return { ...base, facts, rate };
}

async function rateOf(
  exchangeRate: Exchange,
  asked: { readonly from: string; readonly to: string; readonly at: number },
): Promise<string> {
  try {
    return await exchangeRate(asked);
  } catch (cause) {
    throw new SpendcapError('exchange_unavailable', 'No exchange rate can be had.', { cause });
  }
}

/** True if the purchase is refused whatever its windows have used. */
export function refusesAnyway({ policy, range, facts }: Question): boolean {
  return decide(policy, range, { purchase: facts, usage: [] }).length > 0;
}

/** Every reason against the purchase, given what its windows have used. */
export function reasonsAgainst(asked: Question, used: readonly number[]): readonly Reason[] {
  const usage = usageOf(asked, used);
  return decide(asked.policy, asked.range, { purchase: asked.facts, usage });
}

/** What a standing leaves, given what its windows have used. */
export function allowanceOf(base: Standing, used: readonly number[]): Allowance {
  const { policy, range } = base;
  const rules = rulesFor(policy, range);
  return {
    ...frame(policy, range),
    limits: usageOf(base, used).map((usage) => limitAllowance(usage, policy.currency)),
    blocked: blockedBy(base, rules),
  };
}

/** What refuses every purchase of a category, whatever its amount: in the words of `decide`. */
function blockedBy({ policy, verified, category }: Standing, rules: Rules): readonly Reason[] {
  if (!verified && policy.unverified === 'refuse') return [unverifiedReason(policy)];
  const { guardianApproval: row } = rules;
  const approval = row === null ? [] : [{ code: 'guardian_approval_required', row } as const];
  return [...blockingReasons(rules, category), ...approval];
}

/** The allowance of someone of whom nothing is known: there is no one to count for. */
export function unknownAllowance(policy: Policy): Allowance {
  return { ...frame(policy, ANY_AGE), limits: [], blocked: [unverifiedReason(policy)] };
}

function frame(policy: Policy, ageRange: AgeRange) {
  const { id, version, timeZone, currency } = policy;
  return { currency, policy: { id, version, timeZone }, ageRange };
}

/** Lays the usage of the counted windows beside the limits, of which `transaction` ones have none. */
function usageOf({ limits, windows }: Standing, used: readonly number[]) {
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
