import { type GroupCommitOptions, groupCommit, overloaded } from '../../ledger/group-commit.ts';

/** What decides which commands have to wait for which. */
interface Ordered {
  readonly id: string | undefined;
  readonly subject: string | undefined;
  /** It changes nothing, so it need not wait behind commands that do. */
  readonly isRead: boolean;
}

export interface OrderedQueueOptions<C extends Ordered, R> {
  readonly runBatch: GroupCommitOptions<C, R>['runBatch'];
  readonly maxBatch: number;
  /** Commands that may wait at most; beyond it a call is rejected immediately. */
  readonly maxQueue: number;
}

/** A command with the keys, id and subject, that keep it in its lane. */
interface Entry<C> {
  readonly command: C;
  readonly keys: readonly string[];
  /** Its subject is not known, as of a commit whose reserve this process has not seen. */
  readonly isSubjectUnknown: boolean;
}

/**
 * A queue with up to three batches in flight, that still keeps order where it matters: two lanes of
 * writes, so that one batch is encoded while the other is executed, and one of reads. Each lane
 * runs its batches one after another.
 *
 * Invariant: all commands in flight or waiting that share an id or a subject are in one lane, so
 * they run in the order of their submission. While a command whose subject is unknown is in a lane,
 * every other command follows it there, since it may share its subject. A command that would have
 * to follow two lanes is parked, with all that come after it, until every lane is empty.
 */
export function orderedQueue<C extends Ordered, R>(options: OrderedQueueOptions<C, R>) {
  const { runBatch, maxBatch, maxQueue } = options;
  const subjects = subjectCache();
  const laneOf = lanesByKey<Lane<C, R>>();
  let waiting = 0;
  let parked: { readonly command: C; readonly resolve: (value: Promise<R>) => void }[] = [];
  const newLane = () =>
    lane<C, R>(maxBatch, async (entries) => {
      waiting -= entries.length;
      const outcomes = await runBatch(entries.map(({ command }) => command));
      for (const { keys } of entries) laneOf.leave(keys);
      return outcomes;
    });
  const [first, second, reading] = [newLane(), newLane(), newLane()];
  const lanes = [first, second, reading];
  const allIdle = () => Promise.all(lanes.map(({ idle }) => idle()));

  const entryOf = (command: C): Entry<C> => {
    const { id, subject = id === undefined ? undefined : subjects.of(id) } = command;
    const keys = id === undefined ? [] : [id];
    if (subject !== undefined) keys.push(subject);
    return { command, keys, isSubjectUnknown: subject === undefined };
  };

  /** The lane that a command has to take; none yet if it would have to follow two. */
  const chooseLane = ({ command, keys, isSubjectUnknown }: Entry<C>): Lane<C, R> | undefined => {
    const ahead = laneOf.all(keys);
    for (const each of lanes) {
      if (isSubjectUnknown ? each.load() > 0 : each.hasUnknown()) ahead.add(each);
    }
    if (ahead.size > 1) return undefined;
    for (const only of ahead) return only;
    if (command.isRead) return reading;
    return second.load() < first.load() ? second : first;
  };

  const enter = (command: C): Promise<R> => {
    const entry = entryOf(command);
    const chosen = parked.length > 0 ? undefined : chooseLane(entry);
    if (chosen !== undefined) {
      laneOf.enter(entry.keys, chosen);
      return chosen.submit(entry);
    }
    return new Promise((resolve) => {
      parked.push({ command, resolve });
      if (parked.length === 1) void unparkWhenIdle();
    });
  };

  const unparkWhenIdle = async (): Promise<void> => {
    await allIdle();
    const entering = parked;
    parked = [];
    for (const { command, resolve } of entering) resolve(enter(command));
  };

  return {
    /** Adds a command to a batch. Rejects with `overloaded` when too many wait. */
    submit(command: C): Promise<R> {
      if (waiting >= maxQueue) return Promise.reject(overloaded());
      waiting += 1;
      subjects.remember(command);
      return enter(command);
    },
    /** Resolves when nothing waits and nothing is in flight. */
    async idle(): Promise<void> {
      do await allIdle();
      while (parked.length > 0 || lanes.some(({ load }) => load() > 0));
    },
  };
}

/** The cache has the subjects of this many ids at least, and of twice as many at most. */
const MIN_IDS = 5_000;

/** Which subject's purchases the ids are that were named last. */
function subjectCache() {
  let subjects = new Map<string, string>();
  let earlier = subjects;
  return {
    of: (id: string): string | undefined => subjects.get(id) ?? earlier.get(id),
    remember({ id, subject }: Ordered): void {
      if (id === undefined || subject === undefined) return;
      subjects.set(id, subject);
      if (subjects.size < MIN_IDS) return;
      // Two generations, since a map is slow to find its oldest key behind deleted ones.
      earlier = subjects;
      subjects = new Map();
    },
  };
}

/** The lane in which the commands of a key are, and how many. */
function lanesByKey<L>() {
  const places = new Map<string, { readonly lane: L; count: number }>();
  return {
    all(keys: readonly string[]): Set<L> {
      const found = new Set<L>();
      for (const key of keys) {
        const place = places.get(key);
        if (place !== undefined) found.add(place.lane);
      }
      return found;
    },
    enter(keys: readonly string[], lane: L): void {
      for (const key of keys) {
        // A key that has a place has this lane: `chooseLane` has followed it.
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

/** One batch in flight at a time, and how many commands are in the lane. */
function lane<C, R>(maxBatch: number, runBatch: GroupCommitOptions<Entry<C>, R>['runBatch']) {
  let entered = 0;
  let unknown = 0;
  const queue = groupCommit<Entry<C>, R>({
    runBatch: async (entries) => {
      const outcomes = await runBatch(entries);
      entered -= entries.length;
      for (const { isSubjectUnknown } of entries) if (isSubjectUnknown) unknown -= 1;
      return outcomes;
    },
    maxBatch,
    maxQueue: Number.POSITIVE_INFINITY,
  });
  return {
    submit(entry: Entry<C>): Promise<R> {
      entered += 1;
      if (entry.isSubjectUnknown) unknown += 1;
      return queue.submit(entry);
    },
    load: () => entered,
    hasUnknown: () => unknown > 0,
    idle: queue.idle,
  };
}
