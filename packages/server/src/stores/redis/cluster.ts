import type { StoredPurchase } from '@spendcap/core';
import type { RedisReply } from './decode.ts';
import { nameOf, peekCommand, type RedisCommand, type ReserveNumbers } from './encode.ts';
import { CLAIM_SCRIPT, LEDGER_SCRIPT, UNCLAIM_SCRIPT } from './lua/main.ts';
import {
  type Asked,
  coded,
  type LedgerOptions,
  type RedisLedger,
  replyOf,
  scriptArgs,
  toOutcomes,
} from './single.ts';

/** Lists of overdue holds, so that they spread over the nodes. */
const SHARDS = 16;
/** A hold that waits to be settled has no end of its own. */
const SETTLED_BY_MS = 10 * 366 * 86_400_000;

/**
 * The ledger on a cluster, where a purchase id and its subject lie in different slots, so that no script
 * reaches both. An id is claimed for its subject before the one step that holds the allowance, and given
 * back after a refusal. What breaks off between the two leaves an id that stays that subject's, and
 * nothing else. Reconcile holds are listed before they are made, and leave the list when it is next read.
 */
export function redisClusterLedger(options: LedgerOptions): RedisLedger {
  const { calls, prefix } = options;
  const ownerKey = (id: string) => `${prefix}${id}:s`;
  const shardKey = (shard: number) => `${prefix}{overdue-${shard}}`;

  const inSlot = async (command: RedisCommand, deadline: number) => {
    const args = scriptArgs(options, false, [command]);
    const keys = [`${prefix}${command.subject}`] as const;
    const replies = await calls.call({ script: LEDGER_SCRIPT, keys, args, deadline });
    return replyOf(toOutcomes([command], replies as unknown[])[0]);
  };

  const claimKeys = (id: string) => [ownerKey(id), `${prefix}${id}:n`] as const;
  const claim = async ({ id, subject, numbers }: RedisCommand, deadline: number) => {
    const [verb, at, , hold, lifetime] = JSON.parse(`[${numbers}]`) as ReserveNumbers;
    const listed = verb === 'reconcile';
    const args = [subject, String(lifetime + (listed ? SETTLED_BY_MS : 0))];
    const [owner] = await Promise.all([
      calls.call({ script: CLAIM_SCRIPT, keys: claimKeys(id), args, deadline }),
      listed && calls.send(...list(shardKey(shardOf(id)), at + hold, id), deadline),
    ]);
    return owner === subject;
  };

  const reserve = async (command: RedisCommand, deadline: number) => {
    if (!(await claim(command, deadline))) return CONFLICT;
    const keys = claimKeys(command.id);
    const unclaim = { script: UNCLAIM_SCRIPT, keys, args: [], deadline };
    let isThere = true;
    try {
      const reply = await inSlot(command, deadline);
      isThere = reply.outcome !== 'refused';
      return reply;
    } catch (error) {
      isThere = coded(error).code === 'outcome_unknown';
      throw error;
    } finally {
      if (!isThere) await calls.call(unclaim, { confirm: false }).catch(() => undefined);
    }
  };

  const one = async ({ command, deadline }: Asked): Promise<RedisReply> => {
    if (command.record !== '') return reserve(command, deadline);
    if (command.subject !== '') return inSlot(command, deadline);
    const key = ownerKey(command.id);
    await calls.ensure(deadline);
    const owner = await calls.send(key, ['GET', key], deadline);
    return owner === null ? NOT_FOUND : inSlot({ ...command, subject: String(owner) }, deadline);
  };

  return {
    run: (batch) =>
      Promise.all(
        batch.map((asked) =>
          one(asked).then(
            (value) => ({ value }),
            (error: unknown) => ({ error: coded(error) }),
          ),
        ),
      ),
    async overdue(at, limit, deadline) {
      await calls.ensure(deadline);
      const peek = (id: string, owner: string) =>
        inSlot(peekCommand(nameOf(id), owner), deadline).then(({ purchase }) => purchase);
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

/** The holds of one list that are overdue indeed; those that are settled leave it. */
async function readList(key: string, reading: Reading): Promise<readonly StoredPurchase[]> {
  const { at, limit, send, ownerKey, peek } = reading;
  const look = async (id: string) => {
    const owner = await send(ownerKey(id), ['GET', ownerKey(id)]);
    return owner === null ? null : peek(id, String(owner));
  };
  // By id: what others list meanwhile moves the rest, and one may come twice.
  const found = new Map<string, StoredPurchase>();
  for (let offset = 0; found.size < limit; ) {
    const range = ['ZRANGEBYSCORE', key, '-inf', String(at), 'LIMIT', String(offset), '64'];
    const ids = (await send(key, range)) as string[];
    if (ids.length === 0) break;
    const gone: string[] = [];
    for (const [index, purchase] of (await Promise.all(ids.map(look))).entries()) {
      // One that is not there may yet come: it is listed before it is made.
      if (purchase === null) continue;
      // An attempt that was refused may have listed it, and the next have made it of the other kind.
      const isOpen = purchase.state === 'reserved' && purchase.onExpiry === 'reconcile';
      if (!isOpen) gone.push(ids[index] ?? '');
      else if (purchase.expiresAt <= at) found.set(purchase.id, purchase);
    }
    if (gone.length > 0) await send(key, ['ZREM', key, ...gone]);
    offset += ids.length - gone.length;
  }
  return [...found.values()];
}

const NOTHING = { purchase: null, flag: false, used: [], expired: [] };
const CONFLICT: RedisReply = { outcome: 'conflict', ...NOTHING };
const NOT_FOUND: RedisReply = { outcome: 'not_found', ...NOTHING };

/** The earliest instant counts, so that a retry hides nothing. */
const list = (key: string, expiresAt: number, id: string) =>
  [key, ['ZADD', key, 'LT', String(expiresAt), id]] as const;

function shardOf(id: string): number {
  let hash = 0;
  for (let index = 0; index < id.length; index += 1) hash = (hash * 31 + id.charCodeAt(index)) | 0;
  return Math.abs(hash) % SHARDS;
}
