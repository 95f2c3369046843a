import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { SpendcapError } from '@spendcap/core';
import type { Outcome } from '../../ledger/group-commit.ts';
import type { SqliteFile, SqliteReply } from './file.ts';

interface Asked {
  readonly resolve: (replies: readonly SqliteReply[]) => void;
  readonly reject: (cause: unknown) => void;
}

interface Started {
  readonly worker: Worker;
  readonly asked: Asked[];
  /** How many commands of the next batch it has already. */
  handed: number;
}

/**
 * Runs batches on a thread of its own, one after the other. A thread that dies leaves the batches under
 * way unknown, and the next batch starts another. It does not keep the process alive unless it
 * has something to do.
 */
export function sqliteThread(file: SqliteFile) {
  let current: Started | undefined;

  const start = () => {
    const url = new URL(import.meta.resolve('@spendcap/server/stores/sqlite/worker'));
    const worker = new Worker(url, { workerData: file });
    const asked: Asked[] = [];
    const started: Started = { worker, asked, handed: 0 };
    const end = (cause: unknown): void => {
      if (current === started) current = undefined;
      for (const { reject } of asked.splice(0)) reject(cause);
    };
    worker.on('message', (text: string) => {
      const first = asked.shift();
      if (asked.length === 0) worker.unref();
      first?.resolve(JSON.parse(text) as SqliteReply[]);
    });
    worker.once('error', end).once('exit', end).unref();
    return started;
  };

  return {
    /** Lets the thread begin with the first commands of the next batch. */
    prepare(commands: readonly string[]): void {
      current ??= start();
      current.handed += commands.length;
      current.worker.postMessage(`+[${commands.join(',')}]`);
    },
    /** Each command is the JSON of a `SqliteCommand`, so that one without JSON never comes this far. */
    async runBatch(commands: readonly string[]): Promise<readonly Outcome<unknown>[]> {
      current ??= start();
      const { worker, asked, handed } = current;
      current.handed = 0;
      try {
        const replies = await new Promise<readonly SqliteReply[]>((resolve, reject) => {
          asked.push({ resolve, reject });
          worker.ref();
          worker.postMessage(`[${commands.slice(handed).join(',')}]`);
        });
        return replies.map(toOutcome);
      } catch (cause) {
        const message = 'The thread of the SQLite file ended. Retry.';
        const error = new SpendcapError('outcome_unknown', message, { cause });
        return commands.map(() => ({ error }));
      }
    },
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

function toOutcome(reply: SqliteReply): Outcome<unknown> {
  if ('value' in reply) return reply;
  const { code, message, cause } = reply.error;
  return { error: new SpendcapError(code, message, cause === undefined ? {} : { cause }) };
}
