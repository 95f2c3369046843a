import type { GetResult, ReserveCommand, UsageResult } from '@spendcap/core';
import { sqliteStore } from '@spendcap/server/stores/sqlite';
import { afterEach, describe, expect, it, test, vi } from 'vitest';
import {
  type SqliteCommand,
  type SqliteReply,
  sqliteLedger,
} from '../../../../packages/server/src/stores/sqlite/file.ts';
import { capped, MONTH, NOON, purchase } from '../../../../packages/server/src/testing/fixtures.ts';
import { temporaryFile } from '../../../support/temporary.ts';

const ROOMY = [capped(MONTH, 1_000_000_000)];
/** More than are entered together into the subjects' index. */
const MANY = 5_000;

const opened: { close(): void }[] = [];

function open(path: string) {
  const ledger = sqliteLedger({ path, busyTimeoutMs: 100 });
  opened.push(ledger);
  return ledger;
}

afterEach(() => {
  vi.useRealTimers();
  for (const ledger of opened.splice(0)) ledger.close();
});

type Ledger = ReturnType<typeof sqliteLedger>;

function run(ledger: Ledger, commands: readonly SqliteCommand[]): readonly SqliteReply[] {
  const replies = ledger.runBatch(commands);
  if ('failure' in replies) throw new Error(replies.failure.message);
  return replies;
}

const reserving = (id: string, more: Partial<ReserveCommand> = {}): SqliteCommand => [
  'reserve',
  purchase(id, { windows: ROOMY, amount: 100, ...more }),
];

/** Many purchases of ten subjects, in batches as they come from many buyers. */
function reserveMany(ledger: Ledger, prefix: string, count = MANY): void {
  for (let first = 0; first < count; first += 50) {
    const batch = Array.from({ length: 50 }, (_, index) => {
      const number = first + index;
      return reserving(`${prefix}-${number}`, { subject: `sub_${number % 10}` });
    });
    for (const reply of run(ledger, batch)) expect(reply).toMatchObject({ value: {} });
  }
}

function usedBy(ledger: Ledger, subject: string, at = NOON): number | undefined {
  const [reply] = run(ledger, [['usage', { subject, windows: ROOMY, at }]]);
  if (reply === undefined || !('value' in reply)) throw new Error('no usage');
  return (reply.value as UsageResult).used[0];
}

function stateOf(ledger: Ledger, id: string, at = NOON): string | undefined {
  const [reply] = run(ledger, [['get', { id, at }]]);
  if (reply === undefined || !('value' in reply)) throw new Error('no purchase');
  return (reply.value as GetResult).purchase?.state;
}

describe('what a subject has spent', () => {
  it('is the same after a restart, however many purchases there are', () => {
    const path = temporaryFile('restart.db');
    reserveMany(open(path), 'p');
    expect(usedBy(open(path), 'sub_3')).toBe((MANY / 10) * 100);
  });

  it('is seen by another process at every moment', () => {
    const path = temporaryFile('shared.db');
    const [one, other] = [open(path), open(path)];
    for (let part = 1; part <= 10; part += 1) {
      reserveMany(part % 2 === 0 ? one : other, `part-${part}`, 1_000);
      expect(usedBy(one, 'sub_7')).toBe(part * 100 * 100);
      expect(usedBy(other, 'sub_7')).toBe(part * 100 * 100);
    }
  });

  it('gives back what was released and expired, entered into the index or not', () => {
    const path = temporaryFile('holds.db');
    const ledger = open(path);
    run(ledger, [reserving('old', { subject: 'sub_x', expiresAt: NOON + 60_000 })]);
    run(ledger, [reserving('old-released', { subject: 'sub_x' })]);
    reserveMany(ledger, 'p');
    run(ledger, [reserving('new', { subject: 'sub_x', expiresAt: NOON + 60_000 })]);
    run(ledger, [reserving('kept', { subject: 'sub_x' })]);
    run(ledger, [['release', { id: 'old-released', at: NOON }]]);
    expect(usedBy(ledger, 'sub_x')).toBe(300);
    expect(usedBy(ledger, 'sub_x', NOON + 60_000)).toBe(100);
    const restarted = open(path);
    expect(usedBy(restarted, 'sub_x', NOON + 60_000)).toBe(100);
    expect(['old', 'new', 'old-released', 'kept'].map((id) => stateOf(restarted, id))).toEqual([
      'expired',
      'expired',
      'released',
      'reserved',
    ]);
  });
});

describe('a hold', () => {
  it('is what another process has made of it', () => {
    const path = temporaryFile('settled.db');
    const [one, other] = [open(path), open(path)];
    run(one, [reserving('charged'), reserving('released')]);
    run(other, [
      ['commit', { id: 'charged', at: NOON }],
      ['release', { id: 'released', at: NOON }],
    ]);
    expect(['charged', 'released'].map((id) => stateOf(one, id))).toEqual([
      'committed',
      'released',
    ]);
    const late = run(one, [['commit', { id: 'released', at: NOON }]]);
    expect(late).toMatchObject([{ value: { outcome: 'done', purchase: { late: true } } }]);
    expect(usedBy(one, 'subject-a')).toBe(200);
  });

  it('is gone with the batch that was rolled back', () => {
    const ledger = open(temporaryFile('gone.db'));
    run(ledger, [reserving('before')]);
    const failed = ledger.runBatch([reserving('gone'), reserving('odd', { amount: -100 })]);
    expect(failed).toMatchObject({ isDataError: true });
    const [reply] = run(ledger, [['commit', { id: 'gone', at: NOON }]]);
    expect(reply).toMatchObject({ value: { outcome: 'not_found' } });
    expect(stateOf(ledger, 'before')).toBe('reserved');
  });
});

describe('a batch that begins before it is complete', () => {
  it('comes out as one batch, in order', () => {
    const ledger = open(temporaryFile('early.db'));
    ledger.prepare([reserving('a'), reserving('b')]);
    ledger.prepare([reserving('c')]);
    const replies = run(ledger, [reserving('a', { amount: 7, request: 'another' })]);
    expect(replies).toMatchObject([
      { value: { outcome: 'fresh' } },
      { value: { outcome: 'fresh' } },
      { value: { outcome: 'fresh' } },
      { value: { outcome: 'conflict' } },
    ]);
    expect(run(ledger, [reserving('d')])).toHaveLength(1);
  });

  it('gives the file back when the rest takes long, and is done whole later', () => {
    vi.useFakeTimers();
    const path = temporaryFile('pause.db');
    const [slow, other] = [open(path), open(path)];
    slow.prepare([reserving('a')]);
    const busy = other.runBatch([reserving('z')]);
    expect(busy).toMatchObject({ failure: { code: 'store_unavailable' }, isDataError: false });
    vi.advanceTimersByTime(50);
    expect(run(other, [reserving('z')])).toMatchObject([{ value: { outcome: 'fresh' } }]);
    const replies = run(slow, [reserving('b')]);
    expect(replies).toMatchObject([
      { value: { outcome: 'fresh', used: [200] } },
      { value: { outcome: 'fresh', used: [300] } },
    ]);
  });

  it('is done when it could not begin', () => {
    const path = temporaryFile('busy.db');
    const [one, other] = [open(path), open(path)];
    other.prepare([reserving('z')]);
    one.prepare([reserving('a')]);
    run(other, []);
    expect(run(one, [reserving('b')])).toMatchObject([{ value: {} }, { value: {} }]);
    expect(stateOf(other, 'a')).toBe('reserved');
  });

  it('is rolled back whole if one command breaks a constraint, and says so', () => {
    const ledger = open(temporaryFile('odd.db'));
    ledger.prepare([reserving('a'), reserving('odd', { amount: -100 })]);
    expect(ledger.runBatch([reserving('b')])).toMatchObject({ isDataError: true });
    expect(['a', 'odd', 'b'].map((id) => stateOf(ledger, id))).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });
});

test('a command that breaks a constraint fails alone, in a batch that was prepared', async () => {
  const store = sqliteStore({ path: temporaryFile('odd.db') });
  // Enough for the thread to begin before the batch is complete.
  const ids = Array.from({ length: 40 }, (_, index) => `p${index}`);
  const results = await Promise.allSettled(
    ids.map((id, index) =>
      store.reserve(purchase(id, { windows: ROOMY, amount: index === 7 ? -100 : 100 })),
    ),
  );
  expect(results.map(({ status }) => status === 'rejected').indexOf(true)).toBe(7);
  expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(39);
  const { used } = await store.usage({ subject: 'subject-a', windows: ROOMY, at: NOON });
  expect(used).toEqual([3_900]);
  await store.close();
});
