import { cnGame, type Exchange, type RecordRequest } from '@spendcap/server';
import { describe, expect, test } from 'vitest';
import { anyStore } from '../../support/any-store.ts';
import {
  aged,
  bought,
  CHILD,
  codesOf,
  DAY,
  NOON,
  onePolicy,
  order,
  player,
  setUp,
  TEEN,
  usedOf,
} from './limiter-kit.ts';

/** 30.00 that a platform charged the child. */
const charge = (id: string, rest: Partial<RecordRequest> = {}): RecordRequest => ({
  ...{ id, amount: '30.00', currency: 'CNY', evidence: CHILD },
  ...rest,
});

describe('record', () => {
  test('enters money without a hold: committed, late and past every cap', async () => {
    const { limiter, events } = setUp();
    const request = charge('renewal-1', {
      ...{ amount: '500.00', product: 'pass', metadata: { b: '2', a: '1' } },
      ...{ processor: 'acme_pay', processorRef: 'pay_1' },
    });
    const purchase = await limiter.record(request);
    expect(purchase).toMatchObject({
      ...{ id: 'renewal-1', state: 'committed', late: true, committed: '500.00', held: '500.00' },
      ...{ product: 'pass', metadata: { a: '1', b: '2' }, refunded: '0.00' },
      ...{ processor: 'acme_pay', processorRef: 'pay_1' },
      ...{ reservedAt: '2026-11-23T04:00:00.000Z', expiresAt: '2026-11-23T04:00:00.000Z' },
    });
    expect(await limiter.record(request)).toEqual(purchase);
    expect(events).toEqual([
      {
        ...{ type: 'purchase.committed', purchaseId: 'renewal-1', state: 'committed', at: NOON },
        ...{ policy: 'cn-game@2024-01-01', late: true, overHold: false },
      },
    ]);
    expect(usedOf(await limiter.allowance({ evidence: CHILD }))).toMatchObject({
      ...{ day: '500.00', month: '500.00' },
    });
    expect(codesOf(await limiter.reserve(order('order-1')))).toContain('day_cap_exceeded');
  });

  test('counts in the windows of the instant at which it was charged', async () => {
    const { limiter, clock } = setUp({ at: Date.parse('2026-12-01T04:00:00Z') });
    await limiter.record(charge('november', { chargedAt: '2026-11-30T15:59:59.999Z' }));
    await limiter.record(charge('december', { chargedAt: '2026-11-30T16:00:00Z' }));
    const now = usedOf(await limiter.allowance({ evidence: CHILD }));
    expect(now).toMatchObject({ day: '30.00', month: '30.00' });
    clock.at -= DAY;
    const before = usedOf(await limiter.allowance({ evidence: CHILD }));
    expect(before).toMatchObject({ day: '30.00', month: '30.00' });
  });

  test('names the store every window that could count it, so that none forgets it', async () => {
    const store = anyStore();
    const named: unknown[] = [];
    const { limiter } = setUp({
      policy: onePolicy([
        { period: 'transaction', max: '1.00' },
        { period: 'day', max: '1.00' },
        { period: 'month', max: '1.00', categories: ['skin'] },
        { period: 'week', max: '1.00', categories: ['tip'] },
      ]),
      store: {
        ...store,
        record(command) {
          named.push(...command.windows);
          return store.record(command);
        },
      },
    });
    await limiter.record(charge('p', { category: 'skin' }));
    const day = Date.parse('2026-11-22T16:00:00Z');
    const all = { currency: 'CNY', app: null, categories: null };
    expect(named).toEqual([
      { selector: all, start: day, end: day + DAY },
      {
        selector: { ...all, categories: ['skin'] },
        start: Date.parse('2026-10-31T16:00:00Z'),
        end: Date.parse('2026-11-30T16:00:00Z'),
      },
    ]);
  });

  test('uses the policy that was in force then', async () => {
    const at = Date.parse('2026-12-01T04:00:00Z');
    const policy = [
      onePolicy([{ period: 'month', max: '100.00' }], { effectiveTo: '2026-12-01' }),
      onePolicy([{ period: 'day', max: '100.00' }], { version: '2', effectiveFrom: '2026-12-01' }),
    ];
    const { limiter, events } = setUp({ at, policy });
    await limiter.record(charge('old', { chargedAt: '2026-11-20T04:00:00Z' }));
    await limiter.record(charge('new'));
    expect(events.map(({ policy }) => policy)).toEqual(['shop@1', 'shop@2']);
  });

  test('of an open hold is its commit, and of one that has ended a late one', async () => {
    const { limiter, clock, events } = setUp();
    bought(await limiter.reserve(order('open')));
    bought(await limiter.reserve(order('ended')));
    await limiter.release('ended');
    events.length = 0;
    clock.at += DAY;
    const lapsed = await limiter.record(charge('open', { amount: '20.00' }));
    expect(lapsed).toMatchObject({ committed: '20.00', held: '30.00', late: true });
    expect(await limiter.record(charge('ended'))).toMatchObject({ committed: '30.00', late: true });
    expect(usedOf(await limiter.allowance({ evidence: CHILD })).day).toBe('0.00');
    expect(events.map(({ type, late }) => [type, late])).toEqual([
      ['purchase.expired', undefined],
      ['purchase.committed', true],
      ['purchase.committed', true],
    ]);
    await expect(limiter.record(charge('ended', { amount: '29.00' }))).rejects.toMatchObject({
      code: 'purchase_ended',
    });
    await expect(limiter.record(charge('ended', { evidence: TEEN }))).rejects.toMatchObject({
      code: 'purchase_conflict',
    });
  });

  test('a retry of its reserve finds it paid', async () => {
    const { limiter } = setUp();
    await limiter.record(charge('order-1'));
    const again = await limiter.reserve(order('order-1'));
    expect(again).toMatchObject({ allowed: true, replayed: true, permit: null });
    expect(bought(again)).toMatchObject({ state: 'committed', late: true });
  });

  test('finds the player by an earlier purchase, without a token', async () => {
    const { limiter } = setUp();
    await limiter.commit(bought(await limiter.reserve(order('first'))).id);
    const { evidence: _none, ...rest } = charge('renewal-1', { samePlayerAs: 'first' });
    expect(await limiter.record(rest)).toMatchObject({ state: 'committed' });
    expect(usedOf(await limiter.allowance({ evidence: CHILD })).day).toBe('60.00');
    // As good an origin as the first one.
    const next = { ...rest, id: 'renewal-2', samePlayerAs: 'renewal-1' };
    expect(await limiter.record(next)).toMatchObject({ state: 'committed' });
    await expect(limiter.record({ ...rest, samePlayerAs: 'none' })).rejects.toMatchObject({
      code: 'purchase_not_found',
    });
    const { samePlayerAs: _origin, ...nobody } = rest;
    await expect(limiter.record(nobody)).rejects.toMatchObject({
      ...{ code: 'invalid_request', errors: [{ path: 'samePlayerAs' }] },
    });
  });

  test('takes evidence that has expired: the money has moved', async () => {
    const { limiter, clock } = setUp();
    const evidence = { ...player('child', aged(12, 13)), expiresAt: NOON + 1 };
    clock.at += DAY;
    expect(await limiter.record(charge('order-1', { evidence }))).toMatchObject({ late: true });
  });

  test.each(['subject', 'kind', 'statements'])('rejects evidence without %s', async (field) => {
    const evidence = { ...CHILD, [field]: undefined as never };
    const attempt = setUp().limiter.record(charge('order-1', { evidence }));
    await expect(attempt).rejects.toThrow(`evidence.${field}`);
  });

  test('is refused for a charge of the future, and what no limit would count', async () => {
    const { limiter } = setUp();
    const soon = { chargedAt: '2026-11-23T04:05:00Z' };
    expect(await limiter.record(charge('soon', soon))).toMatchObject({ late: true });
    const later = { chargedAt: '2026-11-23T04:05:00.001Z' };
    await expect(limiter.record(charge('later', later))).rejects.toMatchObject({
      errors: [{ path: 'chargedAt' }],
    });
    const perApp = setUp({
      policy: onePolicy([{ period: 'day', max: '9.00' }], { scope: 'app', categories: ['tip'] }),
    });
    await expect(perApp.limiter.record(charge('order-1'))).rejects.toMatchObject({
      errors: [{ path: 'app' }],
    });
    const other = charge('order-1', { app: 'a', category: 'gift' });
    await expect(perApp.limiter.record(other)).rejects.toMatchObject({
      errors: [{ path: 'category' }],
    });
  });

  test('rounds another currency up, as a hold does', async () => {
    const { limiter } = setUp({ exchange: () => '7.12' });
    const cent = { currency: 'USD', amount: '0.01' };
    expect(await limiter.record(charge('p', cent))).toMatchObject({ committed: '0.08' });
    bought(await limiter.reserve(order('q', { currency: 'USD', amount: '2.00' })));
    expect(await limiter.record(charge('q', cent))).toMatchObject({ committed: '0.08' });
  });

  test('converts another currency at the rate of that instant, or of the hold', async () => {
    const requested: number[] = [];
    const exchange: Exchange = ({ at }) => {
      requested.push(at);
      return at < NOON ? '7.00' : '8.00';
    };
    const { limiter } = setUp({ policy: cnGame(), exchange });
    const yesterday = { chargedAt: '2026-11-22T04:00:00Z', currency: 'USD', amount: '2.00' };
    const recorded = await limiter.record(charge('p', yesterday));
    expect([recorded.committed, recorded.amount]).toEqual(['14.00', '2.00']);
    expect(requested).toEqual([NOON - DAY]);
    bought(await limiter.reserve(order('q', { currency: 'USD', amount: '2.00' })));
    const settled = await limiter.record(charge('q', yesterday));
    expect([settled.committed, settled.late]).toEqual(['16.00', false]);
    expect(await limiter.record(charge('q', yesterday))).toEqual(settled);
    await expect(limiter.record(charge('q', { amount: '16.00' }))).rejects.toMatchObject({
      code: 'purchase_conflict',
    });
    await expect(setUp().limiter.record(charge('p', yesterday))).rejects.toMatchObject({
      code: 'invalid_currency',
    });
  });
});
