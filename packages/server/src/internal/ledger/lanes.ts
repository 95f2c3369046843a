import { SpendcapError } from '@spendcap/core';
import { batcher, type Outcome } from './batch.ts';

/** What decides which commands have to wait for which. */
interface Ordered {
  readonly id: string | undefined;
  readonly subject: string | undefined;
  /** It changes nothing, so that it need not wait behind those that do. */
  readonly isRead: boolean;
}

export interface LanesOptions<C extends Ordered, R> {
  /** Runs the commands as one transaction and tells how each came out, in order; never rejects. */
  readonly run: (commands: readonly C[]) => Promise<readonly Outcome<R>[]>;
  readonly maxBatch: number;
  /** Commands that may wait at most; beyond it a call is refused at once. */
  readonly maxQueue: number;
}

/** A command on its way, with the id and subject that it keeps in its lane. */
interface Entry<C> {
  readonly command: C;
  readonly keys: readonly string[];
  readonly isUnknown: boolean;
}

/** Of so many ids the subject is remembered at least, and of twice as many at most. */
const MIN_IDS = 5_000;

/**
 * Several batches under way at once: two that write, so that one is made while the other is done, and
 * one that reads. What comes together is still done in order wherever it matters: commands of one id
 * or subject go the same way, and so do all while one is on its way whose subject is not known. A
 * command that would have to follow two lanes waits, with all that come after it, until nothing is
 * under way.
 */
export function lanes<C extends Ordered, R>({ run, maxBatch, maxQueue }: LanesOptions<C, R>) {
  let subjects = new Map<string, string>();
  let earlier = subjects;
  let waiting = 0;
  let held: { readonly command: C; readonly resolve: (value: Promise<R>) => void }[] = [];
  const all = Array.from({ length: 3 }, () =>
    lane<C, R>(maxBatch, (commands) => {
      waiting -= commands.length;
      return run(commands);
    }),
  );
  const [first, second, reading] = all as [Lane<C, R>, Lane<C, R>, Lane<C, R>];
  const allIdle = () => Promise.all(all.map(({ idle }) => idle()));

  const subjectOf = (id: string) => subjects.get(id) ?? earlier.get(id);

  const entryOf = (command: C): Entry<C> => {
    const { id, subject = id === undefined ? undefined : subjectOf(id) } = command;
    const keys = [id, subject].filter((key) => key !== undefined);
    return { command, keys, isUnknown: subject === undefined };
  };

  /** Where a command has to go; nowhere yet if it has to follow two. */
  const laneOf = ({ command, keys, isUnknown }: Entry<C>): Lane<C, R> | undefined => {
    const before = all.filter((each) =>
      isUnknown ? each.load() > 0 : each.hasUnknown() || keys.some(each.has),
    );
    if (before.length > 1) return undefined;
    if (before[0] !== undefined) return before[0];
    if (command.isRead) return reading;
    return second.load() < first.load() ? second : first;
  };

  const go = (command: C): Promise<R> => {
    const entry = entryOf(command);
    const chosen = held.length > 0 ? undefined : laneOf(entry);
    if (chosen !== undefined) return chosen.submit(entry);
    return new Promise((resolve) => {
      held.push({ command, resolve });
      if (held.length === 1) void goOn();
    });
  };
  const goOn = async (): Promise<void> => {
    await allIdle();
    const again = held;
    held = [];
    for (const { command, resolve } of again) resolve(go(command));
  };

  const remember = ({ id, subject }: C): void => {
    if (id === undefined || subject === undefined) return;
    subjects.set(id, subject);
    if (subjects.size < MIN_IDS) return;
    // All at once: a map is slow to find its oldest name behind those that were deleted.
    earlier = subjects;
    subjects = new Map();
  };

  return {
    /** Adds a command to a transaction to come. Rejects with `overloaded` when too many wait. */
    submit(command: C): Promise<R> {
      if (waiting >= maxQueue) {
        const message = 'Too many calls wait for the store. Try again.';
        return Promise.reject(new SpendcapError('overloaded', message));
      }
      waiting += 1;
      remember(command);
      return go(command);
    },
    /** Resolves when nothing waits and nothing is under way. */
    async idle(): Promise<void> {
      do await allIdle();
      while (held.length > 0 || all.some(({ load }) => load() > 0));
    },
  };
}

type Lane<C, R> = ReturnType<typeof lane<C, R>>;

/** One queue of batches, of which one is under way, and what is on its way in it. */
function lane<C, R>(
  maxBatch: number,
  run: (commands: readonly C[]) => Promise<readonly Outcome<R>[]>,
) {
  const keyed = new Map<string, number>();
  let entered = 0;
  let unknown = 0;
  const count = ({ keys, isUnknown }: Entry<C>, change: 1 | -1): void => {
    entered += change;
    if (isUnknown) unknown += change;
    for (const key of keys) {
      const left = (keyed.get(key) ?? 0) + change;
      if (left === 0) keyed.delete(key);
      else keyed.set(key, left);
    }
  };
  const queue = batcher<Entry<C>, R>({
    run: async (entries) => {
      const outcomes = await run(entries.map(({ command }) => command));
      for (const entry of entries) count(entry, -1);
      return outcomes;
    },
    maxBatch,
    maxQueue: Number.POSITIVE_INFINITY,
  });
  return {
    submit(entry: Entry<C>): Promise<R> {
      count(entry, 1);
      return queue.submit(entry);
    },
    load: () => entered,
    hasUnknown: () => unknown > 0,
    has: (key: string) => keyed.has(key),
    idle: queue.idle,
  };
}
