import { type Policy, parseMoney, type StoredPurchase } from '@spendcap/core';
import { type Player, rateOf } from './policies.ts';

/**
 * The rules as one would apply them by hand: ages one by one, calendar days as text, and every sum
 * by filtering a list. Of the limiter it uses only the policy document.
 */

const dates = new Map<
  string,
  { readonly format: Intl.DateTimeFormat; readonly known: Map<number, string> }
>();

/** The calendar date in a zone, `2026-11-23`. */
function dateText(at: number, zone: string): string {
  let calendar = dates.get(zone);
  if (calendar === undefined) {
    const fields = { year: 'numeric', month: '2-digit', day: '2-digit' } as const;
    const format = new Intl.DateTimeFormat('sv-SE', { timeZone: zone, ...fields });
    calendar = { format, known: new Map() };
    dates.set(zone, calendar);
  }
  let text = calendar.known.get(at);
  if (text === undefined) {
    text = calendar.format.format(at);
    calendar.known.set(at, text);
  }
  return text;
}

/** Two instants lie in the same period if this text is the same. */
function periodText(period: string, at: number, zone: string): string {
  const date = dateText(at, zone);
  switch (period) {
    case 'day':
      return date;
    case 'week': {
      const day = new Date(`${date}T00:00:00Z`);
      return String(day.getTime() - ((day.getUTCDay() + 6) % 7) * 86_400_000);
    }
    case 'month':
      return date.slice(0, 7);
    case 'year':
      return date.slice(0, 4);
    default:
      return 'always';
  }
}

export function versionAt(policies: readonly Policy[], at: number): Policy | undefined {
  return policies.find(({ timeZone, effectiveFrom, effectiveTo }) => {
    const today = dateText(at, timeZone);
    return effectiveFrom <= today && (effectiveTo === undefined || today < effectiveTo);
  });
}

function agesOf({ from, to }: Player, today: string): number[] {
  const completed = (birth: string): number =>
    Number(today.slice(0, 4)) -
    Number(birth.slice(0, 4)) -
    (today.slice(5) < birth.slice(5) ? 1 : 0);
  const ages: number[] = [];
  for (let age = Math.max(0, completed(to)); age <= completed(from); age += 1) ages.push(age);
  return ages;
}

type Limit = Policy['bands'][number]['limits'][number];

export interface BookLimit {
  readonly period: string;
  readonly categories: readonly string[] | null;
  readonly cap: number;
  readonly used: number;
}

export interface Asker {
  readonly policy: Policy;
  readonly player: Player;
  readonly at: number;
  readonly app: string;
  /** All purchases of the ledger. */
  readonly entries: readonly StoredPurchase[];
}

const bandsFor = ({ policy, player, at }: Asker) => {
  const ages = agesOf(player, dateText(at, policy.timeZone));
  return policy.bands.filter(({ minAge, maxAgeExclusive }) =>
    ages.some((age) => minAge <= age && age < (maxAgeExclusive ?? Infinity)),
  );
};

/** The strictest limit of each kind over all ages that the player may have, with what is used. */
export function limitsOf(asker: Asker): readonly BookLimit[] {
  const all = bandsFor(asker).flatMap(({ limits }) => limits);
  const nameOf = ({ period, categories }: Limit) => `${period} ${categories?.toSorted() ?? ''}`;
  return [...new Set(all.map(nameOf))].map((name) => {
    const same = all.filter((limit) => nameOf(limit) === name);
    const cap = Math.min(...same.map(({ max }) => parseMoney(max, 'CNY')));
    const period = same[0]?.period ?? 'day';
    const categories = same[0]?.categories?.toSorted() ?? null;
    return { period, categories, cap, used: usedOf(asker, period, categories) };
  });
}

function usedOf(asker: Asker, period: string, categories: readonly string[] | null): number {
  if (period === 'transaction') return 0;
  const { policy, player, at, app, entries } = asker;
  const now = periodText(period, at, policy.timeZone);
  return entries
    .filter(({ subject }) => subject === player.subject)
    .filter((entry) => policy.scope === 'enterprise' || entry.app === app)
    .filter(({ category }) => categories === null || categories.some((name) => name === category))
    .filter(({ reservedAt }) => periodText(period, reservedAt, policy.timeZone) === now)
    .reduce((sum, entry) => sum + weightOf(entry), 0);
}

export function weightOf({ state, amount, committed, restored }: StoredPurchase): number {
  if (state === 'reserved') return amount;
  return state === 'committed' ? committed - restored : 0;
}

/** The codes of a refusal, sorted; empty if the purchase may go on. */
export function codesAgainst(
  asker: Asker,
  order: { readonly amount: number; readonly category?: string; readonly approved: boolean },
): readonly string[] {
  const bands = bandsFor(asker);
  const { amount, category, approved } = order;
  const codes = limitsOf(asker)
    .filter(({ categories }) => categories === null || categories.some((name) => name === category))
    .filter(({ used, cap }) => used + amount > cap)
    .map(({ period }) => `${period}_cap_exceeded`);
  if (bands.some(({ forbidden }) => forbidden !== undefined)) codes.push('forbidden_for_age');
  if (
    bands.some(({ forbiddenCategories = [] }) =>
      forbiddenCategories.some((row) => row.category === category),
    )
  ) {
    codes.push('forbidden_category');
  }
  const isSelective = bands.some(({ forbiddenCategories = [], limits }) => {
    return forbiddenCategories.length > 0 || limits.some(({ categories }) => categories);
  });
  if (category === undefined && isSelective) codes.push('category_required');
  if (!approved && bands.some(({ guardianApproval }) => guardianApproval !== undefined)) {
    codes.push('guardian_approval_required');
  }
  return codes.toSorted();
}

const DECIMALS: Readonly<Record<string, number>> = { CNY: 2, USD: 2, JPY: 0, KWD: 3 };

/** Minor units of a currency in CNY's, in whole-number arithmetic. */
export function inCny(
  minor: number,
  { currency, rate, rounding }: { currency: string; rate: string; rounding: 'up' | 'down' },
): number {
  if (currency === 'CNY') return minor;
  const digits = BigInt(rate.replace('.', ''));
  const places = rate.includes('.') ? rate.length - rate.indexOf('.') - 1 : 0;
  const over = BigInt(minor) * digits * 100n;
  const under = 10n ** BigInt(places + (DECIMALS[currency] ?? 0));
  return Number((over + (rounding === 'up' ? under - 1n : 0n)) / under);
}

/** The exchange rate of a purchase at that instant. */
export function rateAt(currency: string, at: number): string {
  return currency === 'CNY' ? '1' : (rateOf({ from: currency, to: 'CNY', at }) as string);
}

export function priceInCny(minor: number, currency: string, at: number): number {
  return inCny(minor, { currency, rate: rateAt(currency, at), rounding: 'up' });
}
