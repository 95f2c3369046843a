import {
  type AgeEvidence,
  type Allowance,
  type Decision,
  invalidRequest,
  parseAmount,
  type Reason,
  type Refused,
  type Reservation,
  type ReserveCommand,
  type ReserveResult,
  SpendcapError,
  type StoredPurchase,
  unverifiedReason,
} from '@spendcap/core';
import {
  type Assessment,
  allowanceOf,
  assess,
  isRefusedOutright,
  reasonsAgainst,
  type Standing,
  standing,
  unknownAllowance,
} from './assessment.ts';
import { type Context, evidenceOf } from './context.ts';
import {
  basisText,
  permittedHold,
  policyName,
  policyOf,
  requestText,
  toPurchase,
  type Wanted,
  wantedOf,
} from './purchase.ts';
import type { AllowanceRequest, DecisionRequest, Player, PurchaseRequest } from './types.ts';
import { checkDecision, checkPlayer, checkPurchase, HOLD_SECONDS } from './validate.ts';

export async function reserve(
  context: Context,
  given: PurchaseRequest,
): Promise<Reservation | Refused> {
  const request = checkPurchase(given);
  const evidence = request.evidence ?? (await evidenceOf(context, request, request.id));
  const answer = assessRequest(context, request, evidence);
  const assessment = answer instanceof Promise ? await answer : answer;
  if ('allowed' in assessment) return refused(context, request.id, assessment);
  const wanted = wantedOf(request, assessment.price);
  const command = commandOf(assessment, request, wanted);
  if (isRefusedOutright(assessment)) return refuseUnlessHeld(context, assessment, command);
  let result: ReserveResult;
  let recorded = true;
  try {
    if (context.outageQueue.size > 0) await context.outageQueue.flush(command.id);
    result = await context.store.reserve(command);
    if (context.outageQueue.size > 0) void context.outageQueue.flushAll();
  } catch (error) {
    recorded = false;
    result = admitDuringOutage(context, assessment, { command, error });
  }
  reportExpired(context, result.expired);
  if (result.outcome === 'conflict') throw conflict();
  if (result.outcome === 'held') {
    const { purchase, replayed } = result;
    if (recorded && !replayed) {
      context.events.changed('purchase.reserved', purchase, { at: purchase.reservedAt });
    }
    return reservation(context, assessment, { ...result, wanted });
  }
  const allowance = allowanceOf(assessment, result.used);
  const reasons = reasonsAgainst(assessment, result.used);
  return refused(context, request.id, { allowed: false, reasons: atLeastOne(reasons), allowance });
}

export async function verifyAge(context: Context, given: Player): Promise<AgeEvidence | null> {
  return evidenceOf(context, checkPlayer(given));
}

export async function check(context: Context, given: DecisionRequest): Promise<Decision> {
  const request = checkDecision(given);
  const assessment = await assessRequest(context, request, await evidenceOf(context, request));
  if ('allowed' in assessment) return assessment;
  const used = await usedIn(context, assessment);
  const reasons = reasonsAgainst(assessment, used);
  const allowance = allowanceOf(assessment, used);
  if (reasons.length === 0) return { allowed: true, allowance };
  return { allowed: false, reasons: atLeastOne(reasons), allowance };
}

export async function allowance(context: Context, given: AllowanceRequest): Promise<Allowance> {
  const request = checkDecision(given);
  const at = context.clock();
  const policy = context.policyAt(at);
  if (request.currency !== undefined && request.currency !== policy.currency) {
    throw invalidRequest('currency', `must be ${policy.currency}`);
  }
  const evidence = await evidenceOf(context, request);
  if (evidence === null) return unknownAllowance(policy, at);
  const { category, app } = request;
  const base = standing({ at, policy, evidence, category, app, allCategories: true });
  return allowanceOf(base, await usedIn(context, base));
}

/**
 * Loads the policy and the evidence; a refusal if the buyer is unknown or the currency cannot be
 * converted.
 */
function assessRequest(
  context: Context,
  request: DecisionRequest,
  evidence: AgeEvidence | null,
): Assessment | Refused | Promise<Assessment | Refused> {
  const at = context.clock();
  const policy = context.policyAt(at);
  if (evidence === null) {
    parseAmount(request.amount, request.currency);
    const reasons = [unverifiedReason(policy)] as const;
    return { allowed: false, reasons, allowance: unknownAllowance(policy, at) };
  }
  const { category, app } = request;
  const base = standing({ at, policy, evidence, category, app, allCategories: false });
  const assessment = assess(base, request, context.exchange);
  if (!('length' in assessment)) return assessment;
  return usedIn(context, base).then((used) => {
    return { allowed: false, reasons: assessment, allowance: allowanceOf(base, used) };
  });
}

function commandOf(
  assessment: Assessment,
  request: PurchaseRequest,
  wanted: Wanted,
): ReserveCommand {
  const { at, policy, range, evidence, rate } = assessment;
  return {
    id: request.id,
    request: requestText(wanted),
    subject: evidence.subject,
    amount: assessment.facts.amount,
    currency: policy.currency,
    app: request.app ?? null,
    category: assessment.category,
    processor: request.processor ?? null,
    processorRef: request.processorRef ?? null,
    at,
    expiresAt: at + (wanted.holdSeconds ?? HOLD_SECONDS.default) * 1_000,
    onExpiry: wanted.onExpiry ?? 'release',
    basis: basisText({ policy, range, evidence, rate }),
    windows: assessment.windows,
  };
}

/** During an outage of the store, admits adults if the policy allows it; otherwise rethrows. */
function admitDuringOutage(
  context: Context,
  assessment: Assessment,
  { command, error }: { readonly command: ReserveCommand; readonly error: unknown },
): ReserveResult {
  const down = SpendcapError.isInstance(error) && error.retryable;
  if (!down || assessment.policy.onUnavailable !== 'allow_adults' || !hasNoRules(assessment))
    throw error;
  const result = context.outageQueue.add(command);
  if (result.outcome === 'held' && !result.replayed) {
    context.events.changed('purchase.unrecorded', result.purchase, { at: command.at });
  }
  return result;
}

/** True for an adult: no rule of the policy applies to any age in the range. */
function hasNoRules({ rules }: Assessment): boolean {
  const { limits, forbidden, forbiddenCategories, guardianApproval } = rules;
  const capped = limits.length + forbiddenCategories.size;
  return capped === 0 && forbidden === null && guardianApproval === null;
}

interface Held {
  readonly purchase: StoredPurchase;
  readonly replayed: boolean;
  readonly used: readonly number[];
  readonly wanted?: Wanted;
}

function reservation(
  context: Context,
  assessment: Assessment,
  { purchase: stored, replayed, used, wanted }: Held,
): Reservation | Promise<Reservation> {
  if (stored.state === 'released' || stored.state === 'expired') {
    throw new SpendcapError(
      'purchase_ended',
      `The hold is ${stored.state}. Use a new purchase id.`,
    );
  }
  const purchase = toPurchase(stored, wanted);
  const allowance = allowanceOf(assessment, used);
  const { permits } = context;
  // A permit is only valid for an open hold.
  if (permits === undefined || stored.state !== 'reserved') {
    return { allowed: true, purchase, permit: null, replayed, allowance };
  }
  const { id, amount, currency, app } = purchase;
  const { expiresAt } = stored;
  const claims = { purchaseId: id, amount, currency, app, policy: policyOf(stored), expiresAt };
  return permits.sign(claims, permittedHold(stored, wanted)).then((permit) => {
    return { allowed: true, purchase, permit, replayed, allowance };
  });
}

/**
 * Refuses a purchase that no usage could admit, unless its id is already held: that is a replay.
 */
async function refuseUnlessHeld(
  context: Context,
  assessment: Assessment,
  command: ReserveCommand,
): Promise<Reservation | Refused> {
  const { store } = context;
  const { id, at, subject, windows } = command;
  await context.outageQueue.flush(id);
  const [found, usage] = await Promise.all([
    store.get({ id, at }),
    store.usage({ subject, windows, at }),
  ]);
  reportExpired(context, [...found.expired, ...usage.expired]);
  const { purchase } = found;
  if (purchase === null) {
    const allowance = allowanceOf(assessment, usage.used);
    const reasons = atLeastOne(reasonsAgainst(assessment, usage.used));
    return refused(context, id, { allowed: false, reasons, allowance });
  }
  if (purchase.subject !== subject || purchase.request !== command.request) throw conflict();
  return reservation(context, assessment, { purchase, replayed: true, used: usage.used });
}

function refused(context: Context, purchaseId: string, refusal: Refused): Refused {
  context.events.emit({
    type: 'purchase.refused',
    at: context.clock(),
    purchaseId,
    policy: policyName(refusal.allowance.policy),
    reasons: refusal.reasons.map(({ code }) => code),
  });
  return refusal;
}

export async function usedIn(context: Context, base: Standing): Promise<readonly number[]> {
  const { windows, at, evidence } = base;
  if (windows.length === 0) return [];
  const { used, expired } = await context.store.usage({ subject: evidence.subject, windows, at });
  reportExpired(context, expired);
  return used;
}

/** Emits one event for each hold that the store found expired. */
export function reportExpired(context: Context, expired: readonly StoredPurchase[]): void {
  for (const hold of expired) {
    context.events.changed('purchase.expired', hold, { at: hold.expiresAt });
  }
}

export function conflict(): SpendcapError {
  const message = 'This purchase id belongs to another purchase.';
  return new SpendcapError('purchase_conflict', message);
}

function atLeastOne(reasons: readonly Reason[]): readonly [Reason, ...Reason[]] {
  const [first, ...rest] = reasons;
  if (first === undefined) throw new Error('a refusal without a reason');
  return [first, ...rest];
}
