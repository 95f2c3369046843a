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
import { type Context, evidenceOf } from './context.ts';
import { laterAmount, toPurchase } from './purchase.ts';
import { conflict, reportExpired } from './reserve.ts';
import type { OverdueRequest, Player, RefundRequest, SpendcapEvent } from './types.ts';
import {
  checkId,
  checkPlayer,
  checkProcessor,
  checkText,
  instantOf,
  MAX_OVERDUE,
} from './validate.ts';

/** The options of `commit`. */
interface Charged {
  readonly amount?: string;
  readonly permit?: string | null;
}

export async function commit(context: Context, id: string, charged: Charged): Promise<Purchase> {
  const { amount, permit } = checkFields(charged, { amount: true, permit: true });
  await flushPending(context, id);
  try {
    return await commitKnown(context, id, amount);
  } catch (error) {
    const isLost = SpendcapError.isInstance(error) && error.code === 'purchase_not_found';
    if (permit === undefined || permit === null || !isLost) throw error;
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
  if (permits === undefined) {
    throw invalidRequest('permit', 'requires the permits option of createLimiter');
  }
  const hold = permits.holdOf(permit, id);
  // A store may discard early a purchase that no window counts.
  const windows = uncappedWindows(context.settlingPolicyAt(hold.at), hold);
  const unnamed = { processor: null, processorRef: null };
  const result = await store.reserve({ ...unnamed, ...hold, id, onExpiry: 'reconcile', windows });
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
  if (changed) committed(context, purchase, at);
  return toPurchase(purchase);
}

/** Reports that money has moved. */
export function committed(context: Context, purchase: StoredPurchase, at: number): void {
  context.events.changed('purchase.committed', purchase, {
    at,
    late: purchase.late,
    overHold: purchase.committed > purchase.amount,
  });
}

export async function attach(
  context: Context,
  id: string,
  named: { readonly processor: string; readonly processorRef: string },
): Promise<Purchase> {
  const known = { processor: true, processorRef: true } as const;
  const { processor, processorRef } = checkFields(named, known);
  checkProcessor({ processor, processorRef });
  if (processorRef === undefined) throw invalidRequest('processorRef', 'is required');
  await flushPending(context, id);
  const result = await context.store.attach({ id, processor, processorRef, at: context.clock() });
  reportExpired(context, result.expired);
  if (result.outcome === 'not_found') throw notFound();
  if (result.outcome === 'done') return toPurchase(result.purchase);
  const message = 'The purchase has another processor or another reference.';
  throw new SpendcapError('purchase_conflict', message);
}

export async function release(
  context: Context,
  id: string,
  options: { readonly reason?: string },
): Promise<Purchase> {
  const { reason } = checkFields(options, { reason: true });
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
  request: RefundRequest,
): Promise<Purchase> {
  const {
    id: refundId,
    amount,
    total,
    restores: given,
  } = checkFields(request, { id: true, amount: true, total: true, restores: true }, 'refund');
  await flushPending(context, id);
  checkId(refundId, 'refund.id');
  if (amount !== undefined && total !== undefined) {
    throw invalidRequest('refund.total', 'cannot be combined with amount');
  }
  if (given !== undefined && given !== false) {
    throw invalidRequest('refund.restores', 'can only be false');
  }
  const some = total === undefined ? amount : total;
  const sum = await amountOf(context, { id, amount: some, rounding: 'down' });
  const returned = total === undefined ? sum : { total: sum.amount ?? 0 };
  const at = context.clock();
  const byPolicy = context.settlingPolicyAt(at).refunds === 'original_window';
  const restores = byPolicy && given !== false;
  const result = await context.store.refund({ id, refundId, restores, at, ...returned });
  return refunded(context, result, { type: 'purchase.refunded', at, refundId });
}

export async function reverseRefund(
  context: Context,
  id: string,
  request: { readonly id: string },
): Promise<Purchase> {
  const { id: refundId } = checkFields(request, { id: true }, 'refund');
  await flushPending(context, id);
  checkId(refundId, 'refund.id');
  const at = context.clock();
  const result = await context.store.reverseRefund({ id, refundId, at });
  return refunded(context, result, { type: 'refund.reversed', at, refundId });
}

export async function get(context: Context, id: string, given?: Player): Promise<Purchase | null> {
  const player = given === undefined ? undefined : checkPlayer(given);
  await flushPending(context, id);
  const { purchase, expired } = await context.store.get({ id, at: context.clock() });
  reportExpired(context, expired);
  if (purchase === null) return null;
  if (player !== undefined) {
    const evidence = await evidenceOf(context, player, id);
    if (evidence?.subject !== purchase.subject) throw conflict();
  }
  return toPurchase(purchase);
}

export async function overdue(
  context: Context,
  options: OverdueRequest,
): Promise<readonly Purchase[]> {
  const known = { processor: true, after: true, limit: true } as const;
  const { processor, after, limit = 100 } = checkFields(options, known);
  checkProcessor({ processor });
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_OVERDUE) {
    throw invalidRequest('limit', `must be a whole number from 1 to ${MAX_OVERDUE}`);
  }
  const holds = await context.store.overdue({
    ...{ at: context.clock(), limit },
    ...(processor === undefined ? {} : { processor }),
    ...(after === undefined ? {} : { after: placeOf(after) }),
  });
  return holds.map((hold) => toPurchase(hold));
}

/** Where a page ended: usually a whole purchase, of which only these fields are read. */
function placeOf(after: NonNullable<OverdueRequest['after']>) {
  if (typeof after !== 'object' || after === null) {
    throw invalidRequest('after', 'must be the last purchase of a page');
  }
  const { id, expiresAt } = after;
  checkId(id, 'after.id');
  return { id, expiresAt: instantOf(expiresAt, 'after.expiresAt') };
}

/** Checks an id, and writes its purchase to the ledger if it was admitted during an outage. */
export async function flushPending(context: Context, id: string): Promise<void> {
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

export function notFound(): SpendcapError {
  return new SpendcapError('purchase_not_found', 'No purchase has this id.');
}
