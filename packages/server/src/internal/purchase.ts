import {
  type AgeEvidence,
  type AgeRange,
  exchange,
  formatMoney,
  type Policy,
  type Purchase,
  parseAmount,
  type StoredPurchase,
} from '@spendcap/core';
import type { PurchaseRequest } from '../types.ts';
import { HOLD_SECONDS } from './validate.ts';

/** What a store keeps as `request`: all that makes two calls the same purchase, but the subject. */
interface Asked {
  /** Minor units of `currency`. */
  readonly amount: number;
  readonly currency: string;
  readonly category: string | undefined;
  readonly app: string | undefined;
  readonly product: string | undefined;
  readonly metadata: Readonly<Record<string, string>> | undefined;
  readonly holdSeconds: number;
  readonly onExpiry: 'release' | 'reconcile';
  readonly guardianApproval: string | undefined;
}

/** What a store keeps as `basis`: why the purchase was allowed. No personal data. */
interface Basis {
  readonly policy: string;
  readonly ageRange: readonly [number, number | null];
  readonly evidence: string;
  readonly assurance: string | null;
  /** Units of the cap currency for one unit of the purchase's, where they differ. */
  readonly rate?: string;
}

/** The canonical text of a request: the same purchase always gives the same text. What is absent stays out. */
export function requestText(request: PurchaseRequest): string {
  const asked: Asked = {
    amount: parseAmount(request.amount, request.currency),
    currency: request.currency,
    category: request.category,
    app: request.app,
    product: request.product,
    metadata: sorted(request.metadata),
    holdSeconds: request.expiresInSeconds ?? HOLD_SECONDS.default,
    onExpiry: request.onExpiry ?? 'release',
    guardianApproval: request.guardianApproval,
  };
  return JSON.stringify(asked);
}

function sorted(metadata: PurchaseRequest['metadata']): Asked['metadata'] {
  if (metadata === undefined) return undefined;
  const pairs = Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(pairs);
}

/** Why a purchase is allowed, as text. The same player mostly buys on the same grounds. */
export function basisText(grounds: Grounds): string {
  const { policy, range, evidence, rate } = grounds;
  const last = lastBasis.get(evidence);
  if (last?.policy === policy && last.range.min === range.min && rate === null) {
    if (last.range.maxExclusive === range.maxExclusive) return last.text;
  }
  const basis: Basis = {
    policy: policyName(policy),
    ageRange: [range.min, range.maxExclusive],
    evidence: evidence.kind,
    assurance: evidence.assurance,
    ...(rate === null ? {} : { rate }),
  };
  const text = JSON.stringify(basis);
  if (rate === null) lastBasis.set(evidence, { policy, range, text });
  return text;
}

interface Grounds {
  readonly policy: Policy;
  readonly range: AgeRange;
  readonly evidence: AgeEvidence;
  readonly rate: string | null;
}

const lastBasis = new WeakMap<
  AgeEvidence,
  { readonly policy: Policy; readonly range: AgeRange; readonly text: string }
>();

/** How a policy is named in the ledger, in permits and in events. */
export function policyName({ id, version }: Pick<Policy, 'id' | 'version'>): string {
  return `${id}@${version}`;
}

/** The name of the policy under which a stored purchase was allowed. */
export function policyOf(stored: StoredPurchase): string {
  return (JSON.parse(stored.basis) as Basis).policy;
}

/** A stored purchase as the API shows it. */
export function toPurchase(stored: StoredPurchase): Purchase {
  const asked = JSON.parse(stored.request) as Asked;
  const cap = (minor: number) => formatMoney(minor, stored.currency);
  return {
    id: stored.id,
    state: stored.state,
    amount: formatMoney(asked.amount, asked.currency),
    currency: asked.currency,
    capCurrency: stored.currency,
    held: cap(stored.amount),
    committed: cap(stored.committed),
    refunded: cap(stored.refunded),
    late: stored.late,
    category: stored.category,
    app: stored.app,
    product: asked.product ?? null,
    metadata: asked.metadata ?? {},
    reservedAt: new Date(stored.reservedAt).toISOString(),
    expiresAt: new Date(stored.expiresAt).toISOString(),
  };
}

/**
 * An amount of a later verb in the ledger's minor units, at the rate that was kept with the hold:
 * up for a charge, down for a refund, so that rounding never gives allowance away.
 */
export function laterAmount(
  stored: StoredPurchase,
  amount: string,
  rounding: 'up' | 'down',
): number {
  const { currency } = JSON.parse(stored.request) as Asked;
  const minor = parseAmount(amount, currency);
  const { rate } = JSON.parse(stored.basis) as Basis;
  if (rate === undefined) return minor;
  return exchange(minor, { from: currency, to: stored.currency, rate, rounding });
}
