import { alipayProcessor } from '@spendcap/server/payments/alipay';
import { describe, expect, it } from 'vitest';
import { allowed, codeOf, createWorld, type World } from './alipay-kit.ts';

const AT = { out_trade_no: 'order_1' };

describe('an order that nobody has opened', () => {
  it('is released only after its end, a margin and a query, whatever close says', async () => {
    const { advance, guard, reconcile, sign, state } = await createWorld();
    await sign();
    const closed = await guard.exec('alipay.trade.close', { bizContent: AT });
    expect(closed).toMatchObject({ subCode: 'ACQ.TRADE_NOT_EXIST' });
    expect(await state()).toBe('reserved');
    advance(16);
    expect(await reconcile()).toEqual([]);
    advance(1);
    expect(await reconcile()).toEqual([{ purchaseId: 'order_1', outcome: 'unseen' }]);
    advance(4);
    expect(await reconcile()).toEqual([{ purchaseId: 'order_1', outcome: 'unseen' }]);
    advance(1);
    expect(await reconcile()).toEqual([{ purchaseId: 'order_1', outcome: 'released' }]);
    expect(await state()).toBe('released');
  });

  it('is held while it can be paid, also by a clock that is five minutes ahead', async () => {
    const { advance, deliverAll, purchase, reconcile, sign } = await createWorld({
      minutesAhead: 5,
    });
    const [last, never] = [await sign('order_1'), await sign('order_2', { total_amount: '20.00' })];
    for (let minutes = 1; minutes < 20; minutes += 1) {
      advance(1);
      await reconcile();
    }
    expect(last.pay().resultStatus).toBe('9000');
    await deliverAll();
    expect(await purchase()).toMatchObject({ state: 'committed', late: false });
    advance(2);
    await reconcile();
    expect(never.pay().resultStatus).not.toBe('9000');
    expect((await purchase('order_2')).state).toBe('reserved');
  });

  it('can be paid after a close that found no trade', async () => {
    const { deliverAll, guard, sign, state } = await createWorld();
    const cashier = await sign();
    await guard.exec('alipay.trade.close', { bizContent: AT });
    expect(cashier.pay().resultStatus).toBe('9000');
    await deliverAll();
    expect(await state()).toBe('committed');
  });

  it('is not released while Alipay cannot be reached or verified', async () => {
    const { advance, fake, reconcile, sign, state } = await createWorld();
    await sign();
    advance(60);
    for (const kind of ['unsigned', 'forged', 'unavailable', 'failed', 'limited'] as const) {
      fake.fail({ kind, on: 'trade.query' });
      expect(await reconcile(), kind).toMatchObject([{ outcome: 'failed' }]);
      expect(await state()).toBe('reserved');
    }
    expect(await reconcile()).toMatchObject([{ outcome: 'released' }]);
  });

  it('is not settled by a signed answer about another trade', async () => {
    const { alipay, clock, fake, purchase, sign } = await createWorld();
    await sign('order_1');
    const cashier = await sign('order_2', { total_amount: '20.00' });
    cashier.pay();
    const exec: typeof alipay.exec = async () => ({
      ...{ code: '10000', msg: 'Success', out_trade_no: 'order_2' },
      ...{ trade_status: 'TRADE_CLOSED', total_amount: '30.00' },
    });
    const { config } = alipay;
    const lying = Object.assign(Object.create(alipay), { config, exec });
    const processor = alipayProcessor({
      ...{ alipay: lying, sellerId: fake.sellerId },
      now: () => clock.at,
    });
    await expect(processor.close(await purchase())).rejects.toThrow('another trade');
  });

  it('that is paid late is recorded, late', async () => {
    const { advance, deliverAll, problems, purchase, reconcile, sign } = await createWorld();
    const cashier = await sign();
    advance(22);
    expect(await reconcile()).toMatchObject([{ outcome: 'released' }]);
    expect(cashier.pay().subCode).toBe('ACQ.NOW_TIME_AFTER_EXPIRE_TIME_ERROR');
    expect(cashier.pay({ late: true }).resultStatus).toBe('9000');
    await deliverAll();
    expect(await purchase()).toMatchObject({ state: 'committed', committed: '30.00', late: true });
    expect(problems).toEqual([]);
  });
});

describe('a trade', () => {
  it('is released as soon as it is closed', async () => {
    const { create, guard, payTrade, state } = await createWorld();
    allowed(await create());
    const answer = await guard.exec('alipay.trade.close', { bizContent: AT });
    expect(answer).toMatchObject({ code: '10000' });
    expect(await state()).toBe('released');
    expect(payTrade().subCode).toBe('ACQ.TRADE_HAS_CLOSE');
  });

  it('that was paid is committed by a close that comes too late', async () => {
    const { create, guard, payTrade, state } = await createWorld();
    allowed(await create());
    payTrade();
    const answer = await guard.exec('alipay.trade.close', { bizContent: AT });
    expect(answer).toMatchObject({ subCode: 'ACQ.TRADE_STATUS_ERROR' });
    expect(await state()).toBe('committed');
  });

  it('that stays unpaid is closed and released by the reconciler', async () => {
    const { advance, create, fake, reconcile, state } = await createWorld();
    allowed(await create());
    advance(17);
    expect(await reconcile()).toMatchObject([{ outcome: 'released' }]);
    expect(await state()).toBe('released');
    expect(fake.trades()[0]?.status).toBe('TRADE_CLOSED');
  });

  it('is closed by a cancel, or paid back', async () => {
    const { create, guard, payTrade, purchase, state } = await createWorld();
    allowed(await create('order_1', { total_amount: '10.00' }));
    await guard.exec('alipay.trade.cancel', { bizContent: AT });
    expect(await state()).toBe('released');
    allowed(await create('order_2', { total_amount: '20.00' }));
    payTrade('order_2');
    await guard.exec('alipay.trade.cancel', { bizContent: { out_trade_no: 'order_2' } });
    expect(await purchase('order_2')).toMatchObject({ committed: '20.00', refunded: '20.00' });
  });

  it('of a number that the guard did not make is settled at Alipay only', async () => {
    const { alipay, guard, limiter, problems } = await createWorld();
    const bizContent = { ...AT, total_amount: '1.00', subject: 'a', buyer_id: '2088000000000009' };
    await alipay.exec('alipay.trade.create', { bizContent });
    const answer = await guard.exec('alipay.trade.close', { bizContent: AT });
    expect(answer).toMatchObject({ code: '10000' });
    expect(await limiter.get('order_1')).toBeNull();
    expect(problems).toEqual([]);
  });

  it('is named by its own number', async () => {
    const { fake, guard } = await createWorld();
    const exec = (bizContent: object) =>
      guard.exec('alipay.trade.close', { bizContent: { ...bizContent } });
    expect(await codeOf(exec({}))).toBe('TypeError');
    expect(await codeOf(exec({ ...AT, trade_no: '1' }))).toBe('TypeError');
    expect(fake.calls).toEqual([]);
  });
});

describe('refunds', () => {
  async function paid() {
    const world = await createWorld();
    allowed(await world.create());
    world.payTrade();
    return world;
  }
  const refund = ({ guard }: World, out_request_no: string, refund_amount: string) =>
    guard.exec('alipay.trade.refund', { bizContent: { ...AT, out_request_no, refund_amount } });

  it('give back their running total, once each', async () => {
    const world = await paid();
    for (const [number, amount, total] of [
      ['r1', '10.00', '10.00'],
      ['r1', '10.00', '10.00'],
      ['r2', '5.50', '15.50'],
      ['r3', '14.50', '30.00'],
    ] as const) {
      expect(await refund(world, number, amount)).toMatchObject({ refundFee: total });
      expect(await world.purchase()).toMatchObject({ committed: '30.00', refunded: total });
    }
    await world.deliverAll();
    expect(await world.purchase()).toMatchObject({ committed: '30.00', refunded: '30.00' });
    expect(world.problems).toEqual([]);
  });

  it('whose connection is closed are repeated by the SDK, and still counted once', async () => {
    const world = await paid();
    world.fake.fail({ kind: 'drop', on: 'trade.refund' });
    expect(await refund(world, 'r1', '10.00')).toMatchObject({ fundChange: 'N' });
    expect(await world.purchase()).toMatchObject({ refunded: '10.00' });
    world.fake.fail({ kind: 'drop', on: 'trade.refund', times: 2 });
    expect(await codeOf(refund(world, 'r2', '5.00'))).toBe('outcome_unknown');
    expect(await refund(world, 'r2', '5.00')).toMatchObject({ refundFee: '15.00' });
    expect(await world.purchase()).toMatchObject({ refunded: '15.00' });
  });

  it('that are pending give nothing back until a notification says so', async () => {
    const world = await paid();
    world.fake.refundsBegin('pending');
    expect(await refund(world, 'r1', '10.00')).toMatchObject({ fundChange: 'N' });
    await refund(world, 'r2', '5.00');
    await world.deliverAll();
    expect(await world.purchase()).toMatchObject({ committed: '30.00', refunded: '0.00' });
    world.fake.finishRefund('order_1', 'r1', 'succeeded');
    world.fake.finishRefund('order_1', 'r2', 'failed');
    await world.deliverAll();
    expect(await world.purchase()).toMatchObject({ refunded: '10.00' });
  });

  it('that Alipay refuses are its answer, and change nothing', async () => {
    const world = await paid();
    const answer = await refund(world, 'r1', '30.01');
    expect(answer).toMatchObject({ subCode: 'ACQ.REFUND_AMT_NOT_EQUAL_TOTAL' });
    expect(await world.purchase()).toMatchObject({ committed: '30.00', refunded: '0.00' });
  });

  it('need a number of their own', async () => {
    const { guard } = await paid();
    const bizContent = { ...AT, refund_amount: '1.00' };
    expect(await codeOf(guard.exec('alipay.trade.refund', { bizContent }))).toBe('TypeError');
  });

  it('that are done but cannot be queried are settled by their notification', async () => {
    const world = await paid();
    await world.deliverAll();
    world.fake.fail({ kind: 'unavailable', on: 'trade.query' });
    await refund(world, 'r1', '10.00');
    expect(await world.purchase()).toMatchObject({ refunded: '0.00' });
    await world.deliverAll();
    expect(await world.purchase()).toMatchObject({ refunded: '10.00' });
  });
});
