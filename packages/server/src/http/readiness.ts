import { SpendcapError } from '@spendcap/core';
import type { Limiter } from '../limiter/types.ts';

/** How long an answer is used again. */
const FRESH_MS = 1_000;
/** The default time limit of a store and of a fetch of keys, together. */
const TIMEOUT_MS = 10_000;

/**
 * `limiter.ready()` for a route without credentials: at most once a second, however many balancers
 * and strangers ask, and in time even with a store that hangs. Concurrent callers share one check.
 */
export function readiness(limiter: Pick<Limiter, 'ready'>): () => Promise<void> {
  let last: Promise<void> | undefined;
  let freshUntil = 0;

  const check = async (): Promise<void> => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const timeout = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(timedOut()), TIMEOUT_MS);
    });
    try {
      await Promise.race([limiter.ready(), timeout]);
    } finally {
      clearTimeout(timer);
      freshUntil = performance.now() + FRESH_MS;
    }
  };
  return () => {
    if (last === undefined || performance.now() >= freshUntil) {
      freshUntil = Number.POSITIVE_INFINITY;
      last = check();
    }
    return last;
  };
}

const timedOut = () => new SpendcapError('store_unavailable', 'No answer in time.');
