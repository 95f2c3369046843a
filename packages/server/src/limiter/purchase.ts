import {
  type AgeEvidence,
  type AgeRange,
  type Assurance,
  exchange,
  formatMoney,
  isoText,
  type Policy,
  type Purchase,
  parseAmount,
  parseJson,
  type StoredPurchase,
} from '@spendcap/core';
import type { PermittedHold, PurchaseRequest, RecordRequest } from './types.ts';
import { HOLD_SECONDS } from './validate.ts';

/** What a store keeps as `request`: with the subject, the identity of a purchase in a retry. */
export interface Wanted {
  /** Minor units of `currency`. */
  readonly amount: number;
  readonly currency: string;
  readonly category: string | undefined;
  readonly app: string | undefined;
  readonly product: string | undefined;
  readonly metadata: Readonly<Record<string, string>> | undefined;
  /** Undefined for the default, as is `onExpiry`, to save space in the ledger. */
  readonly holdSeconds: number | undefined;
  readonly onExpiry: 'reconcile' | undefined;
  readonly guardianApproval: string | undefined;
  /** Compared in a retry: at another processor it would be a second charge under one hold. */
  readonly processor: string | undefined;
  readonly processorRef: string | undefined;
}

/** What a store keeps as `basis`: why the purchase was allowed. No personal data. */
interface Basis {
  readonly policy: string;
  readonly ageRange: readonly [number, number | null];
  readonly evidence: string;
  readonly assurance: Assurance;
  /** Units of the cap currency for one unit of the purchase's, where they differ. */
  readonly rate?: string;
}

/**
 * The canonical form of a request: equal purchases give equal text, and absent fields are omitted.
 *
 * @param amount its price, in minor units of its currency
 */
export function wantedOf(request: PurchaseRequest | RecordRequest, amount: number): Wanted {
  const { expiresInSeconds, onExpiry, guardianApproval }: Partial<PurchaseRequest> = request;
  return {
    amount,
    currency: request.currency,
    category: request.category,
    app: request.app,
    product: request.product,
    metadata: sorted(request.metadata),
    holdSeconds: expiresInSeconds === HOLD_SECONDS.default ? undefined : expiresInSeconds,
    onExpiry: onExpiry === 'reconcile' ? onExpiry : undefined,
    guardianApproval,
    processor: request.processor,
    processorRef: request.processorRef,
  };
}

/** The request as ledger text. Requests with only an amount are common, so their text is cached. */
export function requestText(wanted: Wanted): string {
  const { amount, currency } = wanted;
  const amountOnly =
    wanted.category === undefined &&
    wanted.app === undefined &&
    wanted.product === undefined &&
    wanted.metadata === undefined &&
    wanted.holdSeconds === undefined &&
    wanted.onExpiry === undefined &&
    wanted.guardianApproval === undefined &&
    wanted.processor === undefined &&
    wanted.processorRef === undefined;
  if (!amountOnly) return JSON.stringify(wanted);
  const last = amountOnlyTexts.get(amount);
  if (last?.currency === currency) return last.text;
  const text = JSON.stringify(wanted);
  if (amountOnlyTexts.size >= MAX_TEXTS) amountOnlyTexts.clear();
  amountOnlyTexts.set(amount, { currency, text });
  return text;
}

const MAX_TEXTS = 256;
const amountOnlyTexts = new Map<number, { readonly currency: string; readonly text: string }>();

function sorted(metadata: PurchaseRequest['metadata']): Wanted['metadata'] {
  // `toPurchase` returns both as `{}`, so they are the same purchase.
  if (metadata === undefined || Object.keys(metadata).length === 0) return undefined;
  const pairs = Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(pairs);
}

export interface Grounds {
  readonly policy: Policy;
  readonly range: AgeRange;
  readonly evidence: Pick<AgeEvidence, 'kind' | 'assurance'>;
  readonly rate: string | null;
}

/** The stored `basis` text: why a purchase was allowed. */
export function basisText({ policy, range, evidence, rate }: Grounds): string {
  const { kind, assurance } = evidence;
  const key = range.min * 1_000 + (range.maxExclusive ?? 0);
  const last = rate === null ? bases.get(key) : undefined;
  if (last?.policy === policy && last.kind === kind && last.assurance === assurance) {
    return last.text;
  }
  const basis: Basis = {
    policy: policyName(policy),
    ageRange: [range.min, range.maxExclusive],
    evidence: kind,
    assurance,
    ...(rate === null ? {} : { rate }),
  };
  const text = JSON.stringify(basis);
  if (rate === null) bases.set(key, { policy, kind, assurance, text });
  return text;
}

/** The last text for each age range: it is the same for most players of one age. */
const bases = new Map<
  number,
  Pick<AgeEvidence, 'kind' | 'assurance'> & { readonly policy: Policy; readonly text: string }
>();

/** The age and evidence of an earlier purchase, for a charge without any of its own. */
export function groundsOf({ basis }: StoredPurchase): Pick<Grounds, 'range' | 'evidence'> {
  const { ageRange, evidence: kind, assurance } = JSON.parse(basis) as Basis;
  const [min, maxExclusive] = ageRange;
  return { range: { min, maxExclusive }, evidence: { kind, assurance } };
}

/** The name of a policy in the ledger, in permits and in events. */
export function policyName({ id, version }: Pick<Policy, 'id' | 'version'>): string {
  return `${id}@${version}`;
}

/** The name of the policy under which a stored purchase was allowed. */
export function policyOf(stored: StoredPurchase): string {
  return (JSON.parse(stored.basis) as Basis).policy;
}

/** A stored purchase as the API returns it. Pass `wanted` to save parsing it again. */
export function toPurchase(
  stored: StoredPurchase,
  wanted = parseJson(stored.request) as Wanted,
): Purchase {
  const { currency: capCurrency } = stored;
  return {
    id: stored.id,
    state: stored.state,
    amount: formatMoney(wanted.amount, wanted.currency),
    currency: wanted.currency,
    capCurrency,
    held: formatMoney(stored.amount, capCurrency),
    committed: formatMoney(stored.committed, capCurrency),
    refunded: formatMoney(stored.refunded, capCurrency),
    late: stored.late,
    category: stored.category,
    app: stored.app,
    product: wanted.product ?? null,
    metadata: wanted.metadata ?? {},
    processor: stored.processor,
    processorRef: stored.processorRef,
    reservedAt: isoText(stored.reservedAt),
    expiresAt: isoText(stored.expiresAt),
  };
}

/** The part of a hold that a permit carries: nothing long, nothing about the guardian. */
export function permittedHold(
  stored: StoredPurchase,
  wanted = parseJson(stored.request) as Wanted,
): PermittedHold {
  const { subject, amount, currency, app, category, reservedAt: at, expiresAt, basis } = stored;
  const { processor, processorRef } = stored;
  const { product: _product, metadata: _metadata, guardianApproval: _approval, ...kept } = wanted;
  const request = JSON.stringify(kept);
  return {
    ...{ subject, amount, currency, app, category, at, expiresAt, basis, request },
    ...(processor === null ? {} : { processor }),
    ...(processorRef === null ? {} : { processorRef }),
  };
}

/**
 * The amount of a commit or refund in the ledger's minor units, at the rate stored with the hold:
 * rounded up for a charge, down for a refund, so that rounding never adds allowance.
 */
export function laterAmount(
  stored: StoredPurchase,
  amount: string,
  rounding: 'up' | 'down',
): number {
  const { amount: price, currency } = parseJson(stored.request) as Wanted;
  const minor = parseAmount(amount, currency);
  // A full refund returns the full hold, including its rounding.
  if (minor === price) return stored.amount;
  const { rate } = JSON.parse(stored.basis) as Basis;
  if (rate === undefined) return minor;
  return exchange(minor, { from: currency, to: stored.currency, rate, rounding });
}
