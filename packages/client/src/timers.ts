interface Platform {
  readonly setTimeout?: (run: () => void, ms: number) => unknown;
  readonly clearTimeout?: (timer: unknown) => void;
}

/** Longer timers fire immediately. */
export const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** Runs a function later, and returns how to prevent it. Never, on a platform without timers. */
export function after(ms: number, run: () => void): () => void {
  // Read at each call, as some engines, and fake clocks, set them later.
  const { setTimeout, clearTimeout } = globalThis as unknown as Platform;
  const timer = setTimeout?.(run, Math.min(ms, MAX_TIMEOUT_MS));
  return () => clearTimeout?.(timer);
}

/** Waits; not at all on a platform without timers. */
export function later(ms: number): Promise<void> {
  const { setTimeout } = globalThis as unknown as Platform;
  return new Promise((resolve) => (setTimeout ? void setTimeout(resolve, ms) : resolve()));
}
