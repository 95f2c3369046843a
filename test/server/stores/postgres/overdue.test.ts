import { postgresStore } from '@spendcap/server/stores/postgres';
import { describe, expect, onTestFinished, test } from 'vitest';
import { HOUR, NOON, purchase } from '../../../../packages/server/src/testing/fixtures.ts';
import { interceptedPool } from '../../../support/postgres.ts';
import { url, type World, world } from './postgres-kit.ts';

const FOREIGN = 20_000;
const END = NOON + HOUR;

const hold = (n: number) => ({ expiresAt: NOON + n, id: `p${n}` });

/** Many overdue holds without a processor and of another one, then three of `one_pay`. */
async function manyHolds({ query }: World): Promise<void> {
  await query(`INSERT INTO @purchases (amount, reserved_at, expires_at, reconcile, id, subject,
      currency, request, basis, processor)
    SELECT 1, ${NOON}, ${NOON} + n, true, 'p' || n, 's' || n, 'CNY', '', '{}',
      CASE WHEN n > ${FOREIGN} THEN 'one_pay' WHEN n % 2 = 0 THEN 'two_pay' END
    FROM generate_series(1, ${FOREIGN} + 3) AS n`);
  await query(`INSERT INTO @unsettled (expires_at, purchase, processor)
    SELECT expires_at, id, processor FROM @purchases`);
}

/** A store, and how many entries of the indexes of `unsettled` each of its calls has read. */
function counting({ pool, schema }: World) {
  const reads: number[] = [];
  const countOf = {
    text: `SELECT sum(pg_stat_get_xact_tuples_returned(indexrelid))::int AS entries
      FROM pg_index WHERE indrelid = '"${schema}".unsettled'::regclass`,
  };
  const counted = interceptedPool(pool, async (query, send) => {
    if (!query.text.includes('.read_batch(')) return send(query);
    await send({ text: 'BEGIN' });
    // The server counts from when it last published its statistics.
    const before = await send(countOf);
    const replies = await send(query);
    const after = await send(countOf);
    await send({ text: 'COMMIT' });
    reads.push(Number(Object(after.rows[0]).entries) - Number(Object(before.rows[0]).entries));
    return replies;
  });
  const store = postgresStore({ pool: counted, schema });
  onTestFinished(() => store.close());
  return { store, reads };
}

describe.skipIf(url === null)('a page of overdue holds', () => {
  test.each(['before', 'after'])(
    'reads no others, %s statistics of the table exist',
    async (when) => {
      const made = await world();
      await manyHolds(made);
      if (when === 'after') await made.query('ANALYZE @unsettled, @purchases');
      const { store, reads } = counting(made);
      const page = { at: END, limit: 2 };
      const own = await store.overdue({ ...page, processor: 'one_pay' });
      const rest = await store.overdue({ ...page, processor: 'one_pay', after: hold(FOREIGN + 2) });
      const all = await store.overdue({ ...page, after: hold(FOREIGN / 2) });
      const none = await store.overdue({ ...page, processor: 'none_pay' });
      expect([own, rest, all, none].map((list) => list.map(({ id }) => id))).toEqual([
        [`p${FOREIGN + 1}`, `p${FOREIGN + 2}`],
        [`p${FOREIGN + 3}`],
        [`p${FOREIGN / 2 + 1}`, `p${FOREIGN / 2 + 2}`],
        [],
      ]);
      expect(reads).toEqual([2, 1, 2, 0]);
    },
  );
});

test.skipIf(url === null)(
  'a hold without a processor has no entry in the index by processor, and a settled one in none',
  async () => {
    const { store, query } = await world();
    const open = { onExpiry: 'reconcile' } as const;
    await store.reserve(purchase('p', open));
    await store.reserve(purchase('q', { ...open, processor: 'one_pay' }));
    await store.reserve(purchase('brief', { processor: 'one_pay' }));
    await query('VACUUM ANALYZE @unsettled');
    const entries = `SELECT c.relname AS name, c.reltuples::int AS n FROM pg_index i
      JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = '@unsettled'::regclass ORDER BY 1`;
    expect(await query(entries)).toEqual([
      { name: 'unsettled_of_processor', n: 1 },
      { name: 'unsettled_pkey', n: 2 },
    ]);
    for (const id of ['p', 'q']) await store.commit({ id, at: NOON });
    expect(await query('SELECT FROM @unsettled')).toEqual([]);
  },
);
