import { reconcile } from '@spendcap/server/payments';
import { guardWechatPay, wechatPayProcessor } from '@spendcap/server/payments/wechat-pay';
import { describe, expect, it } from 'vitest';
import { codeOf } from '../../../support/code-of.ts';
import { aged, allowed, createWorld } from './wechat-kit.ts';

/** A shop, and another merchant whose purchases are limited by the same ledger. */
function twoMerchants() {
  const world = createWorld();
  const { limiter, clock } = world;
  const now = () => clock.at;
  const other = createWorld();
  const wechat = { ...other.wechat, mchId: '1900000002' };
  const notifyUrl = 'https://pay.example.com/wechat';
  const guard = guardWechatPay({ wechat, limiter, now, notifyUrl });
  const settle = () => reconcile({ processor: wechatPayProcessor({ wechat, now }), limiter, now });
  return { ...world, other: { guard, settle, fake: other.fake } };
}

describe('two merchants over one ledger', () => {
  it('cannot start the same purchase twice', async () => {
    const { buy, clock, other } = twoMerchants();
    allowed(await buy());
    const again = other.guard.jsapi(
      { description: '60 gems', amount: { total: 3_000 }, payer: { openid: 'o_1' } },
      { spendcap: { id: 'order_1', evidence: aged(12, clock.at) } },
    );
    expect(await codeOf(again)).toBe('purchase_conflict');
    expect(other.fake.requests).toEqual([]);
  });

  it('settle their own holds only', async () => {
    const { advance, buy, fake, other, purchase, reconcile: settle } = twoMerchants();
    allowed(await buy());
    fake.cashier.pay('order_1');
    advance(60);
    expect(await other.settle()).toMatchObject({ open: 1, released: 0, failed: 0 });
    expect(other.fake.requests).toEqual([]);
    expect(await settle()).toMatchObject([{ outcome: 'committed' }]);
    expect((await purchase()).state).toBe('committed');
  });
});
