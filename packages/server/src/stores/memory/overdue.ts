import type { OverdueCommand, StoredPurchase } from '@spendcap/core';

/** What sorts a hold. */
type Place = Pick<StoredPurchase, 'expiresAt' | 'id'>;

type Find = (id: string) => StoredPurchase | undefined;

/**
 * The open `reconcile` holds, in the order in which they expire: all of them, and those of each
 * processor. A page costs the same however many holds there are.
 */
export function overdueHolds(find: Find) {
  const all = sortedHolds(find);
  const byProcessor = new Map<string, ReturnType<typeof sortedHolds>>();

  const listsOf = ({ processor }: StoredPurchase) => {
    if (processor === null) return [all];
    const own = byProcessor.get(processor) ?? sortedHolds(find);
    byProcessor.set(processor, own);
    return [all, own];
  };

  return {
    add(hold: StoredPurchase): void {
      for (const list of listsOf(hold)) list.add(hold);
    },
    /** After a hold has been settled. */
    remove(hold: StoredPurchase): void {
      for (const list of listsOf(hold)) list.drop();
    },
    list({ at, limit, processor, after }: OverdueCommand): readonly StoredPurchase[] {
      const list = processor === undefined ? all : byProcessor.get(processor);
      return list?.page({ at, limit, ...(after && { after }) }) ?? [];
    },
  };
}

/**
 * Holds by `expiresAt`, then by id. A new one is sorted in when a page is next read, and a settled
 * one is passed over until they are half: so neither moves the others.
 */
function sortedHolds(find: Find) {
  let sorted: Place[] = [];
  let fresh: Place[] = [];
  let settled = 0;

  const openAt = ({ id, expiresAt }: Place): StoredPurchase | null => {
    const hold = find(id);
    return hold?.state === 'reserved' && hold.expiresAt === expiresAt ? hold : null;
  };

  /** Without those that are settled. */
  const tidy = (): void => {
    // Sorting what is mostly sorted already takes little more than one pass.
    sorted = [...sorted, ...fresh].filter((place) => openAt(place) !== null).sort(compare);
    fresh = [];
    settled = 0;
  };

  return {
    add({ id, expiresAt }: StoredPurchase): void {
      fresh.push({ id, expiresAt });
    },
    drop(): void {
      settled += 1;
      if (settled * 2 > sorted.length + fresh.length) tidy();
    },
    page({ at, limit, after }: Omit<OverdueCommand, 'processor'>): readonly StoredPurchase[] {
      if (fresh.length > 0) tidy();
      const found: StoredPurchase[] = [];
      for (let index = after === undefined ? 0 : firstAfter(sorted, after); ; index += 1) {
        const place = sorted[index];
        if (place === undefined || place.expiresAt > at || found.length === limit) return found;
        const hold = openAt(place);
        if (hold !== null) found.push(hold);
      }
    },
  };
}

function compare(a: Place, b: Place): number {
  if (a.expiresAt !== b.expiresAt) return a.expiresAt - b.expiresAt;
  if (a.id === b.id) return 0;
  return a.id < b.id ? -1 : 1;
}

/** The index of the first hold that comes after a place. */
function firstAfter(sorted: readonly Place[], place: Place): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const other = sorted[middle] as Place;
    if (compare(other, place) > 0) high = middle;
    else low = middle + 1;
  }
  return low;
}
