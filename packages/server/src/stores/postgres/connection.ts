import { unavailable } from '../../ledger/store-kit.ts';
import { isRolledBack, toConnectError } from './errors.ts';

/** What the store uses of a `Pool` of `pg`. */
export interface PostgresPool {
  /** Checks out a connection. */
  connect(): Promise<PostgresClient>;
  /** Adds a listener. */
  on?(event: 'error', listener: (error: Error) => void): unknown;
  /** How many listeners there are. */
  listenerCount?(event: 'error'): number;
}

/** What the store uses of a client of `pg`. */
export interface PostgresClient {
  /** Runs one statement. */
  query(query: {
    readonly text: string;
    readonly values?: unknown[];
    readonly types?: { readonly getTypeParser: (type: number) => (text: string) => unknown };
  }): Promise<{ readonly rows: readonly unknown[] }>;
  /** Adds a listener. */
  on(event: 'error', listener: (error: Error) => void): unknown;
  /** Removes a listener. */
  removeListener(event: 'error', listener: (error: Error) => void): unknown;
  /** Returns the connection to the pool, or with `true` destroys it. */
  release(destroy?: boolean): void;
}

export interface Statement {
  readonly text: string;
  readonly values?: readonly string[];
}

export interface Sending {
  /**
   * Returns the statement once there is a connection, and it is sent immediately; with `null`
   * nothing is. Until this is called, certainly nothing was done.
   */
  readonly statement: () => Statement | null;
  /** Resolves when nobody waits for the reply any more: the connection is then destroyed. */
  readonly abandoned: Promise<unknown>;
}

/** `bool`, `int4` and `text` are all that statements return. */
const BOOL = 16;
const INT4 = 23;

/** Reads replies as sent, whatever parsers the application has set for statements of its own. */
const TYPES = {
  getTypeParser: (type: number) => (text: string) => {
    if (type === BOOL) return text === 't';
    return type === INT4 ? Number(text) : text;
  },
};

/**
 * Sends one statement on any connection of the pool and returns its rows.
 *
 * The steps that `pool.query` hides are taken one by one, because only so is it known whether a
 * call that failed can have been done: not while it waited for a connection.
 *
 * @throws SpendcapError if no connection was made; otherwise what the driver reports
 */
export async function sendStatement(
  pool: PostgresPool,
  { statement, abandoned }: Sending,
): Promise<readonly unknown[]> {
  const client = await connect(pool, abandoned);
  // `query` rejects with the same error; without a listener the event would end the process.
  const ignore = (): void => undefined;
  client.on('error', ignore);
  // Until something is sent, whatever fails leaves the connection as it was.
  let usable = true;
  try {
    const made = statement();
    if (made === null) return [];
    usable = false;
    const { text, values = [] } = made;
    const query = client.query({ text, values: [...values], types: TYPES });
    const { rows } = await unlessAbandoned(query, abandoned);
    usable = true;
    return rows;
  } catch (cause) {
    usable ||= isRolledBack(cause);
    throw cause;
  } finally {
    client.removeListener('error', ignore);
    client.release(!usable);
  }
}

async function connect(pool: PostgresPool, abandoned: Promise<unknown>): Promise<PostgresClient> {
  // A pool of the caller's may also throw.
  const connecting = (async () => pool.connect())();
  try {
    return await unlessAbandoned(connecting, abandoned);
  } catch (cause) {
    // A connection that comes too late goes back to the pool unused.
    connecting.then((client) => client.release()).catch(() => undefined);
    throw toConnectError(cause);
  }
}

function unlessAbandoned<T>(work: Promise<T>, abandoned: Promise<unknown>): Promise<T> {
  return new Promise((resolve, reject) => {
    let ended = false;
    const ending =
      <A>(settle: (given: A) => void) =>
      (given: A): void => {
        ended = true;
        settle(given);
      };
    work.then(ending(resolve), ending(reject));
    abandoned.then(() => {
      if (!ended) reject(unavailable('The database did not answer in time.'));
    });
  });
}
