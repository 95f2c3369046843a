/** @throws TypeError unless it is a number of calls */
export function checkConcurrency(concurrency: number): void {
  if (Number.isInteger(concurrency) && concurrency >= 1) return;
  throw new TypeError('concurrency: expected a whole number above 0');
}

/**
 * Runs `work` for each item, with at most `concurrency` under way. If the items or `work` throw,
 * rejects when what is under way has ended.
 */
export async function forEach<T>(
  items: Iterable<T> | AsyncIterable<T>,
  concurrency: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const rest = readOnce(items);
  const worker = async (): Promise<void> => {
    for await (const item of rest) await work(item);
  };
  const ended = await Promise.allSettled(Array.from({ length: concurrency }, worker));
  for (const each of ended) if (each.status === 'rejected') throw each.reason;
}

/** One generator for all workers: it hands out each item once. */
async function* readOnce<T>(items: Iterable<T> | AsyncIterable<T>): AsyncGenerator<T> {
  yield* items;
}
