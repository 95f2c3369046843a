/** One call of a concurrent history, in the ticks of a clock that all callers share. */
export interface Operation<I, O> {
  readonly input: I;
  readonly called: number;
  /** Absent if the outcome is unknown: the call may take effect at any later time, or never. */
  readonly answered?: { readonly at: number; readonly output: O };
}

/** What one caller after another would see. */
export interface Specification<S, I, O> {
  readonly initial: S;
  /** All that a call may do and answer. `state` is not changed. */
  apply(state: S, input: I): readonly { readonly state: S; readonly output: O }[];
  /** Equal for states that no call can distinguish. */
  key(state: S): string;
  /** A call, in short. */
  describe(input: I): string;
}

export type Verdict =
  | { readonly outcome: 'linearizable'; readonly visited: number }
  | { readonly outcome: 'not linearizable' | 'undecided'; readonly message: string };

/** A call with its place in the history. */
interface Placed<I, O> extends Operation<I, O> {
  readonly number: number;
  /** When it must have taken effect. */
  readonly until: number;
  readonly answer: string | null;
}

class BoundMet extends Error {}

/**
 * Looks for an order of the calls, each between its start and its end, in which one caller after
 * another would have got the same answers. This is the search of Wing and Gong ("Testing and
 * Verifying Concurrent Objects", 1993) which, as Lowe added ("Testing for Linearizability", 2017),
 * never looks twice at the same set of calls done in the same state.
 */
export function checkHistory<S, I, O>(
  history: readonly Operation<I, O>[],
  specification: Specification<S, I, O>,
  { maxVisited = 200_000 }: { readonly maxVisited?: number } = {},
): Verdict {
  const { apply, key, describe } = specification;
  const calls = place(history);
  const seen = new Set<string>();
  const stateNumbers = new Map<string, number>();
  let longest: readonly Placed<I, O>[] = [];
  let stuckIn = specification.initial;

  const numberOf = (state: S): number => {
    const text = key(state);
    const known = stateNumbers.get(text) ?? stateNumbers.size;
    stateNumbers.set(text, known);
    return known;
  };

  const search = (state: S, done: bigint, order: readonly Placed<I, O>[]): boolean => {
    const open = calls.filter(({ number }) => (done & (1n << BigInt(number))) === 0n);
    const until = Math.min(...open.map((call) => call.until));
    if (until === Infinity) return true;
    const stateNumber = numberOf(state);
    const place = `${done.toString(36)} ${stateNumber}`;
    if (seen.has(place)) return false;
    if (seen.size >= maxVisited) throw new BoundMet();
    seen.add(place);
    if (order.length > longest.length || longest.length === 0) {
      longest = order;
      stuckIn = state;
    }
    for (const call of open) {
      if (call.called > until) continue;
      for (const { state: next, output } of apply(state, call.input)) {
        if (call.answer !== null && call.answer !== JSON.stringify(output)) continue;
        // An unanswered call that changes nothing need not take effect here.
        if (call.answer === null && numberOf(next) === stateNumber) continue;
        if (search(next, done | (1n << BigInt(call.number)), [...order, call])) return true;
      }
    }
    return false;
  };

  try {
    if (search(specification.initial, 0n, [])) {
      return { outcome: 'linearizable', visited: seen.size };
    }
  } catch (error) {
    if (!(error instanceof BoundMet)) throw error;
    const message = `undecided: the bound of ${maxVisited} configurations was met with ${calls.length} calls. Record fewer in parallel, or raise maxVisited.`;
    return { outcome: 'undecided', message };
  }
  const wouldAnswer = (input: I) => apply(stuckIn, input)[0]?.output;
  const message = explain({ calls, longest, describe, wouldAnswer });
  return { outcome: 'not linearizable', message };
}

/** In the order of their ends, which is most often near an order that fits. */
function place<I, O>(history: readonly Operation<I, O>[]): readonly Placed<I, O>[] {
  return history
    .map((call) => ({
      ...call,
      until: call.answered?.at ?? Infinity,
      answer: call.answered === undefined ? null : JSON.stringify(call.answered.output),
    }))
    .sort((a, b) => a.until - b.until)
    .map((call, number) => ({ ...call, number }));
}

/** The longest order that fits, and what the calls that might follow should have answered. */
function explain<I, O>(found: {
  readonly calls: readonly Placed<I, O>[];
  readonly longest: readonly Placed<I, O>[];
  readonly describe: (input: I) => string;
  readonly wouldAnswer: (input: I) => O | undefined;
}): string {
  const { calls, longest, describe, wouldAnswer } = found;
  const line = ({ input, called, until, answer }: Placed<I, O>): string =>
    `  [${called}, ${until}] ${describe(input)} -> ${answer ?? 'unknown'}`;
  const open = calls.filter((call) => !longest.includes(call));
  const end = Math.min(...open.map(({ until }) => until));
  const next = open.filter(({ called, answer }) => called <= end && answer !== null);
  return [
    `not linearizable: at most ${longest.length} of ${calls.length} calls can be put in an order:`,
    ...longest.map(line),
    'after which none of these could have been answered so:',
    ...next.map((call) => `${line(call)}\n    but ${JSON.stringify(wouldAnswer(call.input))}`),
  ].join('\n');
}
