import type { Window } from '@spendcap/core';

/**
 * The same as `make`, which is called once for a list of windows as long as they are asked for: a
 * limiter hands over the very same windows until they end, in one list for each age.
 */
export function rememberingWindows<W extends Window, T>(make: (windows: readonly W[]) => T) {
  const ofNone = make([]);
  const byFirst = new WeakMap<W, { readonly windows: readonly W[]; readonly made: T }>();
  return (windows: readonly W[]): T => {
    const [first] = windows;
    if (first === undefined) return ofNone;
    const last = byFirst.get(first);
    if (last !== undefined && isSame(last.windows, windows)) return last.made;
    const made = make(windows);
    byFirst.set(first, { windows, made });
    return made;
  };
}

function isSame<T>(some: readonly T[], others: readonly T[]): boolean {
  return some.length === others.length && some.every((each, index) => each === others[index]);
}
