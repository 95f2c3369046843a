import { unavailable } from './faults.ts';

export interface Throttle {
  /**
   * Resolves when a call may be sent; rejects if that would take too long, or calls are blocked.
   */
  take(): Promise<void>;
  /** Rejects all calls until an instant, in epoch milliseconds. */
  block(until: number): void;
}

const MAX_WAIT_MS = 2_000;

/**
 * A token bucket that never passes more than `perSecond` calls in any second: a fifth of them as a
 * burst, the others spread over the second. Libraries such as `p-throttle` queue without a time
 * limit, cannot be blocked, and read the machine's clock.
 */
export function throttle(perSecond: number, now: () => number): Throttle {
  const burst = Math.max(1, Math.floor(perSecond / 5));
  const perMs = Math.max(perSecond - burst, 1) / 1000;
  let tokens = burst;
  let filledAt = now();
  let blockedUntil = 0;

  const assertOpen = () => {
    if (now() < blockedUntil) throw unavailable('rate_limited');
  };

  return {
    async take() {
      assertOpen();
      const at = now();
      tokens = Math.min(burst, tokens + Math.max(0, at - filledAt) * perMs);
      filledAt = at;
      // Below zero it is a place in the queue, so that waiting calls go one after the other.
      const wait = tokens >= 1 ? 0 : (1 - tokens) / perMs;
      if (wait > MAX_WAIT_MS) throw unavailable('rate_limited');
      tokens -= 1;
      if (wait === 0) return;
      await new Promise((resolve) => setTimeout(resolve, Math.ceil(wait)));
      assertOpen();
    },
    block(until) {
      blockedUntil = Math.max(blockedUntil, until);
    },
  };
}
