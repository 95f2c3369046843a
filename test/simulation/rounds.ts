import { setImmediate as soon } from 'node:timers/promises';
import { SpendcapError, type Store } from '@spendcap/core';
import type { StoreFault } from './history.ts';

type Verb = Exclude<keyof Store, 'ready' | 'close'>;

/** A call of a store, and its answer. */
export type Entry = {
  [V in Verb]: {
    readonly verb: V;
    readonly command: Parameters<Store[V]>[0];
    readonly result: Awaited<ReturnType<Store[V]>>;
  };
}[Verb];

interface Waiting {
  readonly verb: Verb;
  readonly command: unknown;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * A process's connection to its store. Calls go in rounds: once all work waits for the store, the
 * waiting calls are sent together, in order, and their answers are delivered in that order. So the
 * calls interleave alike on every store, however fast it is. `journal` receives every call that was
 * made, answered or not.
 */
export function inRounds(inner: Store, journal: Entry[]) {
  let waiting: Waiting[] = [];
  let fault: StoreFault | undefined;
  let calls = 0;
  let dead = false;
  let busy = false;

  const run = async ({ verb, command }: Waiting): Promise<unknown> =>
    (inner[verb] as (command: unknown) => Promise<unknown>)(command);

  const flush = async (): Promise<void> => {
    const round = waiting;
    waiting = [];
    const place = fault === undefined ? Infinity : fault.call - calls;
    const isHit = place >= 0 && place < round.length;
    calls += round.length;
    const outcomes = await Promise.allSettled(
      round.map((call, index) =>
        isSkipped(fault, index - place) ? Promise.reject(LOST_BEFORE) : run(call),
      ),
    );
    for (const [index, outcome] of outcomes.entries()) {
      const { verb, command } = round[index] as Waiting;
      if (outcome.status === 'rejected') continue;
      journal.push({ verb, command, result: outcome.value } as Entry);
    }
    dead = isHit && (fault?.kind.startsWith('dies') ?? false);
    for (const [index, outcome] of outcomes.entries()) {
      const { resolve, reject } = round[index] as Waiting;
      if (dead) reject(DEAD);
      else if (index === place && fault?.kind === 'lost_after') reject(LOST_AFTER);
      else if (outcome.status === 'rejected') reject(outcome.reason);
      else resolve(outcome.value);
    }
    busy = false;
    if (waiting.length > 0) begin();
  };

  /** Resolves when no work can run, so that no further call joins this round. */
  const begin = (): void => {
    busy = true;
    setImmediate(() => void flush());
  };

  const ask = (verb: Verb) => (command: unknown) =>
    new Promise<unknown>((resolve, reject) => {
      if (dead) {
        reject(DEAD);
        return;
      }
      waiting.push({ verb, command, resolve, reject });
      if (!busy) begin();
    });

  const verbs = Object.fromEntries(VERBS.map((verb) => [verb, ask(verb)]));
  return {
    store: { ...inner, ...verbs } as Store,
    /** For one step. */
    breakAt(next: StoreFault | undefined): void {
      fault = next;
      calls = 0;
    },
    /** Resolves when nothing is in flight any more, background work included. */
    async quiet(): Promise<void> {
      do await soon();
      while (busy);
    },
    /** Whether the process has died in this step: nothing that it still does has an effect. */
    isDead: () => dead,
  };
}

/** True for a call that does not reach the store: `after` is how far it comes after the fault. */
function isSkipped(fault: StoreFault | undefined, after: number): boolean {
  switch (fault?.kind) {
    case 'lost_before':
      return after === 0;
    case 'dies_before':
    case 'down':
      return after >= 0;
    case 'dies_after':
      return after > 0;
    default:
      return false;
  }
}

const VERBS = [
  'reserve',
  'commit',
  'release',
  'record',
  'attach',
  'refund',
  'reverseRefund',
  'get',
  'usage',
  'overdue',
] as const satisfies readonly Verb[];

const LOST_BEFORE = new SpendcapError('store_unavailable', 'Simulated: the call was lost.');
const LOST_AFTER = new SpendcapError('outcome_unknown', 'Simulated: the answer was lost.');
const DEAD = new SpendcapError('outcome_unknown', 'Simulated: this process is dead.');
