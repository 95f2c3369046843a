import type { Outcome } from '../../ledger/group-commit.ts';
import { unavailable } from '../../ledger/store-kit.ts';
import { toOutcomes } from './decode.ts';
import { type PostgresCommand, postgresBatch } from './encode.ts';
import { isInTheWay, isTaken } from './errors.ts';

/** What is used of a `Pool` of `pg`: each call may take another connection. */
export interface PostgresPool {
  query(query: {
    readonly text: string;
    readonly values?: unknown[];
    /** After so many milliseconds the pool gives the connection up. */
    readonly query_timeout?: number;
  }): Promise<{ readonly rows: readonly unknown[] }>;
}

export interface PostgresOptions {
  readonly pool: PostgresPool;
  readonly schema: string;
  readonly timeoutMs: number;
}

const ATTEMPTS = 6;
const FIRST_PAUSE_MS = 4;
/** Batches that are done in order after an id was taken meanwhile, which undoes all of a batch. */
const ORDERLY = 100;

/** Before it was sent. */
export const LATE = unavailable('The database did not answer in time.');

/** Sends a batch to the functions `run` and `read` of the schema. */
export function sender({ pool, schema, timeoutMs }: PostgresOptions) {
  /** So many batches to come are done in order: ids that come twice at the same time often do so again. */
  let orderly = 0;

  /**
   * One statement; again if others were in the way. Of commands that are not done in order, some may be
   * left undone: they have no outcome.
   */
  return async (
    commands: readonly PostgresCommand[],
    inOrder: boolean,
  ): Promise<Map<PostgresCommand, Outcome<unknown>>> => {
    const { values, sent } = postgresBatch(commands);
    const isRead = commands.every((command) => command.isRead);
    const parameters = values.map((_, index) => `$${index + 1}`).join();
    let ordered = inOrder || orderly > 0;
    orderly = Math.max(0, orderly - 1);
    for (let attempt = 1; ; attempt += 1) {
      // The time of one was up while others were in the way, and its caller has been told so.
      if (commands.some(({ dropped }) => dropped)) throw LATE;
      const call = isRead ? `read(${parameters})` : `run(${parameters},${ordered})`;
      const text = `SELECT "${schema}".${call} AS replies`;
      try {
        for (const command of commands) command.sent = true;
        const query = { text, values: [...values], query_timeout: timeoutMs };
        const { rows } = await pool.query(query);
        const { replies } = rows[0] as { readonly replies: string };
        return toOutcomes(sent, replies);
      } catch (cause) {
        if (attempt >= ATTEMPTS || !isInTheWay(cause)) throw cause;
        // It was undone, so that a call whose time is up now was not done.
        for (const command of commands) command.sent = false;
        if (isTaken(cause) && !ordered) orderly = ORDERLY;
        else await pause(FIRST_PAUSE_MS * 2 ** attempt * Math.random());
        ordered = true;
      }
    }
  };
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
