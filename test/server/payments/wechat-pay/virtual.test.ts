import { createHmac } from 'node:crypto';
import { cnGame } from '@spendcap/core';
import { fakeWechatVirtual } from '@spendcap/sandbox';
import { createLimiter } from '@spendcap/server';
import { processorWebhook, reconcile } from '@spendcap/server/payments';
import {
  guardWechatVirtual,
  type WechatVirtualOptions,
  wechatVirtualProcessor,
} from '@spendcap/server/payments/wechat-pay';
import { processorSuite } from '@spendcap/server/testing';
import { describe, expect, it, test } from 'vitest';
import {
  hmac,
  paySignature,
} from '../../../../packages/server/src/payments/wechat-pay/virtual/signature.ts';
import { anyStore } from '../../../support/any-store.ts';
import { codeOf } from '../../../support/code-of.ts';
import { suiteOf } from '../../../support/processors/suite.ts';
import { wechatVirtual } from '../../../support/processors/wechat-pay-virtual.ts';
import { aged, allowed, START } from './wechat-kit.ts';

const OPENID = 'o_example_openid';

/** A mini-game whose only player is logged in. */
function gameWith({ limiter, now }: Pick<WechatVirtualOptions, 'limiter' | 'now'>) {
  const products = { gem60: 600, gem200: 2_000, gem300: 3_000, gem310: 3_100, gem10100: 10_100 };
  const fake = fakeWechatVirtual({ products, ...(now === undefined ? {} : { now }) });
  const sessionKey = fake.login(OPENID);
  const players: { current: { openid: string; sessionKey: string } | null } = {
    current: { openid: OPENID, sessionKey },
  };
  const options: WechatVirtualOptions = {
    ...{ limiter, offerId: fake.offerId, appKey: fake.appKey, env: 'sandbox', fetch: fake.fetch },
    accessToken: async () => fake.accessToken,
    playerOf: async () => players.current,
    ...(now === undefined ? {} : { now }),
  };
  const guard = guardWechatVirtual(options);
  const processor = wechatVirtualProcessor(options);
  return { fake, sessionKey, players, guard, processor };
}

describe('wechat_virtual', () => {
  processorSuite({ test: test.concurrent, open: suiteOf(wechatVirtual) });
});

function shop() {
  const clock = { at: START };
  const now = () => clock.at;
  const limiter = createLimiter({ policy: cnGame(), store: anyStore(), now });
  const game = gameWith({ limiter, now });
  const { guard, processor, sessionKey } = game;
  const problems: string[] = [];
  const deps = { processor, limiter, now };
  const onProblem = ({ code }: { code: string }) => problems.push(code);
  return {
    ...{ clock, limiter, problems, ...game },
    webhook: processorWebhook({ ...deps, onProblem }),
    reconcile: () => reconcile(deps),
    buy: (id = 'order1', goods: object = {}) =>
      guard.requestMidasPaymentGameItem(
        { productId: 'gem300', goodsPrice: 3_000, ...goods },
        { sessionKey, spendcap: { id, evidence: aged(12, now()) } },
      ),
    async purchase(id = 'order1') {
      return (await limiter.get(id)) ?? expect.fail(`The ledger has no ${id}.`);
    },
  };
}

async function paid(goods: object = {}) {
  const world = shop();
  const { payment } = allowed(await world.buy('order1', goods));
  expect(world.fake.request(OPENID, payment)).toBe(0);
  world.fake.pay('order1');
  const [event] = world.fake.events;
  if (event === undefined) return expect.fail('no event');
  const send = async (options: Parameters<typeof world.fake.notification>[1] = {}) => {
    const response = await world.webhook(world.fake.notification(event, options));
    const body = (await response.json()) as { readonly ErrCode: number };
    return [response.status, body.ErrCode];
  };
  return { ...world, event, send };
}

describe('signatures', () => {
  it('are those of WeChat’s published example', () => {
    const body =
      '{"offer_id": "12345678", "openid": "oUrsfxxxxxxxxxx", "ts": 1668136271, "zone_id": "1", "env": 0}';
    expect(paySignature('12345', '/wxa/game/getbalance', body)).toBe(
      '11bac6388871d29c055c7d16fbe42e8d646855b666faf89b15c815218b1b23bd',
    );
    expect(hmac('9hAb/NEYUlkaMBEsmFgzig==', body)).toBe(
      '42fe1d3341fb1c8bd6f5014ba735ab04eacc80a2deb3ab4669eab4700b5b6729',
    );
  });

  it('are over the documented text of a payment', async () => {
    const { buy } = shop();
    const goods = { productId: 'gem60', goodsPrice: 600, attach: 'a' };
    const { payment } = allowed(await buy('sc0001', goods));
    expect(payment.signData).toBe(
      '{"mode":"goods","offerId":"1450000001","buyQuantity":1,"env":1,"currencyType":"CNY",' +
        '"productId":"gem60","goodsPrice":600,"outTradeNo":"sc0001","attach":"a"}',
    );
    expect(payment.paySig).toMatch(/^663e7e59c54afde9/);
  });

  it('are made only once the purchase is held', async () => {
    const { buy, limiter, fake } = shop();
    expect((await buy('order1', { productId: 'gem10100', goodsPrice: 10_100 })).allowed).toBe(
      false,
    );
    expect(await limiter.get('order1')).toBeNull();
    const { payment, purchase } = allowed(await buy('order2', { attach: 'a' }));
    expect([purchase.state, purchase.amount]).toEqual(['reserved', '30.00']);
    expect(JSON.parse(payment.signData)).toEqual({
      ...{ mode: 'goods', offerId: '1450000001', buyQuantity: 1, env: 1, currencyType: 'CNY' },
      ...{ productId: 'gem300', goodsPrice: 3000, outTradeNo: 'order2', attach: 'a' },
    });
    const text = `requestMidasPaymentGameItem&${payment.signData}`;
    expect(payment.paySig).toBe(createHmac('sha256', fake.appKey).update(text).digest('hex'));
    expect(fake.request(OPENID, payment)).toBe(0);
    expect(fake.request(OPENID, { ...payment, paySig: payment.signature })).toBe(-15014);
  });

  it('are for what was held, whatever the caller does to its object meanwhile', async () => {
    const { guard, sessionKey } = shop();
    const goods = { productId: 'gem300', goodsPrice: 3_000 };
    const spendcap = { id: 'order1', evidence: aged(12, START) };
    const call = guard.requestMidasPaymentGameItem(goods, { sessionKey, spendcap });
    goods.goodsPrice = 10_100;
    expect(JSON.parse(allowed(await call).payment.signData).goodsPrice).toBe(3_000);
  });

  it.each([
    ['a price of no fen', { goodsPrice: 0 }, 'invalid_amount'],
    ['a fraction', { goodsPrice: 0.5 }, 'invalid_amount'],
    ['an unknown field', { outTradeNo: 'x' }, 'invalid_request'],
  ])('are not made for %s', async (_, goods, code) => {
    const { buy, limiter } = shop();
    expect(await codeOf(buy('order1', goods))).toBe(code);
    expect(await limiter.get('order1')).toBeNull();
  });

  it('are not made without the options of a purchase', async () => {
    const call = shop().guard.requestMidasPaymentGameItem as (goods: object) => Promise<unknown>;
    await expect(call({ productId: 'gem60', goodsPrice: 600 })).rejects.toThrow(
      'spendcap: required',
    );
  });

  it.each(['_order', 'x'.repeat(33), 'order.1'])('are not made for the id %s', async (id) => {
    const { buy } = shop();
    await expect(buy(id)).rejects.toThrow(TypeError);
    await expect(buy('order1', { buyQuantity: 0 })).rejects.toThrow('buyQuantity');
  });
});

describe('the deliver event', () => {
  it('commits, and is answered in WeChat’s words', async () => {
    const { send, purchase } = await paid();
    expect(await send()).toEqual([200, 0]);
    expect(await send()).toEqual([200, 0]);
    expect(await purchase()).toMatchObject({ state: 'committed', committed: '30.00' });
  });

  it('of several pieces commits the held price, whichever price it states', async () => {
    for (const OrigPrice of [600, 3_000]) {
      const goods = { productId: 'gem60', goodsPrice: 600, buyQuantity: 5 };
      const { send, purchase } = await paid(goods);
      const GoodsInfo = { Quantity: 5, OrigPrice };
      expect(await send({ payload: { GoodsInfo } })).toEqual([200, 0]);
      expect((await purchase()).committed).toBe('30.00');
    }
  });

  it.each([
    ['another key', { appKey: 'other' }, 401],
    ['the other environment', { payload: { Env: 0 } }, 400],
    ['another price', { payload: { GoodsInfo: { Quantity: 1, OrigPrice: 1 } } }, 400],
    ['another price of several', { payload: { GoodsInfo: { Quantity: 2, OrigPrice: 1 } } }, 400],
  ])('with %s changes nothing', async (_, options, status) => {
    const { send, purchase } = await paid();
    expect(await send(options)).toEqual([status, 99_999]);
    expect((await purchase()).state).toBe('reserved');
  });

  it.each([
    ['a test of the console', { isMock: true }, []],
    ['no price', { payload: { GoodsInfo: {} } }, ['invalid_request']],
    ['no number', { payload: { OutTradeNo: 7 } }, ['invalid_request']],
  ])('that is or has %s books nothing', async (_, options, codes) => {
    const { send, purchase, problems } = await paid();
    expect(await send(options)).toEqual([200, 0]);
    expect((await purchase()).state).toBe('reserved');
    expect(problems).toEqual(codes);
  });

  it.each([
    ['no signature', { PayEventSig: undefined }],
    ['a short signature', { PayEventSig: 'ab' }],
    ['a signature of other letters', { PayEventSig: 'é'.repeat(64) }],
    ['no payload', { Payload: undefined }],
    ['a payload that is no text', { Payload: {} }],
  ])('with %s is refused', async (_, changes) => {
    const { fake, event, webhook, purchase } = await paid();
    const request = fake.notification(event);
    const message = (await request.json()) as { readonly MiniGame: object };
    const MiniGame = { ...message.MiniGame, ...changes };
    const body = JSON.stringify({ ...message, MiniGame });
    const response = await webhook(new Request(request.url, { method: 'POST', body }));
    expect(response.status).toBe(401);
    expect((await purchase()).state).toBe('reserved');
  });

  it('of a purchase in WeChat’s shop, which the guard has not made, is reported', async () => {
    const { send, problems } = await paid();
    expect(await send({ payload: { OutTradeNo: 'shop_1' } })).toEqual([200, 0]);
    expect(problems).toEqual(['purchase_not_found']);
  });
});

describe('reconciling', () => {
  it('keeps an unpaid hold for ten minutes, and commits later what is paid then', async () => {
    const { buy, clock, fake, reconcile, purchase, webhook } = shop();
    const { payment } = allowed(await buy());
    expect(fake.request(OPENID, payment)).toBe(0);
    clock.at += 30 * 60_000;
    expect(await reconcile()).toMatchObject({ open: 1 });
    clock.at += 10 * 60_000;
    expect(await reconcile()).toMatchObject({ released: 1 });
    fake.pay('order1');
    for (const event of fake.events) await webhook(fake.notification(event));
    expect(await purchase()).toMatchObject({ state: 'committed', late: true });
  });

  it('takes neither a busy nor a lost answer for one', async () => {
    const { clock, fake, reconcile, purchase, players } = await paid();
    clock.at += 60 * 60_000;
    fake.fail('busy');
    expect(await reconcile()).toMatchObject({ failed: 1 });
    fake.fail('drop');
    expect(await reconcile()).toMatchObject({ failed: 1 });
    const known = players.current;
    players.current = { openid: 'o_other', sessionKey: 'x' };
    expect(await reconcile()).toMatchObject({ failed: 1 });
    players.current = known;
    expect(await reconcile()).toMatchObject({ committed: 1 });
    expect((await purchase()).committed).toBe('30.00');
  });

  it.each([
    ['is refused', { errcode: 90018, out_trade_no: 'order1', pay_state: 2 }],
    ['is about another order', { errcode: 0, out_trade_no: 'order2', pay_state: 2 }],
    ['says nothing', {}],
  ])('takes no answer that %s', async (_, answer) => {
    const { limiter, clock, purchase, fake } = await paid();
    const now = () => clock.at;
    const processor = wechatVirtualProcessor({
      ...{ limiter, offerId: fake.offerId, appKey: fake.appKey, env: 'sandbox', now },
      accessToken: async () => fake.accessToken,
      playerOf: async () => ({ openid: OPENID, sessionKey: 'x' }),
      fetch: async () => Response.json(answer),
    });
    clock.at += 60 * 60_000;
    expect(await reconcile({ processor, limiter, now })).toMatchObject({ failed: 1 });
    expect((await purchase()).state).toBe('reserved');
  });

  it.each([{ offerId: '1450000002' }, { env: 'live' as const }])(
    'leaves the holds of another game alone: %j',
    async (other) => {
      const { limiter, clock, purchase, fake } = await paid();
      const now = () => clock.at;
      const processor = wechatVirtualProcessor({
        ...{ limiter, offerId: fake.offerId, appKey: fake.appKey, env: 'sandbox', now, ...other },
        accessToken: async () => fake.accessToken,
        playerOf: async () => null,
        fetch: () => expect.fail('no call is needed'),
      });
      clock.at += 24 * 3_600_000;
      expect(await reconcile({ processor, limiter, now })).toMatchObject({ open: 1, released: 0 });
      expect((await purchase()).state).toBe('reserved');
    },
  );

  it('without the player’s session leaves it to the event', async () => {
    const { clock, reconcile, players, purchase, send } = await paid();
    players.current = null;
    clock.at += 30 * 60_000;
    expect(await reconcile()).toMatchObject({ unseen: 1 });
    clock.at += 10 * 60_000;
    expect(await reconcile()).toMatchObject({ released: 1 });
    expect(await send()).toEqual([200, 0]);
    expect(await purchase()).toMatchObject({ state: 'committed', late: true });
  });
});

it('waits for WeChat no longer than its time limit', async () => {
  const { buy, fake, limiter, purchase, sessionKey } = shop();
  await buy();
  const { appKey, offerId, accessToken } = fake;
  const processor = wechatVirtualProcessor({
    ...{ limiter, appKey, offerId, env: 'sandbox', timeoutMs: 20 },
    ...{
      accessToken: async () => accessToken,
      playerOf: async () => ({ openid: OPENID, sessionKey }),
    },
    fetch: () => new Promise(() => {}),
  });
  await expect(processor.query(await purchase())).rejects.toMatchObject({ name: 'TimeoutError' });
});

it('refuses options that can never work', () => {
  const { limiter } = shop();
  const options: WechatVirtualOptions = {
    ...{ limiter, offerId: '1', appKey: 'k', env: 'live' },
    ...{ accessToken: async () => '', playerOf: async () => null },
  };
  wechatVirtualProcessor(options);
  for (const wrong of [
    { env: 0 },
    { appKey: '' },
    { offerId: 5 },
    { accessToken: 'token' },
    { playerOf: null },
    { baseUrl: 'api.weixin.qq.com' },
    { timeoutMs: -1 },
    { limiter: {} },
  ]) {
    const make = () => wechatVirtualProcessor({ ...options, ...(wrong as object) });
    expect(make).toThrow(TypeError);
  }
});
