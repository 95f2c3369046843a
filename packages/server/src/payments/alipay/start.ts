import {
  invalidRequest,
  type PaymentSnapshot,
  type Purchase,
  type Refused,
  SpendcapError,
} from '@spendcap/core';
import type { PaymentDeps } from '../deps.ts';
import { PURCHASE_CONTEXT, type PurchaseContext, purchaseContextOf } from '../purchase-context.ts';
import { type Started, startCharge } from '../start.ts';
import { type Fields, isDeclined } from './answers.ts';
import type { Sdk } from './client.ts';
import { yuanOf } from './money.ts';
import { assertOrder } from './params.ts';
import { outTradeNoOf } from './reference.ts';
import { openSnapshot } from './snapshots.ts';
import { chinaTime } from './time.ts';

/** What every guarded method works with. */
export interface Deps extends PaymentDeps {
  readonly sdk: Sdk;
  readonly sellerId: string;
  readonly now: () => number;
}

/** The hold outlives the order by this: a payment may be confirmed a little later. */
const MARGIN_SECONDS = 120;

/** A default order can be paid for 15 minutes. */
const HOLD_SECONDS = 15 * 60 + MARGIN_SECONDS;

/** Alipay takes a `time_expire` from one minute ahead; another is left for the way there. */
const MIN_HOLD_SECONDS = MARGIN_SECONDS + 120;

/** Alipay's maximum for an order. */
const MAX_HOLD_SECONDS = 15 * 86_400;

export interface OrderStart<T> {
  readonly biz: Fields;
  readonly options: { readonly spendcap?: PurchaseContext } | undefined;
  /** Signs or sends the order that the purchase holds. */
  readonly call: (biz: Fields, purchaseId: string) => T | Promise<T>;
  /** Default: somebody may still pay. */
  readonly snapshotOf?: (answer: T, purchaseId: string) => PaymentSnapshot;
}

/**
 * Reserves, then signs or sends an order that ends two minutes before its hold, at an absolute
 * time: a timeout would only begin when the buyer opens the order.
 */
export async function startOrder<T>(
  deps: Deps,
  { biz, options, call, snapshotOf }: OrderStart<T>,
): Promise<Refused | Started<T>> {
  for (const name of Object.keys(options ?? {})) {
    if (name !== 'spendcap') throw new TypeError(`${name}: unsupported`);
  }
  const context = purchaseContextOf(options, PURCHASE_CONTEXT);
  const { expiresInSeconds = HOLD_SECONDS } = context;
  assertHold(expiresInSeconds);
  const outTradeNo = outTradeNoOf(context.id);
  assertOrder(biz, { outTradeNo, sellerId: deps.sellerId });
  const money = yuanOf(biz.total_amount);
  return startCharge<T>(deps, {
    purchase: { ...context, ...money, expiresInSeconds },
    async call(purchase) {
      const at = expiryOf(purchase);
      if (deps.now() >= at) {
        throw new SpendcapError('purchase_ended', 'The order has expired. Use a new id.');
      }
      const order = { out_trade_no: outTradeNo, total_amount: money.amount };
      return call({ ...biz, ...order, time_expire: chinaTime(at) }, purchase.id);
    },
    snapshotOf: (answer, { id }) => (snapshotOf ?? (() => openSnapshot(id)))(answer, id),
    closeLeft: (error, purchase) => (isDeclined(error) ? deps.processor.close(purchase) : null),
  });
}

/** When the order ends: whole seconds, as Alipay writes them. */
function expiryOf({ expiresAt }: Purchase): number {
  return Math.floor(Date.parse(expiresAt) / 1_000 - MARGIN_SECONDS) * 1_000;
}

function assertHold(seconds: number): void {
  if (seconds >= MIN_HOLD_SECONDS && seconds <= MAX_HOLD_SECONDS) return;
  const range = `${MIN_HOLD_SECONDS} to ${MAX_HOLD_SECONDS}`;
  throw invalidRequest('spendcap.expiresInSeconds', `must be ${range}; the order ends 120 earlier`);
}
