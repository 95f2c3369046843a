import { SpendcapError } from '@spendcap/core';

/** How one command of a batch came out. */
export type Outcome<R> = { readonly value: R } | { readonly error: SpendcapError };

export interface BatchOptions<C, R> {
  /** Runs the commands as one transaction and tells how each came out, in order; never rejects. */
  readonly run: (commands: readonly C[]) => Promise<readonly Outcome<R>[]>;
  /** Commands in one transaction at most. */
  readonly maxBatch: number;
  /** Commands that may wait at most; beyond it a call is refused at once. */
  readonly maxQueue: number;
}

interface Waiting<C, R> {
  readonly command: C;
  readonly resolve: (value: R) => void;
  readonly reject: (error: unknown) => void;
}

/** Batches at the store at once: one is written while the answers of the other are dealt with. */
const MAX_UNDER_WAY = 2;

/**
 * Group commit: calls that arrive while the store is at work, or in the same turn of the event loop,
 * share a transaction, so that many buyers share one flush to disk. There is no timer: a call that
 * comes alone goes at once.
 */
export function batcher<C, R>({ run, maxBatch, maxQueue }: BatchOptions<C, R>) {
  let queue: Waiting<C, R>[] = [];
  let underWay = 0;
  let scheduled = false;
  let whenIdle: (() => void)[] = [];

  const send = async (batch: readonly Waiting<C, R>[]): Promise<void> => {
    underWay += 1;
    const outcomes = await run(batch.map(({ command }) => command));
    underWay -= 1;
    for (const [index, { resolve, reject }] of batch.entries()) {
      const outcome = outcomes[index];
      if (outcome !== undefined && 'value' in outcome) resolve(outcome.value);
      else reject(outcome?.error);
    }
    if (queue.length > 0) schedule();
    else if (underWay === 0) settle();
  };

  const flush = (): void => {
    scheduled = false;
    while (underWay < MAX_UNDER_WAY && queue.length > 0) {
      const share = Math.ceil(queue.length / (MAX_UNDER_WAY - underWay));
      const size = Math.min(maxBatch, share);
      const batch = queue.slice(0, size);
      queue = queue.slice(size);
      void send(batch);
    }
  };

  const schedule = (): void => {
    if (scheduled) return;
    scheduled = true;
    setImmediate(flush);
  };

  const settle = (): void => {
    for (const done of whenIdle) done();
    whenIdle = [];
  };

  return {
    /** Adds a command to the next transaction. Rejects with `overloaded` when too many wait. */
    submit(command: C): Promise<R> {
      if (queue.length >= maxQueue) {
        const message = 'Too many calls wait for the store. Try again.';
        return Promise.reject(new SpendcapError('overloaded', message));
      }
      return new Promise((resolve, reject) => {
        queue.push({ command, resolve, reject });
        if (underWay < MAX_UNDER_WAY) schedule();
      });
    },
    /** Resolves when nothing waits and nothing is under way. */
    idle(): Promise<void> {
      if (underWay === 0 && queue.length === 0) return Promise.resolve();
      return new Promise((resolve) => whenIdle.push(resolve));
    },
  };
}
