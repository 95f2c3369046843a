import { fakeAlipay } from '@spendcap/sandbox';
import { reconcile } from '@spendcap/server/payments';
import { alipayProcessor, guardAlipay } from '@spendcap/server/payments/alipay';
import { AlipaySdk } from 'alipay-sdk';
import { describe, expect, it } from 'vitest';
import { atEnd } from '../../../support/at-end.ts';
import { APP_PAY, codeOf, createWorld, GEMS } from './alipay-kit.ts';

/** A shop, and another merchant whose purchases are limited by the same ledger. */
async function twoMerchants() {
  const world = await createWorld();
  const now = () => world.clock.at;
  const sellerId = '2088000000000002';
  const fake = fakeAlipay({ now, appId: '2021000000000002', sellerId });
  const { config, close } = await fake.listen();
  atEnd(() => void close());
  const deps = { alipay: new AlipaySdk(config), sellerId, now };
  const { limiter } = world;
  const guard = guardAlipay({ ...deps, limiter });
  const settle = () => reconcile({ processor: alipayProcessor(deps), limiter, now });
  return { ...world, other: { fake, guard, settle } };
}

describe('two merchants over one ledger', () => {
  it('cannot start the same purchase twice', async () => {
    const { buyer, other, sign } = await twoMerchants();
    await sign();
    const again = other.guard.sdkExec(
      APP_PAY,
      { bizContent: GEMS },
      { spendcap: buyer('order_1') },
    );
    expect(await codeOf(again)).toBe('purchase_conflict');
  });

  it('settle their own holds only', async () => {
    const { advance, other, reconcile: settle, sign, state } = await twoMerchants();
    const cashier = await sign();
    cashier.pay();
    advance(60);
    expect(await other.settle()).toMatchObject({ open: 1, released: 0 });
    expect(other.fake.calls).toEqual([]);
    expect(await state()).toBe('reserved');
    expect(await settle()).toMatchObject([{ outcome: 'committed' }]);
  });
});
