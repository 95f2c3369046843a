import {
  type AttachResult,
  assertOptions,
  type OptionNames,
  type RecordResult,
  type RefundResult,
  type SettleResult,
  type Store,
} from '@spendcap/core';
import { groupCommit } from '../../ledger/group-commit.ts';
import { checkWait, checkWhole, lifecycle } from '../../ledger/store-kit.ts';
import { redisCalls } from './call.ts';
import { connectionOf, type RedisClient } from './clients.ts';
import { redisClusterLedger } from './cluster.ts';
import {
  type RedisReply,
  toGetResult,
  toReserveResult,
  toSettleResult,
  toUsageResult,
} from './decode.ts';
import {
  attachCommand,
  commitCommand,
  getCommand,
  type RedisCommand,
  recordCommand,
  refundCommand,
  releaseCommand,
  reserveCommand,
  reverseRefundCommand,
  usageCommand,
} from './encode.ts';
import { type QueuedCommand, redisLedger } from './single.ts';

export type { RedisClient } from './clients.ts';

/** Options of `redisStore`. */
export interface RedisStoreOptions {
  /**
   * A client of `ioredis` (`Redis`, `Cluster`) or of `redis` (`createClient`, `createCluster`). The
   * caller connects it, and closes it after the store.
   */
  readonly client: RedisClient;
  /** The beginning of every key, without braces. Default `spendcap:`. */
  readonly prefix?: string;
  /**
   * Replicas that must confirm a write before the call resolves (`WAIT`). With fewer the call is
   * `outcome_unknown`. Default 0. On a cluster with ioredis only.
   */
  readonly minReplicas?: number;
  /** The longest time of a call, waiting included, in milliseconds. Default 2000. */
  readonly timeoutMs?: number;
  /** The most calls per script. Default 32: Redis does nothing else meanwhile. */
  readonly maxBatch?: number;
  /** The most calls that may wait for the store; more are `overloaded`. Default 10,000. */
  readonly maxQueue?: number;
  /**
   * How long a purchase is kept at least after its hold would have expired and after it last
   * changed, in milliseconds. Default 400 days, so that a yearly limit which is added later counts
   * it. A purchase that an open window counts is kept until that window ends.
   */
  readonly keepMs?: number;
}

/** Scripts that may be under way at the same time, so that neither side waits for the other. */
const MAX_IN_FLIGHT = 8;
const DAY_MS = 86_400_000;

const REDIS_STORE_OPTIONS: OptionNames<RedisStoreOptions> = {
  client: true,
  prefix: true,
  minReplicas: true,
  timeoutMs: true,
  maxBatch: true,
  maxQueue: true,
  keepMs: true,
};

/**
 * A ledger in Redis 7 or newer, or Valkey, for any number of processes. On one server each verb is
 * one script, and calls of one turn of the event loop share it; on a cluster a verb takes two round
 * trips. What survives a crash depends on how Redis is set up: see docs/redis.md.
 *
 * The first call and `ready()` reject with `store_misconfigured` if the server may evict keys, is
 * too old, lacks a right, or does not fit the client.
 *
 * @throws TypeError for wrong options
 * @example
 * ```ts
 * import { redisStore } from '@spendcap/server/stores/redis';
 * import { Redis } from 'ioredis';
 * const store = redisStore({ client: new Redis('redis://127.0.0.1:6379') });
 * ```
 */
export function redisStore(options: RedisStoreOptions): Store {
  assertOptions('redisStore', options, REDIS_STORE_OPTIONS);
  const { client, prefix = 'spendcap:', minReplicas = 0, timeoutMs = 2_000 } = options;
  const { maxBatch = 32, maxQueue = 10_000, keepMs = 400 * DAY_MS } = options;
  checkWait({ timeoutMs }, 1);
  checkWhole({ minReplicas }, 0);
  checkWhole({ maxBatch, maxQueue, keepMs }, 1);
  if (typeof prefix !== 'string' || /[{}]/.test(prefix)) {
    throw new TypeError('prefix must be text without braces');
  }
  const connection = connectionOf(client);
  if (connection.sendTogether === null && minReplicas > 0) {
    throw new TypeError('minReplicas on a cluster needs a Cluster of ioredis');
  }
  const calls = redisCalls(connection, { prefix, minReplicas });
  const ledger = (connection.cluster ? redisClusterLedger : redisLedger)({ calls, prefix, keepMs });
  const queue = groupCommit<QueuedCommand, RedisReply>({
    runBatch: ledger.executeBatch,
    oneTickApart: connection.writesLater,
    maxBatch,
    maxInFlight: MAX_IN_FLIGHT,
    maxQueue,
  });
  const { assertOpen, close } = lifecycle(async () => {
    await queue.idle();
    calls.close();
  });
  const deadline = (): number => {
    assertOpen();
    return performance.now() + timeoutMs;
  };
  const submit = (command: RedisCommand) => queue.submit({ command, deadline: deadline() });

  return {
    reserve: async (command) =>
      toReserveResult(command, await submit(reserveCommand(command, keepMs))),
    commit: async (command) => toSettleResult<SettleResult>(await submit(commitCommand(command))),
    release: async ({ id, at }) =>
      toSettleResult<SettleResult>(await submit(releaseCommand(id, at))),
    record: async (command) =>
      toSettleResult<RecordResult>(await submit(recordCommand(command, keepMs))),
    attach: async (command) => toSettleResult<AttachResult>(await submit(attachCommand(command))),
    refund: async (command) => toSettleResult<RefundResult>(await submit(refundCommand(command))),
    reverseRefund: async (command) =>
      toSettleResult<RefundResult>(await submit(reverseRefundCommand(command))),
    get: async ({ id, at }) => toGetResult(await submit(getCommand(id, at))),
    usage: async (command) => toUsageResult(await submit(usageCommand(command))),
    overdue: async (command) => ledger.overdue(command, deadline()),
    ready: async () => calls.checkReady(deadline()),
    close,
  };
}
