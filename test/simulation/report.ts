import { type History, printHistory } from './history.ts';
import { INVARIANTS } from './invariants.ts';
import { shrink } from './shrink.ts';
import { type Outcome, simulate } from './simulate.ts';
import type { OpenLedger } from './stores.ts';

/** The result of a history, and after a failure all that is needed to reproduce it. */
export interface Report {
  readonly digest: string;
  /** `null` without a failure. Else what was broken, and the shortest history that was found. */
  readonly failure: string | null;
}

export interface Wanted {
  readonly store: string;
  readonly open: OpenLedger;
  /** The digest of another store with this history. */
  readonly digest?: string | undefined;
}

/** Plays a history on a store; one that fails is shortened as far as it still fails. */
export async function tryOut(history: History, { store, open, digest }: Wanted): Promise<Report> {
  const outcome = await simulate(history, open);
  const { failure } = outcome;
  const differs = digest !== undefined && failure === null && digest !== outcome.digest;
  if (differs) {
    const why = `${headOf(history, store)} ends in another way than on the store before it`;
    return { digest: outcome.digest, failure: `${why}\n${printHistory(history)}` };
  }
  if (failure === null) return { digest: outcome.digest, failure: null };
  const broken = namesIn(outcome);
  const short = await shrink(history, {
    at: failure.step,
    fails: async (tried) => [...namesIn(await simulate(tried, open))].some((n) => broken.has(n)),
  });
  const { failure: found } = await simulate(short, open);
  const lines = (found ?? failure).breaches.map(({ invariant, what }) =>
    invariant === 'error' ? `  error: ${what}` : `  ${INVARIANTS[invariant]}\n    ${what}`,
  );
  return {
    digest: outcome.digest,
    failure: [
      `${headOf(history, store)} fails at step ${failure.step}.`,
      `The shortest history that was found has ${short.steps.length} steps:`,
      ...lines,
      'Write these lines into a FILE: npm run simulate -- --history FILE',
      printHistory(short),
    ].join('\n'),
  };
}

const headOf = ({ processor, seed, steps }: History, store: string): string =>
  `${store}: ${processor} seed ${seed}, ${steps.length} steps`;

/** The names of the invariants that are broken. */
export function namesIn({ failure }: Outcome): ReadonlySet<string> {
  return new Set(failure?.breaches.map(({ invariant }) => invariant));
}
