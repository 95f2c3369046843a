import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type OpenShop, openShop } from './open-shop.ts';

let shop: OpenShop;

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
  const path = '/shop/players/adult-30/purchases';
  const sold = await post(path, { id: 'order-2', product: 'gems-60', amount: '0.01' });
  expect(sold.status).toBe(201);
  expect(await sold.json()).toMatchObject({ state: 'committed', amount: '6.00' });
  expect((await post('/spendcap/v1/purchases', { id: 'order-5' })).status).toBe(404);
});

test('one id is one purchase; another product under it is a conflict', async () => {
  const path = '/shop/players/player-17/purchases';
  const order = { id: 'order-3', product: 'gems-60' };
  expect((await post(path, order)).status).toBe(201);
  expect((await post(path, order)).status).toBe(201);
  expect(await (await get(path)).json()).toHaveLength(1);
  const other = await post(path, { ...order, product: 'gems-300' });
  expect([other.status, await other.json()]).toMatchObject([409, { code: 'purchase_conflict' }]);
});

test.each([
  { path: '/shop/players/nobody/purchases', body: { id: 'x', product: 'gems-60' }, status: 400 },
  { path: '/shop/players/adult-30/purchases', body: { id: 'x', product: 'moon' }, status: 400 },
  { path: '/shop/players/adult-30/purchases', body: null, status: 400 },
  { path: '/shop/players/adult-30/purchases', body: { id: '', product: 'tip' }, status: 400 },
  { path: '/shop/players/adult-30/purchases/none/refund', body: {}, status: 404 },
])('$path with $body is answered $status', async ({ path, body, status }) => {
  expect((await post(path, body)).status).toBe(status);
});

test('only the buyer gives a thing back', async () => {
  await post('/shop/players/player-12/purchases', { id: 'order-4', product: 'gems-60' });
  const refund = (player: string) => post(`/shop/players/${player}/purchases/order-4/refund`, {});
  expect((await refund('player-17')).status).toBe(404);
  expect(await (await refund('player-12')).json()).toMatchObject({ refunded: '6.00' });
});
