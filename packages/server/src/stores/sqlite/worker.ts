import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { reopeningLedger, THREAD_IS_UP } from './batches.ts';
import type { SqliteFile } from './file.ts';

/**
 * The thread that `sqliteStore` starts; not to be imported. It waits for the disk, so that the
 * thread that serves players need not. Batches cross as JSON, the cheapest way for many small
 * objects.
 */
export function serveLedger(port: MessagePort, file: SqliteFile): void {
  const ledger = reopeningLedger(file);
  port.on('message', (batch: string | null) => {
    if (batch === null) {
      ledger.close();
      // Ends this thread only. The ports of Deno cannot be closed.
      process.exit();
    } else if (batch.startsWith('+')) {
      // More commands of the same batch follow.
      ledger.prepare(batch.slice(1));
    } else port.postMessage(ledger.runBatch(batch));
  });
  // Until this arrives, certainly nothing was done.
  port.postMessage(THREAD_IS_UP);
}

if (parentPort !== null) serveLedger(parentPort, workerData as SqliteFile);
