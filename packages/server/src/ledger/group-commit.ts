import { SpendcapError } from '@spendcap/core';

/** How one command of a batch came out. */
export type Outcome<R> = { readonly value: R } | { readonly error: SpendcapError };

export interface GroupCommitOptions<C, R> {
  /**
   * Runs the commands as one transaction and returns how each came out, in order. Never rejects.
   */
  readonly runBatch: (commands: readonly C[]) => Promise<readonly Outcome<R>[]>;
  /**
   * Receives the first commands of the next batch while more arrive, so that work on them can begin
   * early. `runBatch` receives them again, with the rest.
   */
  readonly prepare?: (commands: readonly C[]) => void;
  /**
   * For a client that flushes its socket at the end of the tick: batches handed to it in one tick
   * would reach the store as one write. Leaves one tick between batches, so that the store works on
   * one while the next is made. Default false.
   */
  readonly oneTickApart?: boolean;
  /** Commands in one transaction at most. */
  readonly maxBatch: number;
  /** Transactions in flight at most. Default 1. */
  readonly maxInFlight?: number;
  /** Commands that may wait at most; beyond it a call is rejected immediately. */
  readonly maxQueue: number;
}

interface Waiting<C, R> {
  readonly command: C;
  readonly resolve: (value: R) => void;
  readonly reject: (error: unknown) => void;
}

/** With more full batches than this in the queue, `oneTickApart` is ignored. */
const MAX_HELD_BATCHES = 2;

/** `prepare` is called for this many new commands: for fewer it costs more than it gains. */
const MIN_PREPARED = 16;

/**
 * Group commit: calls that arrive while a transaction is in flight, or in the same tick, share the
 * next one, so that many callers share one flush to disk. There is no timer: a single call is sent
 * at the end of its tick, or with `oneTickApart` two ticks after the batch before it.
 */
export function groupCommit<C, R>(options: GroupCommitOptions<C, R>) {
  const { runBatch, prepare, oneTickApart = false, maxBatch, maxInFlight = 1, maxQueue } = options;
  let queue: Waiting<C, R>[] = [];
  let inFlight = 0;
  /** How many commands at the front of the queue `prepare` has received. */
  let prepared = 0;
  let scheduled = false;
  /** A batch was sent in this tick or the one before, so the next one waits. */
  let holding = false;
  const whenIdle: (() => void)[] = [];

  const flush = async (): Promise<void> => {
    inFlight += 1;
    const batch = queue.slice(0, maxBatch);
    queue = queue.slice(maxBatch);
    prepared = 0;
    const outcomes = await orNothing(runBatch, batch);
    for (const [index, waiting] of batch.entries()) settle(waiting, outcomes[index]);
    inFlight -= 1;
    if (queue.length > 0) schedule();
    else if (inFlight === 0) {
      for (const done of whenIdle.splice(0)) done();
    }
  };

  // Under load ticks are long, and none may pass without work for the store.
  const canFlush = (): boolean =>
    queue.length > 0 &&
    inFlight < maxInFlight &&
    !(holding && queue.length <= MAX_HELD_BATCHES * maxBatch);

  const schedule = (): void => {
    if (scheduled || !canFlush()) return;
    scheduled = true;
    setImmediate(() => {
      scheduled = false;
      while (canFlush()) startFlush();
    });
  };

  const startFlush = (): void => {
    void flush();
    if (!oneTickApart || holding) return;
    holding = true;
    // One tick for `runBatch` to hand its command to the client, and one for the client to flush
    // it.
    afterTwoTicks(() => {
      holding = false;
      schedule();
    });
  };

  const prepareNew = (): void => {
    if (prepare === undefined || inFlight > 0 || queue.length > maxBatch) return;
    if (queue.length - prepared < MIN_PREPARED) return;
    try {
      prepare(queue.slice(prepared).map(({ command }) => command));
    } catch {
      // `runBatch` receives the commands again.
    }
    prepared = queue.length;
  };

  return {
    /** Adds a command to the next transaction. Rejects with `overloaded` when too many wait. */
    submit(command: C): Promise<R> {
      if (queue.length >= maxQueue) return Promise.reject(overloaded());
      return new Promise((resolve, reject) => {
        queue.push({ command, resolve, reject });
        // A full batch need not wait for the end of the tick: the next one is made while it is in
        // flight.
        if (queue.length >= maxBatch && canFlush()) startFlush();
        else schedule();
        prepareNew();
      });
    },
    /** Resolves when nothing waits and nothing is in flight. */
    idle(): Promise<void> {
      if (inFlight === 0 && queue.length === 0) return Promise.resolve();
      return new Promise((resolve) => whenIdle.push(resolve));
    },
  };
}

/** The outcomes of a batch, or none if it rejects: uncaught, that would end the process. */
async function orNothing<C, R>(
  runBatch: GroupCommitOptions<C, R>['runBatch'],
  batch: readonly Waiting<C, R>[],
): Promise<readonly Outcome<R>[]> {
  try {
    return await runBatch(batch.map(({ command }) => command));
  } catch {
    return [];
  }
}

function settle<C, R>(waiting: Waiting<C, R>, outcome: Outcome<R> | undefined): void {
  if (outcome === undefined) waiting.reject(unknownOutcome());
  else if ('value' in outcome) waiting.resolve(outcome.value);
  else waiting.reject(outcome.error);
}

function unknownOutcome(): SpendcapError {
  return new SpendcapError('outcome_unknown', 'The store did not say how the call ended. Retry.');
}

const afterTwoTicks = (next: () => void) => setImmediate(() => setImmediate(next));

export function overloaded(): SpendcapError {
  return new SpendcapError('overloaded', 'Too many calls wait for the store. Try again.');
}
