import type { History, Step } from './history.ts';

/** The most plays of a search, so that it ends on slow stores too. */
const MAX_PLAYS = 500;

type Steps = readonly Step[];
type Still = (steps: Steps) => Promise<boolean>;

/**
 * A short history that still fails, found by leaving out: first what came after the failure, then
 * halves, quarters and so on down to single steps, then single calls of a burst, troubles and wrong
 * clocks (delta debugging).
 *
 * @param fails plays a history and says whether it fails
 */
export async function shrink(
  history: History,
  { fails, at }: { fails: (history: History) => Promise<boolean>; at: number },
): Promise<History> {
  let plays = 0;
  const still: Still = async (steps) => {
    plays += 1;
    return plays <= MAX_PLAYS && fails({ ...history, steps });
  };
  const head = history.steps.slice(0, at + 1);
  const steps = await withoutSome((await still(head)) ? head : history.steps, still);
  const simpler = await withLess(steps, still);
  // What only a removed call needed can be removed as well.
  return { ...history, steps: await withoutSome(simpler, still) };
}

async function withoutSome(steps: Steps, still: Still): Promise<Steps> {
  let left = steps;
  let size = left.length;
  while (size > 1) {
    size = Math.ceil(size / 2);
    left = await sweep(left, size, still);
  }
  for (let before = Infinity; left.length < before; ) {
    before = left.length;
    left = await sweep(left, 1, still);
  }
  return left;
}

/** Leaves out each run of `size` steps that is not needed, from the last to the first. */
async function sweep(steps: Steps, size: number, still: Still): Promise<Steps> {
  let left = steps;
  for (let start = left.length - size; start > -size; start -= size) {
    const tried = left.filter((_, index) => index < start || index >= start + size);
    if (tried.length > 0 && (await still(tried))) left = tried;
  }
  return left;
}

async function withLess(steps: Steps, still: Still): Promise<Steps> {
  let left = steps;
  for (const index of steps.keys()) {
    const attempt = async (less: (step: Step) => Step): Promise<void> => {
      const step = left[index] as Step;
      const tried = left.with(index, less(step));
      if (JSON.stringify(tried[index]) !== JSON.stringify(step) && (await still(tried)))
        left = tried;
    };
    await attempt(({ fault: _, ...step }) => step as Step);
    await attempt(({ callFault: _, ...step }) => step as Step);
    await attempt((step) => ({ ...step, skew: 0 }));
    await attempt((step) => ({ ...step, server: 0 }));
    for (let part = 8; part >= 0; part -= 1) await attempt((step) => withoutPart(step, part));
  }
  return left;
}

/** Without one call of a burst, or one notification of a delivery; one is left at least. */
function withoutPart(step: Step, part: number): Step {
  if (step.do === 'calls' && step.calls.length > 1) {
    return { ...step, calls: step.calls.toSpliced(part, 1) };
  }
  if (step.do === 'notify' && step.picks.length > 1) {
    return { ...step, picks: step.picks.toSpliced(part, 1) };
  }
  return step;
}
