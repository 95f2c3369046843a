import type { Allowance, Decision, Reason, RefusalCode } from '@spendcap/core/wire';
import { isAmount } from './fields.ts';
import type { Product } from './types.ts';

/**
 * What the server would decide, as far as an allowance says it: of an age that is not precise it
 * has only the strictest limits. `null` for a price in another currency.
 */
export function previewOf(allowance: Allowance, product: Product): Decision | null {
  const { amount, currency, category } = product;
  if (currency !== allowance.currency) return null;
  const exceeded = allowance.limits.flatMap(({ id: _, ...limit }): Reason[] => {
    const { categories } = limit;
    const counts = !Array.isArray(categories) || categories.includes(category ?? '');
    if (!counts || !isAmount(limit.remaining) || !isMore(amount, limit.remaining)) return [];
    return [{ code: `${limit.period}_cap_exceeded` as RefusalCode, limit }];
  });
  // `category_required` has no category, as the purchases that it refuses. Older servers lack it.
  const banned = allowance.blockedCategories?.filter((each) => each.category === category) ?? [];
  const [first, ...others] = [...allowance.blocked, ...banned, ...exceeded];
  if (first === undefined) return { allowed: true, allowance };
  return { allowed: false, reasons: [first, ...others], allowance };
}

/** Compares decimal strings digit by digit: a float would round large amounts. */
function isMore(amount: string, limit: string): boolean {
  const [whole = '', fraction = ''] = plain(amount);
  const [limitWhole = '', limitFraction = ''] = plain(limit);
  if (whole.length !== limitWhole.length) return whole.length > limitWhole.length;
  if (whole !== limitWhole) return whole > limitWhole;
  return fraction > limitFraction;
}

/** Whole and fraction, without the zeros that change nothing. */
function plain(decimal: string): readonly string[] {
  return decimal
    .replace(/^0+/, '')
    .replace(/(\.\d*?)0+$/, '$1')
    .split('.');
}
