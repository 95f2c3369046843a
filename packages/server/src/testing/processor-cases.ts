import assert from 'node:assert/strict';
import type { OverdueCommand, Store, StoredPurchase } from '@spendcap/core';
import { charge, HOUR, NOON, purchase, type StoreCase } from './fixtures.ts';

const END = NOON + HOUR / 2;
const open = { onExpiry: 'reconcile' } as const;

/** All pages of the overdue holds, one after another. */
async function pages(store: Store, query: OverdueCommand) {
  const found: (readonly string[])[] = [];
  let after: StoredPurchase | undefined;
  do {
    const page = await store.overdue({ ...query, ...(after && { after }) });
    found.push(page.map(({ id }) => id));
    after = page.at(-1);
  } while (after !== undefined);
  return found;
}

export const processorCases: readonly StoreCase[] = [
  {
    name: 'a hold keeps its processor and its reference, in every state and answer',
    async run(store) {
      const named = { processor: 'one_pay', processorRef: "ref-'\\ 1" };
      const held = await store.reserve(purchase('p', { ...named, ...open }));
      const replay = await store.reserve(purchase('p', { ...named, ...open }));
      const [overdue] = await store.overdue({ at: END, limit: 1 });
      const committed = await store.commit({ id: 'p', at: NOON });
      const refund = { id: 'p', refundId: 'r', restores: true, at: NOON };
      const refunded = await store.refund(refund);
      const recorded = await store.record(charge('q', named));
      await store.reserve(purchase('r', named));
      const { expired } = await store.get({ id: 'r', at: END });
      const answers = [held, replay, committed, refunded, recorded].map((answer) =>
        'purchase' in answer ? answer.purchase : null,
      );
      const kept = ['p', 'q', 'r'].map(async (id) => (await store.get({ id, at: END })).purchase);
      for (const each of [overdue, ...answers, ...expired, ...(await Promise.all(kept))]) {
        assert.deepEqual([each?.processor, each?.processorRef], Object.values(named));
      }
      assert.equal(expired.length, 1);
    },
  },
  {
    name: 'a hold without a processor has none',
    async run(store) {
      await store.reserve(purchase('p'));
      await store.commit({ id: 'p', at: NOON });
      const { purchase: kept } = await store.get({ id: 'p', at: NOON });
      assert.deepEqual([kept?.processor, kept?.processorRef], [null, null]);
    },
  },
  {
    name: 'a reference is attached once; the same one again is fine, another is a conflict',
    async run(store) {
      await store.reserve(purchase('p', { ...open, processor: 'one_pay' }));
      const command = { id: 'p', processor: 'one_pay', processorRef: 'ref-1', at: NOON };
      const first = await store.attach(command);
      const again = await store.attach(command);
      const other = await store.attach({ ...command, processorRef: 'ref-2' });
      assert.ok(first.outcome === 'done' && first.changed);
      assert.equal(first.purchase.processorRef, 'ref-1');
      assert.ok(again.outcome === 'done' && !again.changed);
      assert.ok(other.outcome === 'conflict' && other.purchase.processorRef === 'ref-1');
      const { purchase: kept } = await store.get({ id: 'p', at: NOON });
      assert.deepEqual(kept, first.purchase);
      const [overdue] = await store.overdue({ at: END, limit: 10, processor: 'one_pay' });
      assert.deepEqual(overdue, first.purchase);
    },
  },
  {
    name: 'a reference is attached by the processor of the purchase only',
    async run(store) {
      await store.reserve(purchase('p', { processor: 'one_pay' }));
      await store.reserve(purchase('q'));
      const command = { processor: 'two_pay', processorRef: 'ref-1', at: NOON };
      for (const id of ['p', 'q']) {
        assert.equal((await store.attach({ ...command, id })).outcome, 'conflict');
        assert.equal((await store.get({ id, at: NOON })).purchase?.processorRef, null);
      }
      assert.equal((await store.attach({ ...command, id: 'none' })).outcome, 'not_found');
    },
  },
  {
    name: 'a reference is attached in every state and changes nothing else',
    async run(store) {
      const at = END;
      for (const id of ['committed', 'released', 'expired']) {
        await store.reserve(purchase(id, { processor: 'one_pay' }));
      }
      await store.commit({ id: 'committed', amount: 700, at: NOON });
      await store.release({ id: 'released', at: NOON });
      for (const id of ['expired', 'committed', 'released']) {
        const { purchase: before } = await store.get({ id, at });
        const processorRef = `ref-${id}`;
        const result = await store.attach({ id, processor: 'one_pay', processorRef, at });
        assert.ok(result.outcome === 'done' && result.changed);
        assert.deepEqual(result.purchase, { ...before, processorRef });
        assert.equal(result.purchase.state, id);
      }
    },
  },
  {
    name: 'an attached reference stays when the purchase is settled, and its hold still expires',
    async run(store) {
      const attached = { processor: 'one_pay', processorRef: 'ref-1', at: NOON };
      for (const id of ['p', 'q']) {
        await store.reserve(purchase(id, { processor: 'one_pay' }));
        await store.attach({ ...attached, id });
      }
      await store.commit({ id: 'p', at: NOON });
      await store.refund({ id: 'p', refundId: 'r', amount: 300, restores: true, at: NOON });
      const ended = await store.attach({ ...attached, id: 'q', at: END });
      assert.deepEqual(
        ended.expired.map(({ id, state, processorRef }) => [id, state, processorRef]),
        [['q', 'expired', 'ref-1']],
      );
      const { purchase: kept } = await store.get({ id: 'p', at: END });
      assert.deepEqual(
        [kept?.state, kept?.refunded, kept?.processorRef],
        ['committed', 300, 'ref-1'],
      );
    },
  },
  {
    name: 'concurrent references: one is set',
    async run(store) {
      await store.reserve(purchase('p', { processor: 'one_pay' }));
      const refs = Array.from({ length: 16 }, (_, index) => `ref-${index % 4}`);
      const results = await Promise.all(
        refs.map((processorRef) =>
          store.attach({ id: 'p', processor: 'one_pay', processorRef, at: NOON }),
        ),
      );
      const { purchase: kept } = await store.get({ id: 'p', at: NOON });
      const changed = results.filter((result) => result.outcome === 'done' && result.changed);
      assert.equal(changed.length, 1);
      for (const [index, { outcome }] of results.entries()) {
        assert.equal(outcome, refs[index] === kept?.processorRef ? 'done' : 'conflict');
      }
    },
  },
  {
    name: "500 open holds of others do not hide a processor's own",
    async run(store) {
      const others = Array.from({ length: 500 }, (_, index) => {
        const processor = index % 3 === 0 ? null : `other_${index % 3}`;
        return purchase(`other-${index}`, { ...open, processor, subject: `subject-${index}` });
      });
      await Promise.all(others.map((each) => store.reserve(each)));
      const expiresAt = END + 1;
      await store.reserve(purchase('mine', { ...open, processor: 'one_pay', expiresAt }));
      const query = { at: END + 1, limit: 10, processor: 'one_pay' };
      assert.deepEqual(await pages(store, query), [['mine'], []]);
      assert.deepEqual(await pages(store, { ...query, at: END }), [[]]);
      assert.deepEqual(await pages(store, { ...query, processor: 'none_pay' }), [[]]);
    },
  },
  {
    name: 'pages list every overdue hold once, in order, and survive that it is settled',
    async run(store) {
      const count = 23;
      for (let index = 0; index < count; index += 1) {
        const expiresAt = END + Math.floor(index / 4);
        const processor = index % 2 === 0 ? 'one_pay' : 'two_pay';
        await store.reserve(purchase(`p${index}`, { ...open, processor, expiresAt }));
      }
      await store.reserve(purchase('later', { ...open, expiresAt: END + HOUR }));
      const query = { at: END + count, limit: 5 };
      const all = await pages(store, query);
      assert.deepEqual(
        all.map(({ length }) => length),
        [5, 5, 5, 5, 3, 0],
      );
      const time = (id: string) => Math.floor(Number(id.slice(1)) / 4);
      const times = all.flat().map(time);
      assert.deepEqual(
        times,
        times.toSorted((a, b) => a - b),
      );
      assert.equal(new Set(all.flat()).size, count);
      // Of one processor: the same order.
      const own = await pages(store, { ...query, processor: 'two_pay' });
      assert.deepEqual(
        own.flat(),
        all.flat().filter((id) => Number(id.slice(1)) % 2 === 1),
      );
      const [first] = await store.overdue({ ...query, limit: 1 });
      assert.ok(first !== undefined);
      await store.commit({ id: first.id, at: NOON });
      const next = await store.overdue({ ...query, limit: 1, after: first });
      assert.equal(next[0]?.id, all.flat()[1]);
    },
  },
];
