import type { StoredPurchase } from '@spendcap/core';
import type { Outcome } from '../../ledger/group-commit.ts';
import { unsafeTotal } from '../../ledger/store-kit.ts';
import type { PostgresCommand } from './encode.ts';

/** A purchase as `purchase_json` returns it. */
type PurchaseRow = readonly [
  id: string,
  request: string,
  subject: string,
  amount: number,
  currency: string,
  app: string | null,
  category: string | null,
  processor: string | null,
  processorRef: string | null,
  reservedAt: number,
  expiresAt: number,
  reconcile: boolean,
  basis: string,
  state: StoredPurchase['state'],
  committed: number,
  refunded: number,
  restored: number,
  late: boolean,
];

/** A list is the usage after a new hold, or the overdue holds. */
type Reply =
  | readonly number[]
  | readonly PurchaseRow[]
  | { readonly error: 'invalid_amount' }
  | { readonly purchase?: PurchaseRow | null; readonly expired: readonly PurchaseRow[] };

/** The numbers of the commands as they were sent, from 1, and the reply to each. */
type Replies = readonly [numbers: readonly number[], replies: readonly Reply[]];

/** How commands came out, from the text that `apply_batch` and `read_batch` return. */
export function toOutcomes<C extends PostgresCommand>(
  sent: readonly C[],
  text: string,
): Map<C, Outcome<unknown>> {
  const [numbers, replies] = JSON.parse(text) as Replies;
  const outcomes = new Map<C, Outcome<unknown>>();
  for (const [index, reply] of replies.entries()) {
    const command = sent[(numbers[index] ?? 0) - 1];
    if (command !== undefined) outcomes.set(command, toOutcome(command.verb, reply));
  }
  return outcomes;
}

const NONE: readonly StoredPurchase[] = [];

function toOutcome(verb: string, reply: Reply): Outcome<unknown> {
  if (verb === 'overdue') return { value: (reply as readonly PurchaseRow[]).map(toPurchase) };
  if (!('expired' in reply)) {
    if ('error' in reply) return { error: unsafeTotal() };
    return { value: { outcome: 'fresh', used: reply, expired: NONE } };
  }
  const { purchase, expired } = reply;
  const found = purchase ? { purchase: toPurchase(purchase) } : {};
  return { value: { ...reply, ...found, expired: expired.map(toPurchase) } };
}

function toPurchase(row: PurchaseRow): StoredPurchase {
  const [id, request, subject, amount, currency, app, category, processor, ...rest] = row;
  const [processorRef, reservedAt, expiresAt, reconcile, basis, state, ...sums] = rest;
  const [committed, refunded, restored, late] = sums;
  const bought = { id, request, subject, amount, currency, app, category, processor, processorRef };
  const held = { reservedAt, expiresAt, onExpiry: reconcile ? 'reconcile' : 'release' } as const;
  return { ...bought, ...held, basis, state, committed, refunded, restored, late };
}
