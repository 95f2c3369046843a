import { inspect } from 'node:util';
import { guardAlipay } from '@spendcap/server/payments/alipay';
import { AlipaySdk } from 'alipay-sdk';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  APP_PAY,
  allowed,
  BUYER,
  bizIn,
  codeOf,
  createWorld,
  GEMS,
  type World,
} from './alipay-kit.ts';

const PAY = { ...GEMS, auth_code: '280000000000000001', scene: 'bar_code' };

describe('a signed order', () => {
  it('has the number, amount and end of its hold, as China writes times', async () => {
    const { sign, purchase } = await createWorld();
    const { text } = await sign('order-1', { total_amount: '30' });
    expect(bizIn(text)).toEqual({
      ...GEMS,
      out_trade_no: 'order__1',
      time_expire: '2026-03-10 10:15:00',
    });
    expect(new URLSearchParams(text).get('timestamp')).toBe('2026-03-10 10:00:00');
    expect((await purchase('order-1')).expiresAt).toBe('2026-03-10T02:17:00.000Z');
  });

  it('is signed again for a retry, with the same end, until that end', async () => {
    const { advance, sign } = await createWorld();
    const first = bizIn((await sign()).text);
    advance(14);
    expect(bizIn((await sign()).text)).toEqual(first);
    advance(1);
    expect(await codeOf(sign())).toBe('purchase_ended');
  });

  it('lasts as long as the hold says', async () => {
    const { sign, buyer, guard } = await createWorld();
    const spendcap = (expiresInSeconds: number) => ({ ...buyer('order_1'), expiresInSeconds });
    const params = { bizContent: GEMS };
    for (const seconds of [239, 15 * 86_400 + 1]) {
      const call = guard.sdkExec(APP_PAY, params, { spendcap: spendcap(seconds) });
      expect(await codeOf(call)).toBe('invalid_request');
    }
    const answer = await guard.sdkExec(APP_PAY, params, { spendcap: spendcap(240) });
    expect(bizIn(allowed(answer).orderString).time_expire).toBe('2026-03-10 10:02:00');
    expect(await codeOf(sign())).toBe('purchase_conflict');
  });

  it('is neither signed nor sent for a refused purchase', async () => {
    const { fake, guard, buyer, limiter } = await createWorld();
    const bizContent = { ...GEMS, total_amount: '50.01' };
    const answer = await guard.sdkExec(APP_PAY, { bizContent }, { spendcap: buyer('order_1') });
    expect(answer).toMatchObject({ allowed: false });
    expect(answer).not.toHaveProperty('orderString');
    expect(await limiter.get('order_1')).toBeNull();
    expect(fake.calls).toEqual([]);
  });

  it.each(['GET', 'POST'] as const)('opens a page by %s', async (verb) => {
    const { fake, guard, buyer, state, deliverAll } = await createWorld();
    const page = allowed(
      await guard.pageExec(
        'alipay.trade.wap.pay',
        verb,
        {
          bizContent: { totalAmount: '30.00', subject: 'a "gem"' },
          returnUrl: 'https://a.example',
        },
        { spendcap: buyer('order_1') },
      ),
    ).page;
    expect(fake.cashier(page).pay().resultStatus).toBe('9000');
    await deliverAll();
    expect(await state()).toBe('committed');
  });
});

describe('bad input', () => {
  const held = async (world: World) => [await world.state(), world.fake.calls.length];

  it.each(['0.001', '0', '-1', '1e2', '', '100000000.01', 'six', ' 6', 6, 0.1, null, undefined])(
    'the amount %j is refused before the hold',
    async (total_amount) => {
      const world = await createWorld();
      expect(await codeOf(world.sign('order_1', { total_amount }))).toBe('invalid_amount');
      expect(await codeOf(world.create('order_1', { total_amount }))).toBe('invalid_amount');
      expect(await held(world)).toEqual([null, 0]);
    },
  );

  it.each(['', 'a b', 'a__b', 'a_-b', 'a-_b', 'ü', 'a'.repeat(65), '-'.repeat(33), 'a.b'])(
    'the id %j is refused before the hold',
    async (id) => {
      const world = await createWorld();
      expect(await codeOf(world.sign(id))).toBe('TypeError');
      expect(await codeOf(world.create(id))).toBe('TypeError');
      expect(world.fake.calls).toEqual([]);
    },
  );

  it.each([
    { time_expire: '2026-03-11 10:00:00' },
    { timeExpire: '2026-03-11 10:00:00' },
    { timeout_express: '15d' },
    { out_trade_no: 'another' },
    { outTradeNo: 'another' },
    { seller_id: '2088000000000002' },
    { totalAmount: '0.01' },
    { 'total-amount': '0.01' },
    { total__amount: '0.01' },
    { total_amount_: '0.01' },
    { 'total amount': '0.01' },
    { TotalAmount: '0.01' },
    // The SDK would turn these into the same name.
    { totalAMOUNT: '0.01' },
    { total_a_m_o_u_n_t: '0.01' },
    { outTradeNO: 'another' },
    { time_e_x_p_i_r_e: '2026-03-11 10:00:00' },
  ])('%j beside the amount is refused before the hold', async (biz) => {
    const world = await createWorld();
    expect(await codeOf(world.sign('order_1', biz))).toBe('TypeError');
    expect(await codeOf(world.create('order_1', biz))).toBe('TypeError');
    expect(await held(world)).toEqual([null, 0]);
  });

  it('no other name changes what is signed', async () => {
    const { sign } = await createWorld();
    // The names of what the guard sets, respelled word by word.
    const respelled = fc.constantFrom<(word: string) => string>(
      (word) => word,
      (word) => word.toUpperCase(),
      (word) => word.replace(/./, (first) => first.toUpperCase()),
      (word) => [...word].join('_'),
    );
    const name = fc
      .record({
        words: fc.constantFrom(['total', 'amount'], ['out', 'trade', 'no'], ['time', 'expire']),
        change: fc.array(respelled, { minLength: 3, maxLength: 3 }),
        glue: fc.constantFrom('_', '', '__'),
      })
      .map(({ words, change, glue }) =>
        words.map((word, index) => change[index]?.(word) ?? word).join(glue),
      );
    await fc.assert(
      fc.asyncProperty(fc.dictionary(name, fc.constant('0.02'), { maxKeys: 3 }), async (biz) => {
        const { total_amount: _, ...rest } = biz;
        const text = await sign('order_1', rest).then(
          (signed) => signed.text,
          (error: unknown) => expect(error).toBeInstanceOf(TypeError),
        );
        if (typeof text !== 'string') return;
        expect(bizIn(text)).toMatchObject({
          ...GEMS,
          ...{ out_trade_no: 'order_1', time_expire: '2026-03-10 10:15:00' },
        });
      }),
      { numRuns: 500 },
    );
  });

  it('another currency is refused before the hold', async () => {
    const world = await createWorld();
    const call = world.create('order_1', { trans_currency: 'USD' });
    expect(await codeOf(call)).toBe('invalid_currency');
    expect(await held(world)).toEqual([null, 0]);
  });

  it.each([
    'method',
    'Method',
    'app_id',
    'appId',
    'appID',
    'timestamp',
    'app_auth_token',
    'needEncrypt',
  ])('the parameter %s is refused, also of a query', async (name) => {
    const world = await createWorld();
    const { guard, buyer } = world;
    const params = { bizContent: GEMS, [name]: 'alipay.trade.pay' };
    const start = guard.sdkExec(APP_PAY, params, { spendcap: buyer('order_1') });
    expect(await codeOf(start)).toBe('TypeError');
    expect(await codeOf(guard.exec('alipay.trade.query', params))).toBe('TypeError');
    expect(await held(world)).toEqual([null, 0]);
  });

  it('a start needs its purchase, and no unknown field of it', async () => {
    const world = await createWorld();
    const { guard, buyer } = world;
    const start = (options: object | undefined) =>
      guard.exec('alipay.trade.create', { bizContent: { ...GEMS, ...BUYER } }, options as never);
    expect(await codeOf(start(undefined))).toBe('TypeError');
    expect(await codeOf(start({ validateSign: true }))).toBe('TypeError');
    const unknown = { spendcap: buyer('order_1'), validateSign: false };
    expect(await codeOf(start(unknown))).toBe('TypeError');
    const query = guard.exec as (...args: unknown[]) => Promise<unknown>;
    const unchecked = query('alipay.trade.query', {}, { validateSign: false });
    expect(await codeOf(unchecked)).toBe('TypeError');
    const misspelt = { spendcap: { ...buyer('order_1'), catgory: 'x' } };
    expect(await codeOf(start(misspelt))).toBe('invalid_request');
    expect(await held(world)).toEqual([null, 0]);
  });
});

describe('everything else', () => {
  it.each([
    'alipay.fund.trans.uni.transfer',
    'alipay.trade.orderinfo.sync',
    'alipay.fund.auth.order.app.freeze',
    'alipay.trade.page.refund',
    'query',
    'alipay.trade.query ',
  ])('%s is blocked', async (method) => {
    const { fake, guard } = await createWorld();
    const { exec, sdkExec, pageExec } = guard as unknown as Record<
      string,
      (...args: unknown[]) => Promise<unknown>
    >;
    const params = { bizContent: GEMS };
    expect(await codeOf(exec?.(method, params) as never)).toBe('payment_forbidden');
    expect(await codeOf(sdkExec?.(method, params) as never)).toBe('payment_forbidden');
    expect(await codeOf(pageExec?.(method, 'GET', params) as never)).toBe('payment_forbidden');
    expect(fake.calls).toEqual([]);
  });

  it('no other method is signed for whoever holds the text', async () => {
    const { guard } = await createWorld();
    for (const method of ['alipay.trade.pay', 'alipay.trade.create', 'alipay.trade.query']) {
      const call = guard.sdkExec(method as never, { bizContent: GEMS }, {} as never);
      expect(await codeOf(call)).toBe('payment_forbidden');
    }
    const call = guard.exec(APP_PAY as never, { bizContent: GEMS });
    expect(await codeOf(call)).toBe('TypeError');
  });

  it.each([
    '/v3/alipay/trade/query/../pay',
    '/v3/alipay/trade/query/%2e%2e/pay',
    '/v3/alipay/trade/pay?query',
    '//evil.example/v3/alipay/trade/query',
    '/gateway.do',
    '/v3/alipay/fund/trans/uni/transfer',
    '/v3/alipay/trade/Pay',
  ])('the path %s is blocked', async (path) => {
    const { fake, guard } = await createWorld();
    expect(await codeOf(guard.curl('POST', path, { body: PAY }))).toBe('payment_forbidden');
    expect(fake.calls).toEqual([]);
  });

  it('reads pass, with a verified signature', async () => {
    const { fake, guard, create } = await createWorld();
    allowed(await create());
    // The SDK would write the machine's local time.
    const sentAt = fake.calls.map(({ url }) => new URL(url).searchParams.get('timestamp'));
    expect(sentAt).toEqual(['2026-03-10 10:00:00']);
    const bizContent = { out_trade_no: 'order_1' };
    const found = await guard.exec('alipay.trade.query', { bizContent });
    expect(found.tradeStatus).toBe('WAIT_BUYER_PAY');
    const { data } = await guard.curl('POST', '/v3/alipay/trade/query', { body: bizContent });
    expect(data).toMatchObject({ trade_status: 'WAIT_BUYER_PAY' });
    for (const kind of ['forged', 'unsigned'] as const) {
      fake.fail({ kind });
      await expect(guard.exec('alipay.trade.query', { bizContent })).rejects.toThrow();
    }
  });

  it.each(['forged', 'unsigned', 'status'] as const)(
    'quotes no answer in an error: %s',
    async (kind) => {
      const { fake, guard, create, payTrade } = await createWorld();
      const bizContent = { out_trade_no: 'order_1' };
      allowed(await create());
      payTrade();
      const calls = [
        () => guard.exec('alipay.trade.query', { bizContent }),
        () => guard.curl('POST', '/v3/alipay/trade/query', { body: bizContent }),
        () => create('order_2', { total_amount: '20.00' }),
      ];
      for (const call of calls) {
        fake.fail({ kind });
        const error: unknown = await call().then(
          () => expect.fail('did not reject'),
          (reason: unknown) => reason,
        );
        const printed = inspect(error, { depth: 9, showHidden: true });
        expect(printed).not.toMatch(/30\.00|20\.00|bu\*\*\*@|2088000000000009/);
      }
    },
  );

  it('passes if allowed by name, with parameters of its own', async () => {
    const { fake, guard } = await createWorld({ allow: ['alipay.system.oauth.token'] });
    const params = { grantType: 'authorization_code', code: 'abc' };
    // The fake does not have it; its error has no signature.
    await expect(guard.exec('alipay.system.oauth.token', params)).rejects.toThrow();
    expect(fake.calls[0]?.url).toContain('method=alipay.system.oauth.token');
    expect(`${fake.calls[0]?.url}${fake.calls[0]?.body}`).toContain(
      'grant_type=authorization_code',
    );
  });

  it('of the client is not there', async () => {
    const { guard } = await createWorld();
    expect(Object.keys(guard).toSorted()).toEqual(['curl', 'exec', 'pageExec', 'sdkExec']);
    expect(Object.isFrozen(guard)).toBe(true);
  });
});

describe('calls that make a trade', () => {
  it('precreate: is held until the code is paid', async () => {
    const { fake, guard, buyer, state, deliverAll } = await createWorld();
    const { result, purchase } = allowed(
      await guard.exec(
        'alipay.trade.precreate',
        { bizContent: GEMS },
        { spendcap: buyer('order_1') },
      ),
    );
    expect(purchase.state).toBe('reserved');
    fake.cashier(result.qrCode).pay();
    await deliverAll();
    expect(await state()).toBe('committed');
  });

  it('pay: is committed by its answer, or held while the buyer enters a password', async () => {
    const { fake, guard, buyer, state, payTrade, deliverAll } = await createWorld();
    const pay = (id: string, total_amount: string) =>
      guard.exec(
        'alipay.trade.pay',
        { bizContent: { ...PAY, total_amount } },
        { spendcap: buyer(id) },
      );
    const { purchase, result } = allowed(await pay('order_1', '20.00'));
    expect([purchase.state, result.code]).toEqual(['committed', '10000']);
    fake.fail({ kind: 'running' });
    const second = allowed(await pay('order_2', '10.00'));
    expect([second.purchase.state, second.result.code]).toEqual(['reserved', '10003']);
    payTrade('order_2');
    await deliverAll();
    expect(await state('order_2')).toBe('committed');
  });

  it('pay: a decline closes what it left, and releases', async () => {
    const { fake, guard, buyer, state, create, payTrade } = await createWorld();
    const pay = (id: string) =>
      guard.exec('alipay.trade.pay', { bizContent: PAY }, { spendcap: buyer(id) });
    // The trade of an earlier attempt waits for the buyer.
    allowed(await create());
    fake.fail({ kind: 'refuse', subCode: 'ACQ.BUYER_BALANCE_NOT_ENOUGH', on: 'trade.pay' });
    expect(await codeOf(pay('order_1'))).toBe('AlipayAnswerError');
    expect(await state()).toBe('released');
    expect(payTrade().subCode).toBe('ACQ.TRADE_HAS_CLOSE');
    // Without a trade nothing proves that none will come.
    fake.fail({ kind: 'refuse', subCode: 'ACQ.PAYMENT_FAIL', on: 'trade.pay' });
    expect(await codeOf(pay('order_2'))).toBe('AlipayAnswerError');
    expect(await state('order_2')).toBe('reserved');
  });

  it('v3: create and pay', async () => {
    const { guard, buyer, state, payTrade, deliverAll } = await createWorld();
    const curl = (verb: string, id: string, body: object) =>
      guard.curl('POST', `/v3/alipay/trade/${verb}`, { body: { ...body }, spendcap: buyer(id) });
    const body = { ...GEMS, total_amount: '10.00' };
    const made = allowed(await curl('create', 'order-1', { ...body, ...BUYER }));
    expect(made.result.data).toMatchObject({ out_trade_no: 'order__1' });
    expect(payTrade('order__1').resultStatus).toBe('9000');
    const paid = allowed(await curl('pay', 'order_2', { ...PAY, total_amount: '20.00' }));
    expect(paid.purchase.state).toBe('committed');
    await deliverAll();
    expect(await state('order-1')).toBe('committed');
    // Its errors are not signed, so they prove nothing.
    const rejected = curl('create', 'order_3', { ...body, total_amount: '5.00' });
    expect(await codeOf(rejected)).toBe('outcome_unknown');
    expect(await state('order_3')).toBe('reserved');
  });

  it.each([
    ['unavailable', 'outcome_unknown', 'reserved'],
    ['limited', 'outcome_unknown', 'reserved'],
    ['failed', 'outcome_unknown', 'reserved'],
    ['unsigned', 'outcome_unknown', 'reserved'],
    ['forged', 'outcome_unknown', 'reserved'],
    ['status', 'outcome_unknown', 'reserved'],
    ['drop', 'outcome_unknown', 'reserved'],
    ['refuse', 'AlipayAnswerError', 'released'],
  ] as const)('%s: rejects with %s, and the hold is %s', async (kind, code, state) => {
    const world = await createWorld();
    world.fake.fail({ kind, status: 429, times: kind === 'drop' ? 2 : 1 });
    expect(await codeOf(world.create())).toBe(code);
    expect(await world.state()).toBe(state);
  });

  it.each([
    ['ACQ.CONTEXT_INCONSISTENT', 'purchase_conflict'],
    // The query that follows finds no trade.
    ['ACQ.TRADE_HAS_SUCCESS', 'outcome_unknown'],
    ['ACQ.TRADE_HAS_CLOSE', 'outcome_unknown'],
    ['ACQ.SOMETHING_NEW', 'outcome_unknown'],
  ])('%s: rejects with %s and keeps the hold', async (subCode, code) => {
    const world = await createWorld();
    world.fake.fail({ kind: 'refuse', subCode });
    expect(await codeOf(world.create())).toBe(code);
    expect(await world.state()).toBe('reserved');
  });

  it('a retry of what has been paid returns its trade, and commits', async () => {
    const { fake, guard, buyer, create, payTrade, purchase } = await createWorld();
    const pay = () =>
      guard.exec('alipay.trade.pay', { bizContent: PAY }, { spendcap: buyer('order_1') });
    fake.fail({ kind: 'status' });
    expect(await codeOf(pay())).toBe('outcome_unknown');
    fake.fail({ kind: 'failed' });
    expect(await codeOf(pay())).toBe('outcome_unknown');
    expect((await purchase()).state).toBe('reserved');
    const again = allowed(await pay());
    expect(again.result.tradeStatus).toBe('TRADE_SUCCESS');
    expect([again.purchase.state, again.purchase.committed]).toEqual(['committed', '30.00']);
    allowed(await create('order_2', { total_amount: '10.00' }));
    payTrade('order_2');
    const created = allowed(await create('order_2', { total_amount: '10.00' }));
    expect(created.purchase.state).toBe('committed');
  });

  it('a retry of what was closed has ended, and is released', async () => {
    const { alipay, create, state } = await createWorld();
    allowed(await create());
    await alipay.exec('alipay.trade.close', { bizContent: { out_trade_no: 'order_1' } });
    expect(await codeOf(create())).toBe('purchase_ended');
    expect(await state()).toBe('released');
  });

  it('a number that another order has used is a conflict', async () => {
    const { alipay, create, state } = await createWorld();
    const bizContent = { ...PAY, out_trade_no: 'order_1', total_amount: '7.00' };
    await alipay.exec('alipay.trade.pay', { bizContent });
    expect(await codeOf(create())).toBe('purchase_conflict');
    expect(await state()).toBe('reserved');
  });

  it('a connection that is closed after the work is repeated by the SDK, and charges once', async () => {
    const { fake, create, payTrade, deliverAll, purchase } = await createWorld();
    fake.fail({ kind: 'drop' });
    allowed(await create());
    expect(fake.calls).toHaveLength(2);
    payTrade();
    await deliverAll();
    expect(fake.trades()).toHaveLength(1);
    expect((await purchase()).committed).toBe('30.00');
  });
});

it('works with a client that keeps Alipay’s spelling', async () => {
  const { buyer, clock, config, fake, limiter } = await createWorld();
  const alipay = new AlipaySdk({ ...config, camelcase: false });
  const guard = guardAlipay({ alipay, sellerId: fake.sellerId, limiter, now: () => clock.at });
  const spendcap = { ...buyer('order_1') };
  const answer = await guard.exec('alipay.trade.pay', { bizContent: PAY }, { spendcap });
  expect(allowed(answer).result.trade_no).toMatch(/^\d{28}$/);
  expect(allowed(answer).purchase.state).toBe('committed');
});
