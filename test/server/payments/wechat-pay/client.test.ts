import { generateKeyPairSync } from 'node:crypto';
import { fakeWechatPay } from '@spendcap/sandbox';
import { wechatPayClient } from '@spendcap/server/payments/wechat-pay';
import { http } from 'msw';
import { setupServer } from 'msw/node';
import { describe, expect, it } from 'vitest';

const fake = fakeWechatPay();
const CREDENTIALS = fake.credentials();
const OPTIONS = { ...CREDENTIALS, fetch: fake.fetch };
const QUERY = { method: 'GET', path: '/v3/certificates' } as const;

const pemOf = (bits: number) =>
  generateKeyPairSync('rsa', { modulusLength: bits })
    .privateKey.export({ type: 'pkcs8', format: 'pem' })
    .toString();
const EC = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const EC_PUBLIC = EC.publicKey.export({ type: 'spki', format: 'pem' }).toString();

describe('options', () => {
  const [[serial = '', certificate = ''] = []] = Object.entries(CREDENTIALS.platformKeys);

  it.each([
    ['mchId', { mchId: 'wx' }],
    ['appIds', { appIds: [] }],
    ['appIds', { appIds: 'wx00000000000000aa' as unknown as string[] }],
    ['serialNo', { serialNo: 'PUB_KEY_ID_1' }],
    ['privateKey', { privateKey: certificate }],
    ['privateKey', { privateKey: '' }],
    ['privateKey', { privateKey: EC.privateKey }],
    ['privateKey', { privateKey: pemOf(1024) }],
    ['privateKey', { privateKey: generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey }],
    ['apiV3Key', { apiV3Key: 'testAPIv3Key0000' }],
    ['apiV3Key', { apiV3Key: '键'.repeat(32) }],
    ['platformKeys', { platformKeys: { '5DEA10EF55877E3C': certificate } }],
    ['platformKeys', { platformKeys: { [serial]: 'no PEM' } }],
    ['platformKeys', { platformKeys: { PUB_KEY_ID_1: certificate } }],
    ['platformKeys', { platformKeys: { PUB_KEY_ID_1: EC_PUBLIC } }],
    ['platformKeys', { platformKeys: { PUB_KEY_ID_1: CREDENTIALS.privateKey } }],
    ['platformKeys', { platformKeys: [] as unknown as Record<string, string> }],
    ['baseUrl', { baseUrl: 'https://api.mch.weixin.qq.com/v3' }],
    ['timeoutMs', { timeoutMs: 0 }],
    ['now', { now: 5 as unknown as () => number }],
    ['fetch', { fetch: 'fetch' as unknown as typeof fake.fetch }],
  ])('refuse a wrong %s, without quoting it', (name, wrong) => {
    const make = () => wechatPayClient({ ...OPTIONS, ...wrong });
    expect(make).toThrow(TypeError);
    expect(make).toThrow(new RegExp(`^${name}`));
    expect(make).not.toThrow(/BEGIN|APIv3Key0/);
  });

  it('refuse the merchant’s own key in the place of WeChat’s', () => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
    const make = () =>
      wechatPayClient({ ...OPTIONS, privateKey, platformKeys: { PUB_KEY_ID_1: pem } });
    expect(make).toThrow('your own certificate');
  });
});

describe('answers', () => {
  it('are verified with a downloaded certificate if none is configured', async () => {
    const { platformKeys: _, ...rest } = OPTIONS;
    const count = fake.requests.length;
    const wechat = wechatPayClient(rest);
    expect(await wechat.request(QUERY)).toHaveProperty('data');
    expect(await wechat.request(QUERY)).toHaveProperty('data');
    expect(fake.requests.length - count).toBe(3);
  });

  it('are signed with the key that is configured', async () => {
    const [, publicKey = ['', '']] = Object.entries(CREDENTIALS.platformKeys);
    const wechat = wechatPayClient({
      ...OPTIONS,
      platformKeys: Object.fromEntries([publicKey]),
    });
    const count = fake.requests.length;
    expect(await wechat.request(QUERY)).toHaveProperty('data');
    expect(fake.requests.length - count).toBe(1);
  });

  it.each(['unsigned', 'probe', 'wrong_serial', 'stale'] as const)(
    'that are %s are refused',
    async (kind) => {
      fake.fail({ kind });
      const call = wechatPayClient(OPTIONS).request(QUERY);
      await expect(call).rejects.toMatchObject({ name: 'WechatPayError', code: 'UNVERIFIED' });
    },
  );

  it.each([
    ['an HTML page', new Response('<html>', { status: 502 }), { status: 502, code: null }],
    [
      'a code that is none',
      Response.json({ code: '<b>' }, { status: 400 }),
      { status: 400, code: null },
    ],
    ['an array', Response.json([], { status: 500 }), { status: 500, code: null }],
    [
      'a named field',
      Response.json({ code: 'PARAM_ERROR', detail: { field: '/amount/total' } }, { status: 400 }),
      { status: 400, code: 'PARAM_ERROR', field: '/amount/total' },
    ],
    ['too many bytes', new Response('x'.repeat(1_048_577)), { status: 200, code: 'UNVERIFIED' }],
  ])('with %s are errors', async (_, response, expected) => {
    const wechat = wechatPayClient({ ...OPTIONS, fetch: async () => response });
    await expect(wechat.request(QUERY)).rejects.toMatchObject(expected);
  });

  it('without a body are null, and verified, too', async () => {
    const clock = { at: Date.now() };
    const now = () => clock.at;
    const other = fakeWechatPay({ now });
    const wechat = wechatPayClient({ ...other.credentials(), fetch: other.fetch, now });
    const { mchId: mchid } = wechat;
    const order = { mchid, appid: wechat.appIds[0], description: 'gems', out_trade_no: 'order_1' };
    const more = { notify_url: 'https://pay.example.com/wechat', amount: { total: 1 } };
    const path = '/v3/pay/transactions/native';
    await wechat.request({ method: 'POST', path, body: { ...order, ...more } });
    clock.at += 300_000;
    const close = '/v3/pay/transactions/out-trade-no/order_1/close';
    other.fail({ kind: 'unsigned' });
    const unsigned = wechat.request({ method: 'POST', path: close, body: { mchid } });
    await expect(unsigned).rejects.toMatchObject({ code: 'UNVERIFIED' });
    const again = wechat.request({ method: 'POST', path: close, body: { mchid } });
    await expect(again).rejects.toMatchObject({ code: 'ORDER_CLOSED' });
    await wechat.request({
      method: 'POST',
      path,
      body: { ...order, out_trade_no: 'order_2', ...more },
    });
    clock.at += 300_000;
    const second = close.replace('order_1', 'order_2');
    expect(await wechat.request({ method: 'POST', path: second, body: { mchid } })).toBeNull();
  });

  it.each<[string, () => Promise<Response>]>([
    ['a connection that is silent', () => new Promise(() => {})],
    ['a body without an end', async () => new Response(new ReadableStream())],
  ])('are waited for until the time limit: %s', async (_, silent) => {
    const wechat = wechatPayClient({ ...OPTIONS, timeoutMs: 20, fetch: silent });
    await expect(wechat.request(QUERY)).rejects.toMatchObject({ name: 'TimeoutError' });
  });

  it('that are late are no longer waited for by the connection either', async () => {
    const sent: Request[] = [];
    const silent = (request: Request) => new Promise<never>(() => sent.push(request));
    const wechat = wechatPayClient({ ...OPTIONS, timeoutMs: 20, fetch: silent });
    await expect(wechat.request(QUERY)).rejects.toMatchObject({ name: 'TimeoutError' });
    expect(sent.map(({ signal }) => signal.aborted)).toEqual([true]);
  });

  it('are those of the real address by default', async () => {
    const server = setupServer(
      http.all('https://api.mch.weixin.qq.com/*', ({ request }) => fake.handle(request)),
    );
    server.listen({ onUnhandledFrame: 'error' });
    try {
      expect(await wechatPayClient(CREDENTIALS).request(QUERY)).toHaveProperty('data');
    } finally {
      server.close();
    }
  });
});
