import { cnGame, type DeviceCharge, type DeviceProcessor } from '@spendcap/core';
import { createLimiter, type SpendcapEvent } from '@spendcap/server';
import {
  applyDeviceCharge,
  beginDevicePurchase,
  type PaymentProblem,
} from '@spendcap/server/payments';
import { describe, expect, it } from 'vitest';
import { anyStore } from '../../support/any-store.ts';
import { cny, evidenceOf, reasonsIn, START, unavailable, usd } from './engine-kit.ts';

/** A store on the device without a network: a test says what its transactions say. */
const PROCESSOR: DeviceProcessor = {
  name: 'test_store',
  traits: {
    startedBy: 'device',
    reference: (id) => id,
    holdSeconds: 3_600,
    refunds: 'partial',
  },
  outcomeOf: () => 'unknown',
};

/** 30 yuan that were charged under the hold `p1`. */
function charge(change: Partial<DeviceCharge> = {}): DeviceCharge {
  return {
    ...{ reference: 't1', purchaseId: 'p1', renewalOf: null, product: 'gems', account: null },
    ...{ state: 'purchased', chargedAt: START, captured: cny('30.00'), refunds: [] },
    ...change,
  };
}

/** A hold of 30 yuan, and a ledger. */
async function world() {
  const events: SpendcapEvent[] = [];
  const problems: PaymentProblem[] = [];
  const limiter = createLimiter({
    ...{ policy: cnGame(), store: anyStore(), now: () => START },
    onEvent: (event) => void events.push(event),
  });
  const order = { evidence: evidenceOf(), processor: PROCESSOR.name, product: 'gems' };
  await limiter.reserve({ id: 'p1', ...order, ...cny('30.00') });
  const deps = { processor: PROCESSOR, limiter, now: () => START };
  const onProblem = (problem: PaymentProblem) => problems.push(problem);
  return {
    ...{ limiter, problems },
    apply: (change?: Partial<DeviceCharge>) =>
      applyDeviceCharge({ ...deps, onProblem }, charge(change)),
    state: async () => (await limiter.get('p1'))?.state,
    reasons: () => reasonsIn(events),
    codes: () => problems.map(({ code }) => code),
  };
}

describe('a transaction under which no money moves', () => {
  it.each<[string, string, Partial<DeviceCharge>]>([
    ['that was cancelled', 'cancelled', { state: 'cancelled' }],
    ['that was cancelled without a price', 'cancelled', { state: 'cancelled', captured: null }],
    ['that was free', 'free', { captured: null }],
  ])('%s gives its hold back, once', async (_, result, change) => {
    const { apply, reasons, state } = await world();
    for (let time = 0; time < 2; time += 1) {
      const applied = await apply(change);
      expect(applied).toMatchObject({ result, wasHeld: false, purchase: { state: 'released' } });
    }
    expect([await state(), reasons()]).toEqual(['released', [`test_store_${result}`]]);
  });

  it('leaves the hold alone that another transaction has claimed, or that a renewal names', async () => {
    const { apply, limiter, reasons, state } = await world();
    await apply({ state: 'cancelled', renewalOf: 't0' });
    expect(await state()).toBe('reserved');
    await limiter.attach('p1', { processor: PROCESSOR.name, processorRef: 't1' });
    const applied = await apply({ reference: 't2', state: 'cancelled' });
    expect(applied).toMatchObject({ result: 'cancelled', purchase: { id: 'p1' } });
    expect([await state(), reasons()]).toEqual(['reserved', []]);
  });

  it('changes no purchase that was paid, and none that is unknown', async () => {
    const { apply, codes, state } = await world();
    await apply();
    expect(await apply({ captured: null })).toMatchObject({ result: 'free', wasHeld: false });
    expect(await state()).toBe('committed');
    const unknown = await apply({ purchaseId: 'p9', state: 'cancelled' });
    expect(unknown).toEqual({ result: 'cancelled', purchase: null, wasHeld: false });
    expect(codes()).toEqual([]);
  });
});

describe('whether a charge was held', () => {
  it.each<[Partial<DeviceCharge>, boolean, readonly string[]]>([
    [{}, true, []],
    [{ product: null }, true, []],
    [{ product: 'coins' }, false, ['purchase_conflict']],
    [{ captured: usd('4.00') }, false, ['invalid_currency']],
    [{ captured: cny('30.01') }, false, []],
    [{ captured: 'held' }, true, ['invalid_amount']],
  ])('%j: %s', async (change, wasHeld, codes) => {
    const made = await world();
    expect(await made.apply(change)).toMatchObject({ result: 'committed', wasHeld });
    expect(made.codes()).toEqual(codes);
  });
});

it('names the purchase, or none, of what it reports', async () => {
  const { apply, problems } = await world();
  await apply({ product: 'coins' });
  await apply({ reference: 't2', purchaseId: null });
  const where = { processor: 'test_store', messageId: null, messageType: null };
  expect(problems).toEqual([
    {
      ...{ ...where, purchaseId: 'p1', code: 'purchase_conflict' },
      message: 'The transaction is for another product than held.',
    },
    {
      ...{ ...where, purchaseId: null, code: 'purchase_not_found' },
      message: 'Charged without a hold, by an unknown player: not recorded.',
    },
  ]);
});

describe('a charge that the ledger rejects', () => {
  it('is reported, and is nothing to deliver: its hold stays', async () => {
    const { apply, codes, state } = await world();
    const applied = await apply({ captured: cny('30.001') });
    expect(applied).toMatchObject({ result: 'unattributed', wasHeld: false });
    expect([await state(), codes()]).toEqual(['reserved', ['invalid_amount']]);
  });

  it('for good, once it is to be recorded, is reported and not retried', async () => {
    const { apply, codes, limiter } = await world();
    await apply();
    const applied = await apply({ reference: '交易 2' });
    expect(applied).toEqual({ result: 'unattributed', purchase: null, wasHeld: false });
    expect(codes()).toEqual(['invalid_request']);
    const away = { ...limiter, record: unavailable };
    const deps = { processor: PROCESSOR, limiter: away, now: () => START };
    const later = applyDeviceCharge(deps, charge({ reference: 't2' }));
    await expect(later).rejects.toMatchObject({ code: 'store_unavailable' });
  });

  it('for now, when it asks whose the hold is, is retried', async () => {
    const { limiter } = await world();
    const get: typeof limiter.get = (id, player) =>
      player === undefined ? limiter.get(id) : unavailable();
    const deps = { processor: PROCESSOR, limiter: { ...limiter, get }, now: () => START };
    const confirmed = applyDeviceCharge(deps, charge(), { player: { evidence: evidenceOf() } });
    await expect(confirmed).rejects.toMatchObject({ code: 'store_unavailable' });
  });
});

it('a misspelled member of a player is an error, and no charge of nobody', async () => {
  const { limiter } = await world();
  const deps = { processor: PROCESSOR, limiter, now: () => START };
  const player = { evidnce: evidenceOf('friend') } as object;
  const applied = applyDeviceCharge(deps, charge({ purchaseId: null }), { player });
  await expect(applied).rejects.toMatchObject({ code: 'invalid_request' });
});

describe('a charge whose hold cannot be read', () => {
  it.each([
    ['for now', unavailable, { code: 'store_unavailable' }],
    ['by a fault', () => Promise.reject(new TypeError('a bug')), { message: 'a bug' }],
  ])('%s is retried, and not recorded apart from it', async (_, fails, error) => {
    const { limiter } = await world();
    const get: typeof limiter.get = (id) => (id === 'p1' ? fails() : limiter.get(id));
    const player = { evidence: evidenceOf('friend') };
    const deps = { processor: PROCESSOR, limiter: { ...limiter, get }, now: () => START };
    await expect(applyDeviceCharge(deps, charge(), { player })).rejects.toMatchObject(error);
    expect(await limiter.get('test_store:t1')).toBeNull();
    expect(await limiter.get('p1')).toMatchObject({ state: 'reserved' });
  });
});

describe('a sheet', () => {
  it('is not opened under the id of a charge without a hold', async () => {
    const { limiter } = await world();
    const deps = { processor: PROCESSOR, limiter, now: () => START };
    const order = { evidence: evidenceOf(), ...cny('1.00') };
    const begun = beginDevicePurchase(deps, { id: 'test_store:t9', ...order });
    await expect(begun).rejects.toThrow(TypeError);
    expect(await limiter.get('test_store:t9')).toBeNull();
    const other = await beginDevicePurchase(deps, { id: 'other_store:t9', ...order });
    expect(other).toMatchObject({ allowed: true });
  });

  it('is not opened again under a hold that a transaction has claimed, or that was paid', async () => {
    const { limiter } = await world();
    const deps = { processor: PROCESSOR, limiter, now: () => START };
    const order = { evidence: evidenceOf(), product: 'gems', ...cny('1.00') };
    for (const id of ['claimed', 'paid']) await beginDevicePurchase(deps, { id, ...order });
    await limiter.attach('claimed', { processor: PROCESSOR.name, processorRef: 't1' });
    await limiter.commit('paid');
    for (const id of ['claimed', 'paid']) {
      const again = beginDevicePurchase(deps, { id, ...order });
      await expect(again).rejects.toMatchObject({ code: 'purchase_ended' });
    }
  });
});

describe('a charge without a hold', () => {
  it('that renews one without a hold is recorded for its player', async () => {
    const { apply, codes } = await world();
    await apply();
    await apply({ reference: 't2' });
    const renewal = await apply({ reference: 't3', purchaseId: null, renewalOf: 't2' });
    expect(renewal).toMatchObject({ result: 'recorded', purchase: { id: 'test_store:t3' } });
    expect(codes()).toEqual(['purchase_not_found']);
  });

  it('for no product that the store names is recorded with none', async () => {
    const { apply } = await world();
    await apply();
    const second = await apply({ reference: 't2', product: null, captured: cny('4.00') });
    expect(second).toMatchObject({ result: 'recorded', wasHeld: false });
    expect(second.purchase).toMatchObject({
      ...{ id: 'test_store:t2', committed: '4.00', product: null },
    });
  });

  it('is recorded in the app and category of the purchase that its token names', async () => {
    const { apply, limiter } = await world();
    const place = { app: 'game-1', category: 'skin' };
    const order = { evidence: evidenceOf(), processor: PROCESSOR.name, product: 'gems', ...place };
    await limiter.reserve({ id: 'p2', ...order, ...cny('5.00') });
    await apply({ purchaseId: 'p2', captured: cny('5.00') });
    const second = await apply({ reference: 't2', purchaseId: 'p2', captured: 'held' });
    expect(second).toMatchObject({ result: 'recorded', wasHeld: false });
    expect(second.purchase).toMatchObject({
      ...{ id: 'test_store:t2', committed: '5.00', product: 'gems', processorRef: 't2' },
      ...place,
    });
    const other = await apply({
      reference: 't3',
      purchaseId: 'p2',
      captured: 'held',
      product: 'x',
    });
    expect(other).toMatchObject({ result: 'unattributed', purchase: null });
    expect(await limiter.get('test_store:t3')).toBeNull();
  });

  it('has an id of its own, whatever the store’s reference is', async () => {
    const { apply } = await world();
    const longest = `t${'x'.repeat(89)}`;
    const idOf = async (reference: string) => (await apply({ reference })).purchase?.id;
    await apply();
    expect(await idOf('t:2')).toBe('test_store:t:2');
    expect(await idOf(longest)).toBe(`test_store:${longest}`);
    const digests = [await idOf(`${longest}x`), await idOf(`${longest}y`), await idOf('t/2=')];
    for (const id of digests) expect(id).toMatch(/^test_store::[0-9a-f]{64}$/);
    expect(new Set(digests).size).toBe(3);
  });
});
