import { postgresStore } from '@spendcap/server/stores/postgres';
import { describe, expect, onTestFinished, test } from 'vitest';
import {
  capped,
  charge,
  DAY,
  MONTH,
  NOON,
  purchase,
  TODAY,
  TOMORROW,
} from '../../../../packages/server/src/testing/fixtures.ts';
import { poolOf } from '../../../support/postgres.ts';
import { url, type World, world } from './postgres-kit.ts';

const windows = [capped(TODAY, 10_000), capped(MONTH, 10_000)];
const usage = { subject: 'subject-a', windows, at: NOON };

describe.skipIf(url === null)('calls of one process', () => {
  test('that are made together run in the order in which they were made', async () => {
    const { store } = await world();
    const calls = await Promise.all([
      store.usage(usage),
      store.reserve(purchase('p', { windows })),
      store.usage(usage),
      store.get({ id: 'p', at: NOON }),
      store.commit({ id: 'p', amount: 400, at: NOON }),
      store.reserve(purchase('q', { windows })),
      store.usage(usage),
      // This id is in one lane, and its subject in another.
      store.get({ id: 'r', at: NOON }),
      store.reserve(purchase('r', { windows })),
      store.release({ id: 'r', at: NOON }),
      store.usage(usage),
    ]);
    const results = calls.map((call) => {
      if ('used' in call) return call.used[0];
      return 'purchase' in call ? call.purchase?.state : call.outcome;
    });
    expect(results).toEqual([
      ...[0, 1_000, 1_000, 'reserved', 'committed', 1_400, 1_400],
      ...[undefined, 2_400, 'released', 1_400],
    ]);
  });

  test('beyond the queue are rejected immediately, and no others', async () => {
    const { open } = await world();
    const store = open({ maxQueue: 10 });
    const burst = () =>
      Promise.allSettled(
        Array.from({ length: 20 }, (_, index) => store.reserve(purchase(`p${index}`))),
      );
    const held = (await burst()).filter(({ status }) => status === 'fulfilled');
    expect(held).toHaveLength(10);
    expect((await burst()).filter(({ status }) => status === 'fulfilled')).toHaveLength(10);
  });
});

describe.skipIf(url === null)('reads', () => {
  test('wait for no purchase of their subject, and leave no trace', async () => {
    const { store, pool, schema, open, query } = await world();
    await store.reserve(purchase('p', { windows }));
    const before = await query('SELECT xmin, * FROM @accounts');
    const lock = await pool.connect();
    await lock.query('BEGIN');
    await lock.query(`SELECT FROM "${schema}".accounts FOR UPDATE`);
    const held = store.reserve(purchase('q', { windows }));
    const other = open();
    expect(await other.usage(usage)).toEqual({ used: [1_000, 1_000], expired: [] });
    expect((await other.get({ id: 'p', at: NOON })).purchase?.state).toBe('reserved');
    expect((await other.usage({ ...usage, subject: 'nobody' })).used).toEqual([0, 0]);
    expect(await query('SELECT xmin, * FROM @accounts')).toEqual(before);
    await lock.query('ROLLBACK');
    lock.release();
    expect((await held).outcome).toBe('held');
  });

  test('of a window that is new keep its sum', async () => {
    const { store, query } = await world();
    await store.reserve(purchase('p'));
    expect((await store.usage(usage)).used).toEqual([1_000, 1_000]);
    expect(await query('SELECT sums FROM @accounts')).toEqual([{ sums: ['1000', '1000'] }]);
  });
});

describe.skipIf(url === null)('a charge that is recorded', () => {
  test('counts in windows that nothing has counted yet, of a subject that is new or not', async () => {
    const { store } = await world();
    await store.record(charge('p'));
    expect(await store.reserve(purchase('q', { windows }))).toMatchObject({ used: [2_000, 2_000] });
    // Tomorrow began after the last hold, so without the charge it would be known to be empty.
    const at = NOON + DAY;
    await store.record(charge('r', { chargedAt: at }));
    const later = { at, expiresAt: at + 1, windows: [capped(TOMORROW, 10_000)] };
    expect(await store.reserve(purchase('s', later))).toMatchObject({ used: [2_000] });
  });

  test('counts in them after its account was deleted', async () => {
    const { store, query } = await world();
    await store.record(charge('p'));
    await query('DELETE FROM @accounts');
    expect(await store.reserve(purchase('q', { windows }))).toMatchObject({ used: [2_000, 2_000] });
    await query('DELETE FROM @accounts');
    await store.record(charge('r'));
    expect((await store.usage(usage)).used).toEqual([3_000, 3_000]);
  });
});

describe.skipIf(url === null)('the entry log', () => {
  const now = Date.now();
  const day = 86_400_000;
  const partOf = (at: number): string =>
    `entries_${new Date(at).toISOString().slice(0, 7).replace('-', '_')}`;
  const buy = ({ store }: World, id: string, at: number) =>
    store.reserve(purchase(id, { at, expiresAt: at + 1_000 }));
  const partsOf = async ({ query }: World) => {
    const entries = await query(`SELECT relname AS part, purchase FROM @entries e
      JOIN pg_class c ON c.oid = e.tableoid WHERE kind = 'reserved' ORDER BY purchase`);
    return entries.map(({ part, purchase }) => [purchase, part]);
  };

  test('has a part for this month and each of the next twelve, and one for all others', async () => {
    const made = await world();
    const first = new Date(now).setUTCDate(1);
    const last = new Date(first).setUTCMonth(new Date(first).getUTCMonth() + 12);
    await buy(made, 'p1', now);
    await buy(made, 'p2', last);
    await buy(made, 'p3', last + 40 * day);
    await buy(made, 'p4', 1_000);
    expect(await partsOf(made)).toEqual([
      ['p1', partOf(now)],
      ['p2', partOf(last)],
      ['p3', 'entries_other'],
      ['p4', 'entries_other'],
    ]);
    await expect(made.query(`UPDATE @${partOf(now)} SET amount = 0`)).rejects.toThrow('only ever');
  });

  test('lets a month go by dropping its table, while purchases go on', async () => {
    const made = await world();
    const { store, query } = made;
    const month = now + 40 * day;
    await buy(made, 'old', month);
    const going = Array.from({ length: 200 }, (_, index) => buy(made, `p${index}`, now));
    await query(`DROP TABLE @${partOf(month)}`);
    await Promise.all(going);
    expect(await partsOf(made)).toHaveLength(200);
    expect((await store.get({ id: 'old', at: month })).purchase?.state).toBe('reserved');
    // An entry of that month is still stored, and stays where it is when months are made.
    await buy(made, 'stray', month);
    await store.migrate();
    await buy(made, 'stray again', month);
    const strays = (await partsOf(made)).filter(([, part]) => part === 'entries_other');
    expect(strays.map(([id]) => id)).toEqual(['stray', 'stray again']);
    await query('DELETE FROM @entries_other');
    await store.migrate();
    await buy(made, 'new', month);
    expect(await partsOf(made)).toContainEqual(['new', partOf(month)]);
  });
});

test.skipIf(url === null)(
  'a subject is served although very many of its holds expire together',
  { timeout: 40_000 },
  async () => {
    const { pool, schema, query } = await world();
    const holds = 40_000;
    await query(`INSERT INTO @purchases
      (amount, reserved_at, expires_at, reconcile, id, subject, currency, request, basis)
      SELECT 1, ${NOON - 2}, ${NOON - 1}, false, 'p' || n, 'subject-a', 'CNY', '', '{}'
      FROM generate_series(1, ${holds}) AS n`);
    const store = postgresStore({ pool, schema, timeoutMs: 20_000 });
    const { used, expired } = await store.usage(usage);
    expect([expired.length, ...used]).toEqual([holds, 0, 0]);
    await store.close();
  },
);

test.each(['', 'A', 'a"b', "a'b", 'a;b', 'a\n', 'pg_mine', 'x'.repeat(64)])(
  'no schema is called %j',
  (schema) => {
    const pool = { connect: () => Promise.reject(new Error('connected')) };
    expect(() => postgresStore({ pool, schema })).toThrow(TypeError);
  },
);

test.skipIf(url === null)('type parsers that an application has set change nothing', async () => {
  const { schema } = await world();
  // As \`pg.types.setTypeParser\` does for every pool: bigint, int, boolean, text, JSON and lists.
  const parsed = { parsed: 'by the application' };
  const pool = poolOf(url ?? '', { types: { getTypeParser: () => () => parsed } as never });
  onTestFinished(() => pool.end());
  const store = postgresStore({ pool, schema });
  await store.ready();
  const held = await store.reserve(purchase('p', { windows }));
  expect(held).toMatchObject({ outcome: 'held', used: [1_000, 1_000] });
  expect((await store.get({ id: 'p', at: NOON })).purchase).toMatchObject({ amount: 1_000 });
});
