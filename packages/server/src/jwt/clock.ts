import { SpendcapError } from '@spendcap/core';

/** The last instant of a JavaScript date. */
const LAST_INSTANT = 8.64e15;

/**
 * A caller's clock that throws `clock_invalid` where it throws itself or returns no time. Compared
 * with `NaN`, no token would have expired.
 *
 * @throws TypeError for what is no function
 */
export function checkedClock(now: (() => number) | undefined): () => number {
  if (now !== undefined && typeof now !== 'function') {
    throw new TypeError('now must be a function that returns epoch milliseconds');
  }
  const read = now ?? (() => Date.now());
  return () => {
    let at: unknown;
    try {
      at = read();
    } catch {
      // As a clock that returns nothing.
    }
    if (typeof at === 'number' && at >= 0 && at <= LAST_INSTANT) return at;
    throw new SpendcapError('clock_invalid', 'The clock returned no valid time.');
  };
}
