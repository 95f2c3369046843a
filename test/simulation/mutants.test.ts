import { expect, test } from 'vitest';
import { PROCESSORS } from '../support/processors.ts';
import { historyOf } from './generate.ts';
import { type History, printHistory, readHistory } from './history.ts';
import { MUTANTS } from './mutants.ts';
import { namesIn, tryOut } from './report.ts';
import { shrink } from './shrink.ts';
import { simulate } from './simulate.ts';

const STEPS = 150;
const [processor] = PROCESSORS;
const wanted = { steps: STEPS, processor };
/** Histories that may pass before a broken store is found. */
const MAX_SEEDS = 8;

test.each(MUTANTS)('a store that $name is found, and reported in a few steps', async (mutant) => {
  const { open, breaks, length } = mutant;
  const fails = async (history: History) => namesIn(await simulate(history, open)).has(breaks);
  for (let seed = 1; seed <= MAX_SEEDS; seed += 1) {
    const history = historyOf(seed, wanted);
    const outcome = await simulate(history, open);
    if (outcome.failure === null || !namesIn(outcome).has(breaks)) continue;
    const short = await shrink(history, { fails, at: outcome.failure.step });
    expect(short.steps.length).toBeLessThanOrEqual(length);
    return;
  }
  expect.fail(`not found within ${MAX_SEEDS} histories of ${STEPS} steps`);
});

test('a failure is reported with its seed, what is broken, and a history that fails when it is read', async () => {
  const mutant = MUTANTS.find(({ name }) => name === 'never ends a hold');
  if (mutant === undefined) throw new Error('there is no such mutant');
  const { open } = mutant;
  const { failure } = await tryOut(historyOf(1, wanted), { store: 'broken', open });
  expect(failure).toContain(`broken: ${processor.name} seed 1, ${STEPS} steps`);
  expect(failure).toContain('derived totals equal the model');
  const replayed = readHistory(failure ?? '');
  expect(replayed.steps.length).toBeLessThanOrEqual(2);
  expect(namesIn(await simulate(replayed, open))).toContain('model');
  expect(readHistory(printHistory(replayed))).toEqual(replayed);
});
