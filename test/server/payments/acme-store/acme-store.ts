// A store on the device in about 100 lines, as docs/adding-a-processor.md describes it.
import { createHmac, timingSafeEqual } from 'node:crypto';
import {
  type DeviceCharge,
  type DeviceProcessor,
  formatMoney,
  type Money,
  type NotificationResult,
  SpendcapError,
} from '@spendcap/core';
import {
  applyDeviceCharge,
  beginDevicePurchase,
  type DeviceDeps,
  type DevicePurchase,
} from '@spendcap/server/payments';
import type { Transaction } from './fake.ts';

/** A token of Acme's sheet. */
const TOKEN = /^[A-Za-z0-9-]{1,64}$/;
/** Parents have a day to approve, and their answer an hour to arrive. */
const HOLD_SECONDS = 25 * 3_600;

export interface AcmeStoreOptions {
  /** Of receipts and notifications. */
  readonly secret: string;
  readonly list: (since: number) => AsyncIterable<Transaction>;
}

export function acmeStoreProcessor({ secret, list }: AcmeStoreOptions): DeviceProcessor {
  return {
    name: 'acme_store',
    traits: {
      startedBy: 'device',
      reference(purchaseId) {
        if (!TOKEN.test(purchaseId)) throw new TypeError('id: no token of Acme');
        return purchaseId;
      },
      holdSeconds: HOLD_SECONDS,
      refunds: 'partial',
    },
    outcomeOf: () => 'unknown',
    notifications: {
      maxBytes: 65_536,
      async verify({ header, body }) {
        if (!isSigned(secret, body, header('acme-signature') ?? '')) return null;
        const { event, transaction } = JSON.parse(new TextDecoder().decode(body));
        return { id: event, type: transaction.state, payload: transaction };
      },
      read: async ({ payload }) => [chargeOf(payload as Transaction)],
      reply: (result) => ({ status: STATUS[result] }),
    },
    async *sweep(since) {
      for await (const transaction of list(since)) yield chargeOf(transaction);
    },
  };
}

const STATUS: Readonly<Record<NotificationResult, number>> = {
  ...{ settled: 204, ignored: 204, refused: 403 },
  ...{ forged: 401, too_large: 413, retry: 503 },
};

const STATES = { waiting: 'pending', bought: 'purchased', abandoned: 'cancelled' } as const;

function chargeOf(transaction: Transaction): DeviceCharge {
  const { number, token, first, product, at, cents, state, refundedCents } = transaction;
  return {
    ...{ reference: number, purchaseId: token, renewalOf: first, product, account: null },
    ...{ state: STATES[state], chargedAt: at },
    captured: cents === undefined ? 'held' : yuan(cents),
    refunds: { total: yuan(refundedCents) },
  };
}

const yuan = (cents: number): Money => ({ amount: formatMoney(cents, 'CNY'), currency: 'CNY' });

function isSigned(secret: string, body: string | Uint8Array, signature: string): boolean {
  const wanted = createHmac('sha256', secret).update(body).digest();
  const given = Buffer.from(signature, 'hex');
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

/** What an app's server calls before the sheet opens, and when the device has a receipt. */
export function guardAcmeStore(secret: string, deps: DeviceDeps) {
  return {
    begin: (purchase: DevicePurchase) => beginDevicePurchase(deps, purchase),
    confirm(
      { body, signature }: { readonly body: string; readonly signature: string },
      { evidence }: Pick<DevicePurchase, 'evidence'>,
    ) {
      if (!isSigned(secret, body, signature)) {
        throw new SpendcapError('webhook_invalid', 'The signature of a receipt is wrong.');
      }
      const player = evidence === undefined ? {} : { player: { evidence } };
      return applyDeviceCharge(deps, chargeOf(JSON.parse(body)), player);
    },
  };
}
