import type { ReserveCommand } from '@spendcap/core';
import { memoryStore } from '@spendcap/server/stores/memory';
import { expect, test } from 'vitest';

const AT = Date.UTC(2026, 10, 23);
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const selector = { currency: 'CNY', app: null, categories: null };
const week = { selector, start: AT, end: AT + 7 * DAY, cap: 5_000 };

function purchase(id: string, change: Partial<ReserveCommand> = {}): ReserveCommand {
  const base = {
    subject: 'subject-a',
    currency: 'CNY',
    app: null,
    category: null,
    processor: null,
    processorRef: null,
    basis: '{}',
  };
  const times = { at: AT, expiresAt: AT + HOUR, onExpiry: 'release' as const };
  return { ...base, ...times, id, request: id, amount: 100, windows: [week], ...change };
}

test('a hold that its player left behind leaves memory, and its windows', async () => {
  const store = memoryStore();
  await store.reserve(purchase('left'));
  await store.reserve(purchase('paid'));
  await store.commit({ id: 'paid', at: AT });
  const other = { id: 'other', at: AT + 2 * DAY };
  await store.get(other);
  // At the instant of its reservation no verb would have ended it: it is gone for good.
  expect(await store.get({ id: 'left', at: AT })).toEqual({ purchase: null, expired: [] });
  const { used } = await store.usage({ subject: 'subject-a', windows: [week], at: AT + 2 * DAY });
  expect(used).toEqual([100]);
});

test('a purchase stays while its window is open, and keepEndedMs after it last changed', async () => {
  const store = memoryStore({ keepEndedMs: HOUR });
  const kept = async (at: number) => {
    await store.get({ id: 'another', at });
    return (await store.get({ id: 'p', at: AT })).purchase !== null;
  };
  await store.reserve(purchase('p'));
  await store.commit({ id: 'p', at: AT });
  expect(await kept(AT + 7 * DAY - 1)).toBe(true);
  const late = AT + 7 * DAY - HOUR / 2;
  await store.refund({ id: 'p', refundId: 'r', amount: 10, restores: false, at: late });
  expect(await kept(AT + 7 * DAY)).toBe(true);
  expect(await kept(AT + 7 * DAY + 2 * HOUR)).toBe(false);
});

test('an id that has left memory may be used again', async () => {
  const store = memoryStore({ keepEndedMs: HOUR });
  await store.reserve(purchase('p', { windows: [] }));
  await store.release({ id: 'p', at: AT });
  const at = AT + DAY;
  const again = await store.reserve(purchase('p', { request: 'new', at, expiresAt: at + HOUR }));
  expect(again).toMatchObject({ outcome: 'held', replayed: false });
  for (let index = 0; index < 3; index += 1) await store.get({ id: 'x', at: at + index });
  const { used } = await store.usage({ subject: 'subject-a', windows: [week], at });
  expect(used).toEqual([100]);
});

test('money without a hold stays while its window is open, however many others were read', async () => {
  const store = memoryStore({ keepEndedMs: HOUR });
  for (let app = 0; app < 200; app += 1) {
    const window = { ...week, selector: { ...selector, app: `game-${app}` } };
    await store.usage({ subject: 'subject-a', windows: [window], at: AT });
  }
  const { expiresAt: _end, onExpiry: _then, ...rest } = purchase('p');
  await store.record({ ...rest, chargedAt: AT });
  const at = AT + 3 * DAY;
  for (let index = 0; index < 9; index += 1) await store.get({ id: 'x', at: at + index });
  const { used } = await store.usage({ subject: 'subject-a', windows: [week], at });
  expect(used).toEqual([100]);
});
