/**
 * Calls a caller's listener. What it throws, or what a promise that it returns rejects with, goes
 * to `failed` and nowhere else: unhandled, it would end the process.
 */
export function callListener(listen: () => unknown, failed: () => void): void {
  try {
    const listening = listen();
    // Any object: the promise of another realm or library is no instance of this `Promise`.
    if (typeof listening === 'object') Promise.resolve(listening).catch(failed);
  } catch {
    failed();
  }
}
