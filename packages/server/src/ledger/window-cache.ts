import type { Window } from '@spendcap/core';

/** Lists that are remembered of those with the same first window: as one for each category. */
const MAX_LISTS = 8;

/**
 * The same as `make`, which is called once for a list of windows as long as they are asked for: a
 * limiter hands over the very same windows until they end, in one list for each age and category.
 */
export function rememberingWindows<W extends Window, T>(make: (windows: readonly W[]) => T) {
  const ofNone = make([]);
  const byFirst = new WeakMap<W, { readonly windows: readonly W[]; readonly made: T }[]>();
  return (windows: readonly W[]): T => {
    const [first] = windows;
    if (first === undefined) return ofNone;
    const lists = byFirst.get(first) ?? [];
    const known = lists.find((list) => isSame(list.windows, windows));
    if (known !== undefined) return known.made;
    const made = make(windows);
    // A list of its own: the caller may change what it has handed over.
    lists.unshift({ windows: [...windows], made });
    byFirst.set(first, lists.slice(0, MAX_LISTS));
    return made;
  };
}

function isSame<T>(some: readonly T[], others: readonly T[]): boolean {
  return some.length === others.length && some.every((each, index) => each === others[index]);
}
