import assert from 'node:assert/strict';
import type { Store } from '@spendcap/core';
import { capped, MONTH, NOON, purchase, type StoreCase, TODAY, used } from './fixtures.ts';

const refund = { id: 'p', refundId: 'r', restores: true, at: NOON };

async function paid(store: Store): Promise<void> {
  await store.reserve(purchase('p', { windows: [capped(TODAY, 5_000)] }));
  await store.commit({ id: 'p', at: NOON });
}

export const refundCases: readonly StoreCase[] = [
  {
    name: 'partial refunds add up, each with its own id, to at most the charge',
    async run(store) {
      await paid(store);
      const first = await store.refund({ ...refund, amount: 300 });
      assert.ok(first.outcome === 'done' && first.purchase.refunded === 300);
      assert.equal(
        (await store.refund({ ...refund, refundId: 's', amount: 800 })).outcome,
        'exceeds',
      );
      const rest = await store.refund({ ...refund, refundId: 't' });
      assert.ok(rest.outcome === 'done' && rest.purchase.refunded === 1_000);
      assert.equal((await store.refund({ ...refund, refundId: 'u' })).outcome, 'exceeds');
      assert.equal(await used(store, TODAY), 0);
    },
  },
  {
    name: 'a refund id counts once; another amount is a conflict',
    async run(store) {
      await paid(store);
      await store.refund({ ...refund, amount: 300 });
      const again = await store.refund({ ...refund, amount: 300 });
      assert.ok(again.outcome === 'done' && !again.changed);
      assert.equal((await store.refund({ ...refund, amount: 301 })).outcome, 'conflict');
      assert.equal(await used(store, TODAY), 700);
    },
  },
  {
    name: 'a repeated full refund returns the same result',
    async run(store) {
      await paid(store);
      await store.refund(refund);
      const again = await store.refund(refund);
      assert.ok(again.outcome === 'done' && !again.changed && again.purchase.refunded === 1_000);
    },
  },
  {
    name: 'a refund with restores: false is recorded and restores no allowance',
    async run(store) {
      await paid(store);
      const result = await store.refund({ ...refund, restores: false });
      assert.ok(result.outcome === 'done');
      assert.deepEqual([result.purchase.refunded, result.purchase.restored], [1_000, 0]);
      assert.equal(await used(store, TODAY), 1_000);
      // A window that was not queried before.
      assert.equal(await used(store, MONTH), 1_000);
    },
  },
  {
    name: 'only what was charged can be refunded',
    async run(store) {
      await store.reserve(purchase('p', { windows: [capped(TODAY, 5_000)] }));
      assert.equal((await store.refund(refund)).outcome, 'not_committed');
      await store.release({ id: 'p', at: NOON });
      assert.equal((await store.refund(refund)).outcome, 'not_committed');
      assert.equal(await used(store, TODAY), 0);
    },
  },
  {
    name: 'a reversed refund counts again, once',
    async run(store) {
      await paid(store);
      await store.refund({ ...refund, amount: 300 });
      const reversed = await store.reverseRefund(refund);
      const again = await store.reverseRefund(refund);
      assert.ok(reversed.outcome === 'done' && reversed.changed);
      assert.ok(again.outcome === 'done' && !again.changed && again.purchase.refunded === 0);
      assert.equal(await used(store, TODAY), 1_000);
      const repeated = await store.refund({ ...refund, amount: 300 });
      assert.ok(repeated.outcome === 'done' && !repeated.changed);
      assert.equal(await used(store, TODAY), 1_000);
    },
  },
  {
    name: 'a refund that was reversed before it arrived changes nothing',
    async run(store) {
      await paid(store);
      for (const early of [await store.reverseRefund(refund), await store.reverseRefund(refund)]) {
        assert.ok(early.outcome === 'done' && !early.changed && early.purchase.refunded === 0);
      }
      const result = await store.refund({ ...refund, amount: 300 });
      assert.ok(result.outcome === 'done' && !result.changed);
      assert.equal(await used(store, TODAY), 1_000);
      const other = await store.refund({ ...refund, refundId: 'second', amount: 300 });
      assert.ok(other.outcome === 'done' && other.changed);
    },
  },
];
