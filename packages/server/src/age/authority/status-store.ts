import { randomBytes, randomInt } from 'node:crypto';

/** The place of a token's status: the name of a list, and an index in it. */
export interface StatusPlace {
  /** 1 to 64 letters, digits, `-` or `_`; it becomes the end of the list's address. */
  readonly list: string;
  /** 0 to `STATUS_LIST_PLACES` - 1. */
  readonly index: number;
}

/**
 * Stores which tokens are revoked. An implementation must guarantee, also across processes, and
 * across a restart if tokens are to outlive it:
 *
 * - A place is allotted once only: a second token at the same `list` and `index` would be linked to
 *   the first.
 * - Indices are random, so that they reveal neither order nor number of the tokens, and a list is
 *   at most half full, so that a free one is found after two tries on average.
 * - A list ends when it accepts no more tokens and the last of its tokens has expired. Until then
 *   it can be read; after that everything about its tokens may be deleted.
 */
export interface StatusStore {
  /** Allots a place to a new token of a holder. Instants are epoch milliseconds. */
  allot(token: {
    readonly holder: string;
    readonly expiresAt: number;
    readonly at: number;
  }): Promise<StatusPlace>;
  /**
   * Revokes every token of a holder that is valid at `at`; returns how many were not revoked
   * before.
   */
  revoke(holder: string, at: number): Promise<number>;
  /** The revoked indices of a list, or `null` if it has ended or never existed. */
  revoked(list: string, at: number): Promise<readonly number[] | null>;
}

/** Fixed, however many are used: an unused place looks like a valid token. */
export const STATUS_LIST_PLACES: number = 2 ** 20;

const FULL = STATUS_LIST_PLACES / 2;
/**
 * After this a list accepts no more, so that its data can be deleted soon after its tokens expire.
 */
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
 * Status lists in the memory of this process. A restart deletes them, and verifiers then refuse the
 * tokens issued before: keep `tokenSeconds` short, or bring a durable store.
 */
export function memoryStatusStore(): StatusStore {
  const lists = new Map<string, OpenList>();
  let newest: OpenList | undefined;

  function openAt(at: number): OpenList {
    const isOpen = newest !== undefined && newest.size < FULL && at < newest.openedAt + OPEN_MS;
    if (newest !== undefined && isOpen) return newest;
    deleteEnded(lists, at);
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
      if (list === undefined || hasEnded(list, at)) return null;
      return [...list.byHolder.values()]
        .flat()
        .filter(({ revoked }) => revoked)
        .map(({ index }) => index);
    },
  };
}

function newList(at: number): OpenList {
  return {
    // Random, so that a restart does not reuse a name.
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

function hasEnded(list: OpenList, at: number): boolean {
  return at >= list.lastExpiry && at >= list.openedAt + OPEN_MS;
}

function deleteEnded(lists: Map<string, OpenList>, at: number): void {
  for (const [name, list] of lists) if (hasEnded(list, at)) lists.delete(name);
}
