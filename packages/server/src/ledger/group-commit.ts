import { SpendcapError } from '@spendcap/core';

/** How one command of a batch came out. */
export type Outcome<R> = { readonly value: R } | { readonly error: SpendcapError };

/** How one command came out, by its place in the batch. Once it is told, no more is heard of it. */
export type Tell<R> = (index: number, outcome: Outcome<R>) => void;

export interface BatchOptions<C, R> {
  /**
   * Runs the commands as one transaction and returns how each came out, in order; never rejects. What is
   * known of one before may be told.
   */
  readonly run: (commands: readonly C[], tell: Tell<R>) => Promise<readonly Outcome<R>[]>;
  /**
   * Is handed the first commands of the next batch while others still arrive, so that work on them can
   * begin. `run` is given them again with the rest.
   */
  readonly ahead?: (commands: readonly C[]) => void;
  /**
   * The client of `run` writes at the end of a turn of the event loop. What is handed to it in one turn
   * would reach the store as one write and be answered as one; so a batch has two turns to itself,
   * and the store works on it while the next is made. Default false.
   */
  readonly sendsLater?: boolean;
  /** Commands in one transaction at most. */
  readonly maxBatch: number;
  /** Transactions that may be under way at once. Default 1. */
  readonly maxInFlight?: number;
  /** Commands that may wait at most; beyond it a call is refused at once. */
  readonly maxQueue: number;
}

interface Waiting<C, R> {
  readonly command: C;
  readonly resolve: (value: R) => void;
  readonly reject: (error: unknown) => void;
}

/** Batches that may wait behind one that has two turns to itself. */
const MANY = 2;

/** Commands that are worth handing over ahead: fewer would cost more than is won. */
const AHEAD = 16;

/**
 * Group commit: calls that arrive while a transaction is under way, or in the same turn of the event
 * loop, share the next one, so that many buyers share one flush to disk. There is no timer: a call
 * that comes alone goes at once, or with `sendsLater` two turns after the one before it.
 */
export function batcher<C, R>(options: BatchOptions<C, R>) {
  const { run, ahead, sendsLater = false, maxBatch, maxInFlight = 1, maxQueue } = options;
  let queue: Waiting<C, R>[] = [];
  let inFlight = 0;
  /** How many at the front of the queue were handed over ahead. */
  let handed = 0;
  let scheduled = false;
  /** A batch has just gone, so the next one waits. */
  let resting = false;
  const whenIdle: (() => void)[] = [];

  const flush = async (): Promise<void> => {
    inFlight += 1;
    const batch = queue.slice(0, maxBatch);
    queue = queue.slice(maxBatch);
    handed = 0;
    const tell: Tell<R> = (index, outcome) => settle(batch[index], outcome);
    const outcomes = await run(
      batch.map(({ command }) => command),
      tell,
    );
    for (const [index, waiting] of batch.entries()) settle(waiting, outcomes[index]);
    inFlight -= 1;
    if (queue.length > 0) schedule();
    else if (inFlight === 0) {
      for (const done of whenIdle.splice(0)) done();
    }
  };

  // Where many wait, turns are long, and none may pass without work for the store.
  const canFlush = (): boolean =>
    queue.length > 0 && inFlight < maxInFlight && !(resting && queue.length <= MANY * maxBatch);

  const schedule = (): void => {
    if (scheduled || !canFlush()) return;
    scheduled = true;
    setImmediate(() => {
      scheduled = false;
      while (canFlush()) flushNow();
    });
  };

  const flushNow = (): void => {
    void flush();
    if (!sendsLater || resting) return;
    resting = true;
    // One turn for `run` to hand its command to the client, and one for the client to write it.
    afterTwoTurns(() => {
      resting = false;
      schedule();
    });
  };

  const handAhead = (): void => {
    if (ahead === undefined || inFlight > 0 || queue.length > maxBatch) return;
    if (queue.length - handed < AHEAD) return;
    ahead(queue.slice(handed).map(({ command }) => command));
    handed = queue.length;
  };

  return {
    /** Adds a command to the next transaction. Rejects with `overloaded` when too many wait. */
    submit(command: C): Promise<R> {
      if (queue.length >= maxQueue) return Promise.reject(overloaded());
      return new Promise((resolve, reject) => {
        queue.push({ command, resolve, reject });
        // A full one need not wait for the end of the turn: others are made while it is under way.
        if (queue.length >= maxBatch && canFlush()) flushNow();
        else schedule();
        handAhead();
      });
    },
    /** Resolves when nothing waits and nothing is under way. */
    idle(): Promise<void> {
      if (inFlight === 0 && queue.length === 0) return Promise.resolve();
      return new Promise((resolve) => whenIdle.push(resolve));
    },
  };
}

/** Does nothing to one that is settled. */
function settle<C, R>(waiting: Waiting<C, R> | undefined, outcome: Outcome<R> | undefined): void {
  if (outcome !== undefined && 'value' in outcome) waiting?.resolve(outcome.value);
  else waiting?.reject(outcome?.error);
}

const afterTwoTurns = (next: () => void) => setImmediate(() => setImmediate(next));

export function overloaded(): SpendcapError {
  return new SpendcapError('overloaded', 'Too many calls wait for the store. Try again.');
}
