import { assertOptions, type OptionNames, type Store } from '@spendcap/core';
import { fromReply, type ReserveReply } from '../../ledger/reserve-reply.ts';
import { checkWait, checkWhole, lifecycle } from '../../ledger/store-kit.ts';
import type { PostgresPool } from './connection.ts';
import { dispatcher } from './dispatch.ts';
import { type PostgresInputs, postgresCommand } from './encode.ts';

export type { PostgresClient, PostgresPool } from './connection.ts';

/** Options of `postgresStore`. */
export interface PostgresStoreOptions {
  /** A `Pool` of `pg`, or anything whose `connect` works like its. The caller ends it. */
  readonly pool: PostgresPool;
  /** The schema of the ledger: a lower-case name. Default `spendcap`. */
  readonly schema?: string;
  /** Calls that share a transaction at most. Default 256. */
  readonly maxBatch?: number;
  /** Calls that may wait for the store; more are rejected as `overloaded`. Default 10,000. */
  readonly maxQueue?: number;
  /** How long a call may take in all, its waiting included, in milliseconds. Default 5000. */
  readonly timeoutMs?: number;
}

export interface PostgresStore extends Store {
  /**
   * Makes the schema or brings it up to date; does nothing if it is. Any number of processes may
   * call it at the same time.
   *
   * @throws SpendcapError `store_misconfigured` if the schema is newer than this version, or the
   *   role lacks a privilege
   */
  migrate(): Promise<void>;
}

const POSTGRES_STORE_OPTIONS: OptionNames<PostgresStoreOptions> = {
  pool: true,
  schema: true,
  maxBatch: true,
  maxQueue: true,
  timeoutMs: true,
};

/**
 * A durable ledger in a PostgreSQL database (14 or newer; tested on 14 to 18), for any number of
 * processes. Calls that wait share one statement; the database itself enforces the limits, so that
 * no process has to know of another. No session state is kept, as a transaction-mode pooler
 * demands.
 *
 * @throws TypeError for wrong options
 */
export function postgresStore(options: PostgresStoreOptions): PostgresStore {
  assertOptions('postgresStore', options, POSTGRES_STORE_OPTIONS);
  const { pool, schema = 'spendcap', maxBatch = 256, maxQueue = 10_000 } = options;
  const { timeoutMs = 5_000 } = options;
  if (typeof pool?.connect !== 'function') throw new TypeError('pool must be a Pool of pg');
  if (!/^(?!pg_)[a-z_][a-z0-9_]{0,62}$/.test(schema)) {
    const message = 'schema must be a lower-case name of letters, digits and _, not pg_';
    throw new TypeError(message);
  }
  checkWait({ timeoutMs }, 1);
  checkWhole({ maxBatch, maxQueue }, 1);
  // Without a listener, an idle connection that breaks would end the process.
  if (pool.listenerCount?.('error') === 0) pool.on?.('error', () => undefined);
  const { submit, check, migrate, idle } = dispatcher({
    ...{ pool, schema, timeoutMs, maxBatch, maxQueue },
  });
  const { assertOpen, close } = lifecycle(idle);

  const verb =
    <C extends PostgresInputs, R>(name: string) =>
    async (inputs: C): Promise<R> => {
      assertOpen();
      return (await submit(postgresCommand(name, inputs))) as R;
    };
  const reserve = verb<PostgresInputs, ReserveReply>('reserve');

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
      assertOpen();
      await check();
    },
    migrate: async () => {
      assertOpen();
      await migrate();
    },
    close,
  };
}
