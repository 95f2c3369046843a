import { randomBytes, randomInt } from 'node:crypto';

/** Where the status of one token stands: the name of a list, and an index in it. */
export interface StatusPlace {
  /** 1 to 64 letters, digits, `-` or `_`; it becomes the end of the list's address. */
  readonly list: string;
  /** 0 to `STATUS_LIST_PLACES` - 1. */
  readonly index: number;
}

/**
 * Keeps which tokens are revoked. Your own keeps these promises, also between processes and over
 * a restart if tokens are to outlive it:
 *
 * - A place is given once, ever: `list` and `index` together would link two tokens.
 * - Indices are random, so that neither order nor number of the tokens can be seen in them, and a list is
 *   at most half full, so that one is found at once.
 * - Whatever is known of a token may go when its list is over: when the list takes no more tokens and the
 *   last of its tokens has expired. Until then the list can be read.
 */
export interface StatusStore {
  /** A place for a new token, with whom it will be revoked. Instants are epoch milliseconds. */
  allot(token: {
    readonly holder: string;
    readonly expiresAt: number;
    readonly at: number;
  }): Promise<StatusPlace>;
  /** Revokes every token of a holder that lives at `at`; how many there were that were not before. */
  revoke(holder: string, at: number): Promise<number>;
  /** The revoked indices of a list, or `null` if it is over or never was. */
  revoked(list: string, at: number): Promise<readonly number[] | null>;
}

/** So many, whatever is used of them: an unused place looks like a token that is valid. */
export const STATUS_LIST_PLACES: number = 2 ** 20;

const FULL = STATUS_LIST_PLACES / 2;
/** After this a list takes no more, so that what is known of its tokens can go soon after their end. */
const OPEN_MS = 3_600_000;

interface Entry {
  readonly index: number;
  readonly expiresAt: number;
  revoked: boolean;
}

interface OpenList {
  readonly name: string;
  readonly openedAt: number;
  readonly taken: Uint8Array;
  readonly byHolder: Map<string, Entry[]>;
  size: number;
  lastExpiry: number;
}

/**
 * Status lists in this process alone. After a restart they are gone, and verifiers refuse the tokens of
 * before: keep `tokenSeconds` short, or bring a store that lasts.
 */
export function memoryStatusStore(): StatusStore {
  const lists = new Map<string, OpenList>();
  let newest: OpenList | undefined;

  function openAt(at: number): OpenList {
    const isOpen = newest !== undefined && newest.size < FULL && at < newest.openedAt + OPEN_MS;
    if (newest !== undefined && isOpen) return newest;
    forgetOver(lists, at);
    newest = newList(at);
    lists.set(newest.name, newest);
    return newest;
  }

  return {
    async allot({ holder, expiresAt, at }) {
      const list = openAt(at);
      const index = takeFree(list);
      list.lastExpiry = Math.max(list.lastExpiry, expiresAt);
      const entries = list.byHolder.get(holder) ?? [];
      entries.push({ index, expiresAt, revoked: false });
      list.byHolder.set(holder, entries);
      return { list: list.name, index };
    },
    async revoke(holder, at) {
      let count = 0;
      for (const { byHolder } of lists.values()) {
        for (const entry of byHolder.get(holder) ?? []) {
          if (entry.revoked || entry.expiresAt <= at) continue;
          entry.revoked = true;
          count += 1;
        }
      }
      return count;
    },
    async revoked(name, at) {
      const list = lists.get(name);
      if (list === undefined || isOver(list, at)) return null;
      return [...list.byHolder.values()]
        .flat()
        .filter(({ revoked }) => revoked)
        .map(({ index }) => index);
    },
  };
}

function newList(at: number): OpenList {
  return {
    // Random, so that a restart does not use a name again.
    name: randomBytes(9).toString('base64url'),
    openedAt: at,
    taken: new Uint8Array(STATUS_LIST_PLACES / 8),
    byHolder: new Map(),
    size: 0,
    lastExpiry: 0,
  };
}

function takeFree(list: OpenList): number {
  for (;;) {
    const index = randomInt(STATUS_LIST_PLACES);
    const byte = list.taken[index >> 3] ?? 0;
    const bit = 1 << (index & 7);
    if ((byte & bit) !== 0) continue;
    list.taken[index >> 3] = byte | bit;
    list.size += 1;
    return index;
  }
}

function isOver(list: OpenList, at: number): boolean {
  return at >= list.lastExpiry && at >= list.openedAt + OPEN_MS;
}

function forgetOver(lists: Map<string, OpenList>, at: number): void {
  for (const [name, list] of lists) if (isOver(list, at)) lists.delete(name);
}
