import type { StoredPurchase, Window } from '@spendcap/core';
import { weightOf } from './book.ts';

export function selects(
  { selector, start, end }: Window,
  subject: string,
  entry: StoredPurchase,
): boolean {
  const { currency, app, categories } = selector;
  return (
    entry.subject === subject &&
    entry.currency === currency &&
    (app === null || entry.app === app) &&
    (categories === null || categories.some((name) => name === entry.category)) &&
    start <= entry.reservedAt &&
    entry.reservedAt < end
  );
}

export function sumOf(entries: readonly StoredPurchase[], subject: string, window: Window): number {
  return entries
    .filter((entry) => selects(window, subject, entry))
    .reduce((sum, entry) => sum + weightOf(entry), 0);
}

export const keyOf = ({
  subject,
  window,
}: {
  readonly subject: string;
  readonly window: Window;
}): string => JSON.stringify([subject, window.selector, window.start, window.end]);

export function spanText({ selector, start, end }: Window): string {
  const days =
    end > 8e15 ? 'always' : `${new Date(start).toISOString()}+${(end - start) / 3_600_000}h`;
  return [days, selector.app, selector.categories].filter((part) => part !== null).join(' ');
}

export function partsText({
  id,
  state,
  amount,
  committed,
  refunded,
  restored,
  late,
}: StoredPurchase): string {
  return `${id} ${state} ${amount}/${committed}/${refunded}/${restored}${late ? ' late' : ''}`;
}

/** Whether `found` lacks an expected value. */
export function differ(found: unknown, expected: unknown): boolean {
  if (Array.isArray(expected)) {
    if (!Array.isArray(found) || found.length !== expected.length) return true;
    return expected.some((value, index) => differ(found[index], value));
  }
  if (typeof expected !== 'object' || expected === null) return !Object.is(found, expected);
  if (typeof found !== 'object' || found === null) return true;
  return Object.entries(expected).some(([name, value]) => differ(Reflect.get(found, name), value));
}

export function diff(found: unknown, expected: unknown): string {
  return `${JSON.stringify(found)}, expected ${JSON.stringify(expected)}`;
}
