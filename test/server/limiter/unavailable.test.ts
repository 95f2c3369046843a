import { type Policy, parsePolicy, SpendcapError, usAppStore } from '@spendcap/server';
import { describe, expect, test } from 'vitest';
import { anyStore } from '../../support/any-store.ts';
import {
  ADULT,
  aged,
  bought,
  CHILD,
  DOWN,
  flaky,
  NOON,
  onePolicy,
  order,
  player,
  setUp,
  TEEN,
} from './limiter-kit.ts';

const LENIENT = parsePolicy({ ...setUp().limiter.policy(), onUnavailable: 'allow_adults' });
const adult = (id: string, rest = {}) => order(id, { amount: '648', evidence: ADULT, ...rest });

/** A limiter whose store is down, with the ledger to look into. */
function broken(policy: Policy = LENIENT, error: unknown = DOWN) {
  const ledger = anyStore();
  const { store, state } = flaky({ ...ledger, close: async () => {} });
  state.error = error;
  const stored = async (id: string) => (await ledger.get({ id, at: NOON })).purchase;
  return { ...setUp({ policy, store }), state, stored };
}

describe('while the store is down', () => {
  test('an adult may pass, and it is reported', async () => {
    const { limiter, events, stored } = broken();
    const decision = await limiter.reserve(adult('a'));
    expect(decision).toMatchObject({ allowed: true, replayed: false });
    expect(bought(decision)).toMatchObject({ state: 'reserved', held: '648.00' });
    expect(decision.allowance.limits).toEqual([]);
    // Not `purchase.reserved`, since the ledger does not have it.
    expect(events).toEqual([
      {
        type: 'purchase.unrecorded',
        at: NOON,
        purchaseId: 'a',
        policy: 'cn-game@2024-01-01',
        state: 'reserved',
      },
    ]);
    expect(await stored('a')).toBeNull();
  });

  test.each([
    ['a child', CHILD],
    ['a teenager', TEEN],
    ['who may be 17', player('maybe', aged(17, 19))],
    ['who may be anything', player('any', aged(0, null))],
  ])('%s does not', async (_who, evidence) => {
    const { limiter, events } = broken();
    await expect(limiter.reserve(order('a', { evidence }))).rejects.toMatchObject({
      code: 'store_unavailable',
      retryable: true,
    });
    expect(events).toEqual([]);
  });

  test('someone without evidence is refused as ever', async () => {
    const { limiter } = broken();
    expect(await limiter.reserve({ id: 'a', amount: '1', currency: 'CNY' })).toMatchObject({
      reasons: [{ code: 'age_unverified', minimumAssurance: 'verified' }],
    });
  });

  test('a minor whose guardian approves is still no adult', async () => {
    const { limiter } = broken(parsePolicy({ ...usAppStore(), onUnavailable: 'allow_adults' }));
    const dollars = { amount: '4.99', currency: 'USD', guardianApproval: 'approval-1' };
    await expect(limiter.reserve(order('a', dollars))).rejects.toBe(DOWN);
    bought(await limiter.reserve(order('a', { ...dollars, evidence: ADULT })));
  });

  test('nor is one whose limits count other categories only', async () => {
    const limits = [{ period: 'day', max: '5', categories: ['skin'] }];
    const { limiter } = broken(onePolicy(limits, { onUnavailable: 'allow_adults' }));
    await expect(limiter.reserve(order('a'))).rejects.toBe(DOWN);
    await expect(limiter.reserve(order('a', { evidence: ADULT }))).rejects.toBe(DOWN);
  });

  test('nobody passes by default, nor when the store has another fault', async () => {
    await expect(broken(setUp().limiter.policy()).limiter.reserve(adult('a'))).rejects.toBe(DOWN);
    for (const error of [new Error('bug'), new SpendcapError('invalid_amount', 'too much')]) {
      const { limiter, events } = broken(LENIENT, error);
      await expect(limiter.reserve(adult('a'))).rejects.toBe(error);
      expect(events).toEqual([]);
    }
  });

  test('nobody passes under any rule, though a policy has as many limits as bans', async () => {
    const row = { citation: 'rule 1', status: 'operator', effectiveFrom: '2024-01-01' };
    const shop = onePolicy([{ period: 'day', max: '9000.00' }]);
    const ban = { id: 'ban', category: 'loot_box', ...row };
    const bands = [{ ...shop.bands[0], forbiddenCategories: [ban] }];
    const policy = parsePolicy({ ...shop, onUnavailable: 'allow_adults', bands });
    const { limiter } = broken(policy);
    await expect(limiter.reserve(adult('a', { category: 'skin' }))).rejects.toBe(DOWN);
  });

  test('the same id gives the first answer again, and with other inputs is a conflict', async () => {
    const { limiter, clock, events } = broken();
    const first = bought(await limiter.reserve(adult('a')));
    clock.at += 1_000;
    const again = await limiter.reserve(adult('a'));
    expect(again).toMatchObject({ allowed: true, replayed: true });
    expect(bought(again)).toEqual(first);
    for (const other of [
      { amount: '649' },
      { metadata: { x: '1' } },
      { evidence: player('twin', aged(30, 31)) },
    ]) {
      await expect(limiter.reserve(adult('a', other))).rejects.toMatchObject({
        code: 'purchase_conflict',
      });
    }
    expect(events.filter(({ type }) => type === 'purchase.unrecorded')).toHaveLength(1);
  });

  test('the other verbs ask to be tried again', async () => {
    const { limiter } = broken();
    bought(await limiter.reserve(adult('a')));
    await expect(limiter.commit('a')).rejects.toBe(DOWN);
    await expect(limiter.release('a')).rejects.toBe(DOWN);
    await expect(limiter.get('a')).rejects.toBe(DOWN);
    await expect(limiter.ready()).rejects.toBe(DOWN);
  });
});

describe('when the store is back', () => {
  test('a commit is recorded, and its purchase before it', async () => {
    const { limiter, clock, state, stored } = broken();
    bought(await limiter.reserve(adult('a')));
    clock.at += 60_000;
    state.error = undefined;
    expect(await limiter.commit('a')).toMatchObject({ state: 'committed', committed: '648.00' });
    expect(await stored('a')).toMatchObject({
      subject: 'adult',
      state: 'committed',
      reservedAt: NOON,
      committed: 64_800,
      late: false,
    });
    // It waits no longer: the next purchase records nothing else.
    state.calls.length = 0;
    bought(await limiter.reserve(order('next')));
    await limiter.close();
    expect(state.calls).toEqual(['reserve', 'close']);
  });

  test('a record finds the purchase that waits: its own, or an earlier one', async () => {
    const { limiter, state, stored } = broken();
    for (const id of ['own', 'earlier']) bought(await limiter.reserve(adult(id)));
    state.error = undefined;
    const price = { amount: '648.00', currency: 'CNY' };
    const own = await limiter.record({ id: 'own', ...price, evidence: ADULT });
    expect(own).toMatchObject({ state: 'committed', late: false });
    await limiter.record({ id: 'renewal', ...price, samePlayerAs: 'earlier' });
    expect(await stored('renewal')).toMatchObject({ subject: 'adult', committed: 64_800 });
  });

  test('a commit long after the hold is recorded, late', async () => {
    const { limiter, clock, state } = broken();
    bought(await limiter.reserve(adult('a')));
    clock.at += 3_600_000;
    state.error = undefined;
    expect(await limiter.commit('a')).toMatchObject({ state: 'committed', late: true });
    expect(await limiter.refund('a', { id: 'r1' })).toMatchObject({ refunded: '648.00' });
  });

  test('the same id is recorded once, and stays the first answer', async () => {
    const { limiter, state, stored } = broken();
    bought(await limiter.reserve(adult('a')));
    state.error = undefined;
    expect(await limiter.reserve(adult('a'))).toMatchObject({ replayed: true });
    await expect(limiter.reserve(adult('a', { amount: '1' }))).rejects.toMatchObject({
      code: 'purchase_conflict',
    });
    expect(await stored('a')).toMatchObject({ amount: 64_800 });
  });

  test('the next purchase of anyone records all that wait', async () => {
    const { limiter, state, stored } = broken();
    const ids = Array.from({ length: 50 }, (_, n) => `n${n}`);
    for (const id of ids) bought(await limiter.reserve(adult(id)));
    state.error = undefined;
    bought(await limiter.reserve(order('minor')));
    await new Promise((resolve) => setImmediate(resolve));
    for (const id of ids) expect(await stored(id)).toMatchObject({ state: 'reserved' });
    expect(state.calls.filter((verb) => verb === 'reserve')).toHaveLength(50 + 1 + 50);
    state.calls.length = 0;
    bought(await limiter.reserve(order('next')));
    await limiter.close();
    expect(state.calls).toEqual(['reserve', 'close']);
  });

  test('close records all that wait', async () => {
    const { limiter, state, stored } = broken();
    bought(await limiter.reserve(adult('a')));
    state.error = undefined;
    await limiter.close();
    expect(await stored('a')).toMatchObject({ state: 'reserved' });
    expect(state.calls.at(-1)).toBe('close');
  });

  test('close does not fail for what cannot be recorded', async () => {
    const { limiter, state } = broken();
    for (const id of ['a', 'b', 'c']) bought(await limiter.reserve(adult(id)));
    state.calls.length = 0;
    await expect(limiter.close()).rejects.toBe(DOWN);
    expect(state.calls).toEqual(['reserve', 'close']);
  });

  test('one that the store does not take fails nobody else', async () => {
    const ledger = anyStore();
    const faults = new Map<string, unknown>([['bad', DOWN]]);
    const { limiter, events } = setUp({
      policy: LENIENT,
      store: {
        ...ledger,
        reserve: async (command) => {
          const fault = faults.get(command.id);
          if (fault !== undefined) throw fault;
          return ledger.reserve(command);
        },
      },
    });
    bought(await limiter.reserve(adult('bad')));
    faults.set('bad', new SpendcapError('invalid_amount', 'The total is too large.'));
    bought(await limiter.reserve(order('minor')));
    bought(await limiter.reserve(adult('good')));
    expect(await limiter.get('minor')).toMatchObject({ state: 'reserved' });
    expect(await limiter.get('good')).toMatchObject({ state: 'reserved' });
    await expect(limiter.commit('bad')).rejects.toMatchObject({ code: 'invalid_amount' });
    const unrecorded = events.filter(({ type }) => type === 'purchase.unrecorded');
    expect(unrecorded.map(({ purchaseId }) => purchaseId)).toEqual(['bad']);
  });
});
