import { createLimiter } from '@spendcap/server';
import { memoryStore } from '@spendcap/server/stores/memory';
import { evidenceOf, roomyPolicy } from './fixtures.ts';
import { inFlight, SUBJECTS } from './harness.ts';

const HOLDS = 100_000;
const DAY = 86_400_000;

export function heap(): number {
  globalThis.gc?.();
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

/** Follows the heap from now on, through what must take constant memory. */
export function watchHeap() {
  const before = heap();
  let peak = before;
  const mib = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MiB`;
  return {
    sample() {
      peak = Math.max(peak, heap());
    },
    rows: () => ({
      'heap before': mib(before),
      'heap at most': mib(peak),
      'heap after': mib(heap()),
    }),
  };
}

/**
 * What the memory store takes for a subject and an open hold, and what stays when all has ended.
 */
export async function memoryTable(): Promise<Record<string, string>> {
  let now = Date.now();
  const limiter = createLimiter({ policy: roomyPolicy(), store: memoryStore(), now: () => now });
  const players = Array.from({ length: SUBJECTS }, (_, index) => ({
    ...evidenceOf(`sub_${index}`),
    expiresAt: now + 400 * DAY,
  }));
  const reserve = (index: number) => {
    const evidence = players[index % SUBJECTS];
    if (evidence === undefined) throw new Error('no player');
    const id = `order-${index}`;
    return limiter.reserve({ id, evidence, amount: '1.00', currency: 'CNY' });
  };

  const empty = heap();
  await inFlight(SUBJECTS, reserve);
  const withSubjects = heap();
  await inFlight(HOLDS, (index) => reserve(SUBJECTS + index));
  const withHolds = heap();
  const perHold = (withHolds - withSubjects) / HOLDS;
  const perSubject = (withSubjects - empty) / SUBJECTS - perHold;

  await inFlight(SUBJECTS + HOLDS, (index) => limiter.commit(`order-${index}`));
  now += 40 * DAY;
  // Calls of another day and month let go of what has ended, some at a time.
  for (let call = 0; call < HOLDS; call += 1) await limiter.get('order-none');
  const after = heap();
  await limiter.close();
  return {
    'bytes per subject': perSubject.toFixed(0),
    'bytes per open hold': perHold.toFixed(0),
    'bytes kept per purchase when its windows have ended': ((after - empty) / HOLDS).toFixed(1),
  };
}
