// A processor in about 100 lines, as docs/adding-a-processor.md describes it.
import { createHmac, timingSafeEqual } from 'node:crypto';
import {
  formatMoney,
  type Money,
  type NotificationDialect,
  type NotificationResult,
  type PaymentSnapshot,
  type Processor,
  parseAmount,
} from '@spendcap/core';
import type { Limiter } from '@spendcap/server';
import {
  PURCHASE_CONTEXT,
  type PurchaseContext,
  purchaseContextOf,
  startCharge,
} from '@spendcap/server/payments';
import { type AcmeClient, AcmeError, type Order } from './fake.ts';

/** An order number is a purchase id. */
const NUMBER = /^[A-Za-z0-9-]{1,64}$/;

export interface AcmeOptions {
  readonly acme: AcmeClient;
  /** Of the notifications. */
  readonly secret: string;
}

export function acmeProcessor({ acme, secret }: AcmeOptions): Processor {
  return {
    name: 'acme_pay',
    traits: {
      reference(purchaseId) {
        if (!NUMBER.test(purchaseId)) throw new TypeError('id: no order number of Acme Pay');
        return purchaseId;
      },
      // Acme keeps the numbers of orders forever.
      retrySeconds: Number.POSITIVE_INFINITY,
      unseenGraceSeconds: 600,
      captures: 'whole',
      release: 'closed',
      refunds: 'partial',
    },
    outcomeOf(error) {
      if (!(error instanceof AcmeError)) return 'unknown';
      if (error.status === 409) return 'key_reused';
      return error.status >= 400 && error.status < 500 ? 'rejected' : 'unknown';
    },
    query: ({ id }) => seen(id, () => acme.readOrder(id)),
    close: ({ id }) => seen(id, () => acme.closeOrder(id)),
    notifications: dialect(secret),
  };
}

async function seen(purchaseId: string, ask: () => Promise<Order>): Promise<PaymentSnapshot> {
  try {
    return snapshotOf(await ask());
  } catch (error) {
    if (!(error instanceof AcmeError) || error.status !== 404) throw error;
    return { purchaseId, state: 'unseen', captured: null, refunds: [] };
  }
}

function snapshotOf({ number, cents, status, refunds }: Order): PaymentSnapshot {
  return {
    purchaseId: number,
    state: status === 'waiting' ? 'open' : 'closed',
    captured: status === 'paid' ? yuan(cents) : null,
    refunds: refunds.map(({ id, cents }) => ({ id, amount: yuan(cents), state: 'succeeded' })),
  };
}

const yuan = (cents: number): Money => ({ amount: formatMoney(cents, 'CNY'), currency: 'CNY' });

const STATUS: Readonly<Record<NotificationResult, number>> = {
  ...{ settled: 204, ignored: 204, refused: 403 },
  ...{ forged: 401, too_large: 413, retry: 503 },
};

function dialect(secret: string): NotificationDialect {
  return {
    maxBytes: 65_536,
    async verify({ header, body }) {
      const wanted = createHmac('sha256', secret).update(body).digest();
      const given = Buffer.from(header('acme-signature') ?? '', 'hex');
      if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) return null;
      const payload = JSON.parse(new TextDecoder().decode(body));
      return { id: payload.event, type: payload.order.status, payload: payload.order };
    },
    read: async ({ payload }) => [snapshotOf(payload as Order)],
    reply: (result) => ({ status: STATUS[result] }),
  };
}

export interface GuardAcmeOptions extends AcmeOptions {
  readonly limiter: Limiter;
  readonly now?: () => number;
}

/** Acme's client, whose orders are held first. */
export function guardAcme(options: GuardAcmeOptions) {
  const { acme, limiter, now = Date.now } = options;
  const deps = { processor: acmeProcessor(options), limiter, now };
  return {
    createOrder(amount: string, call: { readonly spendcap: PurchaseContext }) {
      const context = purchaseContextOf(call, PURCHASE_CONTEXT);
      const cents = parseAmount(amount, 'CNY');
      return startCharge(deps, {
        purchase: { ...context, ...yuan(cents) },
        call: ({ id }) => acme.createOrder(id, cents),
        snapshotOf,
      });
    },
  };
}
