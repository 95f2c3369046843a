import { DatabaseSync } from 'node:sqlite';
import type { Window } from '@spendcap/core';
import { expect, test } from 'vitest';
import {
  attach,
  commit,
  MAX_COUNTERS,
  type Rows,
  record,
  refund,
  release,
  reserve,
  reverseRefund,
  usage,
} from '../../../packages/server/src/ledger/ledger.ts';
import { SCHEMA, sqliteRows } from '../../../packages/server/src/stores/sqlite/rows.ts';
import {
  ALL,
  capped,
  DAY,
  MONTH,
  NOON,
  purchase,
  T0,
  TODAY,
} from '../../../packages/server/src/testing/fixtures.ts';

/** Rows of an empty ledger, and how often a window was summed. */
function ledger() {
  const database = new DatabaseSync(':memory:');
  database.exec(SCHEMA);
  const { rows, forget, refresh } = sqliteRows(database);
  const sums: Window[] = [];
  const counting: Rows = {
    ...rows,
    sum: (subject, window) => {
      sums.push(window);
      return rows.sum(subject, window);
    },
  };
  /** As after a restart: the purchases are there, and what was remembered of them is not. */
  const restart = () => {
    forget();
    refresh();
  };
  const counters = () => rows.account('subject-a')?.counters ?? [];
  return { rows: counting, sums, restart, counters };
}

test('a subject that is only ever refused is summed once', () => {
  const { rows, sums, restart } = ledger();
  reserve(rows, purchase('p', { windows: [capped(TODAY, 1_000)] }));
  restart();
  sums.length = 0;
  const windows = [capped(TODAY, 1_000), capped(MONTH, 9_000)];
  for (const id of ['q', 'r', 's']) {
    expect(reserve(rows, purchase(id, { windows })).outcome).toBe('refused');
  }
  expect(sums).toHaveLength(windows.length);
});

test('a window is summed once, however often its description is made again', () => {
  const { rows, sums } = ledger();
  const skins: Window = { ...MONTH, selector: { ...ALL, categories: ['loot_box', 'skin'] } };
  const windows = [capped(TODAY, 9_000), capped(skins, 9_000)];
  for (const id of ['p', 'q', 'r']) {
    reserve(rows, structuredClone(purchase(id, { category: 'skin', windows })));
    usage(rows, structuredClone({ subject: 'subject-a', windows, at: NOON }));
  }
  expect(sums).toHaveLength(windows.length);
});

test('an account forgets a window at its end, so that it does not grow with the days', () => {
  const { rows, counters } = ledger();
  const life: Window = { selector: ALL, start: 0, end: T0 + 999 * DAY };
  for (let day = 0; day < 9; day += 1) {
    const start = T0 + day * DAY;
    const today = { selector: ALL, start, end: start + DAY };
    const windows = [capped(life, 99_000), capped(today, 9_000)];
    reserve(rows, purchase(`p${day}`, { at: start, windows }));
    expect(counters().map(({ end }) => end)).toEqual([life.end, today.end]);
  }
});

test('an account keeps few windows that were only read', () => {
  const { rows, counters } = ledger();
  reserve(rows, purchase('p'));
  for (let app = 0; app < 2 * MAX_COUNTERS; app += 1) {
    const window = { ...MONTH, selector: { ...ALL, app: `game-${app}` } };
    usage(rows, { subject: 'subject-a', windows: [window], at: NOON });
  }
  expect(counters()).toHaveLength(MAX_COUNTERS);
});

test('a purchase is settled after a restart, before anything has read its subject', () => {
  const { rows, restart } = ledger();
  reserve(rows, purchase('p', { onExpiry: 'reconcile', windows: [capped(TODAY, 1_000)] }));
  restart();
  expect(commit(rows, { id: 'p', amount: 700, at: NOON })).toMatchObject({
    outcome: 'done',
    purchase: { state: 'committed', committed: 700 },
  });
  const query = { subject: 'subject-a', windows: [TODAY], at: NOON };
  expect(usage(rows, query).used).toEqual([700]);
});

test('a subject that is only ever read is summed once', () => {
  const { rows, sums } = ledger();
  const query = { subject: 'subject-a', windows: [TODAY, MONTH], at: NOON };
  for (let time = 0; time < 3; time += 1) expect(usage(rows, query).used).toEqual([0, 0]);
  expect(sums).toHaveLength(2);
});

test('money without a hold keeps its window, however many were only read', () => {
  const { rows, counters } = ledger();
  for (let app = 0; app < MAX_COUNTERS; app += 1) {
    const window = { ...MONTH, selector: { ...ALL, app: `game-${app}` } };
    usage(rows, { subject: 'subject-a', windows: [window], at: NOON });
  }
  const { expiresAt: _at, onExpiry: _then, windows: _all, ...charge } = purchase('p');
  record(rows, { ...charge, at: NOON, chargedAt: NOON, amount: 700, windows: [TODAY] });
  expect(counters().at(-1)).toEqual({ ...TODAY, used: 700 });
});

test('an unknown purchase is not found by any verb, and nothing has expired', () => {
  const { rows } = ledger();
  const unknown = { id: 'none', at: NOON };
  const named = { processor: 'acme_pay', processorRef: 'pay_1' };
  for (const result of [
    commit(rows, unknown),
    release(rows, unknown),
    attach(rows, { ...unknown, ...named }),
    refund(rows, { ...unknown, refundId: 'r', restores: true }),
    reverseRefund(rows, { ...unknown, refundId: 'r' }),
  ]) {
    expect(result).toEqual({ outcome: 'not_found', expired: [] });
  }
});
