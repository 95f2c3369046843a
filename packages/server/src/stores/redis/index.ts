import { type RefundResult, type SettleResult, SpendcapError, type Store } from '@spendcap/core';
import { groupCommit } from '../../ledger/group-commit.ts';
import { newPurchase } from '../../ledger/ledger.ts';
import { redisCalls } from './call.ts';
import { connectionOf, type RedisClient } from './clients.ts';
import { redisClusterLedger } from './cluster.ts';
import { type RedisReply, toGot, toReserved, toSettled, toUsed } from './decode.ts';
import {
  commitCommand,
  getCommand,
  type RedisCommand,
  refundCommand,
  releaseCommand,
  reserveCommand,
  reverseRefundCommand,
  usageCommand,
} from './encode.ts';
import { type Asked, redisLedger } from './single.ts';

export type { RedisClient } from './clients.ts';

/** Options of `redisStore`. */
export interface RedisStoreOptions {
  /**
   * A client of `ioredis` (`Redis`, `Cluster`) or of `redis` (`createClient`, `createCluster`), connected
   * by the caller, who also closes it after the store.
   */
  readonly client: RedisClient;
  /** What every key begins with. Default `spendcap:`. */
  readonly prefix?: string;
  /**
   * Replicas that must have a write before it is answered (`WAIT`). Default 0. With fewer the call
   * is `outcome_unknown`. On a cluster with ioredis only.
   */
  readonly minReplicas?: number;
  /** How long a call may take in all, in milliseconds. Default 2000. */
  readonly timeoutMs?: number;
  /** Calls that share a trip at most. Default 32: Redis does nothing else meanwhile. */
  readonly maxBatch?: number;
  /** Calls that may wait for the store; more are refused as `overloaded`. Default 10,000. */
  readonly maxQueue?: number;
  /**
   * How long a purchase is kept at least after its hold would have ended and after it last changed, in
   * milliseconds. Default 400 days, so that a limit of a year which is added later counts it. What
   * an open window counts stays until that window ends, whatever this says.
   */
  readonly keepMs?: number;
}

/** Trips that may be under way at once, so that neither side waits for the other. */
const MAX_IN_FLIGHT = 8;
const DAY_MS = 86_400_000;

/**
 * A ledger in Redis 7 or newer, or Valkey, for any number of processes. A verb is one script that nothing
 * can interrupt, and the calls of one turn of the event loop share a trip; on a cluster a verb is
 * two trips. What survives a crash is what Redis is set to keep: see docs/redis.md.
 *
 * Its first call, and `ready()`, reject with `store_misconfigured` if the server may evict keys, is too
 * old, or is a cluster where the client is none.
 *
 * @throws TypeError for wrong options
 */
export function redisStore(options: RedisStoreOptions): Store {
  const { client, prefix = 'spendcap:', minReplicas = 0, timeoutMs = 2_000 } = options;
  const { maxBatch = 32, maxQueue = 10_000, keepMs = 400 * DAY_MS } = options;
  checkWhole({ minReplicas }, 0);
  checkWhole({ timeoutMs, maxBatch, maxQueue, keepMs }, 1);
  if (typeof prefix !== 'string' || /[{}]/.test(prefix)) {
    throw new TypeError('prefix must be text without braces');
  }
  const connection = connectionOf(client);
  if (connection.sendTogether === null && minReplicas > 0) {
    throw new TypeError('minReplicas on a cluster needs a Cluster of ioredis');
  }
  const calls = redisCalls(connection, { minReplicas });
  const ledger = (connection.cluster ? redisClusterLedger : redisLedger)({ calls, prefix, keepMs });
  const queue = groupCommit<Asked, RedisReply>({
    runBatch: ledger.run,
    oneTickApart: connection.writesLater,
    maxBatch,
    maxInFlight: MAX_IN_FLIGHT,
    maxQueue,
  });
  let closed = false;
  const beforeDeadline = (): number => {
    if (closed) throw new SpendcapError('store_unavailable', 'The store is closed.');
    return performance.now() + timeoutMs;
  };
  const ask = (command: RedisCommand) => queue.submit({ command, deadline: beforeDeadline() });

  return {
    reserve: async (command) => {
      const fresh = newPurchase(command);
      return toReserved(fresh, await ask(reserveCommand(command, fresh, keepMs)));
    },
    commit: async (command) => toSettled<SettleResult>(await ask(commitCommand(command))),
    release: async ({ id, at }) => toSettled<SettleResult>(await ask(releaseCommand(id, at))),
    refund: async (command) => toSettled<RefundResult>(await ask(refundCommand(command))),
    reverseRefund: async (command) =>
      toSettled<RefundResult>(await ask(reverseRefundCommand(command))),
    get: async ({ id, at }) => toGot(await ask(getCommand(id, at))),
    usage: async ({ subject, at, windows }) =>
      toUsed(await ask(usageCommand(subject, at, windows))),
    overdue: async ({ at, limit }) => ledger.overdue(at, limit, beforeDeadline()),
    ready: async () => calls.check(beforeDeadline()),
    close: async () => {
      closed = true;
      await queue.idle();
    },
  };
}

function checkWhole(values: Readonly<Record<string, number>>, min: number): void {
  for (const [name, value] of Object.entries(values)) {
    if (Number.isSafeInteger(value) && value >= min) continue;
    throw new TypeError(`${name} must be a whole number from ${min}`);
  }
}
