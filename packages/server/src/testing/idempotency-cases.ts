import assert from 'node:assert/strict';
import { SpendcapError } from '@spendcap/core';
import {
  capped,
  DAY,
  MONTH,
  NOON,
  purchase,
  type StoreCase,
  T0,
  TODAY,
  TOMORROW,
  used,
} from './fixtures.ts';

export const idempotencyCases: readonly StoreCase[] = [
  {
    name: 'the same id and request return the first purchase and count once',
    async run(store) {
      const command = purchase('p', { windows: [capped(TODAY, 1_000)] });
      const first = await store.reserve(command);
      const again = await store.reserve({ ...command, at: NOON + 1, basis: 'another basis' });
      assert.ok(first.outcome === 'held' && !first.replayed);
      assert.ok(again.outcome === 'held' && again.replayed);
      const { windows: _windows, at, ...given } = command;
      const nothing = { committed: 0, refunded: 0, restored: 0, late: false };
      assert.deepEqual(first.purchase, { ...given, reservedAt: at, state: 'reserved', ...nothing });
      assert.deepEqual(again.purchase, first.purchase);
      assert.deepEqual(again.used, [1_000]);
    },
  },
  {
    name: 'the first purchase is returned after its window has ended',
    async run(store) {
      const command = purchase('p', { windows: [capped(TODAY, 1_000)] });
      await store.reserve(command);
      await store.commit({ id: 'p', at: NOON });
      const later = { at: T0 + DAY, expiresAt: T0 + DAY + 1, windows: [capped(TOMORROW, 1_000)] };
      const again = await store.reserve({ ...command, ...later });
      assert.ok(again.outcome === 'held' && again.replayed);
      assert.equal(again.purchase.state, 'committed');
      assert.equal(await used(store, TOMORROW, T0 + DAY), 0);
    },
  },
  {
    name: 'the same id with another request or subject is a conflict and changes nothing',
    async run(store) {
      const command = purchase('p', { windows: [capped(TODAY, 5_000)] });
      await store.reserve(command);
      const other = await store.reserve({ ...command, request: 'another', amount: 2_000 });
      const stranger = await store.reserve({ ...command, subject: 'subject-b' });
      assert.equal(other.outcome, 'conflict');
      assert.equal(stranger.outcome, 'conflict');
      assert.equal(await used(store, TODAY), 1_000);
    },
  },
  {
    name: 'a conflict takes precedence over a refusal',
    async run(store) {
      const command = purchase('p', { windows: [capped(TODAY, 1_000)] });
      await store.reserve(command);
      const other = await store.reserve({ ...command, request: 'another', amount: 9_000 });
      assert.equal(other.outcome, 'conflict');
    },
  },
  {
    name: 'an amount equal to the cap is held, one more unit is refused',
    async run(store) {
      const windows = [capped(TODAY, 1_000)];
      const over = await store.reserve(purchase('over', { amount: 1_001, windows }));
      const equal = await store.reserve(purchase('equal', { amount: 1_000, windows }));
      const more = await store.reserve(purchase('more', { amount: 1, windows }));
      assert.deepEqual([over.outcome, equal.outcome, more.outcome], ['refused', 'held', 'refused']);
    },
  },
  {
    name: 'a refusal by one window changes no other window and leaves no record',
    async run(store) {
      await store.reserve(purchase('p', { windows: [capped(TODAY, 5_000), capped(MONTH, 5_000)] }));
      const before = [await used(store, TODAY), await used(store, MONTH)];
      const windows = [capped(MONTH, 9_000), capped(TODAY, 1_500)];
      const refused = await store.reserve(purchase('q', { windows }));
      assert.equal(refused.outcome, 'refused');
      assert.deepEqual('used' in refused ? refused.used : [], [1_000, 1_000]);
      assert.deepEqual([await used(store, TODAY), await used(store, MONTH)], before);
      assert.equal((await store.get({ id: 'q', at: NOON })).purchase, null);
    },
  },
  {
    name: 'a refused id may be retried, with other inputs too',
    async run(store) {
      const windows = [capped(TODAY, 1_000)];
      await store.reserve(purchase('p', { amount: 2_000, windows }));
      const again = await store.reserve(purchase('p', { request: 'smaller', windows }));
      assert.ok(again.outcome === 'held' && !again.replayed);
    },
  },
  {
    name: 'commit and release are idempotent, and each purchase ends once',
    async run(store) {
      await store.reserve(purchase('paid'));
      await store.reserve(purchase('let go'));
      const paid = { id: 'paid', amount: 700, at: NOON };
      const first = await store.commit(paid);
      const again = await store.commit(paid);
      assert.ok(first.outcome === 'done' && first.changed && first.purchase.committed === 700);
      assert.ok(again.outcome === 'done' && !again.changed);
      assert.equal((await store.commit({ ...paid, amount: 600 })).outcome, 'ended');
      assert.equal((await store.release({ id: 'paid', at: NOON })).outcome, 'ended');
      const released = await store.release({ id: 'let go', at: NOON });
      const repeated = await store.release({ id: 'let go', at: NOON });
      assert.ok(released.outcome === 'done' && released.changed);
      assert.ok(repeated.outcome === 'done' && !repeated.changed);
    },
  },
  {
    name: 'a purchase that does not exist is not found by any verb',
    async run(store) {
      const id = { id: 'none', at: NOON };
      const refund = { ...id, refundId: 'r' };
      for (const answer of [
        await store.commit(id),
        await store.release(id),
        await store.attach({ ...id, processor: 'one_pay', processorRef: 'ref-1' }),
        await store.refund({ ...refund, restores: true }),
        await store.reverseRefund(refund),
      ]) {
        assert.deepEqual(answer, { outcome: 'not_found', expired: [] });
      }
      assert.deepEqual(await store.get(id), { purchase: null, expired: [] });
    },
  },
  {
    name: 'a total beyond the safe integers is an error that changes nothing',
    async run(store) {
      const windows = [capped(TODAY, Number.MAX_SAFE_INTEGER)];
      await store.reserve(purchase('huge', { amount: Number.MAX_SAFE_INTEGER - 5, windows }));
      const attempt = store.reserve(purchase('more', { amount: 10 }));
      await assert.rejects(attempt, (error) => SpendcapError.isInstance(error));
      assert.equal((await store.get({ id: 'more', at: NOON })).purchase, null);
      assert.equal(await used(store, TODAY), Number.MAX_SAFE_INTEGER - 5);
    },
  },
  {
    name: 'a charge that would take a total beyond the safe integers changes nothing',
    async run(store) {
      const windows = [capped(TODAY, Number.MAX_SAFE_INTEGER)];
      await store.reserve(purchase('huge', { amount: Number.MAX_SAFE_INTEGER - 5, windows }));
      await store.reserve(purchase('p', { amount: 1, windows }));
      const attempt = store.commit({ id: 'p', amount: 10, at: NOON });
      await assert.rejects(attempt, (error) => SpendcapError.isInstance(error));
      assert.equal((await store.get({ id: 'p', at: NOON })).purchase?.state, 'reserved');
      assert.equal(await used(store, TODAY), Number.MAX_SAFE_INTEGER - 4);
    },
  },
  {
    name: 'hostile text is stored unchanged',
    async run(store) {
      const text = `'; DROP TABLE purchases; -- "\\ __proto__ 未成年人 🎁 ${'x'.repeat(5_000)}`;
      const command = purchase('__proto__', { request: text, basis: text, subject: 'constructor' });
      await store.reserve(command);
      const { purchase: kept } = await store.get({ id: '__proto__', at: NOON });
      assert.equal(kept?.request, text);
      assert.equal(kept.basis, text);
      assert.equal(kept.subject, 'constructor');
    },
  },
  {
    name: 'a closed store rejects every call',
    async run(store) {
      await store.ready();
      await store.close();
      await assert.rejects(store.get({ id: 'p', at: NOON }), (error) =>
        SpendcapError.isInstance(error),
      );
      await assert.rejects(store.ready());
    },
  },
];
