import { type Context, Hono } from 'hono';
import type { Sandbox } from '../../sandbox.ts';
import { minutesAhead } from '../cashier.ts';
import { PLAYERS, type Player } from '../players.ts';
import { PRODUCTS, type Product } from '../products.ts';
import { bodyIn, invalid } from '../requests.ts';
import type { Sale } from '../sales.ts';
import type { PhoneStore, SheetTokens } from './store.ts';

/** Longer than the holds of both stores, and than Google waits for an acknowledgement. */
const WAIT_MS = 4 * 86_400_000;

export interface PhoneOptions {
  readonly sandbox: Pick<Sandbox, 'issue' | 'clock'>;
  readonly stores: readonly PhoneStore[];
  readonly sales: Map<string, Sale>;
  /** Delivers notifications and reconciles. */
  readonly settle: () => Promise<void>;
}

/** One call of a phone. */
interface Call {
  readonly c: Context;
  readonly player: Player;
  readonly store: PhoneStore;
  readonly body: Readonly<Record<string, unknown>>;
}

/** The app's server, below `app/`; and what happens on the phone of a player, below `phone/`. */
export function phoneRoutes(options: PhoneOptions): Hono {
  const app = new Hono();
  const base = '/shop/players/:player/stores/:store';
  const routes = { ...appRoutes(options), ...deviceRoutes(options) };
  for (const [path, answer] of Object.entries(routes)) {
    app.post(`${base}/${path}`, async (c) => answer(await callIn(c, options.stores)));
  }
  app.get(`${base}/phone`, async (c) => {
    const { player, store } = await callIn(c, options.stores);
    const { phone } = store;
    return c.json({ unfinished: phone.unfinished(player.id), requests: phone.requests(player.id) });
  });
  app.post('/shop/phone/clock', async (c) => {
    const { clock } = options.sandbox;
    clock.advance(WAIT_MS);
    await options.settle();
    return c.json({ minutesAhead: minutesAhead(clock) });
  });
  return app;
}

type Routes = Readonly<Record<string, (call: Call) => Promise<Response>>>;

function appRoutes({ sandbox, sales }: PhoneOptions): Routes {
  return {
    async 'app/begin'({ c, player, store, body: { id, product: given } }) {
      const product = productOf(given);
      // The strictest: the App Store takes a UUID.
      if (typeof id !== 'string' || !/^[0-9a-f-]{36}$/.test(id)) throw invalid();
      const ageToken = await sandbox.issue(player.token);
      const begun = await store.begin({ id, product, ageToken });
      if (!begun.allowed) return c.json(begun, 403);
      sales.set(id, { id, player: player.id, product, method: store });
      const { appAccountToken, obfuscatedAccountId, obfuscatedProfileId } = begun;
      return c.json({ appAccountToken, obfuscatedAccountId, obfuscatedProfileId });
    },
    async 'app/confirm'({ c, player, store, body: { product: given, token } }) {
      const product = productOf(given);
      if (typeof token !== 'string') throw invalid();
      const transaction = { product: product.id, token };
      const ageToken = await sandbox.issue(player.token);
      const { id, isAccepted } = await store.confirm(transaction, ageToken);
      if (id !== null && !sales.has(id)) {
        sales.set(id, { id, player: player.id, product, method: store });
      }
      // What is not accepted is not finished either.
      return c.json({ payment: isAccepted ? 'paid' : 'unknown' });
    },
    async 'app/abandon'({ c, player, store, body: { id } }) {
      const sale = typeof id === 'string' ? sales.get(id) : undefined;
      if (sale?.player !== player.id || sale.method !== store) throw invalid();
      await store.abandon(sale.id);
      return c.json({});
    },
  };
}

function deviceRoutes({ settle }: PhoneOptions): Routes {
  const sheet = ({ player, body: { product, tokens } }: Call) => {
    return {
      player: player.id,
      product: productOf(product),
      tokens: (tokens ?? {}) as SheetTokens,
    };
  };
  return {
    async 'phone/buy'(call) {
      call.store.phone.buy(sheet(call));
      return call.c.json({});
    },
    async 'phone/ask'(call) {
      call.store.phone.ask(sheet(call));
      return call.c.json({});
    },
    async 'phone/finish'({ c, store, body: { token } }) {
      store.phone.finish(String(token));
      return c.json({});
    },
    async 'phone/answer'({ c, store, body: { request, isApproved } }) {
      try {
        store.phone.answer(String(request), isApproved === true);
      } catch {
        return c.json({ code: 'request_ended' }, 409);
      }
      // The store notifies the shop, whatever the phone does.
      await settle();
      return c.json({});
    },
  };
}

async function callIn(c: Context, stores: readonly PhoneStore[]): Promise<Call> {
  const player = PLAYERS.find(({ id }) => id === c.req.param('player'));
  const store = stores.find(({ name }) => name === c.req.param('store'));
  if (player === undefined || store === undefined) throw invalid();
  return { c, player, store, body: c.req.method === 'GET' ? {} : await bodyIn(c) };
}

function productOf(given: unknown): Product {
  const product = PRODUCTS.find(({ id }) => id === given);
  if (product === undefined) throw invalid();
  return product;
}
