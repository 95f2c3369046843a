import { SpendcapError } from '@spendcap/core';
import type { Limiter } from '@spendcap/server';
import { toHono } from '@spendcap/server/adapters/hono';
import { processorWebhook } from '@spendcap/server/payments';
import { type Context, Hono } from 'hono';
import type { Sandbox } from '../sandbox.ts';
import { cashierRoutes, minutesAhead } from './cashier.ts';
import { fileOf, moduleOf } from './files.ts';
import type { PaymentMethod, Provider } from './payments/method.ts';
import { phoneRoutes } from './phone/routes.ts';
import type { PhoneStore } from './phone/store.ts';
import { PLAYERS, type Player } from './players.ts';
import { PRODUCTS, type Product, SHOP_CURRENCY } from './products.ts';
import { bodyIn, invalid } from './requests.ts';
import { type Sale, shownSale } from './sales.ts';

const PAGE_FOLDER = new URL('./page/', import.meta.url);
const CLIENT_ENTRY = new URL(import.meta.resolve('@spendcap/client'));
/** The calls to spendcap that the page may make with its player's token. */
const PLAYER_CALLS: readonly string[] = [
  'GET /v1/allowance',
  'POST /v1/decisions',
  'POST /v1/decisions/batch',
];
/** What every processor of the shop takes as its reference: WeChat Pay is the strictest. */
const ORDER_ID = /^[\w-]{6,32}$/;

export interface ShopOptions {
  readonly sandbox: Pick<Sandbox, 'url' | 'issue' | 'clock'>;
  readonly limiter: Limiter;
  readonly providers: readonly Provider[];
  readonly stores: readonly PhoneStore[];
  /** Delivers notifications and reconciles. */
  readonly settle: () => Promise<void>;
}

/** The game's server: pages, age tokens of its players, shop, webhooks, and what the fakes do. */
export function createShop(options: ShopOptions): Hono {
  const { sandbox, limiter, providers, stores, settle } = options;
  const { clock } = sandbox;
  const app = new Hono();
  // Signatures cover the raw bytes, so webhooks come before anything that reads a body.
  for (const { path, engine } of [...providers, ...stores]) {
    app.post(path, toHono(processorWebhook(engine)));
  }
  app.get('/', (c) => file(c, PAGE_FOLDER, 'index.html'));
  app.get('/phone', (c) => file(c, PAGE_FOLDER, 'phone.html'));
  app.get('/gallery', (c) => file(c, PAGE_FOLDER, 'gallery.html'));
  app.get('/cashier/:id', (c) => file(c, PAGE_FOLDER, 'cashier.html'));
  app.get('/page/:file', (c) => file(c, PAGE_FOLDER, c.req.param('file')));
  app.get('/client/:file{.+}', (c) => {
    const name = c.req.param('file');
    // The page uses the names of the build, also for the source.
    const isSource = CLIENT_ENTRY.pathname.endsWith('.ts');
    return file(c, CLIENT_ENTRY, isSource ? name.replace(/\.js$/, '.ts') : name);
  });
  app.get('/modules/:path{.+}', async (c) => {
    return (await moduleOf(c.req.param('path'))) ?? c.notFound();
  });
  app.get('/shop/catalogue', (c) =>
    c.json({
      players: PLAYERS.map(({ id, title }) => ({ id, title })),
      products: PRODUCTS,
      currency: SHOP_CURRENCY,
      methods: methodsOf(options).map(({ name, label, cashier }) => {
        return { name, label, whenCancelled: cashier?.whenCancelled ?? null };
      }),
      stores: stores.map(({ name, label }) => ({ name, label })),
      minutesAhead: minutesAhead(clock),
    }),
  );
  app.on(['GET', 'POST'], '/spendcap/*', (c) => forward(c, sandbox.url));
  /** In the order of sale. A real game keeps these in its database. */
  const sales = new Map<string, Sale>();
  addPlayerRoutes(app, options, sales);
  const show = async (c: Context, sale: Sale) =>
    c.json({ player: sale.player, ...(await shownSale(limiter, sale)) });
  app.route('/', cashierRoutes({ clock, settle, show, saleOf: (id) => sales.get(id) }));
  app.route('/', phoneRoutes({ sandbox, stores, sales, settle }));
  app.onError((error, c) => {
    if (SpendcapError.isInstance(error)) return problem(c, error);
    console.error(error);
    return problem(c, { code: 'internal_error', status: 500, retryable: false });
  });
  return app;
}

function methodsOf({ providers }: ShopOptions): readonly PaymentMethod[] {
  return providers.flatMap(({ methods }) => methods);
}

/** The persona in the path replaces a session. A real game knows its player by a session. */
function addPlayerRoutes(app: Hono, options: ShopOptions, sales: Map<string, Sale>): void {
  const { sandbox, limiter, settle } = options;
  const base = '/shop/players/:player';

  app.get(`${base}/age-token`, async (c) => c.text(await sandbox.issue(playerIn(c).token)));
  app.get(`${base}/purchases`, async (c) => {
    const player = playerIn(c).id;
    const own = [...sales.values()].filter((sale) => sale.player === player).reverse();
    return c.json(await Promise.all(own.map((sale) => shownSale(limiter, sale))));
  });
  app.post(`${base}/purchases`, async (c) => {
    const player = playerIn(c);
    const { id, product, method } = await orderIn(c, methodsOf(options));
    const ageToken = await sandbox.issue(player.token);
    const started = await method.start({ id, product, ageToken });
    if (!started.allowed) return c.json(started, 403);
    const sale = { id, player: player.id, product, method };
    sales.set(id, sale);
    const shown = await shownSale(limiter, sale);
    return c.json(shown, shown.cashier === null ? 201 : 202);
  });
  const ownSale = (c: Context) => {
    const sale = sales.get(c.req.param('id') ?? '');
    return sale?.player === playerIn(c).id ? sale : undefined;
  };
  app.get(`${base}/purchases/:id`, async (c) => {
    const sale = ownSale(c);
    return sale === undefined ? c.notFound() : c.json(await shownSale(limiter, sale));
  });
  app.post(`${base}/purchases/:id/refund`, async (c) => {
    const sale = ownSale(c);
    if (sale === undefined) return c.notFound();
    const { purchase } = await shownSale(limiter, sale);
    await sale.method.refund(purchase);
    await settle();
    return c.json(await shownSale(limiter, sale));
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

function playerIn(c: Context): Player {
  const player = PLAYERS.find(({ id }) => id === c.req.param('player'));
  if (player === undefined) throw invalid();
  return player;
}

interface OrderBody {
  readonly id: string;
  readonly product: Product;
  readonly method: PaymentMethod;
}

async function orderIn(c: Context, methods: readonly PaymentMethod[]): Promise<OrderBody> {
  const given = await bodyIn(c);
  const product = PRODUCTS.find(({ id }) => id === given.product);
  const method = methods.find(({ name }) => name === given.method);
  const { id } = given;
  if (typeof id !== 'string' || !ORDER_ID.test(id) || !product || !method) throw invalid();
  return { id, product, method };
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
