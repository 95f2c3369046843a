import type { Purchase } from '@spendcap/server';
import { describe, expect, test } from 'vitest';
import { bought, CHILD, DAY, onePolicy, order, setUp, TEEN, usedOf } from './limiter-kit.ts';

const NAMED = { processor: 'acme_pay', processorRef: 'pay_1' };
const open = { onExpiry: 'reconcile' } as const;

describe('the processor of a purchase', () => {
  test('is kept with the hold, and is null without one', async () => {
    const { limiter } = setUp();
    expect(bought(await limiter.reserve(order('p', NAMED)))).toMatchObject(NAMED);
    expect(await limiter.get('p')).toMatchObject(NAMED);
    expect(await limiter.commit('p')).toMatchObject(NAMED);
    const none = { processor: null, processorRef: null };
    expect(bought(await limiter.reserve(order('q')))).toMatchObject(none);
  });

  test.each([
    ['another processor', { processor: 'other_pay' }],
    ['another reference', { processorRef: 'pay_2' }],
    ['none', { processor: undefined, processorRef: undefined }],
  ])('a retry with %s is a conflict: it could charge twice', async (_what, change) => {
    const { limiter } = setUp();
    bought(await limiter.reserve(order('p', NAMED)));
    expect(await limiter.reserve(order('p', NAMED))).toMatchObject({ replayed: true });
    const { processor, processorRef, ...rest } = { ...order('p', NAMED), ...change };
    const named = processor === undefined ? rest : { ...rest, processor, processorRef };
    await expect(limiter.reserve(named as ReturnType<typeof order>)).rejects.toMatchObject({
      code: 'purchase_conflict',
    });
  });

  test('a retry that names one, or another one, is a conflict whatever was bought before', async () => {
    const { limiter } = setUp();
    bought(await limiter.reserve(order('p', { amount: '1.00' })));
    bought(await limiter.reserve(order('q', { amount: '2.00', processor: 'acme_pay' })));
    for (const [id, amount, processor] of [
      ['p', '1.00', 'acme_pay'],
      ['q', '2.00', 'other_pay'],
    ] as const) {
      const retry = limiter.reserve(order(id, { amount, processor }));
      await expect(retry).rejects.toMatchObject({ code: 'purchase_conflict' });
    }
  });

  test('is no part of the metadata, whatever its keys', async () => {
    const { limiter, clock } = setUp();
    bought(await limiter.reserve(order('p', { ...open, metadata: { stripe: 'payment_intent' } })));
    clock.at += DAY;
    expect(await limiter.overdue({ processor: 'stripe' })).toEqual([]);
    expect(await limiter.overdue()).toHaveLength(1);
  });
});

describe('attach', () => {
  test('stores the reference once, in any state', async () => {
    const { limiter, events } = setUp();
    const { processor } = NAMED;
    bought(await limiter.reserve(order('p', { processor })));
    await limiter.commit('p');
    events.length = 0;
    const attached = await limiter.attach('p', NAMED);
    expect(attached).toMatchObject({ ...NAMED, state: 'committed' });
    expect(await limiter.attach('p', NAMED)).toEqual(attached);
    expect(events).toEqual([]);
    for (const other of [
      { ...NAMED, processorRef: 'pay_2' },
      { ...NAMED, processor: 'other_pay' },
    ]) {
      const error = { code: 'purchase_conflict', status: 409, retryable: false };
      await expect(limiter.attach('p', other)).rejects.toMatchObject(error);
    }
    await expect(limiter.attach('none', NAMED)).rejects.toMatchObject({
      code: 'purchase_not_found',
    });
    // The request was made without it, and stays the same.
    expect(await limiter.reserve(order('p', { processor }))).toMatchObject({ replayed: true });
  });
});

describe('overdue', () => {
  test("pages through one processor's holds, however many others there are", async () => {
    const { limiter, clock } = setUp();
    for (let index = 0; index < 9; index += 1) {
      const processor = index % 3 === 0 ? 'acme_pay' : 'other_pay';
      const small = { amount: '1.00', evidence: TEEN };
      bought(await limiter.reserve(order(`p${index}`, { ...open, ...small, processor })));
      clock.at += 1;
    }
    clock.at += DAY;
    const ids = (page: readonly Purchase[]) => page.map(({ id }) => id);
    const first = await limiter.overdue({ processor: 'acme_pay', limit: 2 });
    expect(ids(first)).toEqual(['p0', 'p3']);
    const after = first.at(-1) as Purchase;
    await limiter.release('p3');
    expect(ids(await limiter.overdue({ processor: 'acme_pay', after }))).toEqual(['p6']);
    expect(ids(await limiter.overdue({ after, limit: 3 }))).toEqual(['p4', 'p5', 'p6']);
    expect(await limiter.overdue({ processor: 'no_pay' })).toEqual([]);
  });
});

describe('a refund up to a total', () => {
  const paid = async (made: ReturnType<typeof setUp>) => {
    await made.limiter.commit(bought(await made.limiter.reserve(order('p'))).id);
    made.events.length = 0;
    return made;
  };

  test('raises the refund, once for each total', async () => {
    const { limiter, events } = await paid(setUp());
    for (const [total, refunded] of [
      ['10.00', '10.00'],
      ['10', '10.00'],
      ['25.00', '25.00'],
      ['10.00', '25.00'],
    ] as const) {
      expect(await limiter.refund('p', { id: 'all', total })).toMatchObject({ refunded });
    }
    expect(events.map(({ type, refundId }) => [type, refundId])).toEqual([
      ['purchase.refunded', 'all'],
      ['purchase.refunded', 'all'],
    ]);
    expect(await limiter.refund('p', { id: 'other', amount: '5.00' })).toMatchObject({
      refunded: '30.00',
    });
    await expect(limiter.refund('p', { id: 'all', total: '30.00' })).rejects.toMatchObject({
      code: 'refund_exceeds_purchase',
    });
    expect(usedOf(await limiter.allowance({ evidence: CHILD })).day).toBe('0.00');
  });

  test('a dispute gives back no allowance, and counts for nothing once it is won', async () => {
    const { limiter } = await paid(setUp());
    const dispute = { id: 'dispute-1', restores: false } as const;
    expect(await limiter.refund('p', dispute)).toMatchObject({ refunded: '30.00' });
    expect(usedOf(await limiter.allowance({ evidence: CHILD })).day).toBe('30.00');
    expect(await limiter.reverseRefund('p', { id: dispute.id })).toMatchObject({
      refunded: '0.00',
    });
    expect(usedOf(await limiter.allowance({ evidence: CHILD })).day).toBe('30.00');
    expect(await limiter.refund('p', { id: 'refund-1' })).toMatchObject({ refunded: '30.00' });
    expect(usedOf(await limiter.allowance({ evidence: CHILD })).day).toBe('0.00');
  });

  test('restores nothing where the policy says so', async () => {
    const policy = onePolicy([{ period: 'day', max: '100.00' }], { refunds: 'never' });
    const { limiter } = await paid(setUp({ policy }));
    await limiter.refund('p', { id: 'all', total: '10.00' });
    expect(usedOf(await limiter.allowance({ evidence: CHILD })).day).toBe('30.00');
  });
});
