import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { type Rows, reserve } from '../../../packages/server/src/ledger/ledger.ts';
import { SCHEMA, sqliteRows } from '../../../packages/server/src/stores/sqlite/rows.ts';
import { capped, MONTH, purchase, TODAY } from '../../../packages/server/src/testing/fixtures.ts';

test('a subject that is only ever refused is summed once', () => {
  const database = new DatabaseSync(':memory:');
  database.exec(SCHEMA);
  const { rows, forget, refresh } = sqliteRows(database);
  reserve(rows, purchase('p', { windows: [capped(TODAY, 1_000)] }));
  // As after a restart: the purchases are there, and what was remembered of them is not.
  forget();
  refresh();
  let sums = 0;
  const counting: Rows = {
    ...rows,
    sum: (subject, window) => {
      sums += 1;
      return rows.sum(subject, window);
    },
  };
  const windows = [capped(TODAY, 1_000), capped(MONTH, 9_000)];
  for (const id of ['q', 'r', 's']) {
    expect(reserve(counting, purchase(id, { windows })).outcome).toBe('refused');
  }
  expect(sums).toBe(windows.length);
  database.close();
});
