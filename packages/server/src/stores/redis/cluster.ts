import type { StoredPurchase } from '@spendcap/core';
import { decodeReplies, type RedisReply } from './decode.ts';
import { nameOf, peekCommand, type RedisCommand, type ReserveNumbers } from './encode.ts';
import { sentError } from './errors.ts';
import { CLAIM_SCRIPT, UNCLAIM_SCRIPT } from './lua/claim.ts';
import { LEDGER_SCRIPT } from './lua/main.ts';
import {
  type LedgerOptions,
  type QueuedCommand,
  type RedisLedger,
  replyOf,
  scriptArgs,
} from './single.ts';

/** Lists of reconcile holds, so that they are spread over the nodes. */
const SHARDS = 16;
/** How much longer the claim of a reconcile hold lasts, which may be settled late. */
const SETTLED_WITHIN_MS = 10 * 366 * 86_400_000;

/**
 * The ledger on a cluster, where a purchase id and its subject are in different slots, so that no
 * script reaches both. An id is claimed for its subject before the atomic hold, and released after
 * a refusal. A failure between the two leaves the id with that subject, and nothing else. A
 * reconcile hold is listed before it is made, and leaves the list when that is next read.
 */
export function redisClusterLedger(options: LedgerOptions): RedisLedger {
  const { calls, prefix } = options;
  const ownerKey = (id: string) => `${prefix}${id}:s`;
  const shardKey = (shard: number) => `${prefix}{overdue-${shard}}`;

  const evaluateInSlot = async (command: RedisCommand, deadline: number) => {
    const args = scriptArgs(options, false, [command]);
    const keys = [`${prefix}${command.subject}`] as const;
    const replies = await calls.evaluate({ script: LEDGER_SCRIPT, keys, args, deadline });
    return replyOf(decodeReplies([command], replies as unknown[])[0]);
  };

  const claimKeys = (id: string) => [ownerKey(id), `${prefix}${id}:n`] as const;
  const claim = async ({ id, subject, numbers }: RedisCommand, deadline: number) => {
    const [verb, at, , holdMs, lifetimeMs] = JSON.parse(`[${numbers}]`) as ReserveNumbers;
    const listed = verb === 'reconcile';
    const args = [subject, String(lifetimeMs + (listed ? SETTLED_WITHIN_MS : 0))];
    const key = shardKey(shardOf(id));
    const [owner] = await Promise.all([
      calls.evaluate({ script: CLAIM_SCRIPT, keys: claimKeys(id), args, deadline }),
      // The earliest instant counts, so that a retry hides nothing.
      listed && calls.send(key, ['ZADD', key, 'LT', String(at + holdMs), id], deadline),
    ]);
    return owner === subject;
  };

  const reserve = async (command: RedisCommand, deadline: number) => {
    if (!(await claim(command, deadline))) return CONFLICT;
    const keys = claimKeys(command.id);
    const unclaim = { script: UNCLAIM_SCRIPT, keys, args: [], deadline };
    let mayBeHeld = true;
    try {
      const reply = await evaluateInSlot(command, deadline);
      mayBeHeld = reply.outcome !== 'refused';
      return reply;
    } catch (error) {
      mayBeHeld = sentError(error).code === 'outcome_unknown';
      throw error;
    } finally {
      if (!mayBeHeld) await calls.evaluate(unclaim, { confirm: false }).catch(() => undefined);
    }
  };

  const executeOne = async ({ command, deadline }: QueuedCommand): Promise<RedisReply> => {
    if (command.record !== '') return reserve(command, deadline);
    if (command.subject !== '') return evaluateInSlot(command, deadline);
    const key = ownerKey(command.id);
    await calls.ensureReady(deadline);
    const owner = await calls.send(key, ['GET', key], deadline);
    return owner === null
      ? NOT_FOUND
      : evaluateInSlot({ ...command, subject: String(owner) }, deadline);
  };

  return {
    executeBatch: (batch) =>
      Promise.all(
        batch.map((queued) =>
          executeOne(queued).then(
            (value) => ({ value }),
            (error: unknown) => ({ error: sentError(error) }),
          ),
        ),
      ),
    async overdue(at, limit, deadline) {
      await calls.ensureReady(deadline);
      const peek = (id: string, owner: string) =>
        evaluateInSlot(peekCommand(nameOf(id), owner), deadline).then(({ purchase }) => purchase);
      const send = (key: string, args: readonly string[]) => calls.send(key, args, deadline);
      const read = { at, limit, send, ownerKey, peek };
      const lists = Array.from({ length: SHARDS }, (_, shard) => readList(shardKey(shard), read));
      const all = (await Promise.all(lists)).flat();
      return all.sort((a, b) => a.expiresAt - b.expiresAt).slice(0, limit);
    },
  };
}

interface Reading {
  readonly at: number;
  readonly limit: number;
  readonly send: (key: string, args: readonly string[]) => Promise<unknown>;
  readonly ownerKey: (id: string) => string;
  readonly peek: (id: string, owner: string) => Promise<StoredPurchase | null>;
}

/** The overdue holds of one list, which settled ones leave. */
async function readList(key: string, reading: Reading): Promise<readonly StoredPurchase[]> {
  const { at, limit, send, ownerKey, peek } = reading;
  const purchaseOf = async (id: string) => {
    const owner = await send(ownerKey(id), ['GET', ownerKey(id)]);
    return owner === null ? null : peek(id, String(owner));
  };
  // By id: an entry that is added meanwhile moves the rest, so one may be read twice.
  const found = new Map<string, StoredPurchase>();
  for (let offset = 0; found.size < limit; ) {
    const range = ['ZRANGEBYSCORE', key, '-inf', String(at), 'LIMIT', String(offset), '64'];
    const ids = (await send(key, range)) as string[];
    if (ids.length === 0) break;
    const gone: string[] = [];
    for (const [index, purchase] of (await Promise.all(ids.map(purchaseOf))).entries()) {
      // A hold is listed before it is made, so it may still be made.
      if (purchase === null) continue;
      // A refused attempt may have listed it, and the next one may have made a hold of the other
      // kind.
      const isOpen = purchase.state === 'reserved' && purchase.onExpiry === 'reconcile';
      if (!isOpen) gone.push(ids[index] ?? '');
      else if (purchase.expiresAt <= at) found.set(purchase.id, purchase);
    }
    if (gone.length > 0) await send(key, ['ZREM', key, ...gone]);
    offset += ids.length - gone.length;
  }
  return [...found.values()];
}

const NOTHING = { purchase: null, used: [], expired: [] };
const CONFLICT: RedisReply = { outcome: 'conflict', ...NOTHING };
const NOT_FOUND: RedisReply = { outcome: 'not_found', ...NOTHING };

function shardOf(id: string): number {
  let hash = 0;
  for (let index = 0; index < id.length; index += 1) hash = (hash * 31 + id.charCodeAt(index)) | 0;
  return Math.abs(hash) % SHARDS;
}
