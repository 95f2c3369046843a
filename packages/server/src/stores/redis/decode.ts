import {
  type GetResult,
  type RefundResult,
  type ReserveResult,
  type SettleResult,
  SpendcapError,
  type StoredPurchase,
  type UsageResult,
} from '@spendcap/core';
import { refused } from './call.ts';
import { nameOf } from './encode.ts';

/** What the script answers to a command. */
export interface RedisReply {
  readonly outcome: string;
  readonly purchase: StoredPurchase | null;
  /** `changed`, or for `reserve` `replayed`. */
  readonly flag: boolean;
  readonly used: readonly number[];
  readonly expired: readonly StoredPurchase[];
}

type Row = readonly unknown[];

/** Of a hold that was made at once only the sums are told: there may be none. */
export function toQuickReply(sums: readonly unknown[]): RedisReply {
  return { outcome: 'held', purchase: null, flag: false, used: sums.map(Number), expired: [] };
}

/** @throws SpendcapError `invalid_amount` or `store_unavailable` where the script tells of an error */
export function toReply(row: readonly unknown[]): RedisReply {
  const [outcome, flag, purchase, used, expired] = row;
  if (outcome === 'error') throw refused(String(flag));
  if (outcome === 'unsafe') {
    throw new SpendcapError('invalid_amount', 'The total would pass the safe integer range.');
  }
  return {
    outcome: String(outcome),
    purchase: toPurchase(purchase as Row),
    flag: Number(flag) === 1,
    used: (used as Row).map(Number),
    expired: (expired as Row).flatMap((shown) => toPurchase(shown as Row) ?? []),
  };
}

/** A purchase from its subject, its id and its record; nothing from nothing. */
function toPurchase([subject, id, record]: Row): StoredPurchase | null {
  if (id === undefined) return null;
  const text = String(record);
  const begin = text.startsWith('+') ? text.indexOf('\n') + 1 : 0;
  const [state, committed, refunded, restored, late]: Head =
    begin === 0 ? FRESH : JSON.parse(text.slice(1, begin));
  const end = text.indexOf('\n', begin);
  const [amount, reservedAt, expiresAt, releases, currency, app, category, length]: Body =
    JSON.parse(text.slice(begin, end));
  return {
    id: nameOf(String(id)),
    request: text.slice(end + 1, end + 1 + length),
    subject: nameOf(String(subject)),
    ...{ amount, currency, app, category, reservedAt, expiresAt },
    onExpiry: releases === 1 ? 'release' : 'reconcile',
    basis: text.slice(end + 1 + length),
    ...{ state, committed, refunded, restored, late: late === 1 },
  };
}

/** The lines of a record, see `redis-lua-account.ts`. */
type Head = [StoredPurchase['state'], number, number, number, number, ...unknown[]];
type Body = [
  ...[amount: number, reservedAt: number, expiresAt: number, releases: number, currency: string],
  ...[app: string | null, category: string | null, requestLength: number],
];
const FRESH: Head = ['reserved', 0, 0, 0, 0];

/** `fresh` is what the command was to make: a hold that was made does not cross back. */
export function toReserved(fresh: StoredPurchase, reply: RedisReply): ReserveResult {
  const { outcome, purchase, flag, used, expired } = reply;
  if (outcome === 'conflict') return { outcome, expired };
  if (outcome === 'refused') return { outcome, used, expired };
  if (purchase !== null && purchase.request !== fresh.request) {
    return { outcome: 'conflict', expired };
  }
  return { outcome: 'held', purchase: purchase ?? fresh, replayed: flag, used, expired };
}

/** What the other verbs of one purchase answer. */
export function toSettled<R extends SettleResult | RefundResult>(reply: RedisReply): R {
  const { outcome, purchase, flag, expired } = reply;
  if (outcome === 'not_found') return { outcome, expired } as R;
  if (outcome === 'done') return { outcome, purchase, changed: flag, expired } as R;
  return { outcome, purchase, expired } as R;
}

export const toGot = ({ purchase, expired }: RedisReply): GetResult => ({ purchase, expired });
export const toUsed = ({ used, expired }: RedisReply): UsageResult => ({ used, expired });
