import { createPublicKey, verify } from 'node:crypto';
import {
  guardWechatPay,
  isWechatPayError,
  wechatPayClient,
  wechatPayProcessor,
} from '@spendcap/server/payments/wechat-pay';
import { describe, expect, it } from 'vitest';
import { codeOf } from '../../../support/code-of.ts';
import { aged, allowed, createWorld, START } from './wechat-kit.ts';

const ORDER = { description: '60 gems', amount: { total: 3_000 } };

describe('an order', () => {
  it('is held, and sent with the number, time and amount of the hold', async () => {
    const { buy, fake, purchase } = createWorld();
    allowed(await buy());
    const { state, amount, expiresAt, processor } = await purchase();
    expect([state, amount, processor]).toEqual(['reserved', '30.00', 'wechat_pay']);
    expect(Date.parse(expiresAt)).toBe(START + 17 * 60_000);
    expect(JSON.parse(fake.requests[0]?.body ?? '')).toEqual({
      appid: 'wx00000000000000aa',
      mchid: '1900000001',
      description: '60 gems',
      out_trade_no: 'order_1',
      time_expire: '2026-03-10T10:15:00+08:00',
      notify_url: 'https://pay.example.com/wechat',
      amount: { total: 3000, currency: 'CNY' },
      payer: { openid: 'o_1' },
    });
  });

  it('is for what was held, whatever the caller does to its object meanwhile', async () => {
    const { fake, guard, purchase } = createWorld();
    const amount = { total: 3_000 };
    const options = { spendcap: { id: 'order_1', evidence: aged(12, START) } };
    const call = guard.native({ description: '60 gems', amount }, options);
    amount.total = 90_000;
    allowed(await call);
    expect([fake.orders()[0]?.total, (await purchase()).amount]).toEqual([3_000, '30.00']);
  });

  it('is signed over the bytes that are sent, whatever the letters', async () => {
    const { buy, fake } = createWorld();
    allowed(await buy('order_1', { description: '60颗宝石 💎 \ud800', attach: '"\\\n' }));
    expect(fake.orders()).toMatchObject([{ attach: '"\\\n' }]);
  });

  it('calls nobody if it is refused', async () => {
    const { buy, fake } = createWorld();
    const answer = await buy('order_1', { amount: { total: 5_001 } });
    expect(answer.allowed).toBe(false);
    expect(fake.requests).toEqual([]);
  });

  it.each([
    ['a fraction of a fen', { amount: { total: 0.5 } }, 'invalid_amount'],
    ['nothing', { amount: { total: 0 } }, 'invalid_amount'],
    ['a text', { amount: { total: '600' as unknown as number } }, 'invalid_amount'],
    ['beyond the safe integers', { amount: { total: 2 ** 53 } }, 'invalid_amount'],
    ['another currency', { amount: { total: 1, currency: 'USD' as 'CNY' } }, 'invalid_currency'],
    [
      'an unknown amount',
      { amount: { total: 1, discount: 1 } as { total: number } },
      'invalid_request',
    ],
    ['a time of its own', { time_expire: '2026-03-10T10:15:00+08:00' }, 'invalid_request'],
    ['a number of its own', { out_trade_no: 'other' }, 'invalid_request'],
  ])('is not held for %s', async (_, more: object, code) => {
    const { buy, fake, limiter } = createWorld();
    expect(await codeOf(buy('order_1', more))).toBe(code);
    expect(await limiter.get('order_1')).toBeNull();
    expect(fake.requests).toEqual([]);
  });

  it.each(['short', 'x'.repeat(33), 'order.1', '0195e0a0-7b1c-7000-8000-000000000001'])(
    'is not held for the id %s, which is no order number',
    async (id) => {
      const { buy, fake, limiter } = createWorld();
      await expect(buy(id)).rejects.toThrow(TypeError);
      expect(await limiter.get(id)).toBeNull();
      expect(fake.requests).toEqual([]);
    },
  );

  it('has a hold of at least seven minutes, and an app of the client', async () => {
    const { guard, clock } = createWorld();
    const spendcap = { id: 'order_1', evidence: aged(12, clock.at) };
    const short = guard.native(ORDER, { spendcap: { ...spendcap, expiresInSeconds: 419 } });
    await expect(short).rejects.toThrow('expiresInSeconds');
    const other = guard.native({ ...ORDER, appid: 'wx00000000000000bb' }, { spendcap });
    await expect(other).rejects.toThrow('appid');
    // biome-ignore lint/suspicious/noExplicitAny: a caller without types
    await expect(guard.native(ORDER, {} as any)).rejects.toThrow('options.spendcap');
    const named = { ...ORDER, appid: 'wx00000000000000aa' };
    allowed(await guard.native(named, { spendcap: { ...spendcap, expiresInSeconds: 420 } }));
  });

  it('gives each device what it needs to pay', async () => {
    const { guard, fake, clock } = createWorld();
    const of = (id: string) => ({ spendcap: { id, evidence: aged(30, clock.at) } });
    const key = createPublicKey(fake.credentials().privateKey);
    const isSigned = (fields: readonly string[], signature: string) => {
      const text = fields.map((field) => `${field}\n`).join('');
      return verify('sha256', Buffer.from(text), key, Buffer.from(signature, 'base64'));
    };
    const payer = { openid: 'o_1' };
    const { payment } = allowed(await guard.jsapi({ ...ORDER, payer }, of('order_1')));
    const { appId, timeStamp, nonceStr, package: link, signType, paySign } = payment;
    expect([signType, Number(timeStamp)]).toEqual(['RSA', START / 1000]);
    expect(link).toBe(`prepay_id=${fake.orders()[0]?.prepay_id}`);
    expect(isSigned([appId, timeStamp, nonceStr, link], paySign)).toBe(true);

    const app = allowed(await guard.app(ORDER, of('order_2'))).payment;
    expect([app.partnerid, app.package]).toEqual(['1900000001', 'Sign=WXPay']);
    expect(isSigned([app.appid, app.timestamp, app.noncestr, app.prepayid], app.sign)).toBe(true);

    const scene = { payer_client_ip: '192.0.2.1', h5_info: { type: 'Wap' } };
    const h5 = allowed(await guard.h5({ ...ORDER, scene_info: scene }, of('order_3')));
    expect(h5.h5Url).toMatch(/^https:\/\/wx\.tenpay\.com\//);
    const native = allowed(await guard.native(ORDER, of('order_4')));
    expect(native.codeUrl).toMatch(/^weixin:/);
  });
});

describe('a retry', () => {
  it('is the same order, until a minute before its last moment', async () => {
    const { buy, fake, advance, purchase } = createWorld();
    fake.fail({ kind: 'drop' });
    expect(await codeOf(buy())).toBe('outcome_unknown');
    advance(13.9);
    allowed(await buy());
    expect(new Set(fake.requests.map(({ body }) => body)).size).toBe(1);
    expect(fake.orders()).toHaveLength(1);
    advance(0.1);
    // Repeating the call would revive the order for longer than its hold.
    expect(await codeOf(buy())).toBe('purchase_ended');
    expect(fake.requests).toHaveLength(2);
    expect((await purchase()).state).toBe('reserved');
  });

  it('on another server keeps its hold, although the first start is rejected after it', async () => {
    const { fake, limiter, guard, purchase, calls } = createWorld();
    let answer = () => {};
    const late = new Promise<void>((resolve) => {
      answer = resolve;
    });
    const fetch = async (request: Request) => {
      if (request.method === 'POST') await late;
      return fake.fetch(request);
    };
    const wechat = wechatPayClient({ ...fake.credentials(), fetch, now: () => START });
    // Each process has a limiter of its own.
    const shop = { wechat, limiter: { ...limiter }, now: () => START };
    const slow = guardWechatPay({ ...shop, notifyUrl: 'https://pay.example/wechat' });
    const options = { spendcap: { id: 'order_1', evidence: aged(12, START) } };
    const first = slow.native(ORDER, options);
    await expect.poll(() => limiter.get('order_1')).not.toBeNull();
    allowed(await guard.native(ORDER, options));
    fake.fail({ kind: 'rate_limit' });
    answer();
    await expect(first).rejects.toThrow('429');
    expect((await purchase()).state).toBe('reserved');
    expect(calls().at(-1)).toBe('GET /v3/pay/transactions/out-trade-no/order_1');
  });

  it('makes no call once it is paid', async () => {
    const { buy, fake, deliverAll } = createWorld();
    allowed(await buy());
    fake.cashier.pay('order_1');
    await deliverAll();
    expect(await codeOf(buy())).toBe('purchase_ended');
    expect(fake.requests).toHaveLength(1);
  });

  it('with other parameters is a conflict, and the hold stays', async () => {
    const { buy, purchase } = createWorld();
    allowed(await buy());
    expect(await codeOf(buy('order_1', { description: '70 gems' }))).toBe('purchase_conflict');
    expect((await purchase()).state).toBe('reserved');
  });
});

describe('the outcome of an order call', () => {
  it.each([
    [400, 'PARAM_ERROR'],
    [400, 'INVALID_REQUEST'],
    [400, 'APPID_MCHID_NOT_MATCH'],
    [400, 'MCH_NOT_EXISTS'],
    [401, 'SIGN_ERROR'],
    [403, 'NO_AUTH'],
    [429, 'FREQUENCY_LIMITED'],
    [429, 'FREQUENCYLIMITED'],
  ])('is a rejection after %i %s', async (status, code) => {
    const { buy, fake, purchase, used } = createWorld();
    fake.fail({ kind: 'refuse', status, code });
    const error = await buy().catch((reason: unknown) => reason);
    expect(isWechatPayError(error) && [error.status, error.code]).toEqual([status, code]);
    expect((await purchase()).state).toBe('released');
    expect(await used()).toBe('0.00');
  });

  it.each([
    [400, 'ORDERPAID'],
    [400, 'ORDER_CLOSED'],
    [403, 'PARAM_ERROR'],
    [404, 'NO_AUTH'],
    [202, 'USERPAYING'],
    [500, 'SYSTEM_ERROR'],
    [502, ''],
  ])('is unknown after %i %s', async (status, code) => {
    const { buy, fake, purchase } = createWorld();
    fake.fail({ kind: 'refuse', status, code });
    expect(await codeOf(buy())).toBe('outcome_unknown');
    expect((await purchase()).state).toBe('reserved');
  });

  it.each(['drop', 'drop_before', 'error', 'unsigned', 'probe', 'wrong_serial', 'stale'] as const)(
    'is unknown after the fault %s, and then found by the reconciler',
    async (kind) => {
      const { buy, fake, purchase, advance, reconcile } = createWorld();
      fake.fail({ kind });
      expect(await codeOf(buy())).toBe('outcome_unknown');
      expect((await purchase()).state).toBe('reserved');
      fake.heal();
      const made = fake.orders().length === 1;
      if (made) fake.cashier.pay('order_1');
      advance(30);
      await reconcile();
      expect((await purchase()).state).toBe(made ? 'committed' : 'released');
    },
  );

  it('names neither the player nor the key in an error', async () => {
    const { buy, fake } = createWorld();
    fake.fail({ kind: 'refuse', status: 400, code: 'PARAM_ERROR' });
    const error = await buy().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(Error);
    const text = JSON.stringify(error, Object.getOwnPropertyNames(error));
    expect(text).toContain('PARAM_ERROR');
    for (const secret of ['o_1', '3000', 'PRIVATE', fake.credentials().apiV3Key]) {
      expect(text).not.toContain(secret);
    }
  });
});

describe('closing', () => {
  it('waits for five minutes, and for WeChat to say CLOSED', async () => {
    const { buy, calls, guard, fake, advance } = createWorld();
    allowed(await buy());
    advance(4.9);
    expect((await guard.close('order_1')).state).toBe('reserved');
    expect(calls().filter((call) => call.endsWith('/close'))).toEqual([]);
    advance(0.1);
    fake.cashier.begin('order_1');
    expect((await guard.close('order_1')).state).toBe('reserved');
    fake.cashier.cancel('order_1');
    expect((await guard.close('order_1')).state).toBe('released');
    expect(() => fake.cashier.pay('order_1')).toThrow('CLOSED');
    expect(await codeOf(guard.close('order_9'))).toBe('purchase_not_found');
  });

  it('leaves purchases of another processor alone', async () => {
    const { guard, limiter, clock, fake } = createWorld();
    const evidence = aged(12, clock.at);
    await limiter.reserve({ id: 'order_1', amount: '1', currency: 'CNY', evidence });
    expect(await codeOf(guard.close('order_1'))).toBe('purchase_not_found');
    expect(fake.requests).toEqual([]);
  });

  it('commits what was paid meanwhile', async () => {
    const { buy, guard, fake, advance } = createWorld();
    allowed(await buy());
    advance(5);
    fake.cashier.pay('order_1', 100);
    expect(await guard.close('order_1')).toMatchObject({ state: 'committed', committed: '30.00' });
  });

  it('does not take an answer for closed that was lost or not signed', async () => {
    const { buy, guard, fake, advance, purchase } = createWorld();
    allowed(await buy());
    advance(5);
    fake.fail({ kind: 'error', on: '/close' });
    expect((await guard.close('order_1')).state).toBe('reserved');
    fake.fail({ kind: 'unsigned', on: 'GET' });
    expect(await codeOf(guard.close('order_1'))).toBe('outcome_unknown');
    expect((await purchase()).state).toBe('reserved');
    expect((await guard.close('order_1')).state).toBe('released');
  });
});

describe('reconciling', () => {
  it('commits a payment that was begun in time and ended late, within the hold', async () => {
    const { buy, fake, advance, reconcile, purchase } = createWorld();
    allowed(await buy());
    advance(14);
    fake.cashier.begin('order_1');
    advance(1.2);
    fake.cashier.pay('order_1');
    advance(2);
    await reconcile();
    expect(await purchase()).toMatchObject({ state: 'committed', late: false });
  });

  it('keeps the hold while the player is paying', async () => {
    const { buy, fake, advance, reconcile, purchase } = createWorld();
    allowed(await buy());
    advance(14);
    fake.cashier.begin('order_1');
    advance(4);
    expect(await reconcile()).toMatchObject([{ outcome: 'open' }]);
    fake.cashier.pay('order_1');
    expect(await reconcile()).toMatchObject([{ outcome: 'committed' }]);
    expect((await purchase()).state).toBe('committed');
  });

  it('releases an order that WeChat has never seen only after ten minutes', async () => {
    const { buy, fake, advance, reconcile } = createWorld();
    fake.fail({ kind: 'drop_before' });
    expect(await codeOf(buy())).toBe('outcome_unknown');
    advance(26.9);
    expect(await reconcile()).toMatchObject([{ outcome: 'unseen' }]);
    advance(0.1);
    expect(await reconcile()).toMatchObject([{ outcome: 'released' }]);
  });

  it('commits an order that is being refunded, whatever becomes of the refund', async () => {
    const { buy, fake, advance, reconcile, purchase } = createWorld();
    allowed(await buy());
    fake.cashier.pay('order_1');
    fake.cashier.refund('order_1', { amount: 1_000 });
    advance(20);
    expect(await reconcile()).toMatchObject([{ outcome: 'committed' }]);
    expect(await purchase()).toMatchObject({ committed: '30.00', refunded: '0.00' });
  });

  it.each([
    ['of another merchant', { mchid: '1900000002' }],
    ['of another number', { out_trade_no: 'order_2' }],
    ['without a state', { trade_state: undefined }],
    ['without an amount', { amount: { currency: 'CNY' } }],
  ])('fails for an answer %s', async (_, changes) => {
    const { buy, fake, wechat, clock, purchase } = createWorld();
    allowed(await buy());
    fake.cashier.pay('order_1');
    const request: typeof wechat.request = async (call) => {
      return { ...(await wechat.request(call)), ...changes };
    };
    const now = () => clock.at;
    const { query } = wechatPayProcessor({ wechat: { ...wechat, request }, now });
    await expect(query(await purchase())).rejects.toThrow('another order');
  });
});

describe('other calls', () => {
  it('read, or are blocked unless allowed', async () => {
    const { guard, fake } = createWorld({ allow: ['/v3/profitsharing/orders'] });
    const listed = await guard.request({ method: 'GET', path: '/v3/certificates' });
    expect(listed).toHaveProperty('data');
    const count = fake.requests.length;
    for (const path of [
      '/v3/combine-transactions/jsapi',
      '/v3/pay/transactions/jsapi',
      '/v3/pay/partner/transactions/jsapi',
      '/v3/payscore/serviceorder',
      '/v3/profitsharing/orders/',
    ]) {
      const call = guard.request({ method: 'POST', path, body: {} });
      expect(await codeOf(call)).toBe('payment_forbidden');
    }
    expect(fake.requests).toHaveLength(count);
    const permitted = guard.request({ method: 'POST', path: '/v3/profitsharing/orders', body: {} });
    await expect(permitted).rejects.toThrow('404');
  });

  it.each(['@evil.example/v3/x', '.evil.example/v3/x', ':1/v3/x', '//evil.example/v3/x', ''])(
    'are not made to %s, which may be another host',
    async (path) => {
      const { guard, fake } = createWorld();
      await expect(guard.request({ method: 'GET', path })).rejects.toThrow(TypeError);
      expect(fake.requests).toEqual([]);
    },
  );

  it('of the guard cannot be allowed past it', () => {
    const { wechat, limiter } = createWorld();
    const options = { wechat, limiter, notifyUrl: 'https://pay.example.com/wechat' };
    for (const path of [
      ...['/v3/combine-transactions/app', '/v3/pay/transactions/app', '/v3/Pay/transactions/app'],
      ...['/v3/x/../pay/transactions/app', '/v3/x/%2e%2e/pay', '/v3/x?y', '/v3//pay', 'v3/x', ''],
    ]) {
      expect(() => guardWechatPay({ ...options, allow: [path] })).toThrow(TypeError);
    }
    for (const notifyUrl of [
      'http://a.example',
      'https://a.example/?b',
      '',
      'https://a.example/#',
    ]) {
      expect(() => guardWechatPay({ ...options, notifyUrl })).toThrow('notifyUrl');
    }
    expect(() => guardWechatPay({ ...options, wechat: {} as typeof wechat })).toThrow(TypeError);
  });
});
