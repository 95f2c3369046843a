import {
  checkFields,
  invalidRequest,
  type Purchase,
  type RefundResult,
  type SettleResult,
  SpendcapError,
  type StoredPurchase,
} from '@spendcap/core';
import { uncappedWindows } from './assessment.ts';
import type { Context } from './context.ts';
import { laterAmount, toPurchase } from './purchase.ts';
import { conflict, reportExpired } from './reserve.ts';
import type { SpendcapEvent } from './types.ts';
import { checkId, checkText } from './validate.ts';

/** The options of `commit`. */
interface Charged {
  readonly amount?: string;
  readonly permit?: string;
}

export async function commit(context: Context, id: string, charged: Charged): Promise<Purchase> {
  checkFields(charged, { amount: true, permit: true });
  const { amount, permit } = charged;
  await flushPending(context, id);
  try {
    return await commitKnown(context, id, amount);
  } catch (error) {
    const isLost = SpendcapError.isInstance(error) && error.code === 'purchase_not_found';
    if (permit === undefined || !isLost) throw error;
  }
  await recordLost(context, id, permit);
  return commitKnown(context, id, amount);
}

/**
 * Restores a hold that the ledger has lost, ignoring caps, and releases it, so that the commit that
 * follows is `late`. If this is interrupted, a retry completes it; until then `overdue` lists it.
 */
async function recordLost(context: Context, id: string, permit: string): Promise<void> {
  const { store, permits } = context;
  if (permits === undefined)
    throw new TypeError('createLimiter requires the permits option to accept a permit');
  const hold = permits.holdOf(permit, id);
  // A store may discard early a purchase that no window counts.
  const windows = uncappedWindows(context.settlingPolicyAt(hold.at), hold);
  const result = await store.reserve({ ...hold, id, onExpiry: 'reconcile', windows });
  reportExpired(context, result.expired);
  if (result.outcome !== 'held') throw conflict();
  // A concurrent call restored it first.
  if (result.replayed) return;
  const { expired } = await store.release({ id, at: context.clock() });
  reportExpired(context, expired);
}

async function commitKnown(
  context: Context,
  id: string,
  amount: string | undefined,
): Promise<Purchase> {
  const charged = await amountOf(context, { id, amount, rounding: 'up' });
  const at = context.clock();
  const result = await context.store.commit({ id, at, ...charged });
  const { purchase, changed } = settled(context, result);
  if (changed) {
    context.events.changed('purchase.committed', purchase, {
      at,
      late: purchase.late,
      overHold: purchase.committed > purchase.amount,
    });
  }
  return toPurchase(purchase);
}

export async function release(
  context: Context,
  id: string,
  options: { readonly reason?: string },
): Promise<Purchase> {
  checkFields(options, { reason: true });
  const { reason } = options;
  await flushPending(context, id);
  checkText(reason, 'reason');
  const at = context.clock();
  const { purchase, changed } = settled(context, await context.store.release({ id, at }));
  if (changed) {
    const why = reason === undefined ? {} : { reason };
    context.events.changed('purchase.released', purchase, { at, ...why });
  }
  return toPurchase(purchase);
}

export async function refund(
  context: Context,
  id: string,
  request: { readonly id: string; readonly amount?: string },
): Promise<Purchase> {
  checkFields(request, { id: true, amount: true }, 'refund');
  await flushPending(context, id);
  checkId(request.id, 'refund.id');
  const { amount } = request;
  const returned = await amountOf(context, { id, amount, rounding: 'down' });
  const at = context.clock();
  const restores = context.settlingPolicyAt(at).refunds === 'original_window';
  const command = { id, refundId: request.id, restores, at, ...returned };
  const result = await context.store.refund(command);
  return refunded(context, result, { type: 'purchase.refunded', at, refundId: request.id });
}

export async function reverseRefund(
  context: Context,
  id: string,
  request: { readonly id: string },
): Promise<Purchase> {
  checkFields(request, { id: true }, 'refund');
  await flushPending(context, id);
  checkId(request.id, 'refund.id');
  const at = context.clock();
  const result = await context.store.reverseRefund({ id, refundId: request.id, at });
  return refunded(context, result, { type: 'refund.reversed', at, refundId: request.id });
}

export async function get(context: Context, id: string): Promise<Purchase | null> {
  await flushPending(context, id);
  const { purchase, expired } = await context.store.get({ id, at: context.clock() });
  reportExpired(context, expired);
  return purchase === null ? null : toPurchase(purchase);
}

export async function overdue(
  context: Context,
  options: { readonly limit?: number },
): Promise<readonly Purchase[]> {
  checkFields(options, { limit: true });
  const { limit = 100 } = options;
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_OVERDUE) {
    throw invalidRequest('limit', `must be a whole number from 1 to ${MAX_OVERDUE}`);
  }
  const holds = await context.store.overdue({ at: context.clock(), limit });
  return holds.map((hold) => toPurchase(hold));
}

const MAX_OVERDUE = 1_000;

/** Checks an id, and writes its purchase to the ledger if it was admitted during an outage. */
async function flushPending(context: Context, id: string): Promise<void> {
  checkId(id);
  await context.outageQueue.flush(id);
}

/**
 * The caller's amount in the ledger's minor units. Currency and rate are read from the purchase,
 * since policy and exchange may have changed after the hold.
 */
async function amountOf(
  context: Context,
  input: {
    readonly id: string;
    readonly amount: string | undefined;
    readonly rounding: 'up' | 'down';
  },
): Promise<{ readonly amount?: number }> {
  const { id, amount, rounding } = input;
  if (amount === undefined) return {};
  const { purchase, expired } = await context.store.get({ id, at: context.clock() });
  reportExpired(context, expired);
  if (purchase === null) throw notFound();
  return { amount: laterAmount(purchase, amount, rounding) };
}

function settled(context: Context, result: SettleResult) {
  reportExpired(context, result.expired);
  if (result.outcome === 'done') return result;
  if (result.outcome === 'not_found') throw notFound();
  const message = `The purchase is already ${result.purchase.state}.`;
  throw new SpendcapError('purchase_ended', message);
}

function refunded(
  context: Context,
  result: RefundResult,
  event: Pick<SpendcapEvent, 'type' | 'at'> & { readonly refundId: string },
): Purchase {
  reportExpired(context, result.expired);
  if (result.outcome === 'not_found') throw notFound();
  if (result.outcome !== 'done') throw refundError(result.outcome, result.purchase);
  const { type, ...rest } = event;
  if (result.changed) context.events.changed(type, result.purchase, rest);
  return toPurchase(result.purchase);
}

function refundError(
  outcome: 'conflict' | 'exceeds' | 'not_committed',
  { state }: StoredPurchase,
): SpendcapError {
  switch (outcome) {
    case 'conflict':
      return new SpendcapError(
        'refund_conflict',
        'This refund id belongs to a refund of another amount.',
      );
    case 'exceeds':
      return new SpendcapError(
        'refund_exceeds_purchase',
        'The refund exceeds the rest of the purchase.',
      );
    case 'not_committed':
      return new SpendcapError('purchase_not_committed', `The purchase is ${state}.`);
  }
}

function notFound(): SpendcapError {
  return new SpendcapError('purchase_not_found', 'No purchase has this id.');
}
