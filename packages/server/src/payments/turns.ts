import type { Limiter } from '../limiter/types.ts';

/** The last start of each purchase that is under way in this process, by ledger. */
const UNDER_WAY = new WeakMap<Limiter, Map<string, Promise<unknown>>>();

/**
 * Runs the starts of a purchase one after another. If two ran at the same time, the rejection of
 * the first would release the hold under which the second one is paid.
 */
export async function inTurn<T>(limiter: Limiter, id: string, start: () => Promise<T>): Promise<T> {
  const turns = UNDER_WAY.get(limiter) ?? new Map<string, Promise<unknown>>();
  UNDER_WAY.set(limiter, turns);
  const last = turns.get(id);
  const own = last === undefined ? start() : last.then(start, start);
  turns.set(id, own);
  try {
    return await own;
  } finally {
    if (turns.get(id) === own) turns.delete(id);
  }
}
