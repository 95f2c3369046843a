import { describe, expect, test } from 'vitest';
import { anyStore } from '../support/any-store.ts';
import type { ProcessorEntry } from '../support/processors/entry.ts';
import { ALL_PROCESSORS } from '../support/processors.ts';
import { historyOf } from './generate.ts';
import { play } from './play.ts';
import { sharedLedger } from './stores.ts';
import { openWorld } from './world.ts';

/** How often each thing happens in the histories: a word of an answer, or an event. */
async function heardIn(
  seeds: readonly number[],
  processor: ProcessorEntry,
): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  const count = (what: string): void => void counts.set(what, (counts.get(what) ?? 0) + 1);
  for (const seed of seeds) {
    const history = historyOf(seed, { steps: 200, processor });
    const world = await openWorld(history, sharedLedger(anyStore()));
    for (const step of history.steps) {
      for (const answer of await play(world, step))
        for (const word of answer.split(/[ ,]/)) count(word);
    }
    for (const { type, late, overHold } of world.events) {
      count(type);
      if (late) count('late');
      if (overHold) count('over hold');
    }
    await world.close();
  }
  return counts;
}

const seedsTo = (count: number) => Array.from({ length: count }, (_, index) => index);

test('histories reach what the simulation is there for', async () => {
  const heard = await heardIn(seedsTo(30), ALL_PROCESSORS[0]);
  const rare = [
    'held',
    'replayed',
    'refused',
    'died',
    'outcome_unknown',
    'store_unavailable',
    'late',
    'over hold',
    'purchase.expired',
    'purchase.released',
    'purchase.unrecorded',
    'purchase.refunded',
    'refund.reversed',
    'purchase_conflict',
    'purchase_ended',
    'refund_conflict',
    'refund_exceeds_purchase',
    'policy_not_in_effect',
    'day_cap_exceeded',
    'week_cap_exceeded',
    'month_cap_exceeded',
    'forbidden_category',
    'category_required',
    'age_not_precise',
    'guardian_approval_required',
    'processor_error',
  ].filter((what) => (heard.get(what) ?? 0) < 2);
  expect(rare).toEqual([]);
}, 60_000);

describe.each(ALL_PROCESSORS)('histories of $name', (processor) => {
  test('start charges in every way, and do to them whatever may be done', async () => {
    const heard = await heardIn(seedsTo(12), processor);
    const { deeds, ways } = processor;
    expect([...Object.keys(ways), ...deeds].filter((what) => !heard.has(what))).toEqual([]);
  }, 60_000);
});
