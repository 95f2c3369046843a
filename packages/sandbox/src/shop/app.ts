import type { Purchase } from '@spendcap/core';
import { parseJson, SpendcapError } from '@spendcap/core';
import { type Context, Hono } from 'hono';
import { isRefused } from '../game.ts';
import { PERSONAS } from '../personas.ts';
import type { Sandbox } from '../sandbox.ts';
import { ApiProblem } from '../spendcap-api.ts';
import { fileOf } from './files.ts';
import { PRODUCTS, type Product, SHOP_CURRENCY } from './products.ts';

const PAGE_FOLDER = new URL('./page/', import.meta.url);
const CLIENT_ENTRY = new URL(import.meta.resolve('@spendcap/client'));
/** The calls to spendcap that the page may make with its player's token. */
const PLAYER_CALLS: readonly string[] = ['GET /v1/allowance', 'POST /v1/decisions'];

interface Sale {
  readonly player: string;
  readonly product: string;
  readonly purchase: Purchase;
}

export type ShopSandbox = Pick<Sandbox, 'url' | 'game' | 'tokenOf'>;

/** The game's server: page, age tokens of its players, shop. */
export function createShop(sandbox: ShopSandbox): Hono {
  const app = new Hono();
  app.get('/', (c) => file(c, PAGE_FOLDER, 'index.html'));
  app.get('/page/:file', (c) => file(c, PAGE_FOLDER, c.req.param('file')));
  app.get('/client/:file{.+}', (c) => {
    const name = c.req.param('file');
    // The page uses one name for the source and the build.
    const entry = CLIENT_ENTRY.pathname.split('/').at(-1) ?? name;
    return file(c, CLIENT_ENTRY, name === 'index.js' ? entry : name);
  });
  app.get('/shop/catalogue', (c) =>
    c.json({ personas: PERSONAS, products: PRODUCTS, currency: SHOP_CURRENCY }),
  );
  app.on(['GET', 'POST'], '/spendcap/*', (c) => forward(c, sandbox.url));
  addPlayerRoutes(app, sandbox);
  app.onError((error, c) => {
    if (error instanceof ApiProblem) return problem(c, error.problem);
    if (SpendcapError.isInstance(error)) return problem(c, error);
    console.error(error);
    return problem(c, { code: 'internal_error', status: 500, retryable: false });
  });
  return app;
}

/** The persona in the path replaces a session. A real game knows its player by a session. */
function addPlayerRoutes(app: Hono, { game, tokenOf }: ShopSandbox): void {
  /** In the order of sale. A real game keeps these in its database. */
  const sales = new Map<string, Sale>();
  const base = '/shop/players/:player';

  app.get(`${base}/age-token`, async (c) => c.text(await tokenOf(playerIn(c))));
  app.get(`${base}/purchases`, (c) => {
    const player = playerIn(c);
    return c.json([...sales.values()].filter((sale) => sale.player === player).reverse());
  });
  app.post(`${base}/purchases`, async (c) => {
    const player = playerIn(c);
    const { id, product } = await orderIn(c);
    const answer = await game.buy({
      id,
      ageToken: await tokenOf(player),
      amount: product.price,
      currency: SHOP_CURRENCY,
      product: product.id,
      ...(product.category === undefined ? {} : { category: product.category }),
    });
    if (isRefused(answer)) return c.json(answer, 403);
    sales.set(id, { player, product: product.id, purchase: answer });
    return c.json(answer, 201);
  });
  app.post(`${base}/purchases/:id/refund`, async (c) => {
    const sale = sales.get(c.req.param('id'));
    if (sale === undefined || sale.player !== playerIn(c)) return c.notFound();
    const { id } = sale.purchase;
    const purchase = await game.refund(id, `${id}.refund`);
    sales.set(id, { ...sale, purchase });
    return c.json(purchase);
  });
}

/** Forwards a player's call, so that the page needs only one origin. */
async function forward(c: Context, url: string): Promise<Response> {
  const { pathname, search } = new URL(c.req.url);
  const path = pathname.slice('/spendcap'.length);
  if (!PLAYER_CALLS.includes(`${c.req.method} ${path}`)) return c.notFound();
  const headers = new Headers({ authorization: c.req.header('authorization') ?? '' });
  if (c.req.method === 'GET') return fetch(url + path + search, { headers });
  headers.set('content-type', 'application/json');
  return fetch(url + path, { method: 'POST', headers, body: await c.req.text() });
}

async function file(c: Context, folder: URL, name: string): Promise<Response> {
  return (await fileOf(folder, name)) ?? c.notFound();
}

function playerIn(c: Context): string {
  const player = PERSONAS.find(({ id }) => id === c.req.param('player'));
  if (player === undefined) throw invalid();
  return player.id;
}

async function orderIn(c: Context): Promise<{ id: string; product: Product }> {
  const body: unknown = await c.req
    .text()
    .then(parseJson)
    .catch(() => null);
  const { id, product } = (body ?? {}) as { readonly id?: unknown; readonly product?: unknown };
  const chosen = PRODUCTS.find((each) => each.id === product);
  if (typeof id !== 'string' || chosen === undefined) throw invalid();
  return { id, product: chosen };
}

function invalid(): SpendcapError {
  return new SpendcapError('invalid_request', 'Unknown player or product.');
}

interface ShopProblem {
  readonly code: string;
  readonly status: number;
  readonly retryable: boolean;
}

function problem(c: Context, { code, status, retryable }: ShopProblem): Response {
  const headers = { 'content-type': 'application/problem+json' };
  return c.body(JSON.stringify({ code, status, retryable }), { status: status as 500, headers });
}
