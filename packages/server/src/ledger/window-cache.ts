import type { Window } from '@spendcap/core';

/** Lists cached for one first window, for example one for each category. */
const MAX_LISTS = 8;

/**
 * Memoizes `make` for lists of windows, by identity of the windows: a limiter passes the same
 * objects until they end, in one list for each age and category.
 */
export function memoizedByWindows<W extends Window, T>(make: (windows: readonly W[]) => T) {
  const ofNone = make([]);
  const byFirst = new WeakMap<W, { readonly windows: readonly W[]; readonly made: T }[]>();
  return (windows: readonly W[]): T => {
    const [first] = windows;
    if (first === undefined) return ofNone;
    const lists = byFirst.get(first) ?? [];
    const known = lists.find((list) => isSame(list.windows, windows));
    if (known !== undefined) return known.made;
    const made = make(windows);
    // A copy, since the caller may change its list.
    lists.unshift({ windows: [...windows], made });
    byFirst.set(first, lists.slice(0, MAX_LISTS));
    return made;
  };
}

function isSame<T>(some: readonly T[], others: readonly T[]): boolean {
  return some.length === others.length && some.every((each, index) => each === others[index]);
}
