import {
  assertOptions,
  type OptionNames,
  type ReserveCommand,
  SpendcapError,
  type Store,
} from '@spendcap/core';
import { groupCommit } from '../../ledger/group-commit.ts';
import { fromReply, type ReserveReply } from '../../ledger/reserve-reply.ts';
import { checkWait, checkWhole, lifecycle, repeatable } from '../../ledger/store-kit.ts';
import { type SqliteCommand, sqliteLedger } from './file.ts';
import { sqliteRunner } from './thread.ts';

/** Options of `sqliteStore`. */
export interface SqliteStoreOptions {
  /** The database file, made if it does not exist. `:memory:` keeps it in memory. */
  readonly path: string;
  /** How long to wait for another process's transaction, in milliseconds. Default 2000. */
  readonly busyTimeoutMs?: number;
  /** Calls that share a transaction at most. Default 256. */
  readonly maxBatch?: number;
  /** Calls that may wait for the store; more are rejected as `overloaded`. Default 10,000. */
  readonly maxQueue?: number;
}

const OPTIONS: OptionNames<SqliteStoreOptions> = {
  path: true,
  busyTimeoutMs: true,
  maxBatch: true,
  maxQueue: true,
};

/**
 * A durable ledger in one SQLite file (`node:sqlite`), for one machine. What was answered survives
 * `kill -9` and power loss: write-ahead log, `synchronous=FULL`, one flush for all calls that wait.
 * A thread of its own writes the file, in a bundle the calling thread. Several processes of the
 * machine may share it.
 *
 * @throws SpendcapError `store_misconfigured` if the file cannot be opened or written, is not a
 *   ledger, or was made by a newer version; `store_unavailable` if another process holds it too
 *   long
 * @throws TypeError for other wrong options
 */
export function sqliteStore(options: SqliteStoreOptions): Store {
  assertOptions('sqliteStore', options, OPTIONS);
  const { path, busyTimeoutMs = 2_000, maxBatch = 256, maxQueue = 10_000 } = options;
  if (typeof path !== 'string' || path === '') throw new TypeError('path must name a file');
  checkWait({ busyTimeoutMs }, 0);
  checkWhole({ maxBatch, maxQueue }, 1);
  // On this thread too, so that a wrong file is reported by this call.
  const first = sqliteLedger({ path, busyTimeoutMs });
  first.close();
  const runner = sqliteRunner({ path, busyTimeoutMs, file: first.file });
  const queue = groupCommit<string, unknown>({ ...runner, maxBatch, maxQueue });
  const { assertOpen, close } = lifecycle(async () => {
    await queue.idle();
    await runner.close();
  });

  const verb =
    <C, R>(name: SqliteCommand[0]) =>
    async (command: C): Promise<R> => {
      assertOpen();
      const sent: SqliteCommand = [name, command];
      return (await queue.submit(JSON.stringify(sent))) as R;
    };
  const reserve = verb<ReserveCommand, ReserveReply>('reserve');
  const ready = verb('ready');

  return {
    reserve: async (command) => fromReply(command, await reserve(command)),
    commit: verb('commit'),
    release: verb('release'),
    record: verb('record'),
    attach: verb('attach'),
    refund: verb('refund'),
    reverseRefund: verb('reverseRefund'),
    get: verb('get'),
    usage: verb('usage'),
    overdue: verb('overdue'),
    ready: async () => {
      try {
        await ready(null);
      } catch (error) {
        // Whether it was written does not matter, only that it can be.
        throw SpendcapError.isInstance(error) ? repeatable(error) : error;
      }
    },
    close,
  };
}
