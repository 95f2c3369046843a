import { afterEach, describe, expect, test, vi } from 'vitest';
import { bought, CHILD, NOON, onePolicy, order, setUp, TEEN } from './limiter-kit.ts';

const MINUTE = 60_000;

/** Everything that can happen to purchases, in order. */
async function life({ limiter, clock }: ReturnType<typeof setUp>) {
  const short = { expiresInSeconds: 60 };
  bought(await limiter.reserve(order('paid', { metadata: { note: 'kept out' } })));
  await limiter.reserve(order('paid', { metadata: { note: 'kept out' } }));
  await limiter.commit('paid');
  await limiter.commit('paid');
  await limiter.refund('paid', { id: 'r1', amount: '1.23' });
  await limiter.refund('paid', { id: 'r1', amount: '1.23' });
  await limiter.reverseRefund('paid', { id: 'r1' });
  await limiter.reverseRefund('paid', { id: 'r1' });
  bought(await limiter.reserve(order('left', short)));
  await limiter.release('left', { reason: 'card_declined' });
  await limiter.release('left');
  await limiter.reserve(order('much', { amount: '77.77' }));
  bought(await limiter.reserve(order('slow', short)));
  clock.at += MINUTE;
  await limiter.allowance({ evidence: CHILD });
  await limiter.get('slow');
  await limiter.commit('slow');
  bought(await limiter.reserve(order('over', { evidence: TEEN })));
  await limiter.commit('over', { amount: '31.00' });
}

describe('onEvent', () => {
  test('is notified of every state change once, in order', async () => {
    const made = setUp();
    await life(made);
    const policy = 'cn-game@2024-01-01';
    const later = NOON + MINUTE;
    const on = (purchaseId: string, at = NOON) => ({ at, purchaseId, policy });
    const committed = { type: 'purchase.committed', state: 'committed' };
    expect(made.events).toEqual([
      { type: 'purchase.reserved', state: 'reserved', ...on('paid') },
      { ...committed, ...on('paid'), late: false, overHold: false },
      { type: 'purchase.refunded', state: 'committed', ...on('paid'), refundId: 'r1' },
      { type: 'refund.reversed', state: 'committed', ...on('paid'), refundId: 'r1' },
      { type: 'purchase.reserved', state: 'reserved', ...on('left') },
      { type: 'purchase.released', state: 'released', ...on('left'), reason: 'card_declined' },
      {
        type: 'purchase.refused',
        ...on('much'),
        reasons: ['transaction_cap_exceeded', 'day_cap_exceeded'],
      },
      { type: 'purchase.reserved', state: 'reserved', ...on('slow') },
      { type: 'purchase.expired', state: 'expired', ...on('slow', later) },
      { ...committed, ...on('slow', later), late: true, overHold: false },
      { type: 'purchase.reserved', state: 'reserved', ...on('over', later) },
      { ...committed, ...on('over', later), late: false, overHold: true },
    ]);
  });

  test('names no subject, amount, metadata or token', async () => {
    const made = setUp({ ageTokens: { verify: async () => CHILD } });
    await life(made);
    const { evidence: _none, ...bare } = order('token');
    bought(await made.limiter.reserve({ ...bare, amount: '0.45', ageToken: 'secret-token' }));
    const { evidence: _nobody, ...nobody } = order('nobody');
    await made.limiter.reserve(nobody);
    const text = JSON.stringify(made.events);
    expect(text).toContain('"token"');
    for (const secret of ['child', 'teen', 'kept out', 'secret-token', 'CNY']) {
      expect(text).not.toContain(secret);
    }
    for (const amount of ['30', '1.23', '77', '7777', '31', '45']) {
      expect(text).not.toMatch(new RegExp(`[^0-9]${amount}[^0-9]`));
    }
    expect(made.events.at(-1)).toMatchObject({ reasons: ['age_unverified'] });
  });

  test('names the policy under which a purchase was allowed', async () => {
    const game = setUp();
    const policy = onePolicy([{ period: 'day', max: '100' }]);
    const shop = setUp({ policy, store: game.store });
    for (const { limiter } of [game, shop, game]) {
      bought(await limiter.reserve(order(`n${game.events.length}${shop.events.length}`)));
    }
    await shop.limiter.commit('n00');
    const names = [...game.events, ...shop.events].map((event) => event.policy);
    const [ofGame, ofShop] = ['cn-game@2024-01-01', 'shop@1'];
    expect(names).toEqual([ofGame, ofGame, ofShop, ofGame]);
  });

  test('reports a hold that another verb found over, at the instant it ended', async () => {
    const { limiter, clock, events } = setUp();
    bought(await limiter.reserve(order('a', { expiresInSeconds: 60 })));
    clock.at += 10 * MINUTE;
    bought(await limiter.reserve(order('b')));
    expect(events.slice(1)).toMatchObject([
      { type: 'purchase.expired', purchaseId: 'a', at: NOON + MINUTE },
      { type: 'purchase.reserved', purchaseId: 'b', at: NOON + 10 * MINUTE },
    ]);
  });

  type Verb = (limiter: ReturnType<typeof setUp>['limiter']) => Promise<unknown>;
  const money = { amount: '30.00', currency: 'CNY' };

  test.each<[string, Verb]>([
    ['reserve', (limiter) => limiter.reserve(order('new'))],
    ['reserve, refused', (limiter) => limiter.reserve(order('new', { amount: '50.01' }))],
    ['check', (limiter) => limiter.check(order('new'))],
    ['allowance', (limiter) => limiter.allowance({ evidence: CHILD })],
    ['get', (limiter) => limiter.get('held')],
    ['attach', (limiter) => limiter.attach('held', { processor: 'acme_pay', processorRef: 'r' })],
    ['commit', (limiter) => limiter.commit('held')],
    ['commit of less', (limiter) => limiter.commit('held', { amount: '1.00' })],
    ['release', (limiter) => limiter.release('held')],
    ['refund', (limiter) => limiter.refund('paid', { id: 'r1' })],
    ['refund of a part', (limiter) => limiter.refund('paid', { id: 'r1', amount: '1.00' })],
    ['reverseRefund', (limiter) => limiter.reverseRefund('paid', { id: 'r1' })],
    ['record', (limiter) => limiter.record({ id: 'new', ...money, evidence: CHILD })],
    ['record of a hold', (limiter) => limiter.record({ id: 'held', ...money, evidence: CHILD })],
    [
      'record by an earlier purchase',
      (limiter) => limiter.record({ id: 'new', ...money, samePlayerAs: 'paid' }),
    ],
  ])('reports an expired hold once, whichever verb finds it: %s', async (_name, verb) => {
    for (const exchange of [undefined, () => '7']) {
      const options = exchange === undefined ? {} : { exchange };
      const { limiter, clock, events } = setUp(options);
      const long = { expiresInSeconds: 3_600, processor: 'acme_pay', amount: '5.00' };
      bought(await limiter.reserve(order('held', long)));
      bought(await limiter.reserve(order('paid', { amount: '5.00' })));
      await limiter.commit('paid');
      bought(await limiter.reserve(order('expired', { expiresInSeconds: 60 })));
      clock.at += MINUTE;
      events.length = 0;
      await verb(limiter);
      await limiter.get('held');
      const expired = events.filter(({ type }) => type === 'purchase.expired');
      expect(expired.map(({ purchaseId }) => purchaseId)).toEqual(['expired']);
    }
  });
});

describe('a listener that fails', () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  test.each([
    [
      'by throwing',
      () => {
        throw new Error('listener');
      },
    ],
    ['by rejecting', () => Promise.reject(new Error('listener'))],
  ])('%s changes nothing but a warning', async (_how, onEvent) => {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const quiet = setUp();
    await life(quiet);
    const noisy = setUp({ onEvent });
    await life(noisy);
    await new Promise((resolve) => setImmediate(resolve));
    for (const id of ['paid', 'left', 'much', 'slow', 'over']) {
      expect(await noisy.limiter.get(id)).toEqual(await quiet.limiter.get(id));
    }
    expect(warn).toHaveBeenCalledTimes(quiet.events.length);
    expect(JSON.stringify(warn.mock.calls)).not.toContain('paid');
  });
});
