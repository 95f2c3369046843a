import { failureOf, type SqliteFailure, type SqliteFile, sqliteLedger } from './file.ts';

/** The first message of the thread, which is no reply. */
export const THREAD_IS_UP = '';

/**
 * The ledger of a file for batches that come and go as JSON. The file is opened by the first batch,
 * and by a later one if that fails. Never throws.
 */
export function reopeningLedger(file: SqliteFile) {
  let ledger: ReturnType<typeof sqliteLedger> | undefined;
  /** What a batch whose first commands were lost is answered with. */
  let notPrepared: SqliteFailure | undefined;

  const close = (): void => {
    try {
      ledger?.close();
    } catch {
      // What is committed is durable, and the file is not used again.
    }
    ledger = undefined;
  };

  return {
    /** Begins with the first commands of a batch. */
    prepare(commands: string): void {
      if (notPrepared !== undefined) return;
      try {
        ledger ??= sqliteLedger(file);
        ledger.prepare(JSON.parse(commands));
      } catch (error) {
        close();
        notPrepared = { failure: failureOf(error), isDataError: false };
      }
    },
    /** Runs the rest of a batch and returns the replies to all of it. */
    runBatch(commands: string): string {
      const lost = notPrepared;
      notPrepared = undefined;
      if (lost !== undefined) return JSON.stringify(lost);
      try {
        ledger ??= sqliteLedger(file);
      } catch (error) {
        return JSON.stringify({ failure: failureOf(error), isDataError: false });
      }
      try {
        return JSON.stringify(ledger.runBatch(JSON.parse(commands)));
      } catch (error) {
        // It could not even be rolled back. Closing the file does that.
        close();
        return JSON.stringify({ failure: failureOf(error, true), isDataError: false });
      }
    },
    close,
  };
}
