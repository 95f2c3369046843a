import {
  type AgeEvidence,
  type Allowance,
  type Decision,
  parseAmount,
  type Reason,
  type Refused,
  type Reservation,
  type ReserveCommand,
  type ReserveResult,
  rulesFor,
  SpendcapError,
  type StoredPurchase,
  unverifiedReason,
} from '@spendcap/core';
import {
  allowanceOf,
  type Question,
  question,
  reasonsAgainst,
  refusesAnyway,
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
import type { AllowanceRequest, DecisionRequest, PurchaseRequest } from './types.ts';
import { checkDecision, checkPurchase, HOLD_SECONDS, invalid } from './validate.ts';

export async function reserve(
  context: Context,
  request: PurchaseRequest,
): Promise<Reservation | Refused> {
  checkPurchase(request);
  const evidence = request.evidence ?? (await evidenceOf(context, request, request.id));
  const answer = ask(context, request, evidence);
  const asked = answer instanceof Promise ? await answer : answer;
  if ('allowed' in asked) return refused(context, request.id, asked);
  const wanted = wantedOf(request);
  const command = commandOf(asked, request, wanted);
  if (refusesAnyway(asked)) return refuseUnlessHeld(context, asked, command);
  let result: ReserveResult;
  let recorded = true;
  try {
    if (context.unrecorded.size > 0) await context.unrecorded.record(command.id);
    result = await context.store.reserve(command);
    if (context.unrecorded.size > 0) void context.unrecorded.recordAll();
  } catch (error) {
    recorded = false;
    result = letPass(context, asked, { command, error });
  }
  reportExpired(context, result.expired);
  if (result.outcome === 'conflict') throw conflict();
  if (result.outcome === 'held') {
    const { purchase, replayed } = result;
    if (recorded && !replayed) {
      context.events.changed('purchase.reserved', purchase, { at: purchase.reservedAt });
    }
    return reservation(context, asked, { ...result, wanted });
  }
  const allowance = allowanceOf(asked, result.used);
  const reasons = reasonsAgainst(asked, result.used);
  return refused(context, request.id, { allowed: false, reasons: atLeastOne(reasons), allowance });
}

export async function check(context: Context, request: DecisionRequest): Promise<Decision> {
  checkDecision(request);
  const asked = await ask(context, request, await evidenceOf(context, request));
  if ('allowed' in asked) return asked;
  const used = await usedIn(context, asked);
  const reasons = reasonsAgainst(asked, used);
  const allowance = allowanceOf(asked, used);
  if (reasons.length === 0) return { allowed: true, allowance };
  return { allowed: false, reasons: atLeastOne(reasons), allowance };
}

export async function allowance(context: Context, request: AllowanceRequest): Promise<Allowance> {
  checkDecision(request);
  const at = context.clock();
  const policy = context.policyAt(at);
  if (request.currency !== undefined && request.currency !== policy.currency) {
    throw invalid('currency', `must be ${policy.currency}`);
  }
  const evidence = await evidenceOf(context, request);
  if (evidence === null) return unknownAllowance(policy);
  const { category, app } = request;
  const base = standing({ at, policy, evidence, category, app, allCategories: true });
  return allowanceOf(base, await usedIn(context, base));
}

/** Finds out who buys what under which rules; a refusal where no one or no amount can be counted. */
function ask(
  context: Context,
  request: DecisionRequest,
  evidence: AgeEvidence | null,
): Question | Refused | Promise<Question | Refused> {
  const at = context.clock();
  const policy = context.policyAt(at);
  if (evidence === null) {
    parseAmount(request.amount, request.currency);
    const reasons = [unverifiedReason(policy)] as const;
    return { allowed: false, reasons, allowance: unknownAllowance(policy) };
  }
  const { category, app } = request;
  const base = standing({ at, policy, evidence, category, app, allCategories: false });
  const asked = question(base, request, context.exchange);
  if (!('length' in asked)) return asked;
  return usedIn(context, base).then((used) => {
    return { allowed: false, reasons: asked, allowance: allowanceOf(base, used) };
  });
}

function commandOf(asked: Question, request: PurchaseRequest, wanted: Wanted): ReserveCommand {
  const { at, policy, range, evidence, rate } = asked;
  return {
    id: request.id,
    request: requestText(wanted),
    subject: evidence.subject,
    amount: asked.facts.amount,
    currency: policy.currency,
    app: request.app ?? null,
    category: asked.category,
    at,
    expiresAt: at + (wanted.holdSeconds ?? HOLD_SECONDS.default) * 1_000,
    onExpiry: wanted.onExpiry ?? 'release',
    basis: basisText({ policy, range, evidence, rate }),
    windows: asked.windows,
  };
}

/** While the store is down, an adult may pass if the policy says so; else the error stands. */
function letPass(
  context: Context,
  asked: Question,
  { command, error }: { readonly command: ReserveCommand; readonly error: unknown },
): ReserveResult {
  const down = SpendcapError.isInstance(error) && error.retryable;
  if (!down || asked.policy.onUnavailable !== 'allow_adults' || !isFree(asked)) throw error;
  const result = context.unrecorded.add(command);
  if (result.outcome === 'held' && !result.replayed) {
    context.events.changed('purchase.unrecorded', result.purchase, { at: command.at });
  }
  return result;
}

/** True for an adult: no age that this person may have is under any rule at all. */
function isFree({ policy, range }: Question): boolean {
  const { limits, forbidden, forbiddenCategories, guardianApproval } = rulesFor(policy, range);
  const rules = limits.length + forbiddenCategories.size;
  return rules === 0 && forbidden === null && guardianApproval === null;
}

interface Held {
  readonly purchase: StoredPurchase;
  readonly replayed: boolean;
  readonly used: readonly number[];
  readonly wanted?: Wanted;
}

function reservation(
  context: Context,
  asked: Question,
  { purchase: stored, replayed, used, wanted }: Held,
): Reservation | Promise<Reservation> {
  if (stored.state === 'released' || stored.state === 'expired') {
    throw new SpendcapError('purchase_ended', `The hold is ${stored.state}: use a new id.`);
  }
  const purchase = toPurchase(stored, wanted);
  const allowance = allowanceOf(asked, used);
  const { permits } = context;
  // A permit is only good for a hold that is still open.
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

/** Refused whatever is used, unless the id was reserved before: then that is the answer again. */
async function refuseUnlessHeld(
  context: Context,
  asked: Question,
  command: ReserveCommand,
): Promise<Reservation | Refused> {
  const { store } = context;
  const { id, at, subject, windows } = command;
  await context.unrecorded.record(id);
  const [found, usage] = await Promise.all([
    store.get({ id, at }),
    store.usage({ subject, windows, at }),
  ]);
  reportExpired(context, [...found.expired, ...usage.expired]);
  const { purchase } = found;
  if (purchase === null) {
    const allowance = allowanceOf(asked, usage.used);
    const reasons = atLeastOne(reasonsAgainst(asked, usage.used));
    return refused(context, id, { allowed: false, reasons, allowance });
  }
  if (purchase.subject !== subject || purchase.request !== command.request) throw conflict();
  return reservation(context, asked, { purchase, replayed: true, used: usage.used });
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

async function usedIn(context: Context, base: Standing): Promise<readonly number[]> {
  const { windows, at, evidence } = base;
  if (windows.length === 0) return [];
  const { used, expired } = await context.store.usage({ subject: evidence.subject, windows, at });
  reportExpired(context, expired);
  return used;
}

/** Holds that a verb found past their time: each is reported once. */
export function reportExpired(context: Context, expired: readonly StoredPurchase[]): void {
  for (const hold of expired) {
    context.events.changed('purchase.expired', hold, { at: hold.expiresAt });
  }
}

export function conflict(): SpendcapError {
  const message = 'This purchase id was used for another purchase.';
  return new SpendcapError('purchase_conflict', message);
}

function atLeastOne(reasons: readonly Reason[]): readonly [Reason, ...Reason[]] {
  const [first, ...rest] = reasons;
  if (first === undefined) throw new Error('a refusal without a reason');
  return [first, ...rest];
}
