import { isoText } from './iso-text.ts';
import { formatMoney } from './money.ts';
import type { LimitAllowance, Period, PolicyRow, Reason, RefusalCode } from './wire.ts';

/** A limit as it applies to one age range. */
export interface RuleLimit {
  /** `limitKey` of period and categories. */
  readonly key: string;
  readonly row: PolicyRow;
  readonly period: Period;
  /** Sorted; `null`: all categories. */
  readonly categories: readonly string[] | null;
  /** Minor units of the policy's currency. */
  readonly cap: number;
  /** `cap` as a decimal string. */
  readonly capText: string;
}

/** How much of a limit is used in its current window. */
export interface LimitUsage {
  readonly limit: RuleLimit;
  /** Minor units; 0 for a `transaction` limit. */
  readonly used: number;
  /** End of the window in epoch milliseconds; `null` if it never ends. */
  readonly resetsAt: number | null;
}

const CAP_CODES = {
  transaction: 'transaction_cap_exceeded',
  day: 'day_cap_exceeded',
  week: 'week_cap_exceeded',
  month: 'month_cap_exceeded',
  year: 'year_cap_exceeded',
  lifetime: 'lifetime_cap_exceeded',
} as const satisfies Record<Period, RefusalCode>;

/** The wire form of a limit's usage. If a late charge exceeded the cap, `remaining` is 0. */
export function limitAllowance(usage: LimitUsage, currency: string): LimitAllowance {
  const { limit, used, resetsAt } = usage;
  return {
    id: limit.row.id,
    period: limit.period,
    categories: limit.categories,
    cap: limit.capText,
    used: formatMoney(used, currency),
    remaining: formatMoney(Math.max(0, limit.cap - used), currency),
    resetsAt: resetsAt === null ? null : isoText(resetsAt),
  };
}

/** The reason of a refusal by a limit: one object for each usage, however many it refuses. */
export function capReason(usage: LimitUsage, currency: string): Reason {
  let reason = capReasons.get(usage);
  if (reason === undefined) {
    const { id: _id, ...limit } = limitAllowance(usage, currency);
    reason = { code: CAP_CODES[limit.period], row: usage.limit.row, limit };
    capReasons.set(usage, reason);
  }
  return reason;
}

const capReasons = new WeakMap<LimitUsage, Reason>();
