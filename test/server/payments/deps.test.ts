import type { DeviceProcessor } from '@spendcap/core';
import {
  applyDeviceCharge,
  beginDevicePurchase,
  captureCharge,
  processorWebhook,
  reconcile,
  startCharge,
} from '@spendcap/server/payments';
import { describe, expect, it } from 'vitest';
import { cny, dialect, held, paid, START, says, scripted } from './engine-kit.ts';

const STORE: DeviceProcessor = {
  name: 'test_store',
  traits: { startedBy: 'device', reference: (id) => id, holdSeconds: 60, refunds: 'partial' },
  outcomeOf: () => 'unknown',
};

const WRONG = [
  ['processor', 'processor must be'],
  ['limiter', 'limiter must be a Limiter'],
  ['now', 'now must be a function'],
  ['onProblem', 'onProblem must be a function'],
] as const;

describe.each(WRONG)('a wrong %s', (name, message) => {
  it('is found before anything is held, called or settled', async () => {
    const { base, deps, order } = await held();
    let calls = 0;
    const call = async () => {
      calls += 1;
      return 'answer';
    };
    const wrong = { ...deps, [name]: 'wrong' as never };
    const device = { ...wrong, processor: name === 'processor' ? ('wrong' as never) : STORE };
    const money = { amount: '1.00', currency: 'CNY' };
    const purchase = { id: 'p2', evidence: order.evidence, ...money };
    const charge = {
      ...{ reference: 't1', purchaseId: null, renewalOf: null, product: null, account: null },
      ...{ state: 'purchased' as const, chargedAt: START, captured: cny('1.00'), refunds: [] },
    };
    const player = { evidence: order.evidence };
    for (const attempt of [
      () => startCharge(wrong, { purchase, call, snapshotOf: () => says() }),
      () =>
        captureCharge(wrong, { purchaseId: 'p1', amount: money, call, snapshotOf: () => paid() }),
      () => beginDevicePurchase(device, purchase),
      () => applyDeviceCharge(device, charge, { player }),
      () => reconcile(wrong),
      async () => processorWebhook(wrong),
    ]) {
      await expect(attempt()).rejects.toThrow(message);
    }
    expect(calls).toBe(0);
    expect(await base.get('p2')).toBeNull();
    expect(await base.get('test_store:t1')).toBeNull();
    expect(await base.get('p1')).toMatchObject({ state: 'reserved' });
  });
});

it('an option that is misspelled is named, with the function', async () => {
  const { deps } = await held(scripted({ notifications: dialect() }));
  const misspelled = { ...deps, onProblems: () => undefined };
  await expect(reconcile(misspelled)).rejects.toThrow(/^reconcile.*onProblems/);
  expect(() => processorWebhook(misspelled)).toThrow(/^processorWebhook.*onProblems/);
});

it('an id that is no text is an invalid request, before the processor makes its reference', async () => {
  const { deps, order } = await held();
  const reference = () => {
    throw new TypeError('not reached');
  };
  const processor = scripted({ traits: { ...scripted().traits, reference } });
  const device = { ...STORE, traits: { ...STORE.traits, reference } };
  const purchase = { id: 7 as never, evidence: order.evidence, ...cny('1.00') };
  const call = async () => 'answer';
  const invalid = { code: 'invalid_request', errors: [{ path: 'id' }] };
  const started = startCharge({ ...deps, processor }, { purchase, call, snapshotOf: () => says() });
  await expect(started).rejects.toMatchObject(invalid);
  const begun = beginDevicePurchase({ ...deps, processor: device }, purchase);
  await expect(begun).rejects.toMatchObject(invalid);
});
