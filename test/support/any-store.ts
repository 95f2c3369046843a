import type { Store } from '@spendcap/core';
import { memoryStore } from '@spendcap/server/stores/memory';

/** Longer than any test's history in simulated time. */
const KEEP_MS = 4_000 * 86_400_000;

/** A store for a test that needs one, whichever it is: empty, and it forgets nothing. */
export function anyStore(): Store {
  return memoryStore({ keepEndedMs: KEEP_MS });
}
