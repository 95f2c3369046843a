import type { Allowance } from '@spendcap/core/wire';
import { onPageFocus } from './focus.ts';
import type { createState } from './state.ts';
import { after } from './timers.ts';
import type { ClientOptions } from './types.ts';

/** What was read so recently is shown to a new subscriber without another read. */
const FRESH_MS = 30_000;
/** All clients see a window end in the same moment, and must not all ask in the same moment. */
const SPREAD_MS = 5_000;
/** Before another read, if the answer still has the window that has ended, as that of a cache. */
const ENDED_MS = 60_000;

/**
 * Keeps the allowance of a state current while anybody listens. Times are differences only: from
 * the server's `at` to the end of a window, and of the device since the answer arrived.
 */
export function keepCurrent(
  state: ReturnType<typeof createState>,
  read: () => Promise<Allowance>,
  { onFocus = onPageFocus, now = Date.now, initialAllowance }: ClientOptions,
) {
  let started = 0;
  let applied = 0;
  const clock = createClock(now, initialAllowance);
  let reading: Promise<void> | undefined;
  let cancel = () => {};
  let unfocus = () => {};

  /** Marks the begin of a read: an answer to an earlier one never replaces a later one's. */
  function begin() {
    started += 1;
    const mine = started;
    const isLate = () => mine < applied;
    return {
      apply(allowance: Allowance) {
        if (isLate()) return;
        applied = mine;
        clock.read(allowance);
        state.read(allowance);
        watch();
      },
      fail(error: unknown) {
        if (!isLate()) state.outdated(error);
      },
    };
  }

  /** Reads now, also if a read is under way. */
  function reread(): Promise<void> {
    const { apply, fail } = begin();
    const mine: Promise<void> = read()
      .then(apply, fail)
      .then(() => {
        if (reading === mine) reading = undefined;
      });
    reading = mine;
    return mine;
  }

  const refresh = (): Promise<void> => reading ?? reread();

  /** Waits for the end of the first window. */
  function watch(): void {
    cancel();
    const { allowance } = state.get().allowance;
    if (!allowance || state.listeners.size === 0) return;
    const wait = clock.untilEnd(allowance);
    // Not for a server that says no time, or a window that never ends.
    if (!(wait < Infinity)) return;
    cancel = after(wait, () => {
      clock.ended(allowance);
      state.outdated();
      cancel = after(SPREAD_MS * (0.2 + 0.8 * Math.random()), refresh);
    });
  }

  return {
    begin,
    refresh,
    /** What was read is outdated, and so will be the answer to a read that is under way. */
    changed() {
      state.outdated();
      if (state.listeners.size > 0) void reread();
    },
    subscribe(listener: () => void) {
      // A function of its own, as the same listener may subscribe twice.
      const mine = () => listener();
      state.listeners.add(mine);
      if (state.listeners.size === 1) {
        unfocus = onFocus(() => void refresh());
        const isFresh = state.get().allowance.status === 'ready' && clock.age() < FRESH_MS;
        if (isFresh) watch();
        else void refresh();
      }
      return () => {
        if (!state.listeners.delete(mine) || state.listeners.size > 0) return;
        cancel();
        unfocus();
      };
    },
  };
}

/** Compares times of the server with each other, and those of the device with each other. */
function createClock(now: () => number, initial: Allowance | undefined) {
  let arrivedAt = initial ? now() : -FRESH_MS;
  /** By the server's clock. */
  let readAt = Date.parse(`${initial?.at}`);
  /** Of the last window whose end was waited for. */
  let endedAt = -Infinity;

  /** Of the allowance. A device's clock that was set back says nothing. */
  function age(): number {
    const passed = now() - arrivedAt;
    return passed >= 0 ? passed : Infinity;
  }

  return {
    age,
    read({ at }: Allowance) {
      arrivedAt = now();
      readAt = Date.parse(at);
    },
    /** How long to wait for the end of the first window. */
    untilEnd(allowance: Allowance): number {
      const end = firstEnd(allowance);
      if (end <= readAt || end <= endedAt) return ENDED_MS;
      return Math.max(0, end - readAt - age());
    },
    ended(allowance: Allowance) {
      endedAt = firstEnd(allowance);
    },
  };
}

/** When the first window ends, by the server's clock. */
function firstEnd({ limits }: Allowance): number {
  const ends = limits.map(({ resetsAt }) => (resetsAt ? Date.parse(resetsAt) : Infinity));
  return Math.min(...ends);
}
