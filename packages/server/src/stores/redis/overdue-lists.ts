import type { OverdueCommand, StoredPurchase } from '@spendcap/core';
import type { RedisCalls } from './call.ts';
import { tagOf } from './encode.ts';
import { DUE_SCRIPT } from './lua/overdue.ts';

/** Lists of reconcile holds, so that they are spread over the nodes. */
const SHARDS = 16;
/** Entries that are read together at most. */
const PAGE = 64;

export interface OverdueListsOptions {
  readonly calls: RedisCalls;
  readonly prefix: string;
  /** Reads a purchase as it is, by its id as a hash tag. */
  readonly peek: (id: string, deadline: number) => Promise<StoredPurchase | null>;
}

interface Entry {
  /** As a hash tag. */
  readonly id: string;
  readonly expiresAt: number;
}

/**
 * The reconcile holds of a cluster by their end: all of them, and those of each processor beside
 * them in the same slot. A hold is listed before it is made, and leaves the lists when one of them
 * is next read. So an entry may also be of a purchase that has ended, or was never made.
 */
export function overdueLists({ calls, prefix, peek }: OverdueListsOptions) {
  const keyOf = (shard: number, processor: string | null): string =>
    `${prefix}{overdue-${shard}}${processor === null ? '' : `:{${processor}}`}`;
  const keysOf = (shard: number, { processor }: StoredPurchase): readonly string[] =>
    processor === null ? [keyOf(shard, null)] : [keyOf(shard, null), keyOf(shard, processor)];

  /** The next holds of one list that are open and due. */
  const readShard = async (shard: number, command: OverdueCommand, deadline: number) => {
    const { at, limit, processor = null, after } = command;
    const key = keyOf(shard, processor);
    const found: StoredPurchase[] = [];
    let last: Entry | undefined = after && { expiresAt: after.expiresAt, id: tagOf(after.id) };
    while (found.length < limit) {
      const place = last === undefined ? [] : [String(last.expiresAt), last.id];
      const args = [String(at), String(Math.min(limit, PAGE)), ...place];
      const call = { script: DUE_SCRIPT, keys: [key], args, deadline } as const;
      const entries = entriesOf(await calls.evaluate(call, { confirm: false }));
      last = entries.at(-1);
      if (last === undefined) break;
      const purchases = await Promise.all(entries.map(({ id }) => peek(id, deadline)));
      const edits: (readonly string[])[] = [];
      for (const [index, { id, expiresAt }] of entries.entries()) {
        const purchase = purchases[index] ?? null;
        // It may still be made.
        if (purchase === null) continue;
        if (!isOpen(purchase)) {
          edits.push(...keysOf(shard, purchase).map((list) => ['ZREM', list, id]));
        } else if (processor !== null && purchase.processor !== processor) {
          // That of an attempt at another processor, which was refused.
          edits.push(['ZREM', key, id]);
        } else if (purchase.expiresAt !== expiresAt) {
          // That of an attempt with an earlier end. Its own place comes later.
          edits.push(['ZADD', key, 'XX', String(purchase.expiresAt), id]);
        } else {
          found.push(purchase);
        }
      }
      await Promise.all(edits.map((edit) => calls.send(edit[1] ?? '', edit, deadline)));
    }
    return found;
  };

  return {
    async add(hold: StoredPurchase, deadline: number): Promise<void> {
      const id = tagOf(hold.id);
      // The earliest end counts, so that a retry hides nothing.
      const entry = ['LT', String(hold.expiresAt), id];
      const keys = keysOf(shardOf(id), hold);
      await Promise.all(keys.map((key) => calls.send(key, ['ZADD', key, ...entry], deadline)));
    },
    async read(command: OverdueCommand, deadline: number): Promise<readonly StoredPurchase[]> {
      await calls.ensureReady(deadline);
      const shards = Array.from({ length: SHARDS }, (_, shard) =>
        readShard(shard, command, deadline),
      );
      return (await Promise.all(shards)).flat().sort(byPlace).slice(0, command.limit);
    },
  };
}

const isOpen = ({ state, onExpiry }: StoredPurchase): boolean =>
  state === 'reserved' && onExpiry === 'reconcile';

function entriesOf(reply: unknown): readonly Entry[] {
  const flat = (reply as readonly unknown[]).map(String);
  return Array.from({ length: flat.length / 2 }, (_, index) => {
    const [id = '', expiresAt] = flat.slice(2 * index);
    return { id, expiresAt: Number(expiresAt) };
  });
}

/** The order of one list: Redis compares the bytes of ids. */
function byPlace(a: StoredPurchase, b: StoredPurchase): number {
  const ids = () => Buffer.compare(Buffer.from(tagOf(a.id)), Buffer.from(tagOf(b.id)));
  return a.expiresAt - b.expiresAt || ids();
}

function shardOf(id: string): number {
  let hash = 0;
  for (let index = 0; index < id.length; index += 1) hash = (hash * 31 + id.charCodeAt(index)) | 0;
  return Math.abs(hash) % SHARDS;
}
