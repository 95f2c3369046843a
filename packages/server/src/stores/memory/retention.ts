import { FOREVER } from '@spendcap/core';

const HOUR_MS = 3_600_000;
/** Ids that one call visits at most, so that no call is slow. */
const MAX_PER_CALL = 64;

/**
 * Ids to visit later, in buckets of an hour. `visit` receives each id when its hour has come and
 * returns when to visit it next, or `null` for never. It may receive an id twice.
 */
export function retentionQueue(visit: (id: string, at: number) => number | null) {
  const hours = new Map<number, string[]>();
  let first = Infinity;

  const add = (id: string, at: number): void => {
    if (at >= FOREVER) return;
    const hour = Math.ceil(at / HOUR_MS);
    const ids = hours.get(hour);
    if (ids !== undefined) {
      ids.push(id);
      return;
    }
    hours.set(hour, [id]);
    first = Math.min(first, hour);
  };

  const drop = (at: number): void => {
    const now = Math.floor(at / HOUR_MS);
    let left = MAX_PER_CALL;
    while (first <= now && left > 0) {
      const id = hours.get(first)?.pop();
      if (id === undefined) {
        hours.delete(first);
        first = hours.size === 0 ? Infinity : Math.min(...hours.keys());
        continue;
      }
      left -= 1;
      const again = visit(id, at);
      if (again !== null) add(id, Math.max(again, at + HOUR_MS));
    }
  };

  return { add, drop };
}
