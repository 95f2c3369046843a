import { applyDeviceCharge } from '@spendcap/server/payments';
import { describe, expect, it } from 'vitest';
import { DAY, game } from './play-kit.ts';

/** A game whose notifications are all lost. */
function deaf(options: Parameters<typeof game>[0] = {}) {
  const world = game(options);
  return {
    ...world,
    async sweep(since = world.clock.at - 7 * DAY) {
      const references: string[] = [];
      for await (const charge of world.engine.processor.sweep?.(since) ?? []) {
        references.push(charge.reference);
        await applyDeviceCharge(world.engine, charge);
      }
      return references;
    },
    async sell(id: string, more: Parameters<typeof world.buy>[0] = {}) {
      const bought = await world.buy({
        id,
        price: { currency: 'CNY', micros: 3_000_000 },
        ...more,
      });
      await world.confirm(bought);
      return bought.orderIds[0] ?? '';
    },
  };
}

describe('a sweep', () => {
  it('finds what was taken back, in pieces and of subscriptions, and nothing twice', async () => {
    const { begin, confirmPass, fake, limiter, problems, sell, sweep } = deaf();
    const [whole, parts] = [await sell('order-1'), await sell('order-2', { quantity: 10 })];
    await sell('order-3');
    await begin('sub-1', '25.00', 'pass');
    const pass = fake.device.subscribe({ productId: 'pass', obfuscatedProfileId: 'sub-1' });
    await confirmPass(pass.purchaseToken);
    fake.office.refund(whole, { revoke: true });
    for (const pieces of [2, 3]) fake.office.refundPieces(parts, pieces);
    fake.office.refund(pass.orderIds[0] ?? '', { revoke: true });
    const refunded = async () =>
      Promise.all(
        ['order-1', 'order-2', 'order-3', 'sub-1'].map(
          async (id) => (await limiter.get(id))?.refunded,
        ),
      );
    expect(await sweep()).toEqual([whole, parts, pass.orderIds[0]]);
    expect(await refunded()).toEqual(['3.00', '15.00', '0.00', '25.00']);
    await sweep();
    expect(await refunded()).toEqual(['3.00', '15.00', '0.00', '25.00']);
    expect(problems).toEqual([]);
  });

  it('finds refunds without revocation among the orders that it is given', async () => {
    const ids: string[] = [];
    const { fake, limiter, sell, sweep } = deaf({ orderIds: () => ids });
    for (let count = 1; count <= 3; count += 1) ids.push(await sell(`order-${count}`));
    fake.office.refund(ids[1] ?? '', { revoke: false });
    ids.push('GPA.unknown');
    expect(await sweep()).toEqual([ids[1]]);
    expect(await limiter.get('order-2')).toMatchObject({ refunded: '3.00' });
  });

  it('reads a list of any length in pages, and orders a thousand at a time', async () => {
    const ids: string[] = [];
    const { calls, fake, sweep } = deaf({ orderIds: () => ids });
    for (let count = 0; count < 2_100; count += 1) {
      const [orderId = ''] = fake.device.buy({ productId: 'gem60' }).orderIds;
      if (count < 1_050) fake.office.refund(orderId, { revoke: true });
      else ids.push(orderId);
    }
    expect(await sweep()).toHaveLength(1_050);
    const counts = (name: string) => calls().filter((call) => call === name).length;
    expect([counts('voidedpurchases'), counts('batchGet')]).toEqual([2, 4]);
  });

  it('reaches back thirty days at most, and starts where it should', async () => {
    const { clock, fake, sell, sweep } = deaf();
    fake.office.refund(await sell('order-1'), { revoke: true });
    clock.at += 10 * DAY;
    const second = await sell('order-2');
    fake.office.refund(second, { revoke: true });
    expect(await sweep(clock.at - DAY)).toEqual([second]);
    expect(await sweep(0)).toHaveLength(2);
    clock.at += 25 * DAY;
    expect(await sweep(0)).toEqual([second]);
  });

  it.each(['the list', 'the orders that it is given'])(
    'reads past an order of %s that cannot be understood, and rejects at the end',
    async (where) => {
      const ids: string[] = [];
      const { fake, limiter, sell, sweep } = deaf({ orderIds: () => ids });
      // Between two of the currency's smallest units.
      const odd = fake.device.buy({
        ...{ productId: 'gem60', price: { currency: 'CNY', micros: 1_001 } },
      });
      const [oddId = ''] = odd.orderIds;
      const orderId = await sell('order-1');
      const revoke = where === 'the list';
      for (const each of [oddId, orderId]) fake.office.refund(each, { revoke });
      if (!revoke) ids.push(oddId, orderId);
      await expect(sweep()).rejects.toMatchObject({ code: 'invalid_amount' });
      expect(await limiter.get('order-1')).toMatchObject({ refunded: '3.00' });
    },
  );

  it.each([400, 404])('passes over a single order that Google answers with %i', async (status) => {
    const { fake, limiter, sell, sweep } = deaf({ orderIds: () => ['GPA.other'] });
    fake.office.refund(await sell('order-1'), { revoke: true });
    fake.fail({ kind: 'refuse', status, reason: 'invalidValue', on: 'GPA.other' });
    expect(await sweep()).toHaveLength(1);
    expect(await limiter.get('order-1')).toMatchObject({ refunded: '3.00' });
  });

  it.each([0, 299_000, -299_000])(
    'asks for no more than Google lists by a clock off by %i ms',
    async (skew) => {
      const world = deaf({ now: () => world.clock.at + skew });
      const orderId = await world.sell('order-1');
      world.fake.office.refund(orderId, { revoke: true });
      // The list refuses a start before 30 days ago; ten minutes later the record is out of reach.
      world.clock.at += 30 * DAY - 600_000;
      expect(await world.sweep(0)).toEqual([orderId]);
      world.clock.at += 600_001;
      expect(await world.sweep(0)).toEqual([]);
    },
  );

  it('finds a record of the instant at which it starts, and again without effect', async () => {
    const { clock, fake, limiter, problems, sell, sweep } = deaf();
    const orderId = await sell('order-1');
    const { at } = clock;
    fake.office.refund(orderId, { revoke: true });
    clock.at += 1;
    expect(await sweep(at)).toEqual([orderId]);
    expect(await sweep(at)).toEqual([orderId]);
    expect(await sweep(at + 1)).toEqual([]);
    expect(await limiter.get('order-1')).toMatchObject({ refunded: '3.00' });
    expect(problems).toEqual([]);
  });

  it('reads an order once a page, although two pages list its pieces', async () => {
    const { calls, fake, limiter, sell, sweep } = deaf();
    const parts = await sell('order-1', { quantity: 10 });
    fake.office.refundPieces(parts, 4);
    for (let count = 0; count < 999; count += 1) {
      const [orderId = ''] = fake.device.buy({ productId: 'gem60' }).orderIds;
      fake.office.refund(orderId, { revoke: true });
    }
    for (const pieces of [1, 2]) fake.office.refundPieces(parts, pieces);
    expect((await sweep()).filter((id) => id === parts)).toHaveLength(2);
    expect(await limiter.get('order-1')).toMatchObject({ refunded: '21.00' });
    expect(calls().filter((call) => call === 'voidedpurchases')).toHaveLength(2);
  });

  it('rejects if the list cannot be read to its end', async () => {
    const { fake, sweep } = deaf();
    fake.fail({ kind: 'rate_limit' });
    await expect(sweep()).rejects.toMatchObject({ name: 'GooglePlayError', status: 429 });
  });
});
