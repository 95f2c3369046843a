import { createHash } from 'node:crypto';
import { type FakeAlipayServer, fakeAlipay } from '@spendcap/sandbox';
import { AlipaySdk } from 'alipay-sdk';
import { afterEach, describe, expect, it } from 'vitest';
import {
  chinaTime,
  parseChinaTime,
  parseYuan,
  signingText,
  yuan,
} from '../../packages/sandbox/src/fake-alipay/wire.ts';

const START = Date.parse('2026-05-20T02:30:30Z');
const MINUTE = 60_000;

const servers: FakeAlipayServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

/** A merchant with Alipay's own SDK, which reaches the fake over HTTP. */
async function merchant() {
  const clock = { at: START };
  const fake = fakeAlipay({ now: () => clock.at });
  const server = await fake.listen();
  servers.push(server);
  const sdk = new AlipaySdk({ ...server.config, camelcase: false });
  const call = (method: string, bizContent: object, more = {}) =>
    sdk.exec(`alipay.trade.${method}`, { bizContent, ...more }, { validateSign: true });
  return { clock, fake, sdk, call };
}

const ORDER = { out_trade_no: 'order_1', total_amount: '6.00', subject: '60 gems' };
const BUYER = { ...ORDER, buyer_id: '2088000000000009' };
const AT = { out_trade_no: 'order_1' };
const statuses = (fake: ReturnType<typeof fakeAlipay>) =>
  fake.notices.map(({ params }) => `${params.trade_status} ${params.refund_fee ?? '-'}`);
/** The error of a call, as text. */
const failed = (call: Promise<unknown>) =>
  call.then(
    () => 'answered',
    (error: unknown) => String(error),
  );

describe('the wire', () => {
  const digest = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 16);

  // Signing texts of the documents' rules, with their length and the start of their SHA-256.
  it('signs what a merchant signs', () => {
    const text = signingText(
      {
        app_id: '2021000000000001',
        method: 'alipay.trade.query',
        format: 'JSON',
        charset: 'utf-8',
        sign_type: 'RSA2',
        timestamp: '2026-05-20 10:30:30',
        version: '1.0',
        biz_content: '{"out_trade_no":"sc_0001"}',
        sign: 'AAAA',
      },
      ['sign'],
    );
    expect([text.length, digest(text)]).toEqual([171, '31a0d4fcce67fa0b']);
  });

  it('signs what Alipay signs in a notification', () => {
    const form =
      'app_id=2021000000000001&charset=utf-8&fund_bill_list=%5B%7B%22amount%22%3A%226.00%22%2C%22fundChannel%22%3A%22ALIPAYACCOUNT%22%7D%5D&gmt_payment=2026-05-20+10%3A31%3A02&notify_id=example-notify-1&notify_type=trade_status_sync&out_trade_no=sc_0001&passback_params=acct%253D7&seller_id=2088000000000001&sign=AAAA&sign_type=RSA2&subject=60+gems&total_amount=6.00&trade_no=2026052022000000000000000001&trade_status=TRADE_SUCCESS';
    const params = Object.fromEntries(new URLSearchParams(form));
    const text = signingText(params, ['sign', 'sign_type']);
    expect([text.length, digest(text)]).toEqual([363, 'f00d458ff854a088']);
  });

  it('writes times of China and yuan', () => {
    expect(chinaTime(START)).toBe('2026-05-20 10:30:30');
    expect(parseChinaTime('2026-05-20 10:30:30')).toBe(START);
    expect(parseChinaTime('2026-02-30 10:30:30')).toBeNull();
    expect(['6', '6.0', '6.00', '0.01', '100000000.00'].map(parseYuan)).toEqual([
      600, 600, 600, 1, 10_000_000_000,
    ]);
    expect(['0.00', '6.001', '06', '-1', '1e2', '100000000.01', 6].map(parseYuan)).toEqual(
      Array(7).fill(null),
    );
    expect([1, 600, 123_456].map(yuan)).toEqual(['0.01', '6.00', '1234.56']);
  });

  it('refuses what the merchant did not sign', async () => {
    const { fake, sdk } = await merchant();
    const { config } = sdk;
    const other = new AlipaySdk({ ...fakeAlipay().config, gateway: config.gateway });
    const text = sdk.sdkExec('alipay.trade.app.pay', { bizContent: ORDER });
    const altered = text.replace(encodeURIComponent('"6.00"'), encodeURIComponent('"0.01"'));
    expect(altered).not.toBe(text);
    expect(fake.cashier(altered).pay().subCode).toBe('isv.invalid-signature');
    other.config.appId = '2021000000000002';
    const foreign = other.sdkExec('alipay.trade.app.pay', { bizContent: ORDER });
    expect(fake.cashier(foreign).pay().subCode).toBe('isv.invalid-app-id');
    const weak = new AlipaySdk({ ...config, signType: 'RSA', keyType: 'PKCS8' });
    const sha1 = weak.sdkExec('alipay.trade.app.pay', { bizContent: ORDER });
    expect(fake.cashier(sha1).pay().subCode).toBe('isv.invalid-signature-type');
    expect(fake.trades()).toEqual([]);
  });

  it('signs its answers over their exact text, which has escaped slashes', async () => {
    const { fake, sdk, call } = await merchant();
    const { qr_code } = await call('precreate', ORDER);
    expect(qr_code).toMatch(/^https:\/\/qr\.alipay\.com\//);
    for (const kind of ['forged', 'unsigned'] as const) {
      fake.fail({ kind });
      expect(await failed(call('query', AT)), kind).not.toBe('answered');
    }
    const raw = await fake.fetch(sdk.config.gateway, {
      method: 'POST',
      body: sdk.sdkExec('alipay.trade.precreate', { bizContent: ORDER }),
    });
    expect(await raw.text()).toContain('https:\\/\\/qr');
  });

  it('answers a method or app that it does not know without a signature', async () => {
    const { call, sdk } = await merchant();
    const plain = await sdk.exec('alipay.fund.trans.uni.transfer', { bizContent: ORDER });
    expect(plain).toMatchObject({ code: '40002', sub_code: 'isv.invalid-method' });
    sdk.config.appId = '2021000000000009';
    expect(await failed(call('query', AT))).not.toBe('answered');
  });

  it('has the v3 API, with its own signatures', async () => {
    const { fake, sdk } = await merchant();
    const created = await sdk.curl('POST', '/v3/alipay/trade/create', { body: BUYER });
    expect(created.data).toMatchObject(AT);
    const found = await sdk.curl('POST', '/v3/alipay/trade/query', { body: AT });
    expect(found.data).toMatchObject({ trade_status: 'WAIT_BUYER_PAY', total_amount: '6.00' });
    const missing = sdk.curl('POST', '/v3/alipay/trade/query', { body: { out_trade_no: 'x' } });
    await expect(missing).rejects.toMatchObject({
      code: 'ACQ.TRADE_NOT_EXIST',
      responseHttpStatus: 400,
    });
    for (const kind of ['forged', 'unsigned'] as const) {
      fake.fail({ kind });
      const call = sdk.curl('POST', '/v3/alipay/trade/query', { body: AT });
      expect(await failed(call), kind).not.toBe('answered');
    }
    const unsigned = await fake.fetch('https://openapi.alipay.com/v3/alipay/trade/query', {
      method: 'POST',
      body: '{}',
    });
    expect(unsigned.status).toBe(400);
  });
});

describe('signed orders', () => {
  it.each([
    [
      'app',
      (sdk: AlipaySdk, biz: object) => sdk.sdkExec('alipay.trade.app.pay', { bizContent: biz }),
    ],
    [
      'page',
      (sdk: AlipaySdk, biz: object) =>
        sdk.pageExec('alipay.trade.page.pay', 'GET', { bizContent: biz }),
    ],
    [
      'wap',
      (sdk: AlipaySdk, biz: object) => sdk.pageExec('alipay.trade.wap.pay', { bizContent: biz }),
    ],
  ])('%s: have no trade until the buyer comes', async (product, sign) => {
    const { fake, sdk, call } = await merchant();
    const code = product === 'page' ? { product_code: 'FAST_INSTANT_TRADE_PAY' } : {};
    const text = sign(sdk, { ...ORDER, ...code, subject: 'a "gem" 100%' });
    expect(await call('query', AT)).toMatchObject({ sub_code: 'ACQ.TRADE_NOT_EXIST' });
    expect(await call('close', AT)).toMatchObject({ sub_code: 'ACQ.TRADE_NOT_EXIST' });
    expect(fake.cashier(text).identify().resultStatus).toBe('9000');
    expect(await call('query', AT)).toMatchObject({ trade_status: 'WAIT_BUYER_PAY' });
    expect(fake.cashier(text).pay().resultStatus).toBe('9000');
    expect(fake.netPaid()).toBe(600);
    expect(fake.cashier(text).pay().subCode).toBe('ACQ.TRADE_HAS_SUCCESS');
  });

  it('are payable after a close that found no trade, and not after time_expire', async () => {
    const { clock, fake, sdk, call } = await merchant();
    const bizContent = { ...ORDER, time_expire: chinaTime(START + 15 * MINUTE) };
    const text = sdk.sdkExec('alipay.trade.app.pay', { bizContent });
    expect(await call('close', AT)).toMatchObject({ code: '40004' });
    clock.at += 15 * MINUTE;
    expect(fake.cashier(text).pay().subCode).toBe('ACQ.NOW_TIME_AFTER_EXPIRE_TIME_ERROR');
    expect(fake.cashier(text).cancel().resultStatus).toBe('6001');
    expect(fake.cashier(text).pay({ late: true }).resultStatus).toBe('9000');
    expect(await call('query', AT)).toMatchObject({ trade_status: 'TRADE_SUCCESS' });
  });

  it('are closed by Alipay if a trade stays unpaid, by time_expire or timeout_express', async () => {
    const { clock, fake, sdk, call } = await merchant();
    const bizContent = { ...ORDER, timeout_express: '5m' };
    const text = sdk.sdkExec('alipay.trade.app.pay', { bizContent });
    clock.at += 60 * MINUTE;
    fake.cashier(text).identify();
    clock.at += 5 * MINUTE - 1;
    expect(await call('query', AT)).toMatchObject({ trade_status: 'WAIT_BUYER_PAY' });
    clock.at += 1;
    expect(await call('query', AT)).toMatchObject({ trade_status: 'TRADE_CLOSED' });
    expect(fake.cashier(text).pay().subCode).toBe('ACQ.TRADE_HAS_CLOSE');
    expect(statuses(fake)).toEqual(['TRADE_CLOSED -']);
    expect(fake.notices[0]?.params).not.toHaveProperty('gmt_payment');
  });

  it('of one number are one trade', async () => {
    const { fake, sdk } = await merchant();
    const sign = (biz: object) => sdk.sdkExec('alipay.trade.app.pay', { bizContent: biz });
    fake.cashier(sign(ORDER)).identify();
    const other = fake.cashier(sign({ ...ORDER, total_amount: '7.00' }));
    expect(other.pay().subCode).toBe('ACQ.CONTEXT_INCONSISTENT');
    expect(fake.cashier(sign(ORDER)).pay().resultStatus).toBe('9000');
    expect(fake.trades()).toHaveLength(1);
  });

  it.each([
    ['out_trade_no', 'order-1'],
    ['out_trade_no', 'a'.repeat(65)],
    ['total_amount', '6.001'],
    ['subject', 'a=b'],
    ['time_expire', '2026-05-20T10:30:30Z'],
    ['timeout_express', '16d'],
    ['product_code', 'FAST_INSTANT_TRADE_PAY'],
  ])('cannot have %s %s', async (name, value) => {
    const { fake, sdk } = await merchant();
    const bizContent = { ...ORDER, [name]: value };
    const text = sdk.sdkExec('alipay.trade.app.pay', { bizContent });
    expect(fake.cashier(text).pay().subCode).toBe('ACQ.INVALID_PARAMETER');
  });
});

describe('calls that make a trade', () => {
  it('create: needs a buyer, and can be closed', async () => {
    const { fake, call } = await merchant();
    expect(await call('create', ORDER)).toMatchObject({ sub_code: 'ACQ.INVALID_PARAMETER' });
    const { trade_no } = await call('create', BUYER);
    expect(await call('create', BUYER)).toMatchObject({ code: '10000', trade_no });
    expect(await call('close', { trade_no })).toMatchObject({ code: '10000' });
    expect(fake.cashier(trade_no).pay().subCode).toBe('ACQ.TRADE_HAS_CLOSE');
    expect(await call('create', BUYER)).toMatchObject({ sub_code: 'ACQ.TRADE_HAS_CLOSE' });
    expect(await call('close', AT)).toMatchObject({ sub_code: 'ACQ.TRADE_STATUS_ERROR' });
    expect(fake.cashier(trade_no).pay({ late: true }).resultStatus).toBe('9000');
  });

  it('precreate: the trade appears when the code is scanned', async () => {
    const { fake, call } = await merchant();
    const { qr_code } = await call('precreate', ORDER);
    expect(await call('query', AT)).toMatchObject({ sub_code: 'ACQ.TRADE_NOT_EXIST' });
    expect(fake.cashier(qr_code).pay().resultStatus).toBe('9000');
    expect(await call('precreate', ORDER)).toMatchObject({ sub_code: 'ACQ.TRADE_HAS_SUCCESS' });
  });

  it('pay: paid with the answer, or later by the buyer', async () => {
    const { fake, call } = await merchant();
    const code = { auth_code: '280000000000000001', scene: 'bar_code' };
    expect(await call('pay', { ...ORDER, ...code })).toMatchObject({
      code: '10000',
      gmt_payment: '2026-05-20 10:30:30',
    });
    fake.fail({ kind: 'running', on: 'trade.pay' });
    const second = { ...ORDER, ...code, out_trade_no: 'order_2' };
    const { code: running, trade_no } = await call('pay', second);
    expect(running).toBe('10003');
    expect(fake.netPaid()).toBe(600);
    fake.cashier(trade_no).pay();
    expect(fake.netPaid()).toBe(1200);
    expect(await call('pay', { ...ORDER, auth_code: 'x' })).toMatchObject({
      sub_code: 'ACQ.PAYMENT_AUTH_CODE_INVALID',
    });
  });

  it('cancel: closes what is unpaid, refunds what is paid', async () => {
    const { fake, call } = await merchant();
    expect(await call('cancel', AT)).not.toHaveProperty('action');
    await call('create', BUYER);
    expect(await call('cancel', AT)).toMatchObject({ action: 'close' });
    const paid = { ...ORDER, out_trade_no: 'order_2', auth_code: '280000000000000001' };
    await call('pay', paid);
    expect(await call('cancel', { out_trade_no: 'order_2' })).toMatchObject({ action: 'refund' });
    expect(fake.netPaid()).toBe(0);
  });
});

describe('refunds', () => {
  async function paid() {
    const world = await merchant();
    await world.call('create', BUYER);
    world.fake.cashier(world.fake.trades()[0]?.tradeNo ?? '').pay();
    const refund = (out_request_no: string, refund_amount: string) =>
      world.call('refund', { ...AT, out_request_no, refund_amount });
    return { ...world, refund };
  }

  it('report a running total, and a full one closes the trade', async () => {
    const { fake, call, refund } = await paid();
    expect(await refund('r1', '2.00')).toMatchObject({ fund_change: 'Y', refund_fee: '2.00' });
    expect(await refund('r1', '2.00')).toMatchObject({ fund_change: 'N', refund_fee: '2.00' });
    expect(await refund('r1', '1.00')).toMatchObject({ sub_code: 'ACQ.DISCORDANT_REPEAT_REQUEST' });
    expect(await refund('r2', '4.01')).toMatchObject({
      sub_code: 'ACQ.REFUND_AMT_NOT_EQUAL_TOTAL',
    });
    expect(await refund('r2', '4.00')).toMatchObject({ fund_change: 'Y', refund_fee: '6.00' });
    expect(await call('query', AT)).toMatchObject({ trade_status: 'TRADE_CLOSED' });
    expect(await refund('r3', '1.00')).toMatchObject({ sub_code: 'ACQ.TRADE_HAS_CLOSE' });
    expect(statuses(fake)).toEqual(['TRADE_SUCCESS -', 'TRADE_SUCCESS 2.00', 'TRADE_CLOSED 6.00']);
    const query = { ...AT, out_request_no: 'r2' };
    expect(await call('fastpay.refund.query', query)).toMatchObject({
      refund_status: 'REFUND_SUCCESS',
      refund_amount: '4.00',
    });
  });

  it('may be pending, and then succeed or fail', async () => {
    const { fake, call, refund } = await paid();
    fake.refundsBegin('pending');
    expect(await refund('r1', '2.00')).toMatchObject({ fund_change: 'N', refund_fee: '0.00' });
    await refund('r2', '3.00');
    const found = await call('fastpay.refund.query', { ...AT, out_request_no: 'r1' });
    expect(found).not.toHaveProperty('refund_status');
    fake.finishRefund('order_1', 'r1', 'succeeded');
    fake.finishRefund('order_1', 'r2', 'failed');
    expect(fake.netPaid()).toBe(400);
  });

  it('end when the trade is finished', async () => {
    const { fake, refund } = await paid();
    fake.finish('order_1');
    expect(await refund('r1', '2.00')).toMatchObject({ sub_code: 'ACQ.TRADE_HAS_FINISHED' });
  });
});

describe('notifications', () => {
  it('are signed as the SDK checks them, in any order and twice', async () => {
    const { fake, sdk, call } = await merchant();
    await call('create', BUYER, { notifyUrl: 'https://shop.example/notices' });
    fake.cashier(fake.trades()[0]?.tradeNo ?? '').pay();
    await call('refund', { ...AT, out_request_no: 'r1', refund_amount: '6.00' });
    const received: string[] = [];
    const replies = ['success', 'SUCCESS', 'success'];
    const endpoint = async (request: Request) => {
      expect(request.url).toBe('https://shop.example/notices');
      const form = Object.fromEntries(new URLSearchParams(await request.text()));
      expect(sdk.checkNotifySignV2(form)).toBe(true);
      received.push(form.trade_status ?? '');
      return new Response(replies[received.length - 1] ?? '');
    };
    const [first, second] = fake.notices;
    if (first === undefined || second === undefined) expect.fail('no notices');
    await fake.deliver([second, first, first], endpoint);
    expect(received).toEqual(['TRADE_CLOSED', 'TRADE_SUCCESS', 'TRADE_SUCCESS']);
    expect(fake.notices.map(({ acknowledged }) => acknowledged)).toEqual([true, true]);
  });

  it('can be forged, altered, or of another merchant', async () => {
    const { fake, sdk, call } = await merchant();
    await call('create', BUYER);
    fake.cashier(fake.trades()[0]?.tradeNo ?? '').pay();
    const [notice] = fake.notices;
    if (notice === undefined) expect.fail('no notice');
    const valid = async (options: Parameters<typeof fake.notification>[1]) => {
      const text = await fake.notification(notice, options).text();
      return sdk.checkNotifySignV2(Object.fromEntries(new URLSearchParams(text)));
    };
    expect(await valid({ forged: true })).toBe(false);
    expect(await valid({ tamper: { total_amount: '0.01' } })).toBe(false);
    expect(await valid({ replace: { app_id: '2021000000000009' } })).toBe(true);
  });
});

describe('faults', () => {
  it.each([
    ['refuse', '40004', false],
    ['unavailable', '20000', false],
    ['limited', '40005', false],
    ['failed', '40004', true],
  ] as const)('%s answers %s', async (kind, code, executed) => {
    const { fake, call } = await merchant();
    fake.fail({ kind, on: 'trade.create' });
    expect(await call('create', BUYER)).toMatchObject({ code });
    expect(fake.trades()).toHaveLength(executed ? 1 : 0);
    expect(await call('create', BUYER)).toMatchObject({ code: '10000' });
  });

  it.each([
    ['drop', true],
    ['drop_before', false],
    ['status', false],
    ['forged', true],
    ['unsigned', true],
  ] as const)('%s gives no answer that can be trusted', async (kind, executed) => {
    const { fake, call } = await merchant();
    // The SDK repeats a call once, with the same parameters, if the connection is closed.
    fake.fail({ kind, status: 429, times: kind.startsWith('drop') ? 2 : 1 });
    expect(await failed(call('create', BUYER))).not.toBe('answered');
    expect(fake.trades()).toHaveLength(executed ? 1 : 0);
  });

  it('are refused if unknown, and can be healed', async () => {
    const { fake, call } = await merchant();
    expect(() => fake.fail({ kind: 'nonsense' as 'drop' })).toThrow(TypeError);
    fake.fail({ kind: 'drop_before', times: 9 });
    fake.heal();
    expect(await call('create', BUYER)).toMatchObject({ code: '10000' });
    expect(fake.calls.map(({ method }) => method)).toEqual(['alipay.trade.create']);
  });
});
