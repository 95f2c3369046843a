import { type BatchOptions, batcher, overloaded } from '../../ledger/group-commit.ts';

/** What decides which commands have to wait for which. */
interface Ordered {
  readonly id: string | undefined;
  readonly subject: string | undefined;
  /** It changes nothing, so that it need not wait behind those that do. */
  readonly isRead: boolean;
}

export interface LanesOptions<C extends Ordered, R> {
  readonly run: BatchOptions<C, R>['run'];
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

/**
 * Several batches under way at once: two that write, so that one is made while the other is done, and
 * one that reads. What comes together is still done in order wherever it matters: commands of one id
 * or subject go the same way, and so do all while one is on its way whose subject is not known. A
 * command that would have to follow two lanes waits, with all that come after it, until nothing is
 * under way.
 */
export function lanes<C extends Ordered, R>({ run, maxBatch, maxQueue }: LanesOptions<C, R>) {
  const subjects = knownSubjects();
  const places = keptPlaces<Lane<C, R>>();
  let waiting = 0;
  let held: { readonly command: C; readonly resolve: (value: Promise<R>) => void }[] = [];
  const newLane = () =>
    lane<C, R>(maxBatch, async (entries, tell) => {
      waiting -= entries.length;
      const outcomes = await run(
        entries.map(({ command }) => command),
        tell,
      );
      for (const { keys } of entries) places.leave(keys);
      return outcomes;
    });
  const [first, second, reading] = [newLane(), newLane(), newLane()];
  const all = [first, second, reading];
  const allIdle = () => Promise.all(all.map(({ idle }) => idle()));

  const entryOf = (command: C): Entry<C> => {
    const { id, subject = id === undefined ? undefined : subjects.of(id) } = command;
    const keys = id === undefined ? [] : [id];
    if (subject !== undefined) keys.push(subject);
    return { command, keys, isUnknown: subject === undefined };
  };

  /** Where a command has to go; nowhere yet if it has to follow two. */
  const laneOf = ({ command, keys, isUnknown }: Entry<C>): Lane<C, R> | undefined => {
    const before = places.of(keys);
    for (const each of all) {
      if (isUnknown ? each.load() > 0 : each.hasUnknown()) before.add(each);
    }
    if (before.size > 1) return undefined;
    for (const only of before) return only;
    if (command.isRead) return reading;
    return second.load() < first.load() ? second : first;
  };

  const go = (command: C): Promise<R> => {
    const entry = entryOf(command);
    const chosen = held.length > 0 ? undefined : laneOf(entry);
    if (chosen !== undefined) {
      places.enter(entry.keys, chosen);
      return chosen.submit(entry);
    }
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

  return {
    /** Adds a command to a transaction to come. Rejects with `overloaded` when too many wait. */
    submit(command: C): Promise<R> {
      if (waiting >= maxQueue) return Promise.reject(overloaded());
      waiting += 1;
      subjects.remember(command);
      return go(command);
    },
    /** Resolves when nothing waits and nothing is under way. */
    async idle(): Promise<void> {
      do await allIdle();
      while (held.length > 0 || all.some(({ load }) => load() > 0));
    },
  };
}

/** Of so many ids the subject is remembered at least, and of twice as many at most. */
const MIN_IDS = 5_000;

/** Whose purchases the ids are that were named last. */
function knownSubjects() {
  let subjects = new Map<string, string>();
  let earlier = subjects;
  return {
    of: (id: string): string | undefined => subjects.get(id) ?? earlier.get(id),
    remember({ id, subject }: Ordered): void {
      if (id === undefined || subject === undefined) return;
      subjects.set(id, subject);
      if (subjects.size < MIN_IDS) return;
      // All at once: a map is slow to find its oldest name behind those that were deleted.
      earlier = subjects;
      subjects = new Map();
    },
  };
}

/** In which lane the commands of an id or a subject are on their way: in one, as the others follow. */
function keptPlaces<L>() {
  const places = new Map<string, { readonly lane: L; count: number }>();
  return {
    of(keys: readonly string[]): Set<L> {
      const found = new Set<L>();
      for (const key of keys) {
        const place = places.get(key);
        if (place !== undefined) found.add(place.lane);
      }
      return found;
    },
    enter(keys: readonly string[], lane: L): void {
      for (const key of keys) {
        // If it has a place, it is this lane: `laneOf` has sent the command where its keys are.
        const place = places.get(key);
        if (place === undefined) places.set(key, { lane, count: 1 });
        else place.count += 1;
      }
    },
    leave(keys: readonly string[]): void {
      for (const key of keys) {
        const place = places.get(key);
        if (place === undefined) continue;
        place.count -= 1;
        if (place.count === 0) places.delete(key);
      }
    },
  };
}

type Lane<C, R> = ReturnType<typeof lane<C, R>>;

/** One queue of batches, of which one is under way, and how much is on its way in it. */
function lane<C, R>(maxBatch: number, run: BatchOptions<Entry<C>, R>['run']) {
  let entered = 0;
  let unknown = 0;
  const queue = batcher<Entry<C>, R>({
    run: async (entries, tell) => {
      const outcomes = await run(entries, tell);
      entered -= entries.length;
      for (const { isUnknown } of entries) if (isUnknown) unknown -= 1;
      return outcomes;
    },
    maxBatch,
    maxQueue: Number.POSITIVE_INFINITY,
  });
  return {
    submit(entry: Entry<C>): Promise<R> {
      entered += 1;
      if (entry.isUnknown) unknown += 1;
      return queue.submit(entry);
    },
    load: () => entered,
    hasUnknown: () => unknown > 0,
    idle: queue.idle,
  };
}
