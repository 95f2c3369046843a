import assert from 'node:assert/strict';
import { FOREVER, type Window } from '@spendcap/core';
import {
  ALL,
  capped,
  DAY,
  HOUR,
  MONTH,
  NOON,
  purchase,
  type StoreCase,
  T0,
  TODAY,
  TOMORROW,
  used,
} from './fixtures.ts';

const inCategories = (categories: readonly string[] | null): Window => ({
  ...MONTH,
  selector: { ...ALL, categories },
});
const inApp = (app: string | null): Window => ({ ...MONTH, selector: { ...ALL, app } });

export const truthCases: readonly StoreCase[] = [
  {
    name: 'a limit added in mid-month counts earlier purchases',
    async run(store) {
      await store.reserve(purchase('p', { at: T0 - 5 * DAY, expiresAt: NOON + DAY }));
      await store.reserve(purchase('q', { windows: [capped(TODAY, 9_000)] }));
      const windows = [capped(TODAY, 9_000), capped(MONTH, 2_500)];
      const refused = await store.reserve(purchase('r', { windows }));
      assert.equal(refused.outcome, 'refused');
      assert.deepEqual('used' in refused ? refused.used : [], [1_000, 2_000]);
    },
  },
  {
    name: 'a counter includes purchases that do not name its window',
    async run(store) {
      await store.reserve(purchase('child', { windows: [capped(TODAY, 9_000)] }));
      await store.reserve(purchase('adult'));
      await store.commit({ id: 'adult', amount: 600, at: NOON });
      assert.equal(await used(store, TODAY), 1_600);
      await store.refund({ id: 'adult', refundId: 'r', restores: true, at: NOON });
      assert.equal(await used(store, TODAY), 1_000);
    },
  },
  {
    name: 'each of up to nine windows refuses at its own cap',
    async run(store) {
      for (let size = 1; size <= 9; size += 1) {
        for (let tight = 0; tight < size; tight += 1) {
          const subject = `subject-${size}-${tight}`;
          const buy = (order: string, amount: number) =>
            store.reserve(
              purchase(`${subject}-${order}`, {
                ...{ subject, amount },
                windows: Array.from({ length: size }, (_, index) => {
                  const end = T0 + (index + 1) * DAY;
                  return capped({ ...TODAY, end }, index === tight ? 3_000 : 9_000);
                }),
              }),
            );
          // The first creates the counters, the second finds them.
          for (const order of ['p', 'q']) await buy(order, 1_000);
          const last = await buy('r', 1_000);
          const most = await buy('s', 1);
          const all = (sum: number) => Array.from({ length: size }, () => sum);
          assert.ok(last.outcome === 'held' && most.outcome === 'refused', subject);
          assert.deepEqual([last.used, most.used], [all(3_000), all(3_000)]);
        }
      }
    },
  },
  {
    name: 'a list of windows may change between calls',
    async run(store) {
      const windows = [capped(TODAY, 9_000)];
      await store.reserve(purchase('p', { windows }));
      windows.push(capped(MONTH, 1_500));
      const answers = await Promise.all([
        store.reserve(purchase('q', { windows })),
        store.reserve(purchase('r', { subject: 'subject-b', windows })),
        store.reserve(purchase('s', { subject: 'subject-c' })),
      ]);
      const usages = answers.map((answer) => ('used' in answer ? answer.used : answer.outcome));
      assert.deepEqual(usages, [[1_000, 1_000], [1_000, 1_000], []]);
      assert.equal(answers[0]?.outcome, 'refused');
    },
  },
  {
    name: 'windows of another time zone count the same purchases',
    async run(store) {
      const shifted: Window = {
        ...TODAY,
        start: TODAY.start - 8 * HOUR,
        end: TODAY.end - 8 * HOUR,
      };
      await store.reserve(purchase('p', { windows: [capped(TODAY, 9_000)] }));
      assert.equal(await used(store, shifted), 1_000);
      await store.reserve(purchase('q', { windows: [capped(shifted, 9_000)] }));
      assert.equal(await used(store, TODAY), 2_000);
    },
  },
  {
    name: 'a window counts only its categories',
    async run(store) {
      const loot = inCategories(['loot_box', 'tip']);
      await store.reserve(purchase('p', { category: 'loot_box', windows: [capped(loot, 1_500)] }));
      await store.reserve(purchase('q', { category: 'skin', windows: [capped(MONTH, 9_000)] }));
      await store.reserve(purchase('r', { windows: [capped(MONTH, 9_000)] }));
      const tip = await store.reserve(
        purchase('s', { category: 'tip', windows: [capped(loot, 1_500)] }),
      );
      assert.equal(tip.outcome, 'refused');
      assert.equal(await used(store, loot), 1_000);
      assert.equal(await used(store, inCategories(['skin'])), 1_000);
      assert.equal(await used(store, inCategories(['other'])), 0);
      assert.equal(await used(store, MONTH), 3_000);
    },
  },
  {
    name: 'windows with the same start, or the same first category, are counted separately',
    async run(store) {
      const today: Window = { ...MONTH, start: T0, end: T0 + DAY };
      const two: Window = { ...today, end: T0 + 2 * DAY };
      const loot = inCategories(['loot_box']);
      const both = inCategories(['loot_box', 'tip']);
      const neither = inCategories(['loot_box', 'skin']);
      const windows = [capped(today, 9_000), capped(two, 9_000)];
      const spent = async () => {
        const query = { subject: 'subject-a', windows: [today, two, loot, both, neither] };
        return (await store.usage({ ...query, at: NOON })).used;
      };
      assert.deepEqual(await spent(), [0, 0, 0, 0, 0]);
      await store.reserve(purchase('p', { category: 'tip', windows }));
      assert.deepEqual(await spent(), [1_000, 1_000, 0, 1_000, 0]);
      const at = T0 + DAY;
      await store.reserve(purchase('q', { at, windows: [capped(two, 9_000)] }));
      await store.commit({ id: 'p', at: NOON });
      assert.deepEqual(await spent(), [1_000, 2_000, 0, 1_000, 0]);
    },
  },
  {
    name: 'a window counts only its app, or all apps of the enterprise',
    async run(store) {
      await store.reserve(
        purchase('p', { app: 'game-1', windows: [capped(inApp('game-1'), 1_000)] }),
      );
      const other = purchase('q', { app: 'game-2', windows: [capped(inApp('game-2'), 1_000)] });
      assert.equal((await store.reserve(other)).outcome, 'held');
      assert.equal(await used(store, inApp('game-1')), 1_000);
      assert.equal(await used(store, inApp(null)), 2_000);
    },
  },
  {
    name: 'a window counts only its currency',
    async run(store) {
      const dollars: Window = { ...MONTH, selector: { ...ALL, currency: 'USD' } };
      await store.reserve(purchase('p', { windows: [capped(MONTH, 9_000)] }));
      assert.equal(await used(store, dollars), 0);
      await store.reserve(purchase('q', { currency: 'USD', windows: [capped(dollars, 9_000)] }));
      assert.equal(await used(store, MONTH), 1_000);
    },
  },
  {
    name: 'usage is complete, no matter how many other windows were queried',
    async run(store) {
      const app = 'game-x';
      await store.reserve(purchase('p', { app }));
      await store.commit({ id: 'p', amount: 400, at: NOON });
      for (let index = 0; index < 300; index += 1) await used(store, inApp(`game-${index}`));
      const year: Window = { ...inApp(app), end: T0 + 300 * DAY };
      const windows = [capped(year, 1_500)];
      await store.reserve(purchase('q', { app, windows }));
      await store.commit({ id: 'q', at: NOON });
      const more = await store.reserve(purchase('r', { app, amount: 101, windows }));
      assert.deepEqual([more.outcome, 'used' in more && more.used], ['refused', [1_400]]);
      const at = NOON + 9 * DAY;
      // Other calls, days later: a store that forgets ended purchases does so now.
      for (let index = 0; index < 9; index += 1) await store.get({ id: 'p', at });
      assert.equal(await used(store, year, at), 1_400);
    },
  },
  {
    name: 'a lifetime window never ends',
    async run(store) {
      const life: Window = { selector: ALL, start: 0, end: FOREVER };
      await store.reserve(purchase('p', { windows: [capped(life, 1_500)] }));
      await store.commit({ id: 'p', at: NOON });
      const at = NOON + 3_650 * DAY;
      const windows = [capped(life, 1_500)];
      const decade = purchase('q', { at, expiresAt: at + HOUR, windows });
      assert.equal((await store.reserve(decade)).outcome, 'refused');
      assert.equal(await used(store, life, at), 1_000);
    },
  },
  {
    name: 'a lost purchase is recreated in the windows of its instant, past every cap',
    async run(store) {
      await store.reserve(purchase('p', { windows: [capped(TODAY, 1_000), capped(MONTH, 1_000)] }));
      const at = NOON + DAY;
      const windows = [capped(TODAY, FOREVER)];
      const lost = purchase('lost', { amount: 700, windows, onExpiry: 'reconcile' });
      for (const replayed of [false, true]) {
        const result = await store.reserve(lost);
        assert.ok(result.outcome === 'held' && result.replayed === replayed);
      }
      await store.release({ id: 'lost', at });
      const late = await store.commit({ id: 'lost', at });
      assert.ok(late.outcome === 'done' && late.changed && late.purchase.late);
      const again = await store.commit({ id: 'lost', at });
      assert.ok(again.outcome === 'done' && !again.changed);
      assert.equal(await used(store, TOMORROW, at), 0);
      assert.equal(await used(store, MONTH, at), 700);
      await store.commit({ id: 'p', at });
      assert.equal(await used(store, TODAY, at), 1_700);
    },
  },
  {
    name: 'a lowered cap keeps the usage, which never falls below zero',
    async run(store) {
      await store.reserve(purchase('p', { amount: 5_000, windows: [capped(TODAY, 9_000)] }));
      const lower = await store.reserve(purchase('q', { windows: [capped(TODAY, 3_000)] }));
      assert.equal(lower.outcome, 'refused');
      await store.release({ id: 'p', at: NOON });
      assert.equal(await used(store, TODAY), 0);
      const again = await store.reserve(purchase('r', { windows: [capped(TODAY, 3_000)] }));
      assert.equal(again.outcome, 'held');
    },
  },
  {
    name: 'a total above the safe integers refuses new purchases, and settling still works',
    async run(store) {
      const most = Number.MAX_SAFE_INTEGER;
      for (const id of ['p', 'q']) await store.reserve(purchase(id, { amount: most }));
      assert.ok((await used(store, TODAY)) > most);
      const refused = await store.reserve(purchase('r', { windows: [capped(TODAY, most)] }));
      assert.equal(refused.outcome, 'refused');
      const paid = await store.commit({ id: 'p', at: NOON });
      assert.equal(paid.outcome, 'done');
      await store.release({ id: 'q', at: NOON });
      assert.equal(await used(store, TODAY), most);
    },
  },
];
