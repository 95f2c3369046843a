import type { Store } from '@spendcap/core';
import { memoryStore } from '@spendcap/server/stores/memory';

/** Longer than any test's history in simulated time. */
const KEEP_MS = 4_000 * 86_400_000;

/** An empty store that forgets nothing, for a test that works with any store. */
export function anyStore(): Store {
  return memoryStore({ keepEndedMs: KEEP_MS });
}
