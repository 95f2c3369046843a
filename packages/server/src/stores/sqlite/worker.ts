import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { failureOf, type SqliteCommand, type SqliteFile, sqliteLedger } from './file.ts';

/**
 * The thread that `sqliteStore` starts; not to be imported. It waits for the disk, so that the
 * thread that serves players need not. Batches cross as JSON, the cheapest way for many small
 * objects.
 */
export function serveLedger(port: MessagePort, file: SqliteFile): void {
  let ledger: ReturnType<typeof sqliteLedger> | undefined;
  let notOpened: unknown = null;

  /** The file was opened before, when the store was made, but may have been replaced since. */
  const open = (): typeof ledger => {
    try {
      ledger ??= sqliteLedger(file);
    } catch (error) {
      notOpened = { failure: failureOf(error), isDataError: false };
    }
    return ledger;
  };

  port.on('message', (batch: string | null) => {
    if (batch === null) {
      ledger?.close();
      port.close();
      return;
    }
    // More commands of the same batch follow.
    const isPart = batch.startsWith('+');
    const commands = JSON.parse(isPart ? batch.slice(1) : batch) as SqliteCommand[];
    if (notOpened === null) {
      if (isPart) open()?.prepare(commands);
      else port.postMessage(JSON.stringify(open()?.runBatch(commands) ?? notOpened));
    } else if (!isPart) port.postMessage(JSON.stringify(notOpened));
    // The next batch tries again.
    if (!isPart) notOpened = null;
  });
}

if (parentPort !== null) serveLedger(parentPort, workerData as SqliteFile);
