import { Worker } from 'node:worker_threads';
import { SpendcapError } from '@spendcap/core';
import type { Outcome } from '../../ledger/group-commit.ts';
import { isolateDataErrors, unavailable } from '../../ledger/store-kit.ts';
import { reopeningLedger, THREAD_IS_UP } from './batches.ts';
import type { PlainError, SqliteFailure, SqliteFile, SqliteReply } from './file.ts';

type Reply = readonly SqliteReply[] | SqliteFailure;

/** Runs batches on a SQLite file. Commands come as the JSON of a `SqliteCommand`. */
export interface SqliteRunner {
  /** Receives the first commands of the next batch. If it throws, it has not. */
  readonly prepare?: (commands: readonly string[]) => void;
  /** Never rejects. */
  readonly runBatch: (commands: readonly string[]) => Promise<readonly Outcome<unknown>[]>;
  readonly close: () => Promise<void>;
}

/** Runs a batch of commands, and returns the JSON of a `Reply`. */
type Transact = (commands: readonly string[]) => Promise<string>;

/**
 * Runs batches on a thread of its own, or on this one if the first thread does not come up: a
 * bundle may lack the file that a thread starts with, or have broken its imports.
 */
export function sqliteRunner(file: SqliteFile): SqliteRunner {
  const thread = tryThread(file);
  let here = thread === undefined ? onThisThread(file) : undefined;
  const transact: Transact = async (commands) => {
    if (here === undefined && thread !== undefined) {
      try {
        return await thread.transact(commands);
      } catch (cause) {
        // As the first thread did not come up, certainly nothing was done.
        if (!thread.hasFailed()) throw cause;
      }
    }
    here ??= onThisThread(file);
    return here.transact(commands);
  };
  return {
    ...(thread && { prepare: thread.prepare }),
    runBatch: isolating(transact),
    async close() {
      await thread?.close();
      here?.close();
    },
  };
}

function tryThread(file: SqliteFile): ReturnType<typeof sqliteThread> | undefined {
  try {
    return sqliteThread(file);
  } catch {
    return undefined;
  }
}

function onThisThread(file: SqliteFile) {
  process.emitWarning(
    'sqliteStore cannot start its thread, so this one will wait for the disk. ' +
      'In a bundle, exclude @spendcap/server from bundling to avoid that.',
    { type: 'SpendcapWarning', code: 'SPENDCAP_SQLITE_IN_THREAD' },
  );
  const ledger = reopeningLedger(file);
  return {
    transact: async (commands: readonly string[]) => ledger.runBatch(`[${commands.join(',')}]`),
    close: () => ledger.close(),
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
  /** Whether it has been able to run a batch. */
  isUp: boolean;
}

/**
 * Runs batches on a thread of its own, one after another. If the thread dies, the outcome of the
 * batches in flight is unknown, or if it never got as far as to read them, nothing was done. The
 * next batch starts another thread. It keeps the process alive only while it has something to do.
 *
 * @throws what starting the first thread throws
 */
function sqliteThread(file: SqliteFile) {
  let current: Started | undefined;
  let wasUp = false;
  let hasFailed = false;

  const start = (): Started =>
    startThread(file, (ended) => {
      wasUp ||= ended.isUp;
      if (current !== ended) return;
      current = undefined;
      hasFailed = !wasUp;
    });

  const transact: Transact = async (commands) => {
    try {
      current ??= start();
    } catch (cause) {
      throw threadEnded(false, cause);
    }
    const { worker, pending, prepared } = current;
    try {
      worker.postMessage(`[${commands.slice(prepared).join(',')}]`);
    } catch (cause) {
      // The thread may have begun this batch: ended with it, that is rolled back.
      current = undefined;
      void worker.terminate();
      throw notSent(cause);
    }
    current.prepared = 0;
    worker.ref();
    // Before the reply, which comes in a later turn of the event loop.
    return await new Promise((resolve, reject) => pending.push({ resolve, reject }));
  };

  current = start();
  return {
    /** Whether the first thread has ended before it could run a batch. */
    hasFailed: () => hasFailed,
    transact,
    prepare(commands: readonly string[]) {
      // If there is no thread, the batch starts one.
      if (current === undefined) return;
      current.worker.postMessage(`+[${commands.join(',')}]`);
      current.prepared += commands.length;
    },
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

/** @throws what starting a thread throws */
function startThread(file: SqliteFile, onEnd: (ended: Started) => void): Started {
  // In this form bundlers find the file. Building the package replaces the path.
  const worker = new Worker(new URL('./worker.ts', import.meta.url), {
    workerData: file,
    execArgv: threadArguments(),
  });
  const started: Started = { worker, pending: [], prepared: 0, isUp: false };
  const { pending } = started;
  let fault: unknown;
  worker.on('message', (text: string) => {
    if (text === THREAD_IS_UP) {
      started.isUp = true;
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
    onEnd(started);
    for (const { reject } of pending.splice(0)) reject(threadEnded(started.isUp, fault));
  });
  worker.unref();
  return started;
}

/**
 * Options of Node.js that the thread needs, with their values. Others, such as `-e`, would stop it.
 */
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
function isolating(run: Transact) {
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

function notSent(fault: unknown): SpendcapError {
  const cause = fault instanceof Error ? fault.name : undefined;
  return unavailable('The thread of the SQLite file did not get the calls.', cause);
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
