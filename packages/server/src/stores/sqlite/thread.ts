import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { SpendcapError } from '@spendcap/core';
import type { Outcome } from '../../ledger/group-commit.ts';
import { isolateDataErrors, misconfigured } from '../../ledger/store-kit.ts';
import type { PlainError, SqliteFailure, SqliteFile, SqliteReply } from './file.ts';

type Reply = readonly SqliteReply[] | SqliteFailure;

interface Started {
  readonly worker: Worker;
  /** The batches in flight, oldest first. */
  readonly pending: {
    readonly resolve: (reply: Reply) => void;
    readonly reject: (cause: unknown) => void;
  }[];
  /** How many commands of the next batch it has already. */
  prepared: number;
}

/**
 * Runs batches on a thread of its own, one after another. If the thread dies, the outcome of the
 * batches in flight is unknown, and the next batch starts another thread. It keeps the process
 * alive only while it has something to do.
 *
 * Commands cross as the JSON of a `SqliteCommand`, so that one without JSON fails at its caller.
 *
 * @throws SpendcapError `store_misconfigured` if the code of the thread is missing
 */
export function sqliteThread(file: SqliteFile) {
  const url = workerUrl();
  let current: Started | undefined;

  const start = (): Started => {
    const worker = new Worker(url, { workerData: file });
    const started: Started = { worker, pending: [], prepared: 0 };
    const { pending } = started;
    const end = (cause: unknown): void => {
      if (current === started) current = undefined;
      for (const { reject } of pending.splice(0)) reject(cause);
    };
    worker.on('message', (text: string) => {
      const first = pending.shift();
      if (pending.length === 0) worker.unref();
      first?.resolve(JSON.parse(text) as Reply);
    });
    worker.once('error', end).once('exit', end).unref();
    return started;
  };

  const transact = async (commands: readonly string[]): Promise<readonly Outcome<unknown>[]> => {
    current ??= start();
    const { worker, pending, prepared } = current;
    current.prepared = 0;
    const reply = await new Promise<Reply>((resolve, reject) => {
      pending.push({ resolve, reject });
      worker.ref();
      worker.postMessage(`[${commands.slice(prepared).join(',')}]`);
    });
    if ('failure' in reply) throw new Error('The transaction failed.', { cause: reply });
    return reply.map((each) => ('value' in each ? each : { error: toError(each.error) }));
  };

  return {
    /** Lets the thread begin with the first commands of the next batch. */
    prepare(commands: readonly string[]): void {
      current ??= start();
      current.prepared += commands.length;
      current.worker.postMessage(`+[${commands.join(',')}]`);
    },
    runBatch: (commands: readonly string[]) =>
      isolateDataErrors(commands, {
        run: transact,
        isDataError: (cause) => failureOf(cause)?.isDataError === true,
        toError: (cause) => toError(failureOf(cause)?.failure ?? threadEnded(cause)),
      }),
    async close(): Promise<void> {
      if (current === undefined) return;
      const { worker } = current;
      const exited = once(worker, 'exit');
      worker.ref();
      worker.postMessage(null);
      await exited;
    },
  };
}

/** Looked up when the store is made, since a bundler may have left the file behind. */
function workerUrl(): URL {
  try {
    const url = new URL(import.meta.resolve('@spendcap/server/stores/sqlite/worker'));
    if (existsSync(url)) return url;
  } catch {
    // Thrown if there is no such package, as in a bundle.
  }
  throw misconfigured(
    'The code of the SQLite thread is missing: exclude @spendcap/server from bundling.',
  );
}

function failureOf(cause: unknown): SqliteFailure | undefined {
  const inner = cause instanceof Error ? cause.cause : undefined;
  return typeof inner === 'object' && inner !== null && 'failure' in inner
    ? (inner as SqliteFailure)
    : undefined;
}

function threadEnded(cause: unknown): PlainError {
  const message = 'The thread of the SQLite file ended. Retry.';
  return { code: 'outcome_unknown', message, cause: cause instanceof Error ? cause.message : '' };
}

function toError({ code, message, cause }: PlainError): SpendcapError {
  return new SpendcapError(code, message, cause === undefined ? {} : { cause });
}
