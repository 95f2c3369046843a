import type { OverdueCommand, ReserveCommand, Store, StoredPurchase } from '@spendcap/core';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  capped,
  HOUR,
  NOON,
  purchase,
  TODAY,
} from '../../../../packages/server/src/testing/fixtures.ts';
import type { Ledger } from '../../../support/stores/entry.ts';
import { runnable, STORES } from '../../../support/stores.ts';

const END = NOON + HOUR;
const hold = (id: string, change: Partial<ReserveCommand> = {}) =>
  purchase(id, { expiresAt: END, onExpiry: 'reconcile', subject: `of ${id}`, ...change });

/** Ids whose order differs between bytes, UTF-16 and the alphabet of a language. */
const ODD = ['B', 'a', 'é', 'z', 'Z', '\uffff', '😀', '😀😀', 'a}', 'a%', 'a{', 'ab', '-', '_'];

async function pages(store: Store, query: Omit<OverdueCommand, 'at'>): Promise<readonly string[]> {
  const found: string[] = [];
  let after: StoredPurchase | undefined;
  do {
    const page = await store.overdue({ at: END, ...query, ...(after && { after }) });
    found.push(...page.map(({ id }) => id));
    after = page.at(-1);
  } while (after !== undefined);
  return found;
}

/** What the sorted sets of a ledger list, without its prefix. */
async function listed(ledger: Ledger): Promise<readonly (readonly [list: string, id: string])[]> {
  const sets = (await ledger.dump()).filter(({ where }) => where === 'redis zset');
  return sets.flatMap(({ bytes }) => {
    const [key, values] = JSON.parse(bytes.toString()) as [string, string[]];
    const list = key.replace(/^.*?:(\{overdue-\d+\}|overdue)/, 'overdue');
    return values.filter((_, index) => index % 2 === 0).map((id) => [list, id] as const);
  });
}

let ledger: Ledger;
let store: Store;
afterEach(async () => {
  await ledger.remove();
});

const REDIS = STORES.filter(({ name }) => name.startsWith('redis'));

describe.each(await runnable(REDIS))('overdue of $name', (entry) => {
  beforeEach(async () => {
    ledger = await entry.openLedger();
    store = await ledger.connect();
  });

  test('holds that end at the same instant have one order, whoever reads which page', async () => {
    const ids = [...ODD, ...Array.from({ length: 60 }, (_, index) => `order-${index}`)];
    const processorOf = (index: number) => ['one_pay', 'two_pay', null][index % 3] ?? null;
    await Promise.all(
      ids.map((id, index) => store.reserve(hold(id, { processor: processorOf(index) }))),
    );
    const all = await pages(store, { limit: 7 });
    expect(all.toSorted()).toEqual(ids.toSorted());
    for (const limit of [1, 5, 100]) expect(await pages(store, { limit })).toEqual(all);
    const own = all.filter((id) => processorOf(ids.indexOf(id)) === 'two_pay');
    expect(await pages(store, { limit: 4, processor: 'two_pay' })).toEqual(own);

    // After a hold that has been settled since, and after one that never was.
    const [first = '', second = ''] = all;
    await store.release({ id: first, at: NOON });
    const after = { expiresAt: END, id: first };
    expect((await store.overdue({ at: END, limit: 1, after }))[0]?.id).toBe(second);
    const before = { expiresAt: END - 1, id: '\u{10ffff}' };
    expect((await store.overdue({ at: END, limit: 1, after: before }))[0]?.id).toBe(second);
    const beyond = { expiresAt: END + 1, id: '' };
    expect(await store.overdue({ at: END, limit: 1, after: beyond })).toEqual([]);
  });

  test('only reconcile holds are listed, by processor only those that have one', async () => {
    await store.reserve(hold('p'));
    await store.reserve(hold('q', { processor: 'one_pay', processorRef: 'ref' }));
    await store.reserve(hold('r', { processor: 'one_pay', onExpiry: 'release' }));
    expect((await listed(ledger)).toSorted()).toEqual([
      ['overdue', '{p}'],
      ['overdue', '{q}'],
      ['overdue:{one_pay}', '{q}'],
    ]);
  });

  test.each(['one_pay', undefined])('settled holds leave every list, read by %s', async (name) => {
    const ids = ['p', 'q', 'r'];
    for (const id of ids) await store.reserve(hold(id, { processor: 'one_pay' }));
    await store.commit({ id: 'p', at: NOON });
    await store.release({ id: 'q', at: NOON });
    await store.attach({ id: 'r', processor: 'one_pay', processorRef: 'ref', at: NOON });
    const query = { limit: 10, ...(name === undefined ? {} : { processor: name }) };
    expect(await pages(store, query)).toEqual(['r']);
    expect((await listed(ledger)).toSorted()).toEqual([
      ['overdue', '{r}'],
      ['overdue:{one_pay}', '{r}'],
    ]);
  });

  test('a refused attempt at another processor, with an earlier end, changes nothing', async () => {
    const tooMuch = { windows: [capped(TODAY, 1)], processor: 'one_pay', expiresAt: END - 9 };
    expect((await store.reserve(hold('p', tooMuch))).outcome).toBe('refused');
    await store.reserve(hold('p', { processor: 'two_pay' }));
    await store.reserve(hold('q', { processor: 'two_pay', expiresAt: END - 5 }));
    for (const limit of [1, 10]) {
      expect(await pages(store, { limit })).toEqual(['q', 'p']);
      expect(await pages(store, { limit, processor: 'two_pay' })).toEqual(['q', 'p']);
      expect(await pages(store, { limit, processor: 'one_pay' })).toEqual([]);
    }
    expect((await listed(ledger)).filter(([list]) => list === 'overdue:{one_pay}')).toEqual([]);
  });
});
