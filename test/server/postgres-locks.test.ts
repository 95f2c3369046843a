import { describe, expect, test } from 'vitest';
import { capped, HOUR, NOON, purchase, TODAY } from '../../packages/server/src/testing/fixtures.ts';
import { url, type World, world } from './postgres-kit.ts';

const windows = [capped(TODAY, 10_000)];
const buy = (id: string, subject: string) => purchase(id, { subject, windows });

/** Of the statement of this ledger that waits for another transaction. */
const whoWaits = (schema: string): string => `SELECT pid FROM pg_stat_activity
  WHERE wait_event IN ('transactionid', 'tuple') AND query LIKE '%"${schema}".%'`;

async function someoneWaits({ query, schema }: World): Promise<void> {
  await expect.poll(() => query(whoWaits(schema))).toHaveLength(1);
}

describe.skipIf(url === null)('a purchase that waited for another process', () => {
  test('sees the hold that was made meanwhile, and that it is over', async () => {
    const made = await world();
    const { store, begin } = made;
    // The account remembers when this hold would have ended.
    const before = { at: NOON - HOUR, expiresAt: NOON - HOUR / 2, windows };
    await store.reserve(purchase('before', before));
    await store.commit({ id: 'before', at: NOON - HOUR });
    const other = await begin();
    const brief = await other.store.reserve(purchase('brief', { expiresAt: NOON + 1, windows }));
    expect(brief).toMatchObject({ outcome: 'held', used: [2_000] });
    const waiting = store.reserve(purchase('waiting', { at: NOON + 2, windows }));
    await someoneWaits(made);
    await other.end('COMMIT');
    const told = await waiting;
    expect(told).toMatchObject({ outcome: 'held', used: [2_000] });
    expect(told.expired.map(({ id }) => id)).toEqual(['brief']);
  });

  test('finds no room that was taken meanwhile', async () => {
    const made = await world();
    const { store, begin } = made;
    await store.reserve(purchase('before', { amount: 8_000, windows }));
    const other = await begin();
    await other.store.reserve(purchase('other', { windows }));
    const last = store.reserve(purchase('last', { amount: 1_001, windows }));
    await someoneWaits(made);
    await other.end('COMMIT');
    expect(await last).toMatchObject({ outcome: 'refused', used: [9_000] });
  });

  test('is another one if its id was taken meanwhile', async () => {
    const made = await world();
    const { store, begin } = made;
    await Promise.all([store.reserve(buy('a', 'ann')), store.reserve(buy('b', 'bob'))]);
    const other = await begin();
    await other.store.reserve(buy('same', 'ann'));
    const [twin, thief] = [store.reserve(buy('same', 'ann')), store.reserve(buy('mine', 'bob'))];
    await someoneWaits(made);
    await other.end('COMMIT');
    expect(await twin).toMatchObject({ outcome: 'held', replayed: true, used: [2_000] });
    expect(await thief).toMatchObject({ outcome: 'held', replayed: false, used: [2_000] });
    expect(await store.reserve(buy('same', 'bob'))).toMatchObject({ outcome: 'conflict' });
  });
});

describe.skipIf(url === null)('calls that share a statement with one that has to wait', () => {
  const usual = Array.from({ length: 8 }, (_, index) => `usual-${index}`);

  test('are done without it, and it is done later', async () => {
    const made = await world();
    const { store, open, query, begin } = made;
    await Promise.all([...usual, 'bob'].map((who) => store.reserve(buy(`${who}: 1`, who))));
    const other = await begin();
    await other.query(`SELECT FROM @accounts WHERE subject = 'bob' FOR UPDATE`);
    // Two of one subject are not usual.
    const asked = [...usual, 'bob', 'bob'].map((who, index) =>
      store.reserve(buy(`${who}: 2.${index}`, who)),
    );
    await someoneWaits(made);
    const bought = await query(
      `SELECT DISTINCT subject FROM @purchases WHERE id LIKE '%: 2.%' ORDER BY subject`,
    );
    expect(bought.map(({ subject }) => subject)).toEqual(usual);
    // Nor do they keep their subjects locked.
    for (const who of usual) {
      expect(await open().reserve(buy(`${who}: 3`, who))).toMatchObject({ used: [3_000] });
    }
    await other.end('ROLLBACK');
    const told = await Promise.all(asked);
    const used = told.map((each) => 'used' in each && each.used[0]);
    expect(used).toEqual([...usual.map(() => 2_000), 2_000, 3_000]);
  });

  test('are not told another answer if it fails', async () => {
    const made = await world();
    const { store, schema, query, begin } = made;
    await Promise.all([...usual, 'bob'].map((who) => store.reserve(buy(`${who}: 1`, who))));
    const other = await begin();
    await other.query(`SELECT FROM @accounts WHERE subject = 'bob' FOR UPDATE`);
    const asked = [...usual, 'bob', 'bob'].map((who, index) =>
      store.reserve(buy(`${who}: 2.${index}`, who)).catch(({ code }: { code: string }) => code),
    );
    await someoneWaits(made);
    await query(`SELECT pg_terminate_backend(pid) FROM (${whoWaits(schema)}) AS waiting`);
    const told = await Promise.all(asked);
    await other.end('ROLLBACK');
    const outcomes = told.map((each) => (typeof each === 'string' ? each : each.outcome));
    const unknown = 'outcome_unknown';
    expect(outcomes).toEqual([...usual.map(() => 'held'), unknown, unknown]);
    expect(await query(`SELECT FROM @purchases WHERE id LIKE 'bob: 2.%'`)).toEqual([]);
  });
});
