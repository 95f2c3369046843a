import type { Store } from '@spendcap/core';

/** Why a suite does not apply to a store. */
export interface Not {
  readonly not: string;
}

export const not = (reason: string): Not => ({ not: reason });

/** How one process opens a ledger. A store ignores the options that it does not have. */
export interface ConnectOptions {
  /** One of the entry's drivers. Default the first. */
  readonly driver?: string | undefined;
  /** How long a call may take. Default the store's own. */
  readonly timeoutMs?: number;
  readonly maxBatch?: number;
  /** A port of this machine to connect to instead of the server. */
  readonly proxyPort?: number;
  /** Whether the driver sends a call again when its connection ends. Default the driver's own. */
  readonly resends?: boolean;
}

/** Bytes that a ledger keeps outside the process, and where. */
export interface Kept {
  readonly where: string;
  readonly bytes: Buffer;
}

/** One empty ledger, which any number of processes may open. */
export interface Ledger {
  /** Opens it as another process would, with its own connections, which `close()` ends. */
  connect(options?: ConnectOptions): Promise<Store>;
  /** Where its server listens; `null` without one. */
  readonly endpoint: { readonly host: string; readonly port: number } | null;
  /** All that it keeps outside the process. */
  dump(): Promise<readonly Kept[]>;
  /** Closes the stores that are still open, and deletes the ledger. */
  remove(): Promise<void>;
}

/** A server that a test may stop and start again, on the same port and files. */
export interface OwnServer {
  /** As `spendcap serve --store` takes it. */
  readonly address: string;
  /** The ledger of the store's default schema or prefix. */
  openLedger(): Promise<Ledger>;
  start(): Promise<void>;
  /** In one of the ways that its kind names. */
  stop(how: string): Promise<void>;
}

export interface ServerKind {
  /** With its version, where several may be installed. */
  readonly name: string;
  /** The ways to stop it, the harshest last. */
  readonly stops: readonly [string, ...string[]];
  /** Creates one, which runs after `start()`. */
  create(): Promise<OwnServer>;
}

/** The range of a numeric option. A `wait` is a time that a timer can wait. */
export type NumberKind = 'from 1' | 'from 0' | 'wait from 1' | 'wait from 0';

/** What each suite needs to know about a store. */
export interface Suites {
  /** `create` makes a store that is not connected, with options that may be wrong. */
  readonly options: {
    readonly numbers: Readonly<Record<string, NumberKind>>;
    create(options: Readonly<Record<string, unknown>>): Store;
  };
  /** How many random histories there is time for, to compare with the naive ledger. */
  readonly properties: { readonly histories: number };
  /** `reorders`: calls that share a batch may take effect in another order than they were made. */
  readonly simulation: { readonly reorders: boolean };
  /** What is linearizable: histories of so many subjects, and whether `overdue` is. */
  readonly linearizability: { readonly subjects: number; readonly overdue: boolean };
  /** Cut, delayed and lost bytes. `resends`: the values that its driver can be set to. */
  readonly network: { readonly resends: readonly boolean[] };
  /** Servers that a test starts: one kind for each installed version, the newest last. */
  readonly restart: { kinds(): readonly ServerKind[] };
  /** Nothing personal is in `dump()`. */
  readonly privacy: true;
}

export type SuiteName = keyof Suites;

/** A store, as the suites use it. Conformance applies to every store. */
export interface StoreEntry {
  readonly name: string;
  /** The drivers that it supports; none if it uses none. */
  readonly drivers: readonly string[];
  /**
   * Whether this machine has what it needs. If not, this prints one line, or throws where
   * `SPENDCAP_REQUIRE_SERVICES=1` demands it.
   */
  isHere(): Promise<boolean>;
  /** `keepMs`: how long ended purchases are kept at least. Default the store's own. */
  openLedger(options?: { readonly keepMs?: number }): Promise<Ledger>;
  readonly suites: { readonly [S in SuiteName]: Suites[S] | Not };
}

/** For a store that is not meant to reach its server. */
export const noServer = (): Promise<never> => Promise.reject(new Error('no server'));

/** A store whose `close()` runs one more step, once, however often it is called. */
export function closing(store: Store, after: () => Promise<unknown>): Store {
  let closed: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    await store.close();
    await after();
  };
  return {
    ...store,
    close() {
      closed ??= close();
      return closed;
    },
  };
}

/** The stores that are open on a ledger, for `remove`. */
export function openStores() {
  const stores: Store[] = [];
  return {
    add(store: Store): Store {
      stores.push(store);
      return store;
    },
    async close(): Promise<void> {
      await Promise.all(stores.splice(0).map((store) => store.close()));
    },
  };
}
