import {
  countedAge,
  exchange,
  invalidRequest,
  type Policy,
  type Purchase,
  parseAmount,
  type RecordCommand,
  SpendcapError,
  type StoredPurchase,
} from '@spendcap/core';
import {
  type Assessment,
  assertEvidence,
  assertKnown,
  rateOf,
  uncappedWindows,
} from './assessment.ts';
import { type Context, evidenceOf } from './context.ts';
import {
  basisText,
  type Grounds,
  groundsOf,
  laterAmount,
  requestText,
  toPurchase,
  wantedOf,
} from './purchase.ts';
import { conflict, reportExpired } from './reserve.ts';
import { committed, flushPending, notFound } from './settle.ts';
import type { RecordRequest } from './types.ts';
import { checkRecord } from './validate.ts';

/** How far a processor's clock may be ahead of this one. */
const MAX_AHEAD_MS = 300_000;

export async function record(context: Context, given: RecordRequest): Promise<Purchase> {
  const request = checkRecord(given);
  const { id } = request;
  await flushPending(context, id);
  const at = context.clock();
  const chargedAt = chargedAtOf(request, at);
  const policy = context.settlingPolicyAt(chargedAt);
  assertKnown(policy, request);
  const { price, amount, rate } = await amountIn(context, request, { policy, chargedAt });
  const payer = await payerOf(context, request, { policy, chargedAt });
  const { category = null, app = null } = request;
  const place = { at: chargedAt, category, app };
  const command: RecordCommand = {
    ...{ id, at, chargedAt, amount, category, app, subject: payer.subject },
    currency: policy.currency,
    request: requestText(wantedOf(request, price)),
    processor: request.processor ?? null,
    processorRef: request.processorRef ?? null,
    basis: basisText({ ...payer, policy, rate }),
    windows: uncappedWindows(policy, place).map(({ cap: _none, ...window }) => window),
  };
  if (context.exchange === undefined) return enter(context, command);
  // A purchase that is known has a currency and a rate of its own.
  const { purchase, expired } = await context.store.get({ id, at });
  reportExpired(context, expired);
  if (purchase === null) return enter(context, command);
  if (toPurchase(purchase).currency !== request.currency) throw conflict();
  return enter(context, { ...command, amount: laterAmount(purchase, request.amount, 'up') });
}

async function enter(context: Context, command: RecordCommand): Promise<Purchase> {
  const result = await context.store.record(command);
  reportExpired(context, result.expired);
  if (result.outcome === 'conflict') throw conflict();
  if (result.outcome === 'ended') {
    const message = 'The purchase is already committed with another amount.';
    throw new SpendcapError('purchase_ended', message);
  }
  if (result.changed) committed(context, result.purchase, command.at);
  return toPurchase(result.purchase);
}

function chargedAtOf({ chargedAt }: RecordRequest, at: number): number {
  if (chargedAt === undefined) return at;
  const instant = Date.parse(chargedAt);
  if (instant <= at + MAX_AHEAD_MS) return instant;
  throw invalidRequest('chargedAt', 'must not be in the future');
}

interface Charged {
  readonly policy: Policy;
  readonly chargedAt: number;
}

type Payer = Pick<Grounds, 'range' | 'evidence'> & { readonly subject: string };

/** Who was charged. Evidence may have expired: the money has moved. */
async function payerOf(
  context: Context,
  request: RecordRequest,
  { policy, chargedAt }: Charged,
): Promise<Payer> {
  const evidence = await evidenceOf(context, request, request.id);
  if (evidence !== null) {
    assertEvidence(evidence);
    const { subject } = evidence;
    return { subject, evidence, range: countedAge(policy, evidence, chargedAt).range };
  }
  const earlier = await earlierPurchase(context, request.samePlayerAs);
  return { subject: earlier.subject, ...groundsOf(earlier) };
}

async function earlierPurchase(context: Context, id: string | undefined): Promise<StoredPurchase> {
  if (id === undefined) throw invalidRequest('samePlayerAs', 'is required without an age token');
  await flushPending(context, id);
  const { purchase, expired } = await context.store.get({ id, at: context.clock() });
  reportExpired(context, expired);
  if (purchase === null) throw notFound();
  return purchase;
}

/** The charge in the policy's currency, at the rate of its instant. */
async function amountIn(
  { exchange: exchangeRate }: Context,
  request: RecordRequest,
  { policy, chargedAt }: Charged,
): Promise<Pick<Assessment, 'price' | 'rate'> & { readonly amount: number }> {
  const { currency: from } = request;
  const to = policy.currency;
  const price = parseAmount(request.amount, from);
  if (from === to) return { price, amount: price, rate: null };
  if (exchangeRate === undefined) {
    const message = 'This currency requires the exchange option of createLimiter.';
    throw new SpendcapError('invalid_currency', message);
  }
  const rate = await rateOf(exchangeRate, { from, to, at: chargedAt });
  return { price, amount: exchange(price, { from, to, rate, rounding: 'up' }), rate };
}
