import assert from 'node:assert/strict';
import type { ReserveResult, Store } from '@spendcap/core';
import { capped, MONTH, NOON, purchase, type StoreCase, TODAY, used } from './fixtures.ts';

/** N concurrent reserves of a new subject. */
function race(parallel: number): StoreCase {
  return {
    name: `${parallel} concurrent first purchases of a subject never exceed a cap`,
    async run(store) {
      const windows = [capped(TODAY, 20_000), capped(MONTH, 17_500)];
      const amounts = Array.from(
        { length: parallel },
        (_, index) => 100 + ((index * 37) % 50) * 100,
      );
      const results = await Promise.all(
        amounts.map((amount, index) =>
          store.reserve(purchase(`race-${index}`, { amount, windows })),
        ),
      );
      const held = amounts.filter((_, index) => results[index]?.outcome === 'held');
      const total = held.reduce((sum, amount) => sum + amount, 0);
      assert.ok(total <= 17_500, 'the month cap was exceeded');
      assert.equal(await used(store, TODAY), total);
      assert.equal(await used(store, MONTH), total);
      const room = 17_500 - total;
      const refused = amounts.filter((_, index) => results[index]?.outcome === 'refused');
      // Each was refused for lack of room, and the room has only shrunk since.
      assert.ok(
        refused.every((amount) => amount > room),
        'a purchase that fits was refused',
      );
    },
  };
}

const outcomes = (results: readonly ReserveResult[], outcome: ReserveResult['outcome']): number =>
  results.filter((result) => result.outcome === outcome).length;

async function manyTimes(store: Store, times: number, id: string) {
  const windows = [capped(TODAY, 5_000)];
  return Promise.all(Array.from({ length: times }, () => store.reserve(purchase(id, { windows }))));
}

export const raceCases: readonly StoreCase[] = [
  race(2),
  race(8),
  race(64),
  race(500),
  {
    name: '64 concurrent calls with one id hold once',
    async run(store) {
      const results = await manyTimes(store, 64, 'same');
      assert.equal(outcomes(results, 'held'), 64);
      const fresh = results.filter((result) => result.outcome === 'held' && !result.replayed);
      assert.equal(fresh.length, 1);
      assert.equal(await used(store, TODAY), 1_000);
    },
  },
  {
    name: 'overdue holds are listed during concurrent reserves',
    async run(store) {
      const open = purchase('open', { onExpiry: 'reconcile' });
      await store.reserve(open);
      const at = open.expiresAt;
      for (let round = 0; round < 4; round += 1) {
        const [overdue, , held] = await Promise.all([
          store.overdue({ at, limit: 10 }),
          store.get({ id: 'unknown', at }),
          ...Array.from({ length: 8 }, (_, index) =>
            store.reserve(purchase(`${round}-${index}`, { subject: `subject-${index}` })),
          ),
        ]);
        assert.deepEqual(
          overdue.map(({ id }) => id),
          ['open'],
        );
        assert.equal(held?.outcome, 'held');
      }
    },
  },
  {
    name: 'concurrent commit and release: exactly one ends the purchase',
    async run(store) {
      for (let round = 0; round < 20; round += 1) {
        const id = `end-${round}`;
        await store.reserve(purchase(id, { windows: [capped(TODAY, 100_000)] }));
        const [released, ...commits] = await Promise.all([
          store.release({ id, at: NOON }),
          store.commit({ id, at: NOON }),
          store.commit({ id, at: NOON }),
        ]);
        const { purchase: last } = await store.get({ id, at: NOON });
        // A commit is never lost: it is on time, or late after the release.
        assert.equal(last?.state, 'committed');
        assert.equal(last.late, released.outcome === 'done');
        assert.ok(commits.every(({ outcome }) => outcome === 'done'));
      }
      assert.equal(await used(store, TODAY), 20_000);
    },
  },
  {
    name: 'concurrent refunds never exceed the charge',
    async run(store) {
      await store.reserve(purchase('p', { windows: [capped(TODAY, 5_000)] }));
      await store.commit({ id: 'p', at: NOON });
      const results = await Promise.all(
        Array.from({ length: 10 }, (_, index) =>
          store.refund({ id: 'p', refundId: `r${index}`, amount: 300, restores: true, at: NOON }),
        ),
      );
      assert.equal(results.filter(({ outcome }) => outcome === 'done').length, 3);
      assert.equal(await used(store, TODAY), 100);
    },
  },
  {
    name: 'subjects do not share allowance, even under concurrency',
    async run(store) {
      const windows = [capped(TODAY, 1_000)];
      const results = await Promise.all(
        Array.from({ length: 100 }, (_, index) =>
          store.reserve(purchase(`s-${index}`, { subject: `subject-${index % 50}`, windows })),
        ),
      );
      assert.equal(outcomes(results, 'held'), 50);
      assert.equal(outcomes(results, 'refused'), 50);
    },
  },
];
