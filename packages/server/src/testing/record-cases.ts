import assert from 'node:assert/strict';
import { SpendcapError } from '@spendcap/core';
import {
  capped,
  charge,
  DAY,
  HOUR,
  MONTH,
  NEXT_MONTH,
  NOON,
  purchase,
  type StoreCase,
  TODAY,
  TOMORROW,
  used,
} from './fixtures.ts';

const END = NOON + HOUR / 2;
const windows = [capped(TODAY, 1_000)];

export const recordCases: readonly StoreCase[] = [
  {
    name: 'money without a hold is recorded committed and late, past every cap, once',
    async run(store) {
      await store.reserve(purchase('q', { windows }));
      const first = await store.record(charge('p', { windows: [TODAY, MONTH] }));
      const again = await store.record(charge('p', { windows: [TODAY, MONTH], at: NOON + 1 }));
      assert.ok(first.outcome === 'done' && first.changed);
      assert.ok(again.outcome === 'done' && !again.changed);
      assert.deepEqual(again.purchase, first.purchase);
      const { windows: _windows, chargedAt, at: _at, ...given } = charge('p');
      assert.deepEqual(first.purchase, {
        ...{ ...given, reservedAt: chargedAt, expiresAt: chargedAt, onExpiry: 'reconcile' },
        ...{ state: 'committed', committed: 1_000, refunded: 0, restored: 0, late: true },
      });
      assert.deepEqual((await store.get({ id: 'p', at: NOON })).purchase, first.purchase);
      assert.equal(await used(store, TODAY), 2_000);
      assert.equal(await used(store, MONTH), 2_000);
      assert.deepEqual(await store.overdue({ at: NOON + DAY, limit: 10 }), []);
    },
  },
  {
    name: 'a charge of last month counts in the windows of that instant',
    async run(store) {
      const at = NOON + DAY;
      const fresh = [capped(TOMORROW, 1_500), capped(NEXT_MONTH, 1_500)];
      await store.record(charge('p', { at, windows: [TODAY, MONTH] }));
      const held = purchase('q', { at, expiresAt: at + HOUR, windows: fresh });
      assert.equal((await store.reserve(held)).outcome, 'held');
      assert.equal(await used(store, TODAY, at), 1_000);
      assert.equal(await used(store, MONTH, at), 1_000);
      assert.equal(await used(store, NEXT_MONTH, at), 1_000);
      await store.refund({ id: 'p', refundId: 'r', amount: 400, restores: true, at });
      assert.equal(await used(store, MONTH, at), 600);
      assert.equal(await used(store, NEXT_MONTH, at), 1_000);
    },
  },
  {
    name: 'what is recorded refuses later purchases and counts in windows that it did not name',
    async run(store) {
      await store.reserve(purchase('q', { windows: [capped(TODAY, 9_000), capped(MONTH, 9_000)] }));
      await store.record(charge('p', { windows: [TODAY] }));
      const more = await store.reserve(purchase('r', { windows: [capped(MONTH, 2_500)] }));
      assert.deepEqual([more.outcome, 'used' in more && more.used], ['refused', [2_000]]);
    },
  },
  {
    name: 'the first that a subject does is a record without windows: later reserves count it',
    async run(store) {
      await store.record(charge('p'));
      const windows = [capped(TODAY, 1_500), capped(MONTH, 9_000)];
      const more = await store.reserve(purchase('q', { windows }));
      assert.deepEqual([more.outcome, 'used' in more && more.used], ['refused', [1_000, 1_000]]);
      assert.equal(await used(store, TODAY), 1_000);
    },
  },
  {
    name: 'a record after all that was reserved counts in windows that nobody has used yet',
    async run(store) {
      await store.reserve(purchase('q', { windows: [capped(TODAY, 9_000)] }));
      const at = NOON + DAY;
      await store.record(charge('p', { chargedAt: at, at }));
      assert.equal(await used(store, TOMORROW, at), 1_000);
      const windows = [capped(TOMORROW, 9_000), capped(NEXT_MONTH, 1_500)];
      const more = await store.reserve(purchase('r', { at, windows }));
      assert.deepEqual([more.outcome, 'used' in more && more.used], ['refused', [1_000, 1_000]]);
    },
  },
  {
    name: 'a record in windows that ended before the first purchase counts when they are read again',
    async run(store) {
      const at = NOON + 40 * DAY;
      await store.reserve(purchase('q', { at, windows: [capped(NEXT_MONTH, 9_000)] }));
      await store.record(charge('p', { at }));
      for (const window of [TODAY, MONTH]) assert.equal(await used(store, window, at), 1_000);
      await store.record(charge('r', { at, windows: [TODAY, MONTH] }));
      for (const window of [TODAY, MONTH]) assert.equal(await used(store, window, at), 2_000);
      assert.equal(await used(store, TOMORROW, at), 0);
    },
  },
  {
    name: 'what is recorded counts until its windows end, with nothing but calls for others since',
    async run(store) {
      const at = MONTH.start + HOUR;
      await store.record(charge('p', { at, chargedAt: at, windows: [MONTH] }));
      for (let days = 1; days < 9; days += 1) {
        await store.get({ id: 'unknown', at: at + days * DAY });
      }
      const more = await store.reserve(purchase('q', { windows: [capped(MONTH, 1_500)] }));
      assert.deepEqual([more.outcome, 'used' in more && more.used], ['refused', [1_000]]);
    },
  },
  {
    name: 'the record of an open hold commits it, in time',
    async run(store) {
      await store.reserve(purchase('p', { windows, onExpiry: 'reconcile' }));
      const result = await store.record(charge('p', { amount: 700, request: 'other words' }));
      assert.ok(result.outcome === 'done' && result.changed && !result.purchase.late);
      assert.deepEqual([result.purchase.amount, result.purchase.committed], [1_000, 700]);
      assert.equal(result.purchase.request, 'request of p');
      assert.equal(await used(store, TODAY), 700);
      assert.deepEqual(await store.overdue({ at: END, limit: 10 }), []);
    },
  },
  {
    name: 'the record of a hold that has ended is a late commit in the windows of the hold',
    async run(store) {
      await store.reserve(purchase('released', { windows: [capped(TODAY, 9_000)] }));
      await store.release({ id: 'released', at: NOON });
      await store.reserve(purchase('expired', { windows: [capped(TODAY, 9_000)] }));
      const at = NOON + DAY;
      for (const id of ['released', 'expired']) {
        const result = await store.record(charge(id, { chargedAt: at, at, windows: [TOMORROW] }));
        assert.ok(result.outcome === 'done' && result.changed && result.purchase.late, id);
        assert.equal(result.purchase.reservedAt, NOON);
      }
      assert.equal(await used(store, TODAY, at), 2_000);
      assert.equal(await used(store, TOMORROW, at), 0);
    },
  },
  {
    name: 'the record of a committed purchase changes nothing, and another amount is reported',
    async run(store) {
      await store.reserve(purchase('p', { windows }));
      await store.commit({ id: 'p', amount: 600, at: NOON });
      const same = await store.record(charge('p', { amount: 600 }));
      const other = await store.record(charge('p', { amount: 1_000 }));
      assert.ok(same.outcome === 'done' && !same.changed && !same.purchase.late);
      assert.ok(other.outcome === 'ended' && other.purchase.committed === 600);
      assert.equal(await used(store, TODAY), 600);
    },
  },
  {
    name: 'a record with the id of another subject, currency or processor is a conflict',
    async run(store) {
      await store.reserve(purchase('p', { windows, processor: 'one_pay' }));
      const conflict = { outcome: 'conflict', expired: [] };
      assert.deepEqual(await store.record(charge('p', { subject: 'subject-b' })), conflict);
      assert.deepEqual(await store.record(charge('p', { currency: 'USD' })), conflict);
      assert.deepEqual(await store.record(charge('p', { processor: 'two_pay' })), conflict);
      assert.equal((await store.get({ id: 'p', at: NOON })).purchase?.state, 'reserved');
      assert.equal((await store.record(charge('p'))).outcome, 'done');
      await store.reserve(purchase('q'));
      await store.reserve(purchase('r', { processor: 'two_pay' }));
      for (const id of ['q', 'r']) {
        assert.equal((await store.record(charge(id, { processor: 'two_pay' }))).outcome, 'done');
      }
    },
  },
  {
    name: 'a recorded purchase is refunded, committed again and reserved again like any other',
    async run(store) {
      await store.record(charge('p', { windows: [TODAY] }));
      const commit = { id: 'p', at: NOON };
      const committed = await store.commit(commit);
      assert.ok(committed.outcome === 'done' && !committed.changed);
      assert.equal((await store.commit({ ...commit, amount: 900 })).outcome, 'ended');
      assert.equal((await store.release(commit)).outcome, 'ended');
      const replay = await store.reserve(purchase('p', { windows }));
      assert.ok(replay.outcome === 'held' && replay.replayed && replay.purchase.late);
      assert.equal((await store.reserve(purchase('p', { request: 'other' }))).outcome, 'conflict');
      const refunded = await store.refund({ ...commit, refundId: 'r', restores: true });
      assert.ok(refunded.outcome === 'done' && refunded.purchase.refunded === 1_000);
      assert.equal(await used(store, TODAY), 0);
      const again = await store.record(charge('p', { windows: [TODAY] }));
      assert.ok(again.outcome === 'done' && !again.changed && again.purchase.refunded === 1_000);
    },
  },
  {
    name: 'a record ends the holds of its subject that have expired, and reports them',
    async run(store) {
      await store.reserve(purchase('held', { windows }));
      const result = await store.record(charge('p', { at: END, windows: [TODAY] }));
      assert.deepEqual(
        result.expired.map(({ id, state }) => [id, state]),
        [['held', 'expired']],
      );
      assert.equal(await used(store, TODAY, END), 1_000);
    },
  },
  {
    name: '64 concurrent records of one charge count once, beside reserves that then find no room',
    async run(store) {
      const records = Array.from({ length: 64 }, () =>
        store.record(charge('p', { windows: [TODAY] })),
      );
      const results = await Promise.all(records);
      const changed = results.filter((result) => result.outcome === 'done' && result.changed);
      assert.deepEqual([changed.length, await used(store, TODAY)], [1, 1_000]);
      assert.ok(results.every(({ outcome }) => outcome === 'done'));
      assert.equal((await store.reserve(purchase('q', { windows }))).outcome, 'refused');
    },
  },
  {
    name: 'a record or a hold may come first: the money counts once',
    async run(store) {
      for (let round = 0; round < 10; round += 1) {
        const id = `p${round}`;
        const roomy = [capped(TODAY, 100_000)];
        const [held, recorded] = await Promise.all([
          store.reserve(purchase(id, { windows: roomy })),
          store.record(charge(id, { windows: [TODAY] })),
        ]);
        assert.equal(held.outcome, 'held');
        assert.ok(recorded.outcome === 'done' && recorded.changed);
        const { purchase: last } = await store.get({ id, at: NOON });
        assert.equal(last?.state, 'committed');
        assert.equal(last.late, held.outcome === 'held' && held.replayed);
      }
      assert.equal(await used(store, TODAY), 10_000);
    },
  },
  {
    name: 'a record that would take a total beyond the safe integers changes nothing',
    async run(store) {
      const amount = Number.MAX_SAFE_INTEGER - 5;
      await store.reserve(purchase('huge', { amount, windows: [capped(TODAY, amount)] }));
      const attempt = store.record(charge('p', { amount: 10, windows: [TODAY] }));
      await assert.rejects(attempt, (error) => SpendcapError.isInstance(error));
      assert.equal((await store.get({ id: 'p', at: NOON })).purchase, null);
      assert.equal(await used(store, TODAY), amount);
    },
  },
];
