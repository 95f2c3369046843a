import { setImmediate } from 'node:timers/promises';
import { type PaymentSnapshot, SpendcapError } from '@spendcap/core';
import { type Charge, captureCharge, startCharge } from '@spendcap/server/payments';
import { describe, expect, it } from 'vitest';
import { applyOrLater } from '../../../packages/server/src/payments/start.ts';
import { cny, held, paid, Refusal, says, scripted, unavailable, usd } from './engine-kit.ts';

/** A charge of 30 yuan as `p2`, which succeeds unless a test says otherwise. */
async function shop(change: Partial<Charge<string>> = {}, query = unseen) {
  const world = await held(scripted({ query }));
  const calls: string[] = [];
  const charge: Charge<string> = {
    purchase: { ...world.order, id: 'p2', amount: '20.00' },
    async call({ id }) {
      calls.push(id);
      return 'answer';
    },
    snapshotOf: (_, { id }) => says({ purchaseId: id }),
    ...change,
  };
  return { ...world, calls, charge, start: () => startCharge(world.deps, charge) };
}

const unseen = async (): Promise<PaymentSnapshot> => says({ purchaseId: 'p2', state: 'unseen' });
const reject = (error: unknown) => ({ call: () => Promise.reject(error) });
const code = (expected: string) => expect.objectContaining({ code: expected });

describe('startCharge', () => {
  it('gives back the hold of a call that was certainly rejected, and throws its error', async () => {
    const { start, purchase, reasons } = await shop(reject(new Refusal('no')));
    await expect(start()).rejects.toThrow(Refusal);
    expect(await purchase('p2')).toMatchObject({ state: 'released', processor: 'test_pay' });
    expect(reasons()).toEqual(['test_pay_rejected']);
  });

  it.each([
    ['the ledger', new SpendcapError('invalid_amount', 'Made by a codec.'), 'invalid_amount'],
    ['the network', new TypeError('fetch failed'), 'outcome_unknown'],
  ])('keeps the hold when a call throws an error of %s', async (_, error, expected) => {
    const { start, purchase } = await shop(reject(error));
    await expect(start()).rejects.toEqual(code(expected));
    expect(await purchase('p2')).toMatchObject({ state: 'reserved' });
  });

  it('names the cause of an unknown outcome, and keeps the hold of a key that was reused', async () => {
    const cause = new TypeError('fetch failed');
    const { start, ...world } = await shop(reject(cause));
    await expect(start()).rejects.toMatchObject({ code: 'outcome_unknown', cause });
    const charge = { ...world.charge, purchase: { ...world.order, id: 'p3', amount: '1.00' } };
    const processor = scripted({ outcomeOf: () => 'key_reused' });
    const reused = startCharge({ ...world.deps, processor }, charge);
    await expect(reused).rejects.toMatchObject({ code: 'purchase_conflict', cause });
    expect(await world.purchase('p3')).toMatchObject({ state: 'reserved' });
    expect(world.reasons()).toEqual([]);
  });

  it('takes an error of the ledger for no rejection by the processor', async () => {
    const world = await shop(reject(new SpendcapError('invalid_amount', 'Made by a codec.')));
    const processor = scripted({ outcomeOf: () => 'rejected' });
    const started = startCharge({ ...world.deps, processor }, world.charge);
    await expect(started).rejects.toEqual(code('invalid_amount'));
    expect(await world.purchase('p2')).toMatchObject({ state: 'reserved' });
  });

  it('holds until it is settled, past the end of the hold', async () => {
    const world = await shop();
    await world.start();
    world.clock.at = Date.parse((await world.purchase('p2')).expiresAt);
    const overdue = await world.base.overdue({ processor: 'test_pay' });
    expect(overdue.map(({ id }) => id)).toContain('p2');
  });

  it('does not give back the hold of a rejected retry', async () => {
    const world = await shop();
    await world.start();
    const retry = { ...world.charge, ...reject(new Refusal('no')) };
    await expect(startCharge(world.deps, retry)).rejects.toThrow(Refusal);
    expect(await world.purchase('p2')).toMatchObject({ state: 'reserved' });
  });

  it('starts of one purchase run one after another', async () => {
    const world = await shop();
    const order: string[] = [];
    const call = async () => {
      order.push('call');
      await setImmediate();
      order.push('answer');
      return 'answer';
    };
    const start = () => startCharge(world.deps, { ...world.charge, call });
    await Promise.all([start(), start(), start()]);
    expect(order).toEqual(['call', 'answer', 'call', 'answer', 'call', 'answer']);
  });

  it('a start that comes after the first has ended waits for the one that waited', async () => {
    const world = await shop();
    const order: string[] = [];
    const gates = new Map<string, () => void>();
    const start = (name: string) =>
      startCharge(world.deps, {
        ...world.charge,
        async call() {
          order.push(`${name} called`);
          await new Promise<void>((resolve) => gates.set(name, resolve));
          order.push(`${name} answered`);
          return 'answer';
        },
      });
    const open = async (name: string) => {
      await expect.poll(() => gates.get(name), { interval: 1 }).toBeDefined();
      gates.get(name)?.();
    };
    const first = start('first');
    const second = start('second');
    await open('first');
    await first;
    const third = start('third');
    await setImmediate();
    await open('second');
    await open('third');
    await Promise.all([second, third]);
    expect(order).toEqual([
      ...['first called', 'first answered', 'second called', 'second answered'],
      ...['third called', 'third answered'],
    ]);
  });

  it('a retry waits for the first start, and finds the hold that it has released', async () => {
    const world = await shop(reject(new Refusal('no')));
    const retried = { ...world.charge, call: async () => 'answer' };
    const [first, second] = await Promise.allSettled([
      world.start(),
      startCharge(world.deps, retried),
    ]);
    expect(first).toMatchObject({ status: 'rejected', reason: expect.any(Refusal) });
    expect(second).toMatchObject({ status: 'rejected', reason: code('purchase_ended') });
    await expect(world.start()).rejects.toEqual(code('purchase_ended'));
  });

  it.each<[string, () => Promise<PaymentSnapshot>, string | null, string]>([
    ['is open', async () => says({ purchaseId: 'p2' }), null, 'reserved'],
    ['is paid', async () => paid({ purchaseId: 'p2', state: 'closed' }), null, 'reserved'],
    ['has a reference', unseen, 'ref_2', 'reserved'],
    ['is closed', async () => says({ purchaseId: 'p2', state: 'closed' }), null, 'released'],
    ['cannot be queried', () => Promise.reject(new TypeError('cut')), null, 'released'],
  ])('rejected while the payment of another process %s', async (...row) => {
    const [, query, processorRef, state] = row;
    const processor = 'test_pay';
    const rejected = async () => {
      if (processorRef !== null) await world.limiter.attach('p2', { processor, processorRef });
      throw new Refusal('no');
    };
    const world = await shop({ call: rejected }, query);
    await expect(world.start()).rejects.toThrow(Refusal);
    expect(await world.purchase('p2')).toMatchObject({ state });
  });

  it.each<[string, PaymentSnapshot, object]>([
    ['open', says({ purchaseId: 'p2' }), { state: 'released' }],
    ['paid meanwhile', paid({ purchaseId: 'p2', captured: cny('20.00') }), { late: true }],
  ])('hands out no payment whose hold another server has released: %s', async (_, left, is) => {
    const closed: string[] = [];
    const close = async ({ id }: { readonly id: string }) => {
      closed.push(id);
      return left;
    };
    const world = await shop();
    await world.start();
    const call = async () => {
      await world.base.release('p2');
      return 'answer';
    };
    const deps = { ...world.deps, processor: scripted({ close }) };
    const retry = startCharge(deps, { ...world.charge, call });
    await expect(retry).rejects.toEqual(code('purchase_ended'));
    expect(closed).toEqual(['p2']);
    expect(await world.purchase('p2')).toMatchObject(is);
  });

  it.each<[string, PaymentSnapshot, string]>([
    ['released if it is closed', says({ purchaseId: 'p2', state: 'closed' }), 'released'],
    ['kept if it is open', says({ purchaseId: 'p2' }), 'reserved'],
    ['committed if it was paid', paid({ purchaseId: 'p2' }), 'committed'],
    ['kept if it is another', says({ state: 'closed' }), 'reserved'],
  ])('closes what a rejected call has left: %s', async (_, left, state) => {
    const closeLeft = async () => left;
    const { start, purchase } = await shop({ ...reject(new Refusal('no')), closeLeft });
    await expect(start()).rejects.toThrow(Refusal);
    expect((await purchase('p2')).state).toBe(state);
  });

  it.each<[string, () => Promise<PaymentSnapshot>]>([
    ['rejects', () => Promise.reject(new TypeError('cut'))],
    [
      'throws',
      () => {
        throw new TypeError('cut');
      },
    ],
  ])('keeps the hold and the first error if closing that %s', async (_, closeLeft) => {
    const { start, purchase } = await shop({ ...reject(new Refusal('no')), closeLeft });
    await expect(start()).rejects.toThrow(Refusal);
    expect(await purchase('p2')).toMatchObject({ state: 'reserved' });
  });

  it('an answer that cannot be read leaves the outcome unknown', async () => {
    for (const error of [new TypeError('no such field'), new SpendcapError('invalid_amount', '')]) {
      const snapshotOf = () => {
        throw error;
      };
      const { start, purchase } = await shop({ snapshotOf });
      await expect(start()).rejects.toEqual(code('outcome_unknown'));
      expect(await purchase('p2')).toMatchObject({ state: 'reserved' });
    }
  });

  it('a charge succeeds although the ledger goes away after it', async () => {
    const world = await shop({ snapshotOf: () => paid({ purchaseId: 'p2' }) });
    const deps = { ...world.deps, limiter: { ...world.base, commit: unavailable } };
    const answer = await startCharge(deps, world.charge);
    expect(answer).toMatchObject({ allowed: true, answer: 'answer' });
    const kept = await world.purchase('p2');
    expect(kept).toMatchObject({ state: 'reserved' });
    expect(answer).toMatchObject({ purchase: kept });
    const broken = { ...world.base, commit: () => Promise.reject(new TypeError('a bug')) };
    const hidden = startCharge({ ...world.deps, limiter: broken }, world.charge);
    await expect(hidden).rejects.toThrow('a bug');
  });

  it('returns the purchase as its answer has left it', async () => {
    const snapshotOf = () => paid({ purchaseId: 'p2', captured: cny('20.00') });
    const world = await shop({ snapshotOf });
    const started = await world.start();
    expect(started).toMatchObject({ purchase: { state: 'committed', committed: '20.00' } });
    expect(started).toMatchObject({ purchase: await world.purchase('p2') });
  });

  it('reports what the ledger rejects of its answer', async () => {
    const strange = paid({ purchaseId: 'p2', captured: usd('9.00') });
    const world = await shop({ snapshotOf: () => strange });
    await startCharge({ ...world.deps, onProblem: world.onProblem }, world.charge);
    expect(world.problems).toMatchObject([
      { ...{ processor: 'test_pay', purchaseId: 'p2', messageId: null }, code: 'invalid_currency' },
    ]);
  });

  it('calls again until the processor forgets the first call or the hold expires', async () => {
    const world = await shop();
    await world.start();
    world.clock.at += 600_000;
    await world.start();
    const forgets = scripted();
    const traits = { ...forgets.traits, retrySeconds: 600 };
    const late = { ...world.deps, processor: { ...forgets, traits } };
    await expect(startCharge(late, world.charge)).rejects.toEqual(code('purchase_ended'));
    world.clock.at = Date.parse((await world.purchase('p2')).expiresAt);
    await expect(world.start()).rejects.toEqual(code('purchase_ended'));
    expect(world.calls).toEqual(['p2', 'p2']);
  });

  it('calls nobody under a hold that was released, nor for a refused purchase', async () => {
    const world = await shop();
    await world.start();
    await world.base.release('p2');
    await expect(world.start()).rejects.toEqual(code('purchase_ended'));
    const more = { ...world.charge, purchase: { ...world.order, id: 'p3', amount: '51.00' } };
    expect(await startCharge(world.deps, more)).toMatchObject({ allowed: false });
    expect(world.calls).toEqual(['p2']);
  });

  it('rejects an id that is no reference before it holds', async () => {
    const world = await shop();
    const reference = () => {
      throw new TypeError('id: too long');
    };
    const processor = { ...world.deps.processor, traits: { ...scripted().traits, reference } };
    const started = startCharge({ ...world.deps, processor }, world.charge);
    await expect(started).rejects.toThrow('id: too long');
    expect(await world.base.get('p2')).toBeNull();
  });
});

describe('an answer to a purchase that was not read', () => {
  const refund = (amount: string) => paid({ refunds: { total: cny(amount) } });

  it('is applied, and reported under its purchase where the ledger rejects it', async () => {
    const { deps, onProblem, problems, purchase } = await held();
    await applyOrLater({ ...deps, onProblem }, refund('10.00'));
    expect(await purchase()).toMatchObject({ state: 'committed', refunded: '10.00' });
    expect(problems).toEqual([]);
    await applyOrLater({ ...deps, onProblem }, refund('30.01'));
    expect(problems).toEqual([
      {
        ...{ processor: 'test_pay', purchaseId: 'p1', messageId: null, messageType: null },
        ...{ code: 'refund_exceeds_purchase', message: expect.any(String) },
      },
    ]);
  });

  it('waits while the ledger is unavailable, and hides no other error', async () => {
    const { base, deps, purchase } = await held();
    const away = { ...deps, limiter: { ...base, commit: unavailable } };
    await applyOrLater(away, refund('10.00'));
    expect(await purchase()).toMatchObject({ state: 'reserved' });
    const broken = { ...base, commit: () => Promise.reject(new TypeError('a bug')) };
    await expect(applyOrLater({ ...deps, limiter: broken }, refund('1.00'))).rejects.toThrow(
      'a bug',
    );
  });
});

describe('captureCharge', () => {
  const capture = (amount = '30.00', change = {}) => ({
    ...{ purchaseId: 'p1', amount: cny(amount) },
    call: async () => 'answer',
    snapshotOf: () => paid({ captured: cny(amount) }),
    ...change,
  });

  it('takes at most what is held', async () => {
    const { deps, purchase } = await held();
    const never = { call: () => Promise.reject(new Error('called')) };
    for (const amount of [cny('30.01'), { amount: '30.00', currency: 'USD' }]) {
      const more = { ...capture('30.01', never), amount };
      await expect(captureCharge(deps, more)).rejects.toEqual(code('payment_forbidden'));
    }
    expect(await captureCharge(deps, capture('10.00'))).toBe('answer');
    expect(await purchase()).toMatchObject({ state: 'committed', committed: '10.00' });
  });

  it('calls nobody without an open hold of this processor', async () => {
    const { base, deps, order } = await held();
    const never = { call: () => Promise.reject(new Error('called')) };
    const absent = captureCharge(deps, capture('1.00', { ...never, purchaseId: 'p9' }));
    await expect(absent).rejects.toEqual(code('purchase_not_found'));
    await base.reserve({ ...order, id: 'p2', amount: '1.00', processor: 'other_pay' });
    const foreign = captureCharge(deps, capture('1.00', { ...never, purchaseId: 'p2' }));
    await expect(foreign).rejects.toEqual(code('purchase_ended'));
    const own = { processor: 'test_pay', processorRef: 'merchant_1' };
    await base.reserve({ ...order, ...own, id: 'p3', amount: '1.00' });
    const traits = { ...scripted().traits, account: 'merchant_2' };
    const other = { ...deps, processor: scripted({ traits }) };
    const theirs = captureCharge(other, capture('1.00', { ...never, purchaseId: 'p3' }));
    await expect(theirs).rejects.toEqual(code('purchase_conflict'));
    await base.release('p1');
    await expect(captureCharge(deps, capture('1.00', never))).rejects.toEqual(
      code('purchase_ended'),
    );
  });

  it('reports what the ledger rejects of its answer', async () => {
    const { codes, deps, onProblem } = await held();
    const refunds = { total: cny('30.01') };
    const strange = capture('30.00', { snapshotOf: () => paid({ refunds }) });
    await captureCharge({ ...deps, onProblem }, strange);
    expect(codes()).toEqual(['refund_exceeds_purchase']);
  });

  it.each([
    ['rejected', new Refusal('no'), expect.any(Refusal)],
    ['lost', new TypeError('fetch failed'), code('outcome_unknown')],
  ])('keeps the hold of a call that was %s', async (_, error, expected) => {
    const { deps, purchase } = await held();
    const call = { call: () => Promise.reject(error) };
    await expect(captureCharge(deps, capture('30.00', call))).rejects.toEqual(expected);
    expect(await purchase()).toMatchObject({ state: 'reserved' });
  });

  it('an answer that cannot be read leaves the outcome unknown', async () => {
    const { deps, purchase } = await held();
    const snapshotOf = () => {
      throw new TypeError('no such field');
    };
    const captured = captureCharge(deps, capture('30.00', { snapshotOf }));
    await expect(captured).rejects.toEqual(code('outcome_unknown'));
    expect(await purchase()).toMatchObject({ state: 'reserved' });
  });
});
