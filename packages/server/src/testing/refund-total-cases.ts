import assert from 'node:assert/strict';
import type { RefundCommand, Store } from '@spendcap/core';
import { capped, MONTH, NOON, purchase, type StoreCase, TODAY, used } from './fixtures.ts';

async function paid(store: Store): Promise<void> {
  await store.reserve(purchase('p', { windows: [capped(TODAY, 5_000)] }));
  await store.commit({ id: 'p', at: NOON });
}

const refund = (store: Store, change: Partial<RefundCommand>) =>
  store.refund({ id: 'p', refundId: 'r', restores: true, at: NOON, ...change });

/** What a refund changed, and the sums after it. */
async function after(store: Store, change: Partial<RefundCommand>) {
  const result = await refund(store, change);
  if (result.outcome !== 'done') return [result.outcome, await used(store, TODAY)];
  const { refunded, restored } = result.purchase;
  return [result.changed, refunded, restored, await used(store, TODAY)];
}

export const refundTotalCases: readonly StoreCase[] = [
  {
    name: 'a refund up to a total grows with it; a lower total, late or twice, changes nothing',
    async run(store) {
      await paid(store);
      assert.deepEqual(await after(store, { total: 300 }), [true, 300, 300, 700]);
      assert.deepEqual(await after(store, { total: 300 }), [false, 300, 300, 700]);
      assert.deepEqual(await after(store, { total: 1_000 }), [true, 1_000, 1_000, 0]);
      assert.deepEqual(await after(store, { total: 500 }), [false, 1_000, 1_000, 0]);
      assert.equal(await used(store, MONTH), 0);
    },
  },
  {
    name: 'refunds under other ids are beside a total, and together they are at most the charge',
    async run(store) {
      await paid(store);
      assert.deepEqual(await after(store, { total: 300 }), [true, 300, 300, 700]);
      const other = { refundId: 'other', amount: 400 };
      assert.deepEqual(await after(store, other), [true, 700, 700, 300]);
      assert.deepEqual(await after(store, { total: 601 }), ['exceeds', 300]);
      assert.deepEqual(await after(store, { total: 600 }), [true, 1_000, 1_000, 0]);
      assert.deepEqual(await after(store, other), [false, 1_000, 1_000, 0]);
    },
  },
  {
    name: 'a total raises a refund of an amount, which then has another amount',
    async run(store) {
      await paid(store);
      await refund(store, { amount: 300 });
      assert.deepEqual(await after(store, { total: 200 }), [false, 300, 300, 700]);
      assert.deepEqual(await after(store, { total: 500 }), [true, 500, 500, 500]);
      assert.deepEqual(await after(store, { amount: 300 }), ['conflict', 500]);
      assert.deepEqual(await after(store, { amount: 500 }), [false, 500, 500, 500]);
      assert.deepEqual(await after(store, {}), [false, 500, 500, 500]);
    },
  },
  {
    name: 'each new part of a total restores allowance or does not, and a reversal undoes both',
    async run(store) {
      await paid(store);
      assert.deepEqual(await after(store, { total: 200 }), [true, 200, 200, 800]);
      assert.deepEqual(await after(store, { total: 500, restores: false }), [true, 500, 200, 800]);
      assert.deepEqual(await after(store, { total: 600 }), [true, 600, 300, 700]);
      const reversed = await store.reverseRefund({ id: 'p', refundId: 'r', at: NOON });
      assert.ok(reversed.outcome === 'done' && reversed.changed);
      assert.deepEqual([reversed.purchase.refunded, reversed.purchase.restored], [0, 0]);
      assert.deepEqual(await after(store, { total: 900 }), [false, 0, 0, 1_000]);
      assert.deepEqual(await after(store, { refundId: 'next', total: 50 }), [true, 50, 50, 950]);
    },
  },
  {
    name: 'a total that was reversed before it arrived changes nothing',
    async run(store) {
      await paid(store);
      await store.reverseRefund({ id: 'p', refundId: 'r', at: NOON });
      assert.deepEqual(await after(store, { total: 300 }), [false, 0, 0, 1_000]);
    },
  },
  {
    name: 'a total is refunded of a committed purchase only',
    async run(store) {
      assert.equal((await refund(store, { total: 300 })).outcome, 'not_found');
      await store.reserve(purchase('p', { windows: [capped(TODAY, 5_000)] }));
      assert.equal((await refund(store, { total: 300 })).outcome, 'not_committed');
      await store.commit({ id: 'p', amount: 200, at: NOON });
      assert.deepEqual(await after(store, { total: 300 }), ['exceeds', 200]);
      assert.deepEqual(await after(store, { total: 200 }), [true, 200, 200, 0]);
    },
  },
  {
    name: 'a dispute restores no allowance, and one that was won leaves no trace in the sums',
    async run(store) {
      await paid(store);
      const dispute = { refundId: 'dispute', amount: 1_000, restores: false };
      assert.deepEqual(await after(store, dispute), [true, 1_000, 0, 1_000]);
      await store.reverseRefund({ id: 'p', refundId: 'dispute', at: NOON });
      assert.deepEqual(await after(store, dispute), [false, 0, 0, 1_000]);
      assert.deepEqual(await after(store, { total: 1_000 }), [true, 1_000, 1_000, 0]);
    },
  },
  {
    name: 'concurrent totals in any order end at the highest',
    async run(store) {
      await paid(store);
      const totals = Array.from({ length: 20 }, (_, index) => ((index * 7) % 20) * 25 + 25);
      const results = await Promise.all(totals.map((total) => refund(store, { total })));
      assert.ok(results.every(({ outcome }) => outcome === 'done'));
      assert.deepEqual(await after(store, { total: 1 }), [false, 500, 500, 500]);
    },
  },
];
