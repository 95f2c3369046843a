import { createHash, X509Certificate } from 'node:crypto';
import { fakeWechatPay } from '@spendcap/sandbox';
import { http } from 'msw';
import { setupServer } from 'msw/node';
import { describe, expect, it } from 'vitest';
import { isSigned, merchant, open, type Sealed, textOf } from './wechat-merchant.ts';

const START = Date.parse('2026-05-20T02:30:00Z');
const MINUTE = 60_000;
const JSAPI = '/v3/pay/transactions/jsapi';
const REFUNDS = '/v3/refund/domestic/refunds';

function shop(options: { readonly mode?: 'certificate' | 'public_key' } = {}) {
  const clock = { at: START };
  const now = () => clock.at;
  const fake = fakeWechatPay({ now, ...options });
  const credentials = fake.credentials();
  return { clock, fake, credentials, ...merchant(fake.handle, credentials, now) };
}

const order = (outTradeNo: string, more = {}) => ({
  appid: 'wx00000000000000aa',
  mchid: '1900000001',
  description: '60 gems',
  out_trade_no: outTradeNo,
  time_expire: '2026-05-20T10:45:00+08:00',
  notify_url: 'https://pay.example.com/wx',
  amount: { total: 600, currency: 'CNY' },
  payer: { openid: 'o_example_openid' },
  ...more,
});

const queryOf = (outTradeNo: string) =>
  `/v3/pay/transactions/out-trade-no/${outTradeNo}?mchid=1900000001`;
const closeOf = (outTradeNo: string) => `/v3/pay/transactions/out-trade-no/${outTradeNo}/close`;
const MCHID = { mchid: '1900000001' };

const jsonOf = async (response: Response) => (await response.json()) as Record<string, unknown>;

const codeOf = async (response: Response) => [response.status, (await jsonOf(response)).code];

describe('the signature of a request', () => {
  // Byte length and start of the SHA-256 of two documented texts.
  it.each([
    [
      ['POST', JSAPI, '1779244200', 'N0NCEEXAMPLE00000000000000000001'],
      JSON.stringify(order('sc_0001')),
      [339, '9f565f7cc5ee0949'],
    ],
    [
      ['GET', queryOf('sc_0001'), '1779244230', 'N0NCEEXAMPLE00000000000000000002'],
      '',
      [108, '9800d64da4e4538a'],
    ],
  ])('is over the documented text: %s', (head, body, expected) => {
    const text = Buffer.from(textOf(...head, body));
    const digest = createHash('sha256').update(text).digest('hex').slice(0, 16);
    expect([text.length, digest]).toEqual(expected);
  });

  it('is required, recent, and of this merchant', async () => {
    const { fake, clock, call, credentials } = shop();
    const bare = { authorization: '' };
    const request = { method: 'POST', body: order('sc_0001') };
    expect(await codeOf(await call(JSAPI, { ...request, headers: bare }))).toEqual([
      401,
      'SIGN_ERROR',
    ]);
    const other = merchant(fake.handle, { ...credentials, serialNo: 'AB' }, () => clock.at);
    const late = merchant(fake.handle, credentials, () => clock.at - 301_000);
    const altered = merchant(
      (sent) => fake.handle(new Request(sent, { body: JSON.stringify(order('sc_0002')) })),
      credentials,
      () => clock.at,
    );
    for (const wrong of [other, late, altered]) {
      expect((await wrong.post(JSAPI, order('sc_0001'))).status).toBe(401);
    }
    expect(fake.orders()).toEqual([]);
    expect((await call(JSAPI, request)).status).toBe(200);
  });

  it('is answered with one that verifies, also over an empty body', async () => {
    const { clock, get, post, credentials } = shop();
    const made = await post(JSAPI, order('sc_0001'));
    const text = await made.text();
    expect(isSigned(made.headers, text, credentials.platformKeys)).toBe(true);
    expect(isSigned(made.headers, `${text} `, credentials.platformKeys)).toBe(false);
    clock.at += 5 * MINUTE;
    const closed = await post(closeOf('sc_0001'), MCHID);
    expect([closed.status, closed.body]).toEqual([204, null]);
    expect(isSigned(closed.headers, '', credentials.platformKeys)).toBe(true);
    expect(await codeOf(await get(queryOf('sc_9999')))).toEqual([404, 'ORDER_NOT_EXIST']);
  });

  it('is by the key that the request names, or by the mode', async () => {
    const { fake, post, call, credentials } = shop({ mode: 'public_key' });
    const [certificate = ''] = Object.keys(credentials.platformKeys);
    const serialOf = ({ headers }: Response) => headers.get('wechatpay-serial') ?? '';
    expect(serialOf(await post(JSAPI, order('sc_0001')))).toMatch(/^PUB_KEY_ID_/);
    const headers = { 'wechatpay-serial': certificate };
    expect(serialOf(await call(queryOf('sc_0001'), { headers }))).toBe(certificate);
    fake.rotate();
    expect(Object.keys(fake.credentials().platformKeys)).toHaveLength(3);
  });
});

describe('orders', () => {
  it.each([
    ['/v3/pay/transactions/app', {}, 'prepay_id'],
    ['/v3/pay/transactions/native', {}, 'code_url'],
    [
      '/v3/pay/transactions/h5',
      { scene_info: { payer_client_ip: '192.0.2.1', h5_info: { type: 'Wap' } } },
      'h5_url',
    ],
    [JSAPI, {}, 'prepay_id'],
  ])('are made by %s', async (path, more, member) => {
    const { post } = shop();
    expect(Object.keys(await jsonOf(await post(path, order('sc_0001', more))))).toEqual([member]);
  });

  it.each([
    ['a number that is too short', { out_trade_no: 'sc_01' }, 'PARAM_ERROR'],
    ['a number with @', { out_trade_no: 'sc_0001@' }, 'PARAM_ERROR'],
    ['no amount', { amount: { total: 0 } }, 'PARAM_ERROR'],
    ['a fraction of a fen', { amount: { total: 0.5 } }, 'PARAM_ERROR'],
    ['another currency', { amount: { total: 1, currency: 'USD' } }, 'PARAM_ERROR'],
    ['no payer', { payer: {} }, 'PARAM_ERROR'],
    ['a time without offset', { time_expire: '2026-05-20T10:45:00' }, 'PARAM_ERROR'],
    ['a query in notify_url', { notify_url: 'https://a.example/?b' }, 'PARAM_ERROR'],
    ['another app', { appid: 'wx00000000000000bb' }, 'APPID_MCHID_NOT_MATCH'],
    ['another merchant', { mchid: '1900000002' }, 'MCH_NOT_EXISTS'],
  ])('are refused for %s', async (_, more, code) => {
    const { fake, post } = shop();
    expect(await codeOf(await post(JSAPI, order('sc_0001', more)))).toEqual([400, code]);
    expect(fake.orders()).toEqual([]);
  });

  it('are re-entered with the same parameters only, and revived by it', async () => {
    const { fake, clock, post } = shop();
    await post(JSAPI, order('sc_0001'));
    expect((await post(JSAPI, order('sc_0001'))).status).toBe(200);
    const other = order('sc_0001', { amount: { total: 700, currency: 'CNY' } });
    expect(await codeOf(await post(JSAPI, other))).toEqual([403, 'OUT_TRADE_NO_USED']);
    clock.at += 16 * MINUTE;
    expect(() => fake.cashier.pay('sc_0001')).toThrow('expired');
    expect((await post(JSAPI, order('sc_0001'))).status).toBe(200);
    expect(fake.cashier.pay('sc_0001').trade_state).toBe('SUCCESS');
    expect(fake.netCharged()).toBe(600);
  });

  it('that are paid say so, with what a coupon took off', async () => {
    const { fake, post, get, clock } = shop();
    await post(JSAPI, order('sc_0001', { attach: 'a' }));
    const open = await jsonOf(await get(queryOf('sc_0001')));
    expect(open).toMatchObject({ trade_state: 'NOTPAY', amount: { total: 600 }, attach: 'a' });
    expect(open).not.toHaveProperty('transaction_id');
    fake.cashier.pay('sc_0001', 100);
    const paid = await jsonOf(await get(queryOf('sc_0001')));
    expect(paid).toMatchObject({
      trade_state: 'SUCCESS',
      amount: { total: 600, payer_total: 500 },
    });
    const byId = `/v3/pay/transactions/id/${paid.transaction_id}?mchid=1900000001`;
    expect(await jsonOf(await get(byId))).toEqual(paid);
    expect((await get(queryOf('SC_0001'))).status).toBe(404);
    clock.at += 5 * MINUTE;
    expect(await codeOf(await post(closeOf('sc_0001'), MCHID))).toEqual([400, 'ORDERPAID']);
    expect(() => fake.cashier.pay('sc_0001')).toThrow('SUCCESS');
  });

  it('close after five minutes, and not while the player is paying', async () => {
    const { fake, clock, post, get } = shop();
    await post(JSAPI, order('sc_0001'));
    expect((await post(closeOf('sc_0001'), MCHID)).status).toBe(204);
    const early = await jsonOf(await get(queryOf('sc_0001')));
    expect(early.trade_state).toBe('NOTPAY');
    fake.cashier.begin('sc_0001');
    clock.at += 20 * MINUTE;
    expect(await codeOf(await post(closeOf('sc_0001'), MCHID))).toEqual([202, 'USERPAYING']);
    fake.cashier.cancel('sc_0001');
    expect((await post(closeOf('sc_0001'), MCHID)).status).toBe(204);
    expect(await codeOf(await post(closeOf('sc_0001'), MCHID))).toEqual([400, 'ORDER_CLOSED']);
    expect(() => fake.cashier.pay('sc_0001')).toThrow('CLOSED');
    expect(await codeOf(await post(JSAPI, order('sc_0001')))).toEqual([400, 'ORDER_CLOSED']);
  });

  it('are paid late by who began in time, and closed after seven days', async () => {
    const { fake, clock, post, get } = shop();
    await post(JSAPI, order('sc_0001'));
    await post(JSAPI, order('sc_0002'));
    fake.cashier.begin('sc_0001');
    clock.at += 15 * MINUTE + 12_000;
    expect(fake.cashier.pay('sc_0001').success_time).toBe('2026-05-20T10:45:12+08:00');
    clock.at += 7 * 86_400_000;
    const closed = await jsonOf(await get(queryOf('sc_0002')));
    expect(closed.trade_state).toBe('CLOSED');
  });

  it('are not paid after seven days, by whoever began', async () => {
    const { fake, clock, post } = shop();
    await post(JSAPI, order('sc_0001'));
    fake.cashier.begin('sc_0001');
    clock.at += 7 * 86_400_000;
    expect(() => fake.cashier.pay('sc_0001')).toThrow('The order is CLOSED.');
    expect(fake.netCharged()).toBe(0);
  });
});

describe('refunds', () => {
  const refund = (outRefundNo: string, amount: number) => ({
    out_trade_no: 'sc_0001',
    out_refund_no: outRefundNo,
    amount: { refund: amount, total: 600, currency: 'CNY' },
  });

  it('are accepted, settled later, and never above the total', async () => {
    const { fake, post, get } = shop();
    await post(JSAPI, order('sc_0001'));
    expect(await codeOf(await post(REFUNDS, refund('r1', 200)))).toEqual([403, 'TRADE_ERROR']);
    fake.cashier.pay('sc_0001', 100);
    const made = await jsonOf(await post(REFUNDS, refund('r1', 200)));
    expect(made).toMatchObject({ status: 'PROCESSING', amount: { refund: 200, payer_total: 500 } });
    expect(await jsonOf(await post(REFUNDS, refund('r1', 200)))).toEqual(made);
    expect((await post(REFUNDS, refund('r1', 100))).status).toBe(400);
    expect((await post(REFUNDS, refund('r2', 401))).status).toBe(400);
    expect(fake.netCharged()).toBe(600);
    fake.cashier.finishRefund('r1', 'SUCCESS');
    expect(fake.netCharged()).toBe(400);
    const done = await jsonOf(await get(`${REFUNDS}/r1`));
    expect(done).toMatchObject({ status: 'SUCCESS', success_time: expect.any(String) });
    expect(() => fake.cashier.finishRefund('r1', 'CLOSED')).toThrow('SUCCESS');
    expect((await get(`${REFUNDS}/r9`)).status).toBe(404);
  });

  it('may be abnormal before they succeed, and free the amount if closed', async () => {
    const { fake, post } = shop();
    await post(JSAPI, order('sc_0001'));
    fake.cashier.pay('sc_0001');
    await post(REFUNDS, refund('r1', 600));
    fake.cashier.finishRefund('r1', 'ABNORMAL');
    expect((await post(REFUNDS, refund('r2', 1))).status).toBe(400);
    fake.cashier.finishRefund('r1', 'CLOSED');
    expect((await post(REFUNDS, refund('r2', 600))).status).toBe(200);
    fake.cashier.finishRefund('r2', 'ABNORMAL');
    fake.cashier.finishRefund('r2', 'SUCCESS');
    expect(fake.notices.map(({ event_type }) => event_type)).toEqual([
      'TRANSACTION.SUCCESS',
      'REFUND.ABNORMAL',
      'REFUND.CLOSED',
      'REFUND.ABNORMAL',
      'REFUND.SUCCESS',
    ]);
    expect(fake.netCharged()).toBe(0);
  });
});

describe('notifications', () => {
  async function paid() {
    const world = shop();
    await world.post(JSAPI, order('sc_0001'));
    world.fake.cashier.pay('sc_0001');
    const [notice] = world.fake.notices;
    if (notice === undefined) throw new Error('no notification');
    return { ...world, notice };
  }

  it('are signed, and sealed with the APIv3 key', async () => {
    const { fake, notice, credentials } = await paid();
    const request = fake.notification(notice);
    const body = await request.text();
    expect(request.url).toBe('https://pay.example.com/wx');
    expect(isSigned(request.headers, body, credentials.platformKeys)).toBe(true);
    const { id, event_type, resource } = JSON.parse(body);
    expect([id, event_type, resource.original_type]).toEqual([
      notice.id,
      'TRANSACTION.SUCCESS',
      'transaction',
    ]);
    const text = open(resource as Sealed, credentials.apiV3Key);
    expect(JSON.parse(text)).toMatchObject({ out_trade_no: 'sc_0001', trade_state: 'SUCCESS' });
    expect(() => open({ ...resource, associated_data: 'x' }, credentials.apiV3Key)).toThrow();
  });

  it.each(['unsigned', 'probe', 'wrong_serial', 'stale'] as const)(
    'can be %s',
    async (signature) => {
      const { fake, notice, credentials, clock } = await paid();
      const request = fake.notification(notice, { signature });
      const { headers } = request;
      const body = await request.text();
      const age = clock.at / 1000 - Number(headers.get('wechatpay-timestamp'));
      const fresh = age < 300 && isSigned(headers, body, credentials.platformKeys);
      expect(fresh).toBe(false);
      expect(headers.get('wechatpay-signature')?.startsWith('WECHATPAY/SIGNTEST/') ?? false).toBe(
        signature === 'probe',
      );
    },
  );

  it('are delivered in any order, and as often as wanted', async () => {
    const { fake, notice } = await paid();
    const seen: string[] = [];
    const endpoint = async (request: Request) => {
      seen.push(((await request.json()) as { id: string }).id);
      return new Response(null, { status: 204 });
    };
    const answers = await fake.deliver([notice, notice], endpoint);
    expect(answers.map(({ status }) => status)).toEqual([204, 204]);
    expect(seen).toEqual([notice.id, notice.id]);
  });
});

describe('platform certificates', () => {
  interface Listed {
    readonly serial_no: string;
    readonly encrypt_certificate: Sealed;
  }

  it('are listed, sealed, with the number that signs', async () => {
    const { fake, get, credentials } = shop();
    fake.rotate();
    const response = await get('/v3/certificates');
    const { data } = (await response.json()) as { data: Listed[] };
    expect(data).toHaveLength(2);
    for (const { serial_no, encrypt_certificate } of data) {
      const pem = open(encrypt_certificate, credentials.apiV3Key);
      expect(new X509Certificate(pem).serialNumber).toBe(serial_no);
    }
    expect(response.headers.get('wechatpay-serial')).toBe(data[1]?.serial_no);
  });
});

describe('faults', () => {
  const UNSIGNED = ['drop', 'drop_before', 'unsigned', 'probe', 'wrong_serial'];

  it.each([
    ['refuse', 403, 0],
    ['error', 500, 0],
    ['rate_limit', 429, 0],
    ['drop_before', 0, 0],
    ['drop', 0, 1],
    ['delay', 200, 1],
    ['unsigned', 200, 1],
    ['probe', 200, 1],
    ['wrong_serial', 200, 1],
    ['stale', 200, 1],
  ] as const)('%s answers %i and leaves %i orders', async (kind, status, orders) => {
    const { fake, post, credentials } = shop();
    fake.fail({ kind, on: 'POST /v3/pay', milliseconds: 1 });
    const response = await post(JSAPI, order('sc_0001'));
    expect(response.status).toBe(status);
    expect(fake.orders()).toHaveLength(orders);
    const proper = isSigned(response.headers, await response.text(), credentials.platformKeys);
    expect(proper).toBe(!UNSIGNED.includes(kind));
    expect(fake.requests.map(({ status }) => status)).toEqual([status]);
    expect((await post(JSAPI, order('sc_0002'))).status).toBe(200);
  });

  it('are refused if unknown, and can be cancelled', async () => {
    const { fake, post } = shop();
    expect(() => fake.fail({ kind: 'explode' as 'drop' })).toThrow(TypeError);
    fake.fail({ kind: 'error', times: 5 });
    fake.heal();
    expect((await post(JSAPI, order('sc_0001'))).status).toBe(200);
  });
});

it('answers in the place of the real address, by msw', async () => {
  const { fake, credentials, clock } = shop();
  const server = setupServer(
    http.all('https://api.mch.weixin.qq.com/*', ({ request }) => fake.handle(request)),
  );
  server.listen({ onUnhandledFrame: 'error' });
  try {
    const { post } = merchant(fetch, credentials, () => clock.at);
    expect((await post(JSAPI, order('sc_0001'))).status).toBe(200);
    fake.fail({ kind: 'drop' });
    await expect(post(JSAPI, order('sc_0002'))).rejects.toThrow(TypeError);
    expect(fake.orders()).toHaveLength(2);
  } finally {
    server.close();
  }
});
