import { SpendcapError } from '@spendcap/core';
import type { Outcome } from './group-commit.ts';

type Options = Readonly<Record<string, number>>;

/**
 * Checks options that must be whole numbers.
 *
 * @throws TypeError that names the first wrong one
 */
export function checkWhole(options: Options, min: number, max = Number.MAX_SAFE_INTEGER): void {
  for (const [name, value] of Object.entries(options)) {
    if (Number.isSafeInteger(value) && value >= min && value <= max) continue;
    const upTo = max === Number.MAX_SAFE_INTEGER ? '' : ` to ${max}`;
    throw new TypeError(`${name} must be a whole number from ${min}${upTo}`);
  }
}

/**
 * The longest time in milliseconds that a timer of Node.js can wait; a longer one fires
 * immediately.
 */
const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * Checks options that are times to wait, in milliseconds. @throws TypeError as `checkWhole` does
 */
export function checkWait(options: Options, min: number): void {
  checkWhole(options, min, MAX_TIMER_MS);
}

/**
 * Whether a store is open. `close` runs `drain` once, however often it is called: it waits for the
 * calls that were accepted and then frees what the store holds.
 */
export function lifecycle(drain: () => Promise<unknown>) {
  let closing: Promise<void> | undefined;
  return {
    /** @throws SpendcapError `store_unavailable` after `close` */
    assertOpen(): void {
      if (closing !== undefined) throw unavailable('The store is closed.');
    },
    close(): Promise<void> {
      closing ??= drain().then(() => undefined);
      return closing;
    },
  };
}

/**
 * Waits for `work` until a deadline on the clock of `performance.now()`, then rejects with what
 * `timedOut` returns. What becomes of the work later is ignored.
 */
export function within<T>(deadline: number, work: Promise<T>, timedOut: () => Error): Promise<T> {
  return new Promise((resolve, reject) => {
    const ms = Math.max(0, deadline - performance.now());
    const timer = setTimeout(() => reject(timedOut()), ms);
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

export interface Transactions<C, R> {
  /** Runs commands as one transaction. If it rejects, none of them has been done. */
  readonly run: (commands: readonly C[]) => Promise<readonly Outcome<R>[]>;
  /** True if an error is about the values of one command, and not about the database. */
  readonly isDataError: (cause: unknown) => boolean;
  readonly toError: (cause: unknown) => SpendcapError;
}

/**
 * Runs a batch so that a data error fails alone: a transaction that one command's values make fail
 * is run again command by command. Any other error fails all of them. Never rejects.
 */
export async function isolateDataErrors<C, R>(
  commands: readonly C[],
  transactions: Transactions<C, R>,
): Promise<readonly Outcome<R>[]> {
  const { run, isDataError, toError } = transactions;
  try {
    return await run(commands);
  } catch (cause) {
    if (commands.length === 1 || !isDataError(cause)) {
      const error = toError(cause);
      return commands.map(() => ({ error }));
    }
    const outcomes: Outcome<R>[] = [];
    for (const command of commands) {
      outcomes.push(...(await isolateDataErrors([command], transactions)));
    }
    return outcomes;
  }
}

/** The store cannot be used now, and nothing was done. Retryable. */
export function unavailable(message: string, cause?: unknown): SpendcapError {
  return new SpendcapError('store_unavailable', message, cause === undefined ? {} : { cause });
}

/** The error of a call that may be repeated: whether it was done does not matter. */
export function repeatable(error: SpendcapError): SpendcapError {
  return error.code === 'outcome_unknown' ? unavailable(error.message, error.cause) : error;
}

/**
 * The store can never work as it is set up: an operator has to act. Not retryable, and no outage.
 */
export function misconfigured(message: string, cause?: unknown): SpendcapError {
  return new SpendcapError('store_misconfigured', message, cause === undefined ? {} : { cause });
}

/** A purchase or refund would take the total of a window out of the safe integers. */
export function unsafeTotal(): SpendcapError {
  return new SpendcapError('invalid_amount', 'The total would pass the safe integer range.');
}
