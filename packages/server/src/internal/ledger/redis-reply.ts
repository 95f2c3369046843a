import {
  type CommitCommand,
  type GetResult,
  type RefundCommand,
  type RefundResult,
  type ReserveCommand,
  type ReserveResult,
  type ReverseRefundCommand,
  type SettleResult,
  SpendcapError,
  type StoredPurchase,
  type UsageResult,
  type Window,
} from '@spendcap/core';
import { newPurchase } from './ledger.ts';
import { refused } from './redis-calls.ts';

/** A command as the script takes it: the verb, the instant, the subject if it is known, the rest. */
export type RedisCommand = readonly [
  verb: string,
  at: number,
  subject: string | false,
  ...rest: unknown[],
];

/** `null` is not easily told from nothing in Lua, so it crosses as `false`. */
const orFalse = <T>(value: T | null | undefined): T | false => value ?? false;

const toWindow = ({ selector, start, end, cap }: Window & { readonly cap?: number }) => [
  selector.currency,
  orFalse(selector.app),
  orFalse(selector.categories),
  start,
  end,
  cap,
];

export const commands = {
  reserve: (command: ReserveCommand): RedisCommand => {
    const p = newPurchase(command);
    const fields = [
      ...[p.id, p.request, p.amount, p.currency, orFalse(p.app), orFalse(p.category)],
      ...[p.reservedAt, p.expiresAt, p.onExpiry, p.basis],
      ...[p.state, p.committed, p.refunded, p.restored, p.late],
    ];
    return ['reserve', command.at, command.subject, fields, command.windows.map(toWindow)];
  },
  commit: ({ id, at, amount }: CommitCommand): RedisCommand => [
    ...(['commit', at, false, id] as const),
    orFalse(amount),
  ],
  refund: ({ id, at, refundId, amount, restores }: RefundCommand): RedisCommand => [
    ...(['refund', at, false, id, refundId] as const),
    ...[orFalse(amount), restores],
  ],
  reverseRefund: ({ id, at, refundId }: ReverseRefundCommand): RedisCommand => [
    ...(['reverseRefund', at, false, id] as const),
    refundId,
  ],
  usage: (subject: string, at: number, windows: readonly Window[]): RedisCommand => [
    ...(['usage', at, subject] as const),
    windows.map(toWindow),
  ],
} as const;

type Row = readonly unknown[];

/** What the script answers to a command. */
export interface RedisReply {
  readonly outcome: string;
  readonly purchase: StoredPurchase | null;
  /** `changed`, or for `reserve` `replayed`. */
  readonly flag: boolean;
  readonly used: readonly number[];
  readonly expired: readonly StoredPurchase[];
}

/** @throws SpendcapError `invalid_amount` or `store_unavailable` where the script tells of an error */
export function toReply(raw: unknown): RedisReply {
  const [outcome, purchase, flag, used, expired, subject] = raw as Row;
  if (outcome === 'error') throw refused(String(purchase));
  if (outcome === 'unsafe') {
    throw new SpendcapError('invalid_amount', 'The total would pass the safe integer range.');
  }
  const name = String(subject);
  return {
    outcome: String(outcome),
    purchase: Array.isArray(purchase) ? toPurchase(purchase, name) : null,
    flag: isTrue(flag),
    used: (used as Row).map(Number),
    expired: (expired as Row).map((row) => toPurchase(row as Row, name)),
  };
}

/** Lua's `true` is 1 in RESP 2. */
const isTrue = (value: unknown): boolean => value === 1 || value === true;
const orNull = (value: unknown): string | null => (typeof value === 'string' ? value : null);

function toPurchase(row: Row, subject: string): StoredPurchase {
  return {
    id: String(row[0]),
    request: String(row[1]),
    subject: orNull(row[15]) ?? subject,
    amount: Number(row[2]),
    currency: String(row[3]),
    app: orNull(row[4]),
    category: orNull(row[5]),
    reservedAt: Number(row[6]),
    expiresAt: Number(row[7]),
    onExpiry: row[8] as StoredPurchase['onExpiry'],
    basis: String(row[9]),
    state: row[10] as StoredPurchase['state'],
    committed: Number(row[11]),
    refunded: Number(row[12]),
    restored: Number(row[13]),
    late: isTrue(row[14]),
  };
}

export function toReserved(command: ReserveCommand, reply: RedisReply): ReserveResult {
  const { outcome, purchase, flag, used, expired } = reply;
  if (outcome === 'conflict') return { outcome, expired };
  if (outcome === 'refused') return { outcome, used, expired };
  // A fresh purchase does not cross back: the caller knows it.
  const held = purchase ?? newPurchase(command);
  return { outcome: 'held', purchase: held, replayed: flag, used, expired };
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
