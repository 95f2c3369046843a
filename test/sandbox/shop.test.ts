import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type OpenShop, openShop } from './open-shop.ts';

let shop: OpenShop;
const ADULT = '/shop/players/adult-30/purchases';
/** Charged immediately. */
const card = { method: 'card', product: 'gems-60' };

beforeAll(async () => {
  shop = await openShop();
});
afterAll(() => shop?.process.kill('SIGTERM'));

function post(path: string, body: unknown): Promise<Response> {
  return fetch(new URL(path, shop.url), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
}
const get = (path: string): Promise<Response> => fetch(new URL(path, shop.url));

test('the page and the client that it runs are served, and may run nothing else', async () => {
  const page = await get('/');
  expect(page.headers.get('content-security-policy')).toContain("default-src 'self'");
  expect(await page.text()).toContain('<h1');
  const client = await get('/client/index.js');
  expect(client.headers.get('content-type')).toContain('text/javascript');
  expect(await client.text()).toContain('createClient');
  const chinese = await get('/client/languages/zh-CN.js');
  expect(await chinese.text()).toContain('zh-CN');
});

test('what it prints to paste into a terminal reserves a purchase', async () => {
  const [paste = ''] = /^URL=.*?^$/ms.exec(shop.printed) ?? [];
  const { stdout } = await promisify(execFile)('bash', ['-c', paste]);
  expect(JSON.parse(stdout)).toMatchObject({
    allowed: true,
    purchase: { id: 'order-1', amount: '48.00', state: 'reserved' },
  });
});

test.each([
  '/page/..%2Fapp.ts',
  '/page/../app.ts',
  '/client/..%2F..%2Fpackage.json',
  '/client/package.json',
  '/page/nothing.css',
  '/spendcap/v1/purchases/order-2',
  '/spendcap/metrics',
])('%s is not there', async (path) => {
  expect((await get(path)).status).toBe(404);
});

test('the price is the shop’s, and a player’s token cannot reserve through it', async () => {
  const path = ADULT;
  const sold = await post(path, { ...card, id: 'order-2', amount: '0.01' });
  expect(sold.status).toBe(201);
  expect(await sold.json()).toMatchObject({ purchase: { state: 'committed', amount: '6.00' } });
  expect((await post('/spendcap/v1/purchases', { id: 'order-5' })).status).toBe(404);
});

test('one id is one purchase; another product under it is a conflict', async () => {
  const path = '/shop/players/player-17/purchases';
  const order = { ...card, id: 'order-3' };
  expect((await post(path, order)).status).toBe(201);
  expect((await post(path, order)).status).toBe(201);
  expect(await (await get(path)).json()).toHaveLength(1);
  const other = await post(path, { ...order, product: 'gems-300' });
  expect([other.status, await other.json()]).toMatchObject([409, { code: 'purchase_conflict' }]);
});

test.each([
  { path: '/shop/players/nobody/purchases', body: { ...card, id: 'order-6' }, status: 400 },
  { path: ADULT, body: { ...card, id: 'order-6', product: 'moon' }, status: 400 },
  { path: ADULT, body: { ...card, id: 'order-6', method: 'cash' }, status: 400 },
  { path: ADULT, body: { product: 'gems-60', id: 'order-6' }, status: 400 },
  { path: ADULT, body: null, status: 400 },
  { path: ADULT, body: { ...card, id: '' }, status: 400 },
  { path: ADULT, body: { ...card, id: 'no order number' }, status: 400 },
  { path: '/shop/players/adult-30/purchases/none/refund', body: {}, status: 404 },
])('$path with $body is answered $status', async ({ path, body, status }) => {
  expect((await post(path, body)).status).toBe(status);
});

test('only the buyer gives a thing back', async () => {
  await post('/shop/players/player-12/purchases', { ...card, id: 'order-4' });
  const refund = (player: string) => post(`/shop/players/${player}/purchases/order-4/refund`, {});
  expect((await refund('player-17')).status).toBe(404);
  expect(await (await refund('player-12')).json()).toMatchObject({
    purchase: { refunded: '6.00' },
  });
});

const CASHIERS = ['stripe_checkout', 'wechat_pay', 'alipay'] as const;
type Method = (typeof CASHIERS)[number];

test.each(['card', ...CASHIERS])(
  '%s takes no price in dollars, of an adult either',
  async (method) => {
    const answer = await post(ADULT, { id: `usd-${method}`, method, product: 'gems-usd' });
    expect([answer.status, await answer.json()]).toMatchObject([
      403,
      { allowed: false, reasons: [{ code: 'currency_not_supported', currency: 'CNY' }] },
    ]);
    expect((await get(`${ADULT}/usd-${method}`)).status).toBe(404);
  },
);

test.each(['app_store', 'google_play'])('%s opens no sheet for it', async (store) => {
  const path = `/shop/players/adult-30/stores/${store}/app/begin`;
  const answer = await post(path, { id: randomUUID(), product: 'gems-usd' });
  expect(await answer.json()).toMatchObject({ reasons: [{ code: 'currency_not_supported' }] });
});

interface Shown {
  readonly method: string;
  readonly cashier: string | null;
  readonly purchase: {
    readonly id: string;
    readonly state: string;
    readonly late: boolean;
    readonly refunded: string;
  };
}

async function read(response: Response | Promise<Response>): Promise<Shown> {
  return (await (await response).json()) as Shown;
}

/** Begins a payment on a cashier's page, and leaves it open. */
async function order(method: Method, player = 'adult-30'): Promise<string> {
  const id = randomUUID().replaceAll('-', '');
  const path = `/shop/players/${player}/purchases`;
  const shown = await read(post(path, { id, method, product: 'gems-480' }));
  expect(shown).toMatchObject({
    method,
    cashier: `/cashier/${id}`,
    purchase: { state: 'reserved' },
  });
  return id;
}
const shownOf = (id: string) => read(get(`/shop/cashier/${id}`));
const act = (id: string, what: string) => post(`/shop/cashier/${id}/${what}`, {});

test('the shop offers a saved card and the pages of three processors', async () => {
  const { methods } = (await (await get('/shop/catalogue')).json()) as {
    readonly methods: readonly { readonly name: string; readonly whenCancelled: unknown }[];
  };
  const text = { en: expect.any(String), zh: expect.any(String) };
  expect(methods).toEqual([
    { name: 'card', label: text, whenCancelled: null },
    ...CASHIERS.map((name) => ({ name, label: text, whenCancelled: text })),
  ]);
});

describe.each(CASHIERS)('the cashier of %s', (method) => {
  test('is paid: the notification commits, and a refund gives back', async () => {
    const id = await order(method);
    expect((await get(`/cashier/${id}`)).status).toBe(200);
    expect(await read(act(id, 'pay'))).toMatchObject({
      cashier: null,
      purchase: { state: 'committed', late: false },
    });
    expect((await act(id, 'pay')).status).toBe(409);
    const refund = await post(`/shop/players/adult-30/purchases/${id}/refund`, {});
    expect(await read(refund)).toMatchObject({ purchase: { refunded: '48.00' } });
  });

  test('is left open: the hold counts until nobody can pay any more', async () => {
    const id = await order(method);
    expect(await shownOf(id)).toMatchObject({ purchase: { state: 'reserved' } });
    await post('/shop/clock', {});
    expect(await shownOf(id)).toMatchObject({ cashier: null, purchase: { state: 'released' } });
    expect((await act(id, 'pay')).status).toBe(409);
  });

  test('is cancelled: the hold is released now or once the processor is certain', async () => {
    const id = await order(method);
    const { purchase } = await read(act(id, 'cancel'));
    expect(purchase.state).toBe(method === 'stripe_checkout' ? 'released' : 'reserved');
    await post('/shop/clock', {});
    expect(await shownOf(id)).toMatchObject({ purchase: { state: 'released' } });
  });

  test('confirms late: the money counts, and the page says so', async () => {
    const id = await order(method);
    const { purchase } = await read(act(id, 'late'));
    // Stripe and WeChat Pay say that somebody is paying, so their hold stays.
    expect(purchase).toMatchObject({ state: 'committed', late: method === 'alipay' });
  });
});

test('all processors share the caps', async () => {
  const path = '/shop/players/player-17/purchases';
  for (const method of ['stripe_checkout', 'wechat_pay', 'alipay'] as const) {
    await order(method, 'player-17');
  }
  const refused = await post(path, { id: 'order-7', method: 'alipay', product: 'greenhouse' });
  expect([refused.status, await refused.json()]).toMatchObject([
    403,
    { allowed: false, reasons: [{ code: 'day_cap_exceeded' }] },
  ]);
});

test('a notification that is not signed by its processor changes nothing', async () => {
  for (const name of ['stripe', 'wechat-pay', 'alipay']) {
    const answer = await post(`/webhooks/${name}`, { id: 'forged' });
    expect(answer.status).toBeGreaterThanOrEqual(400);
  }
});

test.each(['/shop/cashier/none', '/shop/cashier/none/pay'])('%s is not there', async (path) => {
  expect((await get(path)).status).toBe(404);
});
