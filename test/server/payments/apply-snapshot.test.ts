import type { PaymentSnapshot } from '@spendcap/core';
import { applySnapshot } from '@spendcap/server/payments';
import { describe, expect, it } from 'vitest';
import { cny, held, paid, says, scripted, unavailable, usd } from './engine-kit.ts';

const whole = () => {
  const processor = scripted();
  return { ...processor, traits: { ...processor.traits, captures: 'whole' as const } };
};

const refund = (id: string, amount: string, state: 'pending' | 'succeeded' | 'failed') => ({
  id,
  amount: cny(amount),
  state,
});

const dispute = (amount: string, state: 'open' | 'withdrawn' | 'returned') => ({
  id: 'd1',
  amount: cny(amount),
  state,
});

describe('a snapshot', () => {
  it.each<[string, PaymentSnapshot]>([
    ['open', says()],
    ['unseen', says({ state: 'unseen' })],
  ])('that says only %s changes nothing', async (_, snapshot) => {
    const world = await held();
    const before = await world.purchase();
    expect(await world.apply(snapshot)).toEqual({
      ...{ result: 'settled', purchase: before, rejected: [] },
    });
    expect(await world.purchase()).toEqual(before);
  });

  it('that is closed releases, and a payment after that is committed late', async () => {
    const world = await held();
    await world.apply(says({ state: 'closed' }));
    await world.apply(says({ state: 'closed' }));
    expect(await world.purchase()).toMatchObject({ state: 'released' });
    expect(world.reasons()).toEqual(['test_pay_closed']);
    await world.apply(paid());
    expect(await world.purchase()).toMatchObject({ state: 'committed', late: true });
  });

  it.each([[1], [2]])('that is older than the payment changes nothing, %d times', async (times) => {
    const world = await held();
    await world.apply(paid());
    const before = await world.purchase();
    for (let time = 0; time < times; time += 1) {
      const { rejected } = await world.apply(says({ state: 'closed' }));
      expect(rejected).toEqual([]);
    }
    await world.apply(says({ reference: 'ref_2' }));
    expect(await world.purchase()).toEqual(before);
  });

  it('of less than the hold commits that much, and gives back the rest', async () => {
    const world = await held();
    await world.apply(paid({ captured: cny('10.00') }));
    await world.apply(paid({ captured: cny('10') }));
    expect(await world.purchase()).toMatchObject({ committed: '10.00', late: false });
    expect(await world.used()).toBe('10.00');
  });

  it('with another amount than committed is reported, and changes nothing', async () => {
    const world = await held();
    await world.apply(paid({ captured: cny('10.00') }));
    const { result, rejected } = await world.apply(paid());
    expect([result, rejected.map(({ code }) => code)]).toEqual(['settled', ['purchase_ended']]);
    expect(await world.purchase()).toMatchObject({ committed: '10.00' });
  });

  it('of an unknown purchase is ignored and reported', async () => {
    const world = await held();
    const { result, rejected } = await world.apply(paid({ purchaseId: 'p2' }));
    expect([result, rejected[0]?.code]).toEqual(['ignored', 'purchase_not_found']);
  });

  it('of an id that no purchase can have is ignored and reported', async () => {
    const world = await held();
    expect(await world.apply(paid({ purchaseId: '' }))).toMatchObject({
      ...{ result: 'ignored', purchase: null, rejected: [{ code: 'invalid_request' }] },
    });
  });

  it('without an amount commits what is held, once, whatever was committed before', async () => {
    const world = await held();
    await world.base.commit('p1', { amount: '20.00' });
    for (const captured of ['held', cny('20.00'), cny('20')] as const) {
      const away = { ...world.deps, limiter: { ...world.base, commit: unavailable } };
      const { result, rejected } = await applySnapshot(away, paid({ captured }));
      expect([result, rejected]).toEqual(['settled', []]);
    }
    expect(await world.purchase()).toMatchObject({ state: 'committed', committed: '20.00' });
  });

  it('of another processor is refused', async () => {
    const world = await held();
    const deps = { ...world.deps, processor: scripted({ name: 'other_pay' }) };
    expect((await applySnapshot(deps, paid())).result).toBe('refused');
    expect((await applySnapshot(deps, says({ state: 'closed' }))).result).toBe('refused');
    expect(await world.purchase()).toMatchObject({ state: 'reserved' });
  });

  it('of another account of the processor is refused, and of its own applied', async () => {
    const world = await held();
    const theirs = { ...world.order, id: 'p2', amount: '10.00', processorRef: 'merchant_1' };
    await world.base.reserve({ ...theirs, processor: 'test_pay', onExpiry: 'reconcile' });
    const by = (account: string) => {
      const processor = scripted({ traits: { ...scripted().traits, account } });
      const snapshot = paid({ purchaseId: 'p2', captured: cny('10.00') });
      return applySnapshot({ ...world.deps, processor }, snapshot);
    };
    const before = await world.purchase('p2');
    const message = 'The purchase is held for another account.';
    expect(await by('merchant_2')).toEqual({
      ...{ result: 'refused', purchase: before },
      rejected: [{ code: 'purchase_conflict', message }],
    });
    expect(await world.purchase('p2')).toEqual(before);
    expect(await by('merchant_1')).toMatchObject({ result: 'settled', rejected: [] });
    expect(await world.purchase('p2')).toMatchObject({ state: 'committed' });
  });

  it('keeps the first reference while somebody may pay, and none after that', async () => {
    const world = await held();
    await world.apply(says({ reference: 'ref_1' }));
    const { rejected } = await world.apply(says({ reference: 'ref_2' }));
    expect(rejected).toEqual([]);
    expect(await world.purchase()).toMatchObject({ processorRef: 'ref_1', state: 'reserved' });
  });
});

describe('an amount', () => {
  it.each([
    ['another than the held one', cny('29.99'), 'purchase_conflict'],
    ['in another currency', usd('30.00'), 'purchase_conflict'],
  ])('%s is refused by a processor that captures the whole', async (_, captured, code) => {
    const world = await held(whole());
    const { result, rejected } = await world.apply(paid({ captured }));
    expect([result, rejected[0]?.code]).toEqual(['refused', code]);
    expect(await world.purchase()).toMatchObject({ state: 'reserved' });
  });

  it('is the whole however it is written', async () => {
    const world = await held(whole());
    const { result, rejected } = await world.apply(paid({ captured: cny('30') }));
    expect([result, rejected]).toEqual(['settled', []]);
    expect(await world.purchase()).toMatchObject({ state: 'committed', committed: '30.00' });
  });

  it.each([
    ['zero', cny('0.00'), 'purchase_conflict'],
    ['too exact', cny('30.001'), 'invalid_amount'],
    ['no number', cny('-30'), 'invalid_amount'],
    ['of no currency', { amount: '30.00', currency: 'ZZZ' }, 'invalid_currency'],
  ])('that is %s is refused with a code, whatever else is said', async (_, captured, code) => {
    for (const processor of [scripted(), whole()]) {
      const world = await held(processor);
      const refunds = { total: captured };
      const { result, rejected } = await world.apply(paid({ captured, refunds }));
      expect([result, rejected.map((each) => each.code)]).toEqual(['refused', [code]]);
      expect(await world.purchase()).toMatchObject({ state: 'reserved' });
    }
  });
});

describe('money given back', () => {
  it('counts once by its id, and not before it has succeeded', async () => {
    const world = await held();
    await world.apply(paid({ refunds: [refund('r1', '10.00', 'pending')] }));
    expect(await world.purchase()).toMatchObject({ committed: '30.00', refunded: '0.00' });
    for (let time = 0; time < 2; time += 1) {
      await world.apply(paid({ refunds: [refund('r1', '10.00', 'succeeded')] }));
    }
    expect(await world.purchase()).toMatchObject({ refunded: '10.00' });
    expect(await world.used()).toBe('20.00');
  });

  it.each([
    ['before', ['failed', 'succeeded']],
    ['after', ['succeeded', 'failed']],
  ] as const)('that failed is undone, %s it is said to have succeeded', async (_, states) => {
    const world = await held();
    for (const state of states) {
      await world.apply(paid({ refunds: [refund('r1', '10.00', state)] }));
    }
    expect(await world.purchase()).toMatchObject({ refunded: '0.00' });
    expect(await world.used()).toBe('30.00');
  });

  it('counts as it is said, though less was captured than held', async () => {
    const world = await held();
    const captured = cny('10.00');
    await world.apply(paid({ captured, refunds: [refund('r1', '2.50', 'succeeded')] }));
    expect(await world.purchase()).toMatchObject({ committed: '10.00', refunded: '2.50' });
    await world.apply(paid({ captured, disputes: [dispute('5.00', 'withdrawn')] }));
    expect(await world.purchase()).toMatchObject({ refunded: '7.50' });
    expect(await world.used()).toBe('7.50');
  });

  it('as all of it, or as a share, is that of the captured amount', async () => {
    for (const [total, refunded] of [
      ['all', '10.00'],
      [{ milliPercent: 50_000 }, '5.00'],
      [{ milliPercent: 33_333 }, '3.33'],
      [{ milliPercent: 33_351 }, '3.34'],
    ] as const) {
      const world = await held();
      await world.apply(paid({ captured: cny('10.00'), refunds: { total } }));
      expect(await world.purchase()).toMatchObject({ committed: '10.00', refunded });
    }
  });

  it('as a running total is recorded under one id, or the one that is said', async () => {
    const ids: string[] = [];
    const world = await held();
    const refunding: typeof world.base.refund = (id, request) => {
      ids.push(request.id);
      return world.base.refund(id, request);
    };
    const deps = { ...world.deps, limiter: { ...world.base, refund: refunding } };
    await applySnapshot(deps, paid({ refunds: { total: cny('1.00') } }));
    await applySnapshot(deps, paid({ refunds: { total: cny('2.00') } }));
    await applySnapshot(deps, paid({ refunds: { id: 'r7', total: cny('3.00') } }));
    expect(ids).toEqual(['total', 'total', 'r7']);
    expect(await world.purchase()).toMatchObject({ refunded: '5.00' });
  });

  it('as a running total only grows', async () => {
    const world = await held();
    for (const total of ['0.00', '10.00', '25.00', '10.00', '0.00']) {
      const { rejected } = await world.apply(paid({ refunds: { total: cny(total) } }));
      expect(rejected).toEqual([]);
    }
    expect(await world.purchase()).toMatchObject({ refunded: '25.00' });
  });

  it('as a running total may be taken back as a whole', async () => {
    const world = await held();
    await world.apply(paid({ refunds: { total: cny('10.00') } }));
    const { rejected } = await world.apply(paid({ refunds: { total: 'reversed' } }));
    expect(rejected).toEqual([]);
    expect(await world.purchase()).toMatchObject({ committed: '30.00', refunded: '0.00' });
    expect(await world.used()).toBe('30.00');
  });

  it('that is nothing changes nothing, and is no problem', async () => {
    const world = await held();
    const nothing = { refunds: [refund('r1', '0.00', 'succeeded')] };
    const { rejected } = await world.apply(
      paid({ ...nothing, disputes: [dispute('0.00', 'withdrawn')] }),
    );
    expect(rejected).toEqual([]);
    expect(await world.purchase()).toMatchObject({ committed: '30.00', refunded: '0.00' });
  });

  it('beyond the captured amount is reported, and the rest of the message applied', async () => {
    const world = await held();
    const refunds = [refund('r1', '31.00', 'succeeded'), refund('r2', '5.00', 'succeeded')];
    const { rejected } = await world.apply(paid({ refunds }));
    expect(rejected.map(({ code }) => code)).toEqual(['refund_exceeds_purchase']);
    expect(await world.purchase()).toMatchObject({ refunded: '5.00' });
  });

  it('that failed makes room for what succeeded, whichever is listed first', async () => {
    const world = await held();
    const first = refund('r1', '30.00', 'succeeded');
    await world.apply(paid({ refunds: [first] }));
    const refunds = [refund('r2', '5.00', 'succeeded'), refund('r1', '30.00', 'failed')];
    expect(await world.apply(paid({ refunds }))).toMatchObject({ rejected: [] });
    expect(await world.purchase()).toMatchObject({ refunded: '5.00' });
    await world.apply(paid({ disputes: [dispute('25.00', 'withdrawn')] }));
    const again = [refund('r2', '5.00', 'succeeded'), refund('r3', '20.00', 'succeeded')];
    const won = paid({ refunds: again, disputes: [dispute('25.00', 'returned')] });
    expect(await world.apply(won)).toMatchObject({ rejected: [] });
    expect(await world.purchase()).toMatchObject({ refunded: '25.00' });
  });

  it('by a dispute restores no allowance, and by a dispute that was won nothing', async () => {
    const world = await held();
    await world.apply(paid({ disputes: [dispute('30.00', 'open')] }));
    expect(await world.purchase()).toMatchObject({ refunded: '0.00' });
    await world.apply(paid({ disputes: [dispute('30.00', 'withdrawn')] }));
    expect(await world.purchase()).toMatchObject({ refunded: '30.00' });
    expect(await world.used()).toBe('30.00');
    await world.apply(paid({ disputes: [dispute('30.00', 'returned')] }));
    await world.apply(paid({ disputes: [dispute('30.00', 'withdrawn')] }));
    expect(await world.purchase()).toMatchObject({ refunded: '0.00' });
  });

  it('and by a dispute of the same money counts the first, and reports the other', async () => {
    const refunds = { refunds: [refund('r1', '10.00', 'succeeded')] };
    const disputes = { disputes: [dispute('30.00', 'withdrawn')] };
    for (const [first, second, refunded, used] of [
      [refunds, disputes, '10.00', '20.00'],
      [disputes, refunds, '30.00', '30.00'],
    ] as const) {
      const world = await held();
      await world.apply(paid(first));
      const { rejected } = await world.apply(paid(second));
      expect(rejected.map(({ code }) => code)).toEqual(['refund_exceeds_purchase']);
      expect(await world.purchase()).toMatchObject({ committed: '30.00', refunded });
      expect(await world.used()).toBe(used);
    }
  });

  it.each<[string, Partial<PaymentSnapshot>]>([
    ['refund', { refunds: [{ id: 'r1', amount: usd('1.00'), state: 'succeeded' }] }],
    ['total', { refunds: { total: usd('1.00') } }],
    ['dispute', { disputes: [{ id: 'd1', amount: usd('1.00'), state: 'withdrawn' }] }],
  ])('in another currency than charged (%s) is reported, after the commit', async (_, change) => {
    const world = await held();
    const { result, rejected } = await world.apply(paid(change));
    expect([result, rejected.map(({ code }) => code)]).toEqual(['settled', ['invalid_currency']]);
    expect(await world.purchase()).toMatchObject({ state: 'committed', refunded: '0.00' });
  });
});

describe('a payment in another currency', () => {
  const captured = usd('4.50');

  it('commits what was held, and gives back by share, in full at the end', async () => {
    const world = await held();
    const { rejected } = await world.apply(paid({ captured, refunds: { total: usd('0.00') } }));
    expect(rejected.map(({ code }) => code)).toEqual(['invalid_currency']);
    expect(await world.purchase()).toMatchObject({ committed: '30.00', refunded: '0.00' });
    await world.apply(paid({ captured, refunds: { total: usd('1.00') } }));
    expect(await world.purchase()).toMatchObject({ refunded: '6.66' });
    await world.apply(paid({ captured, refunds: { total: usd('4.50') } }));
    expect(await world.purchase()).toMatchObject({ refunded: '30.00' });
  });

  it('is not committed again', async () => {
    const world = await held();
    await world.apply(paid({ captured }));
    const away = { ...world.deps, limiter: { ...world.base, commit: unavailable } };
    expect(await applySnapshot(away, paid({ captured }))).toMatchObject({ rejected: [] });
  });

  it('is reported once, also if the ledger went away before the refund', async () => {
    const snapshot = paid({ captured, refunds: { total: usd('1.00') } });
    const world = await held();
    const away = { ...world.deps, limiter: { ...world.base, refund: unavailable } };
    await expect(applySnapshot(away, snapshot)).rejects.toMatchObject({ retryable: true });
    expect(await world.purchase()).toMatchObject({ state: 'committed', refunded: '0.00' });
    const reports = [await world.apply(snapshot), await world.apply(snapshot)];
    expect(reports.flatMap(({ rejected }) => rejected.map(({ code }) => code))).toEqual([
      'invalid_currency',
    ]);
    expect(await world.purchase()).toMatchObject({ refunded: '6.66' });
  });
});

it('the same messages in any order and at the same time come to the same', async () => {
  const messages = [
    says({ reference: 'ref_1' }),
    paid(),
    paid({ refunds: [refund('r1', '10.00', 'succeeded')] }),
    paid({
      refunds: [refund('r1', '10.00', 'succeeded'), refund('r2', '5.00', 'failed')],
      disputes: [dispute('2.00', 'withdrawn')],
    }),
  ];
  for (const order of [messages, messages.toReversed(), [...messages, ...messages]]) {
    const [one, all] = [await held(), await held()];
    for (const message of order) await one.apply(message);
    await Promise.all(order.map((message) => all.apply(message)));
    for (const world of [one, all]) {
      expect(await world.purchase()).toMatchObject({ committed: '30.00', refunded: '12.00' });
      expect(await world.used()).toBe('20.00');
    }
  }
});
