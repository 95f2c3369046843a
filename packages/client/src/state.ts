import type { Allowance } from '@spendcap/core/wire';
import type { CheckoutOutcome } from './outcome.ts';

/**
 * What is known of the allowance. `stale`: it may be outdated, as a window has ended, a purchase
 * was made, or the last read failed with `error`. `unavailable`: there is none to show.
 */
export type AllowanceState =
  | { readonly status: 'loading'; readonly allowance: null }
  | { readonly status: 'ready'; readonly allowance: Allowance }
  | { readonly status: 'stale'; readonly allowance: Allowance; readonly error?: unknown }
  | { readonly status: 'unavailable'; readonly allowance: null; readonly error: unknown };

/** How far a purchase is, or its outcome. */
export type PurchaseState =
  | { readonly status: 'checking' | 'paying'; readonly id: string }
  | CheckoutOutcome<unknown>;

/** What a client shows. A new object after each change, whose unchanged parts are the same. */
export interface Snapshot {
  readonly allowance: AllowanceState;
  /** By id: the last twenty of this client. */
  readonly purchases: Readonly<Record<string, PurchaseState>>;
}

const MAX_PURCHASES = 20;

/** The state and who listens to it. */
export function createState(initial: Allowance | undefined) {
  const first: AllowanceState = initial
    ? { status: 'ready', allowance: initial }
    : { status: 'loading', allowance: null };
  const server: Snapshot = { allowance: first, purchases: {} };
  let snapshot = server;
  const listeners = new Set<() => void>();

  function set(change: Partial<Snapshot>): void {
    snapshot = { ...snapshot, ...change };
    notify();
  }

  function notify(): void {
    for (const listener of [...listeners]) {
      try {
        listener();
      } catch (error) {
        // Reported as any unhandled error, but not to a purchase that is under way.
        void Promise.reject(error);
      }
    }
  }

  return {
    server,
    listeners,
    notify,
    get: () => snapshot,
    /** The same as before stays the same object, so that nothing is drawn or decided again. */
    read(found: Allowance) {
      const { allowance: before, status } = snapshot.allowance;
      const isSame = JSON.stringify({ ...before, at: 0 }) === JSON.stringify({ ...found, at: 0 });
      const allowance = before && isSame ? before : found;
      if (status !== 'ready' || !isSame) set({ allowance: { status: 'ready', allowance } });
    },
    /** Keeps what there is, as possibly outdated. */
    outdated(error?: unknown) {
      const { allowance } = snapshot.allowance;
      if (allowance) {
        set({ allowance: { status: 'stale', allowance, ...(error !== undefined && { error }) } });
      } else if (error !== undefined) {
        set({ allowance: { status: 'unavailable', allowance, error } });
      }
    },
    purchase(purchase: PurchaseState) {
      const { [purchase.id]: _, ...others } = snapshot.purchases;
      const kept = Object.entries(others).slice(1 - MAX_PURCHASES);
      const purchases: Record<string, PurchaseState> = {};
      for (const [id, each] of kept) purchases[id] = each;
      set({ purchases: { ...purchases, [purchase.id]: purchase } });
    },
  };
}
