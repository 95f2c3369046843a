import type {
  AttachResult,
  GetResult,
  RecordResult,
  RefundResult,
  ReserveCommand,
  ReserveResult,
  SettleResult,
  StoredPurchase,
  UsageResult,
} from '@spendcap/core';
import type { Outcome } from '../../ledger/group-commit.ts';
import { fromReply } from '../../ledger/reserve-reply.ts';
import { unsafeTotal } from '../../ledger/store-kit.ts';
import { nameOf, type RedisCommand } from './encode.ts';
import { refusal, sentError } from './errors.ts';

/** What the script replies to a command, see `lua/main.ts`. */
export interface RedisReply {
  readonly outcome: string;
  /** `null` if there is none, and for `fresh`, because the caller has it. */
  readonly purchase: StoredPurchase | null;
  readonly used: readonly number[];
  readonly expired: readonly StoredPurchase[];
}

/**
 * The outcome of each command of a call, from the flat list that the script replies.
 *
 * @throws Error if the list does not fit the commands, so that no reply reaches another's caller
 */
export function decodeReplies(
  commands: readonly RedisCommand[],
  flat: readonly unknown[],
): readonly Outcome<RedisReply>[] {
  let next = 0;
  const outcomes = commands.map((command): Outcome<RedisReply> => {
    const item = flat[next];
    if (Array.isArray(item)) {
      next += 1;
      return decodeList(item);
    }
    const items = flat.slice(next, next + command.fastItems);
    next += command.fastItems;
    return { value: command.record === '' ? fastCommit(command, items) : fastReserve(items) };
  });
  if (next !== flat.length) throw new Error('The replies do not fit the commands.');
  return outcomes;
}

function fastReserve(used: readonly unknown[]): RedisReply {
  return { outcome: 'fresh', purchase: null, used: used.map(Number), expired: [] };
}

function fastCommit({ id }: RedisCommand, [subject, record]: readonly unknown[]): RedisReply {
  const held = toPurchase(String(subject), id, String(record));
  const purchase: StoredPurchase = { ...held, state: 'committed', committed: held.amount };
  return { outcome: 'changed', purchase, used: [], expired: [] };
}

type List = readonly unknown[];

function decodeList(list: List): Outcome<RedisReply> {
  const [outcome, purchase, used, expired] = list;
  if (outcome === 'error') return { error: refusal(String(purchase)) };
  if (outcome === 'unsafe') return { error: unsafeTotal() };
  try {
    return {
      value: {
        outcome: String(outcome),
        purchase: shownPurchase(purchase as List),
        used: (used as List).map(Number),
        expired: (expired as List).flatMap((shown) => shownPurchase(shown as List) ?? []),
      },
    };
  } catch (error) {
    return { error: sentError(error) };
  }
}

function shownPurchase([subject, id, record]: List): StoredPurchase | null {
  return id === undefined ? null : toPurchase(String(subject), String(id), String(record));
}

/** The lines of a record, see `lua/main.ts`. */
type Head = [StoredPurchase['state'], number, number, number, number, ...unknown[]];
type Body = [
  ...[amount: number, reservedAt: number, expiresAt: number, releases: number, currency: string],
  ...[app: string | null, category: string | null, requestLength: number],
  ...[processor?: string | null, processorRef?: string | null],
];
const FRESH: Head = ['reserved', 0, 0, 0, 0];

/** A purchase by its subject and id, both as hash tags, and its record. */
export function toPurchase(subject: string, id: string, record: string): StoredPurchase {
  const begin = record.startsWith('+') ? record.indexOf('\n') + 1 : 0;
  const head: Head = begin === 0 ? FRESH : JSON.parse(record.slice(1, begin));
  const [state, committed, refunded, restored, late] = head;
  const end = record.indexOf('\n', begin);
  const body: Body = JSON.parse(record.slice(begin, end));
  const [amount, reservedAt, expiresAt, releases, currency, app, category, ...rest] = body;
  const [requestLength, processor = null, processorRef = null] = rest;
  return {
    id: nameOf(id),
    request: record.slice(end + 1, end + 1 + requestLength),
    subject: nameOf(subject),
    amount,
    currency,
    app,
    category,
    processor,
    processorRef,
    reservedAt,
    expiresAt,
    onExpiry: releases === 1 ? 'release' : 'reconcile',
    basis: record.slice(end + 1 + requestLength),
    state,
    committed,
    refunded,
    restored,
    late: late === 1,
  };
}

export function toReserveResult(command: ReserveCommand, reply: RedisReply): ReserveResult {
  const { outcome, purchase, used, expired } = reply;
  if (outcome === 'fresh') return fromReply(command, { outcome, used, expired });
  if (outcome === 'refused') return { outcome, used, expired };
  if (purchase === null || purchase.request !== command.request) {
    return { outcome: 'conflict', expired };
  }
  return { outcome: 'held', purchase, replayed: true, used, expired };
}

/** The result of a verb on one purchase. */
export function toSettleResult<R extends SettleResult | RecordResult | AttachResult | RefundResult>(
  reply: RedisReply,
): R {
  const { outcome, purchase, expired } = reply;
  if (outcome === 'changed' || outcome === 'unchanged') {
    return { outcome: 'done', purchase, changed: outcome === 'changed', expired } as R;
  }
  return (purchase === null ? { outcome, expired } : { outcome, purchase, expired }) as R;
}

export function toGetResult({ purchase, expired }: RedisReply): GetResult {
  return { purchase, expired };
}

export function toUsageResult({ used, expired }: RedisReply): UsageResult {
  return { used, expired };
}
