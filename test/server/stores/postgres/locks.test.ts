import pg from 'pg';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import {
  capped,
  charge,
  HOUR,
  NOON,
  purchase,
  TODAY,
} from '../../../../packages/server/src/testing/fixtures.ts';
import { url, type World, world } from './postgres-kit.ts';

const windows = [capped(TODAY, 10_000)];
const buy = (id: string, subject: string) => purchase(id, { subject, windows });

/** Of the statement of this ledger that waits for another transaction. */
const whoWaits = (schema: string): string => `SELECT pid FROM pg_stat_activity
  WHERE wait_event IN ('transactionid', 'tuple') AND query LIKE '%"${schema}".%'`;

async function someoneWaits({ query, schema }: World): Promise<void> {
  await expect.poll(() => query(whoWaits(schema)), { timeout: 10_000 }).toHaveLength(1);
}

describe.skipIf(url === null)('a purchase that waited for another process', () => {
  test('sees the hold that was made meanwhile, and that it has expired', async () => {
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
    const results = await waiting;
    expect(results).toMatchObject({ outcome: 'held', used: [2_000] });
    expect(results.expired.map(({ id }) => id)).toEqual(['brief']);
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

  test('finds no room that a charge without a hold took meanwhile', async () => {
    const made = await world();
    const { store, begin } = made;
    await store.reserve(purchase('before', { amount: 8_000, windows }));
    const other = await begin();
    await other.store.record(charge('charged', { windows: [TODAY] }));
    const last = store.reserve(purchase('last', { amount: 1_001, windows }));
    await someoneWaits(made);
    await other.end('COMMIT');
    expect(await last).toMatchObject({ outcome: 'refused', used: [9_000] });
  });

  test('is a replay if its charge was recorded meanwhile', async () => {
    const made = await world();
    const { store, begin } = made;
    await store.reserve(buy('before', 'ann'));
    const other = await begin();
    await other.store.record(charge('same', { ...buy('same', 'ann'), windows: [TODAY] }));
    const twin = store.reserve(buy('same', 'ann'));
    await someoneWaits(made);
    await other.end('COMMIT');
    const settled = { state: 'committed', late: true };
    expect(await twin).toMatchObject({ outcome: 'held', replayed: true, purchase: settled });
  });

  test('is a replay if its id was taken meanwhile', async () => {
    const made = await world();
    const { store, begin } = made;
    await store.reserve(buy('before', 'ann'));
    const other = await begin();
    await other.store.reserve(buy('same', 'ann'));
    const twin = store.reserve(buy('same', 'ann'));
    await someoneWaits(made);
    await other.end('COMMIT');
    expect(await twin).toMatchObject({ outcome: 'held', replayed: true, used: [2_000] });
    // A caller that sends an id twice often does so again, and would roll a batch back each time.
    const sent = vi.spyOn(pg.Client.prototype, 'query');
    onTestFinished(() => sent.mockRestore());
    await store.reserve(buy('in order', 'ann'));
    await made.open().reserve(buy('usual', 'ann'));
    const texts = sent.mock.calls.map(([query]) => Object(query).text);
    const batches = texts.filter((text) => text?.includes('.apply_batch('));
    expect(batches.map((text) => text.includes(',true)'))).toEqual([true, false]);
  });

  test('is a conflict if another subject took its id meanwhile, and nothing to those beside it', async () => {
    const made = await world();
    const { store, query, begin } = made;
    await Promise.all(['ann', 'bob', 'cyn'].map((who) => store.reserve(buy(`${who}: 1`, who))));
    const other = await begin();
    await other.store.reserve(buy('same', 'ann'));
    // Both are in one statement: every other subject takes the other lane.
    const [thief, , beside] = ['same', 'elsewhere', 'beside'].map((id, index) =>
      store.reserve(buy(id, ['bob', 'dan', 'cyn'][index] ?? '')),
    );
    await someoneWaits(made);
    await other.end('COMMIT');
    expect(await thief).toMatchObject({ outcome: 'conflict' });
    expect(await beside).toMatchObject({ outcome: 'held', replayed: false, used: [2_000] });
    expect((await store.usage({ subject: 'bob', windows, at: NOON })).used).toEqual([1_000]);
    const log = await query(`SELECT subject FROM @entries WHERE purchase = 'same'`);
    expect(log).toEqual([{ subject: 'ann' }]);
  });

  test('counts what was bought meanwhile of an account that is gone again', async () => {
    const made = await world();
    const { store, open, query, begin } = made;
    const other = await begin();
    await other.store.reserve(buy('first', 'aaa'));
    // Every other subject takes the other lane, so that this statement makes `aaa` and then `ann`.
    const calls = ['aaa', 'x', 'ann'].map((who) => store.reserve(buy(`${who}: 2`, who)));
    await someoneWaits(made);
    await open().reserve(buy('meanwhile', 'ann'));
    await query(`DELETE FROM @accounts WHERE subject = 'ann'`);
    await other.end('ROLLBACK');
    expect(await Promise.all(calls)).toMatchObject([
      { used: [1_000] },
      { used: [1_000] },
      { used: [2_000] },
    ]);
  });
});

describe.skipIf(url === null)('two processes', () => {
  test.each([
    ['ann', 'bob'],
    ['\uff01', '\u{1f600}'],
  ])('lock %s and %s in the same order', async (first, second) => {
    const made = await world();
    const { store, open, query, begin } = made;
    const names = [first, second];
    const reserve = (with_ = store, round = 1) =>
      // What takes one lane shares a statement: every other subject goes another way.
      Promise.all(
        [second, 'x', first, 'y'].map((who) => with_.reserve(buy(`${who}: ${round}`, who))),
      );
    await reserve();
    await query(`UPDATE @accounts SET next_expiry = ${NOON + HOUR}`);
    const other = await begin();
    await other.query(`SELECT FROM @accounts WHERE subject = '${first}' FOR UPDATE`);
    const waiting = reserve(open(), 2);
    await someoneWaits(made);
    // It waits for the first, and so does not hold the second yet. (Circles are looked for after a
    // second.)
    await other.query(`SET LOCAL lock_timeout = '500ms'`);
    await other.query(`SELECT FROM @accounts WHERE subject = '${second}' FOR UPDATE`);
    await other.end('ROLLBACK');
    expect(await waiting).toHaveLength(names.length + 2);
  });
});

describe.skipIf(url === null)('calls that share a statement with one that has to wait', () => {
  // Every other subject takes the other lane, and so without those of bob.
  const buyers = ['ann', 'x1', 'cyn', 'x2', 'bob', 'bob'];

  const waitForBob = async (made: World) => {
    const { store, begin } = made;
    for (const who of new Set(buyers)) await store.reserve(buy(`${who}: 1`, who));
    const other = await begin();
    await other.query(`SELECT FROM @accounts WHERE subject = 'bob' FOR UPDATE`);
    const calls = buyers.map((who, index) =>
      store.reserve(buy(`${who}: 2.${index}`, who)).catch(({ code }: { code: string }) => code),
    );
    await someoneWaits(made);
    return { other, calls };
  };

  test('are done and answered without it, and it is done later', async () => {
    const made = await world();
    const { other, calls } = await waitForBob(made);
    for (const each of calls.slice(0, 4)) expect(await each).toMatchObject({ used: [2_000] });
    // Nor do they keep their subjects locked.
    const next = made.open().reserve(buy('ann: 3', 'ann'));
    expect(await next).toMatchObject({ used: [3_000] });
    await other.end('ROLLBACK');
    const results = await Promise.all(calls.slice(4));
    expect(results).toMatchObject([{ used: [2_000] }, { used: [3_000] }]);
  });

  test('do not get another answer if it fails', async () => {
    const made = await world();
    const { other, calls } = await waitForBob(made);
    await made.query(`SELECT pg_terminate_backend(pid) FROM (${whoWaits(made.schema)}) AS waiting`);
    const results = await Promise.all(calls);
    await other.end('ROLLBACK');
    const outcomes = results.map((each) => (typeof each === 'string' ? each : each.outcome));
    const unknown = 'outcome_unknown';
    expect(outcomes).toEqual(['held', 'held', 'held', 'held', unknown, unknown]);
    expect(await made.query(`SELECT FROM @purchases WHERE id LIKE 'bob: 2.%'`)).toEqual([]);
  });
});
