import { SpendcapError, type Store } from '@spendcap/core';
import { batcher, type Tell } from '../../ledger/group-commit.ts';
import { fromReply, type ReserveReply } from '../../ledger/reserve-reply.ts';
import { checkWait, checkWhole, lifecycle } from '../../ledger/store-kit.ts';
import { postgresLedger } from './dispatch.ts';
import { type PostgresCommand, type PostgresInputs, postgresCommand } from './encode.ts';
import { lanes } from './ordered-queue.ts';
import type { PostgresPool } from './retry.ts';

export type { PostgresPool } from './retry.ts';

export interface PostgresStoreOptions {
  /** A `Pool` of `pg`, or anything that answers `query` so. It stays the caller's to end. */
  readonly pool: PostgresPool;
  /** The schema of the ledger: a lower-case name. Default `spendcap`. */
  readonly schema?: string;
  /** Calls that share a transaction at most. Default 256. */
  readonly maxBatch?: number;
  /** Calls that may wait for the store; more are refused as `overloaded`. Default 10,000. */
  readonly maxQueue?: number;
  /** How long a call may take in all, its waiting included, in milliseconds. Default 5000. */
  readonly timeoutMs?: number;
}

export interface PostgresStore extends Store {
  /**
   * Makes the schema or brings it up to date; does nothing where it is. Any number of processes may
   * call it at the same time.
   *
   * @throws SpendcapError `store_unavailable` if the schema is newer than this version, or the role
   *   may not make it
   */
  migrate(): Promise<void>;
}

/**
 * A durable ledger in a PostgreSQL database (14 or newer; tested on 14 to 18), for any number of processes.
 * A call is one statement, and calls that wait share it; the limits are kept by the database, so
 * that no process has to know of another. No session state is kept, as a transaction-mode pooler
 * demands.
 *
 * @throws TypeError for wrong options
 */
export function postgresStore(options: PostgresStoreOptions): PostgresStore {
  const { pool, schema = 'spendcap', maxBatch = 256, maxQueue = 10_000 } = options;
  const { timeoutMs = 5_000 } = options;
  if (typeof pool?.query !== 'function') throw new TypeError('pool must be a Pool of pg');
  if (!/^(?!pg_)[a-z_][a-z0-9_]{0,62}$/.test(schema)) {
    const message = 'schema must be a lower-case name of letters, digits and _, not pg_';
    throw new TypeError(message);
  }
  checkWait({ timeoutMs }, 1);
  checkWhole({ maxBatch, maxQueue }, 1);
  const ledger = postgresLedger({ pool, schema, timeoutMs });
  const bounded = boundedBy(timeoutMs);
  // A database that does not answer may not hold up the calls that come after.
  const run = async (commands: readonly PostgresCommand[], tell: Tell<unknown>) => {
    try {
      return await bounded(ledger.run(commands, tell), () => whyLate(commands));
    } catch (error) {
      if (!SpendcapError.isInstance(error)) throw error;
      return commands.map(() => ({ error }));
    }
  };
  const queue = lanes<PostgresCommand, unknown>({ run, maxBatch, maxQueue });
  // Of every subject, and so behind no one's calls.
  const overdueQueue = batcher<PostgresCommand, unknown>({ run, maxBatch, maxQueue });
  const { assertOpen, close } = lifecycle(() => Promise.all([queue.idle(), overdueQueue.idle()]));

  const ask = async (name: string, given: PostgresInputs): Promise<unknown> => {
    assertOpen();
    const command = postgresCommand(name, given);
    const { submit } = name === 'overdue' ? overdueQueue : queue;
    return bounded(submit(command), () => whyLate([command]));
  };
  const verb =
    <C extends PostgresInputs, R>(name: string) =>
    (given: C) =>
      ask(name, given) as Promise<R>;

  return {
    reserve: async (command) => fromReply(command, (await ask('reserve', command)) as ReserveReply),
    commit: verb('commit'),
    release: verb('release'),
    refund: verb('refund'),
    reverseRefund: verb('reverseRefund'),
    get: verb('get'),
    usage: verb('usage'),
    overdue: verb('overdue'),
    ready: async () => {
      assertOpen();
      await bounded(ledger.check(), () => whyLate([]));
    },
    migrate: async () => {
      assertOpen();
      await ledger.migrate();
    },
    close,
  };
}

/** Ends a wait that takes too long. What comes of it later, nobody hears. */
function boundedBy(timeoutMs: number) {
  return <T>(work: Promise<T>, late: () => SpendcapError): Promise<T> =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(late()), timeoutMs);
      const before = <A>(settle: (given: A) => void) => {
        return (given: A): void => {
          clearTimeout(timer);
          settle(given);
        };
      };
      work.then(before(resolve), before(reject));
    });
}

/** A call that was not sent is withdrawn; of one that was, the outcome is unknown. */
function whyLate(commands: readonly PostgresCommand[]): SpendcapError {
  for (const command of commands) command.dropped = !command.sent;
  return commands.some(({ sent }) => sent)
    ? new SpendcapError('outcome_unknown', 'The database did not answer in time. Retry.')
    : new SpendcapError('store_unavailable', 'The database did not answer in time.');
}
