import assert from 'node:assert/strict';
import {
  ALL,
  capped,
  DAY,
  HOUR,
  MONTH,
  NEXT_MONTH,
  NOON,
  purchase,
  type StoreCase,
  T0,
  TODAY,
  TOMORROW,
  used,
} from './fixtures.ts';

/** Half an hour before and after midnight: different days and months. */
const EVENING = T0 + DAY - HOUR / 2;
const MORNING = T0 + DAY + HOUR / 2;
const windows = [capped(TODAY, 5_000), capped(MONTH, 5_000)];
const lasting = { at: EVENING, expiresAt: EVENING + 3 * HOUR, windows };

export const attributionCases: readonly StoreCase[] = [
  {
    name: 'a hold committed after midnight counts in the day and month of its reservation',
    async run(store) {
      await store.reserve(purchase('p', lasting));
      await store.commit({ id: 'p', at: MORNING });
      assert.equal(await used(store, TODAY, MORNING), 1_000);
      assert.equal(await used(store, MONTH, MORNING), 1_000);
      assert.equal(await used(store, TOMORROW, MORNING), 0);
      assert.equal(await used(store, NEXT_MONTH, MORNING), 0);
    },
  },
  {
    name: 'a release after midnight restores only the original windows',
    async run(store) {
      await store.reserve(purchase('p', lasting));
      const fresh = [capped(TOMORROW, 2_000), capped(NEXT_MONTH, 2_000)];
      await store.reserve(
        purchase('q', { at: MORNING, expiresAt: MORNING + HOUR, windows: fresh }),
      );
      await store.release({ id: 'p', at: MORNING });
      assert.equal(await used(store, TODAY, MORNING), 0);
      assert.equal(await used(store, TOMORROW, MORNING), 1_000);
      assert.equal(await used(store, NEXT_MONTH, MORNING), 1_000);
    },
  },
  {
    name: 'the unused part of a commit is restored to the original windows',
    async run(store) {
      await store.reserve(purchase('p', lasting));
      await store.commit({ id: 'p', amount: 400, at: MORNING });
      assert.equal(await used(store, TODAY, MORNING), 400);
      assert.equal(await used(store, MONTH, MORNING), 400);
      assert.equal(await used(store, TOMORROW, MORNING), 0);
    },
  },
  {
    name: 'a charge above the hold is recorded in full',
    async run(store) {
      await store.reserve(purchase('p', { windows: [capped(TODAY, 1_000)] }));
      const result = await store.commit({ id: 'p', amount: 1_300, at: NOON });
      assert.ok(result.outcome === 'done' && result.purchase.committed === 1_300);
      assert.equal(await used(store, TODAY), 1_300);
    },
  },
  {
    name: 'a refund in a later month restores only the original month',
    async run(store) {
      await store.reserve(purchase('p', lasting));
      await store.commit({ id: 'p', at: MORNING });
      const fresh = [capped(NEXT_MONTH, 1_000)];
      await store.reserve(
        purchase('q', { at: MORNING, expiresAt: MORNING + HOUR, windows: fresh }),
      );
      await store.refund({ id: 'p', refundId: 'r', restores: true, at: MORNING });
      assert.equal(await used(store, MONTH, MORNING), 0);
      assert.equal(await used(store, NEXT_MONTH, MORNING), 1_000);
      const more = purchase('more', { at: MORNING, expiresAt: MORNING + HOUR, windows: fresh });
      assert.equal((await store.reserve(more)).outcome, 'refused');
    },
  },
  {
    name: 'a window includes its first and last millisecond and excludes its end',
    async run(store) {
      const long = { expiresAt: T0 + 2 * DAY, windows: [capped(TODAY, 9_000)] };
      await store.reserve(purchase('first', { ...long, at: T0 }));
      await store.reserve(purchase('last', { ...long, at: T0 + DAY - 1 }));
      await store.reserve(purchase('next', { at: T0 + DAY, windows: [capped(TOMORROW, 9_000)] }));
      assert.equal(await used(store, TODAY, T0 + DAY), 2_000);
      assert.equal(await used(store, TOMORROW, T0 + DAY), 1_000);
    },
  },
  {
    name: 'a month counts what was bought on days that have ended, however long a subject rests',
    async run(store) {
      const bought: number[] = [];
      for (const day of [0, 1, 3, 10, 25]) {
        const start = MONTH.start + day * DAY;
        const at = start + 12 * HOUR;
        const id = `day-${day}`;
        const today = { selector: ALL, start, end: start + DAY };
        const windows = [capped(today, 1_500), capped(MONTH, 4_500)];
        const result = await store.reserve(purchase(id, { at, windows }));
        bought.push(...('used' in result ? result.used : []));
        if (result.outcome === 'held') await store.commit({ id, at });
        // Calls for others, days later: a store may forget what no window counts.
        for (const hours of [1, 20, 47]) {
          await store.get({ id: 'unknown', at: at + hours * HOUR });
        }
      }
      assert.deepEqual(bought, [1_000, 1_000, 1_000, 2_000, 1_000, 3_000, 1_000, 4_000, 0, 4_000]);
    },
  },
];
