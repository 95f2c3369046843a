import assert from 'node:assert/strict';
import { FOREVER, MAX_HOLD_MS } from '@spendcap/core';
import { ALL, capped, DAY, HOUR, NOON, purchase, type StoreCase, TODAY, used } from './fixtures.ts';

const END = NOON + HOUR / 2;
const windows = [capped(TODAY, 1_000)];

export const expiryCases: readonly StoreCase[] = [
  {
    name: 'a hold counts until its last millisecond, without a sweeper',
    async run(store) {
      await store.reserve(purchase('p', { windows }));
      const early = await store.reserve(purchase('q', { at: END - 1, windows }));
      const after = await store.reserve(purchase('r', { at: END, windows }));
      assert.equal(early.outcome, 'refused');
      assert.equal(after.outcome, 'held');
      assert.deepEqual(
        after.expired.map(({ id, state }) => [id, state]),
        [['p', 'expired']],
      );
    },
  },
  {
    name: 'an expiry is visible to every verb and reported once',
    async run(store) {
      await store.reserve(purchase('p', { windows }));
      assert.equal(await used(store, TODAY, END - 1), 1_000);
      const first = await store.get({ id: 'p', at: END });
      const second = await store.get({ id: 'p', at: END + 1 });
      assert.equal(first.purchase?.state, 'expired');
      assert.equal(first.expired.length, 1);
      assert.equal(second.expired.length, 0);
      assert.equal(await used(store, TODAY, END), 0);
    },
  },
  {
    name: 'every verb reports the expiries that it finds, a refused reserve too',
    async run(store) {
      const names = async (verb: Promise<{ readonly expired: readonly { id: string }[] }>) =>
        (await verb).expired.map(({ id }) => id);
      const begin = async (id: string) => {
        await store.reserve(purchase(id, { windows: [capped(TODAY, 9_000)] }));
      };
      const tooMuch = purchase('over', { at: END, expiresAt: END + 1, amount: 10_000, windows });
      await begin('a');
      assert.deepEqual(await names(store.reserve(tooMuch)), ['a']);
      await begin('b');
      assert.deepEqual(await names(store.commit({ id: 'a', at: END })), ['b']);
      await begin('c');
      assert.deepEqual(await names(store.release({ id: 'b', at: END })), ['c']);
      await begin('d');
      const refund = { id: 'a', refundId: 'r', at: END };
      assert.deepEqual(await names(store.refund({ ...refund, restores: true })), ['d']);
      await begin('e');
      assert.deepEqual(await names(store.reverseRefund(refund)), ['e']);
      await begin('f');
      const query = { subject: 'subject-a', windows: [TODAY], at: END };
      assert.deepEqual(await names(store.usage(query)), ['f']);
    },
  },
  {
    name: 'concurrent calls report an expiry once, calls for an unknown purchase included',
    async run(store) {
      await store.reserve(purchase('p', { windows }));
      const tooMuch = purchase('q', { at: END, amount: 10_000, windows });
      const found = await Promise.all([
        store.get({ id: 'q', at: END }),
        store.reserve(tooMuch),
        store.commit({ id: 'q', at: END }),
      ]);
      const reported = found.flatMap(({ expired }) => expired.map(({ id }) => id));
      assert.deepEqual(reported, ['p']);
    },
  },
  {
    name: 'holds of different duration each expire at their own time',
    async run(store) {
      for (const minutes of [20, 10, 30]) {
        const expiresAt = NOON + minutes * 60_000;
        await store.reserve(
          purchase(`p${minutes}`, { expiresAt, windows: [capped(TODAY, 9_000)] }),
        );
      }
      const at = (minutes: number) => used(store, TODAY, NOON + minutes * 60_000);
      assert.deepEqual(
        [await at(9), await at(10), await at(20), await at(30)],
        [3_000, 2_000, 1_000, 0],
      );
    },
  },
  {
    name: 'a hold that was not accessed for months has expired',
    async run(store) {
      const life = { selector: ALL, start: 0, end: FOREVER };
      const later = NOON + 100 * DAY;
      await store.reserve(purchase('p', { windows: [capped(life, 1_000)] }));
      await store.reserve(purchase('q', { subject: 'subject-b' }));
      assert.notEqual((await store.get({ id: 'q', at: later })).purchase?.state, 'reserved');
      assert.equal(await used(store, life, later), 0);
    },
  },
  {
    name: 'the longest hold counts for 31 days, across the end of a month',
    async run(store) {
      const life = { selector: ALL, start: 0, end: FOREVER };
      const last = NOON + MAX_HOLD_MS;
      await store.reserve(purchase('p', { expiresAt: last, windows: [capped(life, 1_000)] }));
      assert.equal(await used(store, life, last - 1), 1_000);
      assert.equal(await used(store, life, last), 0);
    },
  },
  {
    name: 'a reconcile hold that is settled days late is kept for retries',
    async run(store) {
      const change = { onExpiry: 'reconcile' } as const;
      const at = NOON + 3 * DAY;
      await store.reserve(purchase('p', change));
      await store.commit({ id: 'p', at });
      const again = await store.commit({ id: 'p', at: at + 1 });
      const retried = purchase('p', { ...change, at: at + 2, expiresAt: at + HOUR });
      const replay = await store.reserve(retried);
      assert.ok(again.outcome === 'done' && !again.changed && !again.purchase.late);
      assert.ok(replay.outcome === 'held' && replay.replayed);
    },
  },
  {
    name: 'an expired reconcile hold still counts and is listed as overdue, oldest first',
    async run(store) {
      const change = { onExpiry: 'reconcile', windows: [capped(TODAY, 9_000)] } as const;
      await store.reserve(purchase('younger', { ...change, expiresAt: END + 2 }));
      await store.reserve(purchase('older', { ...change, expiresAt: END + 1 }));
      await store.reserve(purchase('settled', { ...change, expiresAt: END }));
      await store.release({ id: 'settled', at: NOON });
      assert.deepEqual(await store.overdue({ at: END, limit: 10 }), []);
      const overdue = await store.overdue({ at: END + 2, limit: 10 });
      assert.deepEqual(
        overdue.map(({ id }) => id),
        ['older', 'younger'],
      );
      const one = await store.overdue({ at: END + 2, limit: 1 });
      assert.deepEqual(
        one.map(({ id }) => id),
        ['older'],
      );
      assert.equal(await used(store, TODAY, END + HOUR), 2_000);
      assert.equal((await store.get({ id: 'older', at: END + HOUR })).purchase?.state, 'reserved');
    },
  },
  {
    name: 'a release hold is not overdue, even if it was refused as a reconcile hold before',
    async run(store) {
      const change = {
        windows: [capped(TODAY, 500)],
        expiresAt: END,
        onExpiry: 'reconcile',
      } as const;
      assert.equal((await store.reserve(purchase('p', change))).outcome, 'refused');
      assert.equal((await store.reserve(purchase('p', { windows }))).outcome, 'held');
      assert.deepEqual(await store.overdue({ at: END + 1, limit: 10 }), []);
    },
  },
  {
    name: 'a commit after expiry is recorded, late, even past the cap',
    async run(store) {
      await store.reserve(purchase('p', { windows }));
      await store.reserve(purchase('q', { at: END, expiresAt: END + HOUR, windows }));
      const late = await store.commit({ id: 'p', at: END + 1 });
      assert.ok(late.outcome === 'done' && late.changed && late.purchase.late);
      assert.equal(late.purchase.state, 'committed');
      assert.equal(await used(store, TODAY, END + 1), 2_000);
      const again = await store.commit({ id: 'p', at: END + 2 });
      assert.ok(again.outcome === 'done' && !again.changed && again.purchase.late);
    },
  },
  {
    name: 'a commit at the end of the hold is late even without any access since',
    async run(store) {
      await store.reserve(purchase('p', { windows }));
      await store.reserve(purchase('q', { subject: 'subject-b', windows }));
      const late = await store.commit({ id: 'p', at: END });
      const inTime = await store.commit({ id: 'q', at: END - 1 });
      assert.ok(late.outcome === 'done' && late.purchase.late);
      assert.ok(inTime.outcome === 'done' && !inTime.purchase.late);
    },
  },
  {
    name: 'a commit after release is recorded, late',
    async run(store) {
      await store.reserve(purchase('p', { windows }));
      await store.release({ id: 'p', at: NOON });
      assert.equal(await used(store, TODAY), 0);
      const late = await store.commit({ id: 'p', amount: 800, at: NOON + 1 });
      assert.ok(late.outcome === 'done' && late.purchase.late);
      assert.equal(await used(store, TODAY), 800);
      assert.equal((await store.release({ id: 'p', at: NOON + 2 })).outcome, 'ended');
    },
  },
  {
    name: 'a release after expiry changes nothing',
    async run(store) {
      await store.reserve(purchase('p', { windows }));
      const result = await store.release({ id: 'p', at: END });
      assert.ok(result.outcome === 'done' && !result.changed);
      assert.equal(result.purchase.state, 'expired');
      assert.equal(await used(store, TODAY, END), 0);
    },
  },
];
