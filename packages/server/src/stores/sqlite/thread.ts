import { existsSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { SpendcapError } from '@spendcap/core';
import type { Outcome } from '../../ledger/group-commit.ts';
import { isolateDataErrors, unavailable } from '../../ledger/store-kit.ts';
import { reopeningLedger, THREAD_IS_UP } from './batches.ts';
import type { PlainError, SqliteFailure, SqliteFile, SqliteReply } from './file.ts';

type Reply = readonly SqliteReply[] | SqliteFailure;

/** Runs batches on a SQLite file. Commands come as the JSON of a `SqliteCommand`. */
export interface SqliteRunner {
  /** Receives the first commands of the next batch. Never throws. */
  readonly prepare?: (commands: readonly string[]) => void;
  /** Never rejects. */
  readonly runBatch: (commands: readonly string[]) => Promise<readonly Outcome<unknown>[]>;
  readonly close: () => Promise<void>;
}

/**
 * Runs batches on a thread of its own where that can be started, else on this one: a bundle has all
 * the code of the ledger, but not the file that a thread starts with.
 */
export function sqliteRunner(file: SqliteFile): SqliteRunner {
  try {
    return sqliteThread(file);
  } catch {
    process.emitWarning(
      'sqliteStore cannot start its thread, so this one will wait for the disk. ' +
        'In a bundle, exclude @spendcap/server from bundling to avoid that.',
      { type: 'SpendcapWarning', code: 'SPENDCAP_SQLITE_IN_THREAD' },
    );
    return onThisThread(file);
  }
}

function onThisThread(file: SqliteFile): SqliteRunner {
  const ledger = reopeningLedger(file);
  return {
    runBatch: isolating(async (commands) => ledger.runBatch(`[${commands.join(',')}]`)),
    close: async () => ledger.close(),
  };
}

interface Started {
  readonly worker: Worker;
  /** The batches in flight, oldest first. */
  readonly pending: {
    readonly resolve: (reply: string) => void;
    readonly reject: (cause: unknown) => void;
  }[];
  /** How many commands of the next batch it has already. */
  prepared: number;
}

/**
 * Runs batches on a thread of its own, one after another. If the thread dies, the outcome of the
 * batches in flight is unknown, or if it never got as far as to read them, nothing was done. The
 * next batch starts another thread. It keeps the process alive only while it has something to do.
 *
 * @throws what looking up its code or starting the first thread throws
 */
function sqliteThread(file: SqliteFile): SqliteRunner {
  const url = workerUrl();
  let current: Started | undefined;

  const start = (): Started => {
    const worker = new Worker(url, { workerData: file, execArgv: threadArguments() });
    const started: Started = { worker, pending: [], prepared: 0 };
    const { pending } = started;
    let isUp = false;
    let fault: unknown;
    worker.on('message', (text: string) => {
      if (text === THREAD_IS_UP) {
        isUp = true;
        return;
      }
      const first = pending.shift();
      if (pending.length === 0) worker.unref();
      first?.resolve(text);
    });
    worker.on('error', (error) => {
      fault = error;
    });
    // After the last message of the thread, unlike the event of the error.
    worker.once('exit', () => {
      if (current === started) current = undefined;
      for (const { reject } of pending.splice(0)) reject(threadEnded(isUp, fault));
    });
    worker.unref();
    return started;
  };

  const transact = async (commands: readonly string[]): Promise<string> => {
    try {
      current ??= start();
    } catch (cause) {
      throw threadEnded(false, cause);
    }
    const { worker, pending, prepared } = current;
    current.prepared = 0;
    return await new Promise((resolve, reject) => {
      pending.push({ resolve, reject });
      worker.ref();
      worker.postMessage(`[${commands.slice(prepared).join(',')}]`);
    });
  };

  current = start();
  return {
    prepare(commands) {
      // If there is no thread, the batch starts one.
      if (current === undefined) return;
      current.prepared += commands.length;
      current.worker.postMessage(`+[${commands.join(',')}]`);
    },
    runBatch: isolating(transact),
    async close() {
      if (current === undefined) return;
      const { worker } = current;
      const exited = new Promise((resolve) => worker.once('exit', resolve));
      worker.ref();
      worker.postMessage(null);
      await exited;
    },
  };
}

/** @throws if there is no such package, as in a bundle */
function workerUrl(): URL {
  const url = new URL(import.meta.resolve('@spendcap/server/stores/sqlite/worker'));
  if (!existsSync(url)) throw new Error('The code of the SQLite thread is missing.');
  return url;
}

/** Options of Node.js that the thread needs, with their values. Others, such as `-e`, would stop it. */
const NEEDED = /^(?:--conditions|-C|--disable-warning|--no-warnings)(?:=|$)/;
const TAKES_VALUE = /^(?:--conditions|-C|--disable-warning)$/;

function threadArguments(): string[] {
  const given = process.execArgv;
  return given.filter((each, index) => {
    const before = given[index - 1] ?? '';
    return TAKES_VALUE.test(before) || NEEDED.test(each);
  });
}

/** Runs batches, given and returned as JSON, so that a data error fails alone. */
function isolating(run: (commands: readonly string[]) => Promise<string>) {
  const transact = async (commands: readonly string[]): Promise<readonly Outcome<unknown>[]> => {
    const reply = JSON.parse(await run(commands)) as Reply;
    if ('failure' in reply) throw new Error('The transaction failed.', { cause: reply });
    return reply.map((each) => ('value' in each ? each : { error: toError(each.error) }));
  };
  return (commands: readonly string[]) =>
    isolateDataErrors(commands, {
      run: transact,
      isDataError: (cause) => failureOf(cause)?.isDataError === true,
      toError: (cause) => {
        if (SpendcapError.isInstance(cause)) return cause;
        const failed = failureOf(cause);
        return failed === undefined ? threadEnded(true, cause) : toError(failed.failure);
      },
    });
}

function failureOf(cause: unknown): SqliteFailure | undefined {
  const inner = cause instanceof Error ? cause.cause : undefined;
  return typeof inner === 'object' && inner !== null && 'failure' in inner
    ? (inner as SqliteFailure)
    : undefined;
}

function threadEnded(wasUp: boolean, fault: unknown): SpendcapError {
  const cause = fault instanceof Error ? fault.message : undefined;
  if (!wasUp) return unavailable('The thread of the SQLite file did not start.', cause);
  const message = 'The thread of the SQLite file ended. Retry.';
  return new SpendcapError('outcome_unknown', message, cause === undefined ? {} : { cause });
}

function toError({ code, message, cause }: PlainError): SpendcapError {
  return new SpendcapError(code, message, cause === undefined ? {} : { cause });
}
