import { FOREVER } from '@spendcap/core';

const HOUR_MS = 3_600_000;
/** Ids that one call looks at, at most, so that no call is slow. */
const MAX_PER_CALL = 64;

/**
 * Ids to look at again later, by the hour. `visit` is given each id when its hour has come and says
 * when to come back, or `null` when there is no need.
 */
export function endedQueue(visit: (id: string, at: number) => number | null) {
  const hours = new Map<number, Set<string>>();
  let first = Infinity;

  const add = (id: string, at: number): void => {
    if (at >= FOREVER) return;
    const hour = Math.ceil(at / HOUR_MS);
    const ids = hours.get(hour);
    if (ids === undefined) hours.set(hour, new Set([id]));
    else ids.add(id);
    first = Math.min(first, hour);
  };

  const drop = (at: number): void => {
    const now = Math.floor(at / HOUR_MS);
    let left = MAX_PER_CALL;
    while (first <= now && left > 0) {
      const ids = hours.get(first) ?? [];
      for (const id of ids) {
        if (left === 0) return;
        left -= 1;
        hours.get(first)?.delete(id);
        const again = visit(id, at);
        if (again !== null) add(id, Math.max(again, at + HOUR_MS));
      }
      hours.delete(first);
      first = hours.size === 0 ? Infinity : Math.min(...hours.keys());
    }
  };

  return { add, drop };
}
