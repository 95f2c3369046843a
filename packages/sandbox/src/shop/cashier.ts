import { type Context, Hono } from 'hono';
import type { Clock } from '../clock.ts';
import type { Cashier } from './payments/method.ts';
import type { Sale } from './sales.ts';

/** Longer than every hold of the shop; Stripe's is the longest, with 40 minutes. */
const LEAP_MS = 45 * 60_000;

export interface CashierOptions {
  readonly clock: Clock;
  readonly saleOf: (id: string) => Sale | undefined;
  /** Delivers notifications and reconciles. */
  readonly settle: () => Promise<void>;
  /** The response that shows a sale. */
  readonly show: (c: Context, sale: Sale) => Promise<Response>;
}

/** What the player does on the payment page of a fake, and the sandbox's clock. */
export function cashierRoutes({ clock, saleOf, settle, show }: CashierOptions): Hono {
  const app = new Hono();
  const leap = async () => {
    clock.advance(LEAP_MS);
    await settle();
  };
  const acts: Readonly<Record<string, (cashier: Cashier, id: string) => Promise<boolean>>> = {
    pay: async (cashier, id) => cashier.pay(id),
    async cancel(cashier, id) {
      await cashier.cancel(id);
      return true;
    },
    /** The payment begins in time; the bank confirms it after the hold has expired. */
    async late(cashier, id) {
      if (!cashier.begin(id)) return false;
      await leap();
      return cashier.finish(id);
    },
  };

  app.get('/shop/cashier/:id', async (c) => {
    const sale = saleOf(c.req.param('id'));
    return sale === undefined ? c.notFound() : show(c, sale);
  });
  app.post('/shop/cashier/:id/:act', async (c) => {
    const sale = saleOf(c.req.param('id'));
    const act = acts[c.req.param('act')];
    const cashier = sale?.method.cashier;
    if (sale === undefined || act === undefined || !cashier) return c.notFound();
    const isDone = await act(cashier, sale.id);
    await settle();
    return isDone ? show(c, sale) : c.json({ code: 'payment_ended' }, 409);
  });
  app.post('/shop/clock', async (c) => {
    await leap();
    return c.json({ minutesAhead: minutesAhead(clock) });
  });
  return app;
}

export function minutesAhead(clock: Clock): number {
  return Math.round(clock.ahead() / 60_000);
}
