import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { type SqliteCommand, type SqliteFile, sqliteLedger } from './file.ts';

/**
 * The thread of `sqliteStore`, which starts it; nobody imports it. It waits for the disk, so that the
 * thread that serves players need not. Batches cross as JSON, the cheapest way for many small objects.
 */
export function serveLedger(port: MessagePort, file: SqliteFile): void {
  const ledger = sqliteLedger(file);
  port.on('message', (batch: string | null) => {
    if (batch === null) {
      ledger.close();
      port.close();
      return;
    }
    // More commands of the same batch follow.
    if (batch.startsWith('+')) ledger.begin(JSON.parse(batch.slice(1)) as SqliteCommand[]);
    else port.postMessage(JSON.stringify(ledger.run(JSON.parse(batch) as SqliteCommand[])));
  });
}

if (parentPort !== null) serveLedger(parentPort, workerData as SqliteFile);
