import type { GetResult, ReserveCommand, UsageResult } from '@spendcap/core';
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  type SqliteCommand,
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
    for (const reply of ledger.run(batch)) expect(reply).toMatchObject({ value: {} });
  }
}

function usedBy(ledger: Ledger, subject: string, at = NOON): number | undefined {
  const [reply] = ledger.run([['usage', { subject, windows: ROOMY, at }]]);
  if (reply === undefined || !('value' in reply)) throw new Error('no usage');
  return (reply.value as UsageResult).used[0];
}

function stateOf(ledger: Ledger, id: string, at = NOON): string | undefined {
  const [reply] = ledger.run([['get', { id, at }]]);
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
    ledger.run([reserving('old', { subject: 'sub_x', expiresAt: NOON + 60_000 })]);
    ledger.run([reserving('old-released', { subject: 'sub_x' })]);
    reserveMany(ledger, 'p');
    ledger.run([reserving('new', { subject: 'sub_x', expiresAt: NOON + 60_000 })]);
    ledger.run([reserving('kept', { subject: 'sub_x' })]);
    ledger.run([['release', { id: 'old-released', at: NOON }]]);
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

describe('a batch that begins before it is complete', () => {
  it('comes out as one batch, in order', () => {
    const ledger = open(temporaryFile('early.db'));
    ledger.begin([reserving('a'), reserving('b')]);
    ledger.begin([reserving('c')]);
    const replies = ledger.run([reserving('a', { amount: 7, request: 'another' })]);
    expect(replies).toMatchObject([
      { value: { outcome: 'fresh' } },
      { value: { outcome: 'fresh' } },
      { value: { outcome: 'fresh' } },
      { value: { outcome: 'conflict' } },
    ]);
    expect(ledger.run([reserving('d')])).toHaveLength(1);
  });

  it('gives the file back when the rest takes long, and is done whole later', () => {
    vi.useFakeTimers();
    const path = temporaryFile('pause.db');
    const [slow, other] = [open(path), open(path)];
    slow.begin([reserving('a')]);
    expect(other.run([reserving('z')])).toMatchObject([{ error: { code: 'store_unavailable' } }]);
    vi.advanceTimersByTime(50);
    expect(other.run([reserving('z')])).toMatchObject([{ value: { outcome: 'fresh' } }]);
    const replies = slow.run([reserving('b')]);
    expect(replies).toMatchObject([
      { value: { outcome: 'fresh', used: [200] } },
      { value: { outcome: 'fresh', used: [300] } },
    ]);
  });

  it('is done when it could not begin', () => {
    const path = temporaryFile('busy.db');
    const [one, other] = [open(path), open(path)];
    other.begin([reserving('z')]);
    one.begin([reserving('a')]);
    other.run([]);
    expect(one.run([reserving('b')])).toMatchObject([{ value: {} }, { value: {} }]);
    expect(stateOf(other, 'a')).toBe('reserved');
  });

  it('fails alone where one command is not one of the ledger', () => {
    const ledger = open(temporaryFile('odd.db'));
    ledger.begin([reserving('a'), reserving('odd', { amount: 1.5 })]);
    const [a, odd, b] = ledger.run([reserving('b')]);
    expect([a, b]).toMatchObject([{ value: {} }, { value: {} }]);
    expect(odd).toHaveProperty('error');
    expect(stateOf(ledger, 'b')).toBe('reserved');
    expect(stateOf(ledger, 'odd')).toBeUndefined();
  });
});
