import type { StoredPurchase } from '@spendcap/core';
import type { Outcome } from '../../ledger/group-commit.ts';
import { unsafeTotal } from '../../ledger/store-kit.ts';
import type { PostgresCommand } from './encode.ts';

/** A purchase as `purchase_json` tells it. */
type PurchaseList = readonly [
  id: string,
  request: string,
  subject: string,
  amount: number,
  currency: string,
  app: string | null,
  category: string | null,
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

/** A list is what a fresh hold has used, or what is overdue. */
type Reply =
  | readonly number[]
  | readonly PurchaseList[]
  | { readonly error: 'invalid_amount' }
  | { readonly purchase?: PurchaseList | null; readonly expired: readonly PurchaseList[] };

/** The numbers of the commands as they were sent, from 1, and what is answered to each. */
type Replies = readonly [numbers: readonly number[], replies: readonly Reply[]];

/** How each command came out, from the text that `run` and `read` return. */
export function toOutcomes(
  sent: readonly PostgresCommand[],
  text: string,
): Map<PostgresCommand, Outcome<unknown>> {
  const [numbers, replies] = JSON.parse(text) as Replies;
  const outcomes = new Map<PostgresCommand, Outcome<unknown>>();
  for (const [index, reply] of replies.entries()) {
    const command = sent[(numbers[index] ?? 0) - 1];
    if (command !== undefined) outcomes.set(command, toOutcome(command.verb, reply));
  }
  return outcomes;
}

const NONE: readonly StoredPurchase[] = [];

function toOutcome(verb: string, reply: Reply): Outcome<unknown> {
  if (verb === 'overdue') return { value: (reply as readonly PurchaseList[]).map(toPurchase) };
  if (!('expired' in reply)) {
    if ('error' in reply) return { error: unsafeTotal() };
    return { value: { outcome: 'fresh', used: reply, expired: NONE } };
  }
  const { purchase, expired } = reply;
  const told = purchase ? { purchase: toPurchase(purchase) } : {};
  return { value: { ...reply, ...told, expired: expired.map(toPurchase) } };
}

function toPurchase(list: PurchaseList): StoredPurchase {
  const [id, request, subject, amount, currency, app, category, reservedAt, ...rest] = list;
  const [expiresAt, reconcile, basis, state, committed, refunded, restored, late] = rest;
  const bought = { id, request, subject, amount, currency, app, category };
  const held = { reservedAt, expiresAt, onExpiry: reconcile ? 'reconcile' : 'release' } as const;
  return { ...bought, ...held, basis, state, committed, refunded, restored, late };
}
