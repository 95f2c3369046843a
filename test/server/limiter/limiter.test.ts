import {
  type AgeVerifier,
  cnLive,
  jpTypical,
  type PurchaseRequest,
  parsePolicy,
  usAppStore,
} from '@spendcap/server';
import { describe, expect, test } from 'vitest';
import { anyStore } from '../../support/any-store.ts';
import {
  ADULT,
  aged,
  bought,
  CHILD,
  codesOf,
  DAY,
  flaky,
  NOON,
  onePolicy,
  order,
  player,
  setUp,
  TEEN,
  usedOf,
} from './limiter-kit.ts';

describe('reserve', () => {
  test('holds allowance and returns what is left', async () => {
    const { limiter } = setUp();
    const decision = await limiter.reserve(
      order('order-1', { product: 'gems', app: 'game-1', metadata: { b: '2', a: '1' } }),
    );
    expect(decision).toMatchObject({ allowed: true, replayed: false, permit: null });
    expect(bought(decision)).toEqual({
      id: 'order-1',
      state: 'reserved',
      amount: '30.00',
      currency: 'CNY',
      capCurrency: 'CNY',
      held: '30.00',
      committed: '0.00',
      refunded: '0.00',
      late: false,
      category: null,
      app: 'game-1',
      product: 'gems',
      metadata: { a: '1', b: '2' },
      processor: null,
      processorRef: null,
      reservedAt: '2026-11-23T04:00:00.000Z',
      expiresAt: '2026-11-23T04:30:00.000Z',
    });
    expect(usedOf(decision.allowance)).toEqual({
      transaction: '0.00',
      day: '30.00',
      month: '30.00',
    });
  });

  test('refuses above the cap, with every reason, and leaves no trace', async () => {
    const { limiter } = setUp();
    for (const id of ['a', 'b']) bought(await limiter.reserve(order(id, { amount: '45' })));
    const refused = await limiter.reserve(order('c', { amount: '50.01' }));
    expect(codesOf(refused)).toEqual(['transaction_cap_exceeded', 'day_cap_exceeded']);
    expect(refused).toMatchObject({
      reasons: [
        { limit: { cap: '50.00', used: '0.00', resetsAt: null } },
        { limit: { cap: '100.00', used: '90.00', remaining: '10.00' } },
      ],
    });
    expect(await limiter.get('c')).toBeNull();
    expect(usedOf(await limiter.allowance({ evidence: CHILD })).day).toBe('90.00');
    bought(await limiter.reserve(order('c', { amount: '10.00' })));
    expect(codesOf(await limiter.reserve(order('d', { amount: '0.01' })))).toEqual([
      'day_cap_exceeded',
    ]);
  });

  test('never passes a cap under parallel calls, from the first ever row on', async () => {
    const { limiter } = setUp();
    const decisions = await Promise.all(
      Array.from({ length: 64 }, (_, n) => limiter.reserve(order(`n${n}`, { amount: '7.00' }))),
    );
    const held = decisions.filter(({ allowed }) => allowed);
    expect(held).toHaveLength(14);
    expect(usedOf(await limiter.allowance({ evidence: CHILD })).day).toBe('98.00');
  });

  test('counts 64 parallel calls with one id once', async () => {
    const { limiter, events } = setUp();
    const decisions = await Promise.all(
      Array.from({ length: 64 }, () => limiter.reserve(order('same'))),
    );
    expect(decisions.filter((it) => it.allowed && !it.replayed)).toHaveLength(1);
    expect(decisions.every(({ allowed }) => allowed)).toBe(true);
    expect(usedOf(await limiter.allowance({ evidence: CHILD })).day).toBe('30.00');
    expect(events.map(({ type }) => type)).toEqual(['purchase.reserved']);
  });

  test('keeps subjects apart', async () => {
    const { limiter } = setUp();
    const twin = player('twin', aged(12, 13));
    bought(await limiter.reserve(order('a', { amount: '50' })));
    bought(await limiter.reserve(order('b', { amount: '50' })));
    expect(codesOf(await limiter.reserve(order('c', { amount: '1' })))).toHaveLength(1);
    bought(await limiter.reserve(order('d', { amount: '50', evidence: twin })));
  });

  test('lets an adult buy anything, and records it', async () => {
    const { limiter } = setUp();
    const decision = await limiter.reserve(order('a', { amount: '99999', evidence: ADULT }));
    expect(bought(decision)).toMatchObject({ held: '99999.00' });
    expect(decision.allowance.limits).toEqual([]);
    expect(await limiter.get('a')).toMatchObject({ state: 'reserved' });
  });

  test('lasts as long as is requested', async () => {
    const { limiter, clock } = setUp();
    bought(await limiter.reserve(order('short', { amount: '50', expiresInSeconds: 10 })));
    bought(await limiter.reserve(order('long', { amount: '50', expiresInSeconds: 30 * 86_400 })));
    clock.at += 9_999;
    expect(codesOf(await limiter.reserve(order('c')))).toEqual(['day_cap_exceeded']);
    clock.at += 1;
    bought(await limiter.reserve(order('c')));
    expect(await limiter.get('short')).toMatchObject({ state: 'expired' });
    clock.at = NOON + 30 * DAY - 1;
    expect(await limiter.get('long')).toMatchObject({ state: 'reserved' });
    clock.at += 1;
    expect(await limiter.get('long')).toMatchObject({ state: 'expired' });
  });

  test('with a guardian approval passes where one is needed, for this purchase alone', async () => {
    const { limiter } = setUp({ policy: usAppStore() });
    const usd = { amount: '4.99', currency: 'USD' };
    expect(codesOf(await limiter.reserve(order('a', usd)))).toEqual(['guardian_approval_required']);
    const approved = order('a', { ...usd, guardianApproval: 'approval-1' });
    bought(await limiter.reserve(approved));
    expect(await limiter.reserve(approved)).toMatchObject({ replayed: true });
    expect(codesOf(await limiter.check(order('b', usd)))).toEqual(['guardian_approval_required']);
    const other = order('a', { ...usd, guardianApproval: 'approval-2' });
    await expect(limiter.reserve(other)).rejects.toMatchObject({ code: 'purchase_conflict' });
  });

  test('refuses a tip of a minor and lets an adult tip', async () => {
    const { limiter } = setUp({ policy: cnLive() });
    const tip = { category: 'tip', amount: '1.00' };
    expect(await limiter.reserve(order('a', { ...tip, evidence: TEEN }))).toMatchObject({
      allowed: false,
      reasons: [{ code: 'forbidden_category', category: 'tip', row: { status: 'guidance' } }],
    });
    bought(await limiter.reserve(order('a', { ...tip, evidence: ADULT })));
  });

  test('refuses a purchase without a category where one is limited or banned', async () => {
    const limited = onePolicy([{ period: 'month', max: '25', categories: ['loot_box'] }]);
    for (const policy of [cnLive(), limited]) {
      const { limiter } = setUp({ policy });
      const without = await limiter.reserve(order('a', { evidence: TEEN }));
      expect(codesOf(without)).toEqual(['category_required']);
      bought(await limiter.reserve(order('a', { category: 'item', evidence: TEEN })));
    }
    const { limiter } = setUp({ policy: cnLive() });
    bought(await limiter.reserve(order('b', { evidence: ADULT })));
    const { blocked } = await limiter.allowance({ evidence: TEEN });
    expect(blocked).toEqual([]);
  });

  test('refuses another currency without an exchange, and an unknown one always', async () => {
    const { limiter } = setUp();
    expect(await limiter.reserve(order('a', { currency: 'USD' }))).toMatchObject({
      allowed: false,
      reasons: [{ code: 'currency_not_supported', currency: 'CNY' }],
    });
    await expect(limiter.reserve(order('a', { currency: 'XXX' }))).rejects.toMatchObject({
      code: 'invalid_currency',
    });
    expect(await limiter.get('a')).toBeNull();
  });
});

describe('evidence', () => {
  test('none: refused, for there is no one to count for', async () => {
    for (const policy of [undefined, jpTypical()]) {
      const { limiter } = setUp(policy === undefined ? {} : { policy });
      const none = { id: 'a', amount: '1', currency: limiter.policy().currency, app: 'game-1' };
      const refused = await limiter.reserve(none);
      expect(codesOf(refused)).toEqual(['age_unverified']);
      expect(refused.allowance).toMatchObject({ limits: [], ageRange: { min: 0 } });
      expect(await limiter.get('a')).toBeNull();
    }
  });

  test('that states no age: the unverified rule of the policy', async () => {
    const nameless = player('somebody');
    const strict = setUp().limiter;
    expect(codesOf(await strict.reserve(order('a', { evidence: nameless })))).toEqual([
      'age_unverified',
    ]);
    expect((await strict.allowance({ evidence: nameless })).blocked).toEqual([
      { code: 'age_unverified', minimumAssurance: 'verified' },
    ]);
    const { limiter } = setUp({ policy: jpTypical() });
    const yen = { currency: 'JPY', app: 'game-1', evidence: nameless };
    bought(await limiter.reserve(order('a', { ...yen, amount: '5000' })));
    expect(codesOf(await limiter.reserve(order('b', { ...yen, amount: '1' })))).toEqual([
      'age_not_precise',
      'month_cap_exceeded',
    ]);
  });

  test('that has expired, or has no end: none', async () => {
    const { limiter, clock } = setUp();
    for (const expiresAt of [NOON, NOON - 1, Number.NaN]) {
      const evidence = { ...CHILD, expiresAt };
      for (const verb of ['reserve', 'check', 'allowance'] as const) {
        await expect(limiter[verb](order('a', { evidence }))).rejects.toMatchObject({
          code: 'age_token_invalid',
          why: 'expired',
        });
      }
    }
    const evidence = { ...CHILD, expiresAt: NOON + 1 };
    bought(await limiter.reserve(order('a', { evidence })));
    clock.at += 1;
    await expect(limiter.reserve(order('b', { evidence }))).rejects.toMatchObject({
      why: 'expired',
    });
    expect(await limiter.get('b')).toBeNull();
  });

  test('that contradicts itself', async () => {
    const { limiter } = setUp();
    const evidence = player('odd', aged(18, null), aged(8, 16));
    await expect(limiter.reserve(order('a', { evidence }))).rejects.toMatchObject({
      code: 'age_token_invalid',
      why: 'age_contradictory',
    });
  });

  test('that names no subject is a wrong call', async () => {
    const { limiter } = setUp();
    await expect(
      limiter.reserve(order('a', { evidence: { ...CHILD, subject: '' } })),
    ).rejects.toThrow(TypeError);
    await expect(
      limiter.reserve({ id: 'a', amount: '1', currency: 'CNY', ageToken: 'x' }),
    ).rejects.toThrow('ageTokens');
  });

  test.each([
    ['a kind that is none', { kind: 1n }],
    ['no kind', { kind: undefined }],
    ['no statements', { statements: null }],
    ['a statement of another kind', { statements: [{ ...CHILD.statements[0], kind: 'about' }] }],
    ['a statement that is none', { statements: [null] }],
  ])('with %s is refused by name, and holds nothing', async (_, part) => {
    const { limiter } = setUp();
    const evidence = { ...CHILD, ...part } as typeof CHILD;
    await expect(limiter.reserve(order('a', { evidence }))).rejects.toThrow(/^evidence\./);
    expect(await limiter.get('a')).toBeNull();
  });

  test('is verified from the token, unless it has been already', async () => {
    const seen: string[] = [];
    const verify = async (token: string) => {
      seen.push(token);
      return CHILD;
    };
    const { limiter } = setUp({ ageTokens: { verify } });
    const { evidence: _none, ...bare } = order('a');
    bought(await limiter.reserve({ ...bare, ageToken: 'token-1' }));
    expect(await limiter.reserve({ ...order('a'), ageToken: 'token-2' })).toMatchObject({
      replayed: true,
    });
    expect(seen).toEqual(['token-1']);
  });

  test('is verified with its proof, which a retry of the same purchase may show again', async () => {
    const seen: unknown[] = [];
    const verify: AgeVerifier['verify'] = async (token, shownWith) => {
      seen.push([token, shownWith]);
      return CHILD;
    };
    const { limiter } = setUp({ ageTokens: { verify } });
    await limiter.ready();
    const { evidence: _none, ...bare } = order('a');
    const proof = { jwt: 'proof', method: 'POST', url: 'https://shop.example/buy' };
    const player = { ageToken: 'token', proof };
    bought(await limiter.reserve({ ...bare, ...player }));
    await limiter.record({ ...bare, ...player });
    bought(await limiter.reserve({ ...bare, id: 'b', amount: '1.00', ageToken: 'token' }));
    await limiter.check({ ...bare, ...player });
    await limiter.allowance(player);
    expect(await limiter.verifyAge(player)).toBe(CHILD);
    expect(await limiter.verifyAge({})).toBeNull();
    const forPurchase = ['token', { proof, purchaseId: 'a' }];
    const once = ['token', { proof }];
    expect(seen).toEqual([
      ...[forPurchase, forPurchase],
      ['token', { purchaseId: 'b' }],
      ...[once, once, once],
    ]);
  });
});

describe('the same id again', () => {
  test('gives the first answer, and equal inputs may be written otherwise', async () => {
    const { limiter, clock } = setUp();
    const first = bought(await limiter.reserve(order('a', { metadata: { x: '1', y: '2' } })));
    clock.at += 60_000;
    const again = await limiter.reserve(
      order('a', {
        amount: '30',
        metadata: { y: '2', x: '1' },
        expiresInSeconds: 1_800,
        onExpiry: 'release',
      }),
    );
    expect(again).toMatchObject({ replayed: true });
    expect(bought(again)).toEqual(first);
  });

  test('takes no metadata for empty metadata', async () => {
    const { limiter } = setUp();
    bought(await limiter.reserve(order('a')));
    expect(await limiter.reserve(order('a', { metadata: {} }))).toMatchObject({ replayed: true });
  });

  test('after the windows have rolled over', async () => {
    const { limiter, clock } = setUp();
    bought(await limiter.reserve(order('a', { expiresInSeconds: 20 * 86_400 })));
    clock.at = Date.parse('2026-12-02T00:00:00Z');
    const again = await limiter.reserve(order('a', { expiresInSeconds: 20 * 86_400 }));
    expect(again).toMatchObject({ replayed: true });
    expect(usedOf(again.allowance)).toMatchObject({ day: '0.00', month: '0.00' });
  });

  test('when there is no room for another', async () => {
    const { limiter } = setUp();
    bought(await limiter.reserve(order('a', { amount: '50' })));
    bought(await limiter.reserve(order('b', { amount: '50' })));
    expect(await limiter.reserve(order('b', { amount: '50' }))).toMatchObject({ replayed: true });
  });

  test('when the policy has become stricter, even forbidding it', async () => {
    const first = setUp();
    bought(await first.limiter.reserve(order('a')));
    for (const policy of [onePolicy([{ period: 'transaction', max: '0' }]), cnLive()]) {
      const { limiter } = setUp({ policy, store: first.store });
      const again = await limiter.reserve(order('a'));
      expect(again).toMatchObject({ allowed: true, replayed: true });
    }
    const { limiter } = setUp({
      policy: onePolicy([{ period: 'day', max: '1' }]),
      store: first.store,
    });
    expect(await limiter.reserve(order('a'))).toMatchObject({ replayed: true });
    expect(codesOf(await limiter.reserve(order('b')))).toEqual(['day_cap_exceeded']);
  });

  test('with other inputs is a conflict, and changes nothing', async () => {
    const { limiter } = setUp();
    bought(await limiter.reserve(order('a', { metadata: { x: '1' } })));
    const others: Partial<PurchaseRequest>[] = [
      { amount: '30.01' },
      { amount: '50.01' },
      { metadata: { x: '2' } },
      { metadata: {} },
      { metadata: { x: '1', y: '' } },
      { evidence: TEEN },
      { evidence: player('child', aged(7, 8)), amount: '1' },
      { category: 'skin' },
      { app: 'game-2' },
      { product: 'gems' },
      { expiresInSeconds: 60 },
      { onExpiry: 'reconcile' },
      { guardianApproval: 'approval-1' },
    ];
    for (const other of others) {
      const request = order('a', { metadata: { x: '1' }, ...other });
      await expect(limiter.reserve(request)).rejects.toMatchObject({ code: 'purchase_conflict' });
    }
    expect(usedOf(await limiter.allowance({ evidence: CHILD })).day).toBe('30.00');
    expect(usedOf(await limiter.allowance({ evidence: TEEN })).day).toBe('0.00');
  });

  test.each<Partial<PurchaseRequest>>([
    { app: 'game-1' },
    { category: 'skin' },
    { product: 'gems' },
    { expiresInSeconds: 60 },
    { onExpiry: 'reconcile' },
    { guardianApproval: 'approval-1' },
    { metadata: { x: '1' } },
    { evidence: TEEN },
    { currency: 'USD' },
  ])('is a conflict for one field more or less: %j', async (field) => {
    const { limiter } = setUp({ exchange: () => '1' });
    bought(await limiter.reserve(order('bare')));
    bought(await limiter.reserve(order('more', field)));
    const conflict = { code: 'purchase_conflict' };
    await expect(limiter.reserve(order('bare', field))).rejects.toMatchObject(conflict);
    await expect(limiter.reserve(order('more'))).rejects.toMatchObject(conflict);
    expect(await limiter.reserve(order('more', field))).toMatchObject({ replayed: true });
    expect(await limiter.reserve(order('bare'))).toMatchObject({ replayed: true });
  });

  test('of another person who may buy nothing is a conflict as well', async () => {
    const { limiter } = setUp();
    bought(await limiter.reserve(order('a')));
    const small = order('a', { evidence: player('small', aged(7, 8)) });
    await expect(limiter.reserve(small)).rejects.toMatchObject({ code: 'purchase_conflict' });
  });

  test('is settled by its state: committed gives it again, ended asks for a new id', async () => {
    const { limiter, clock } = setUp();
    for (const id of ['paid', 'released', 'expired']) {
      bought(await limiter.reserve(order(id, { expiresInSeconds: 60 })));
    }
    await limiter.commit('paid');
    await limiter.release('released');
    clock.at += 60_000;
    const again = (id: string) => limiter.reserve(order(id, { expiresInSeconds: 60 }));
    expect(await again('paid')).toMatchObject({
      replayed: true,
      purchase: { state: 'committed' },
    });
    for (const id of ['released', 'expired']) {
      await expect(again(id)).rejects.toMatchObject({ code: 'purchase_ended', retryable: false });
    }
    expect(usedOf(await limiter.allowance({ evidence: CHILD })).day).toBe('30.00');
  });

  test('after a refusal is judged afresh', async () => {
    const { limiter, clock } = setUp();
    bought(await limiter.reserve(order('a', { amount: '50' })));
    bought(await limiter.reserve(order('b', { amount: '50' })));
    expect((await limiter.reserve(order('c'))).allowed).toBe(false);
    clock.at += DAY;
    bought(await limiter.reserve(order('c', { amount: '31' })));
  });
});

describe('commit, release, refund', () => {
  test('a commit keeps what was held, or less, and is idempotent', async () => {
    const { limiter } = setUp();
    bought(await limiter.reserve(order('a')));
    expect(await limiter.commit('a', { amount: '20.00' })).toMatchObject({
      state: 'committed',
      held: '30.00',
      committed: '20.00',
      late: false,
    });
    expect(await limiter.commit('a', { amount: '20' })).toMatchObject({ committed: '20.00' });
    await expect(limiter.commit('a')).rejects.toMatchObject({ code: 'purchase_ended' });
    await expect(limiter.release('a')).rejects.toMatchObject({ code: 'purchase_ended' });
    expect(usedOf(await limiter.allowance({ evidence: CHILD })).day).toBe('20.00');
  });

  test('a release gives the hold back, once', async () => {
    const { limiter } = setUp();
    bought(await limiter.reserve(order('a')));
    expect(await limiter.release('a', { reason: 'card declined' })).toMatchObject({
      state: 'released',
    });
    expect(await limiter.release('a')).toMatchObject({ state: 'released' });
    expect(usedOf(await limiter.allowance({ evidence: CHILD })).day).toBe('0.00');
  });

  test('a commit after the end is recorded, late, even past the cap', async () => {
    const { limiter, clock } = setUp();
    bought(await limiter.reserve(order('gone', { amount: '50', expiresInSeconds: 60 })));
    bought(await limiter.reserve(order('back', { amount: '50' })));
    await limiter.release('back');
    clock.at += 60_000;
    for (const id of ['x', 'y']) {
      bought(await limiter.reserve(order(id, { amount: '50' })));
      await limiter.commit(id);
    }
    expect(await limiter.commit('gone')).toMatchObject({ state: 'committed', late: true });
    expect(await limiter.commit('back')).toMatchObject({ state: 'committed', late: true });
    const { limits } = await limiter.allowance({ evidence: CHILD });
    expect(limits).toMatchObject([
      {},
      { period: 'day', used: '200.00', remaining: '0.00' },
      { period: 'month', used: '200.00', remaining: '0.00' },
    ]);
  });

  test('a hold to reconcile outlives its time and is listed as overdue', async () => {
    const { limiter, clock } = setUp();
    const request = order('a', { onExpiry: 'reconcile', expiresInSeconds: 60 });
    bought(await limiter.reserve(request));
    expect(await limiter.overdue()).toEqual([]);
    clock.at += 60_000;
    expect(await limiter.overdue()).toMatchObject([{ id: 'a', state: 'reserved' }]);
    expect(usedOf(await limiter.allowance({ evidence: CHILD })).day).toBe('30.00');
    expect(await limiter.commit('a')).toMatchObject({ late: false });
    expect(await limiter.overdue()).toEqual([]);
    for (const limit of [0, -1, 1.5, 1_001, Number.NaN]) {
      await expect(limiter.overdue({ limit })).rejects.toMatchObject({ code: 'invalid_request' });
    }
  });

  test('refunds give back in parts, each once, and never more than was paid', async () => {
    const { limiter } = setUp();
    bought(await limiter.reserve(order('a')));
    await expect(limiter.refund('a', { id: 'r0' })).rejects.toMatchObject({
      code: 'purchase_not_committed',
    });
    await limiter.commit('a');
    const part = { id: 'r1', amount: '10.00' };
    expect(await limiter.refund('a', part)).toMatchObject({ refunded: '10.00' });
    expect(await limiter.refund('a', part)).toMatchObject({ refunded: '10.00' });
    await expect(limiter.refund('a', { id: 'r1', amount: '11' })).rejects.toMatchObject({
      code: 'refund_conflict',
    });
    await expect(limiter.refund('a', { id: 'r2', amount: '20.01' })).rejects.toMatchObject({
      code: 'refund_exceeds_purchase',
    });
    expect(usedOf(await limiter.allowance({ evidence: CHILD })).day).toBe('20.00');
    expect(await limiter.refund('a', { id: 'r2' })).toMatchObject({ refunded: '30.00' });
    expect(usedOf(await limiter.allowance({ evidence: CHILD })).day).toBe('0.00');
    expect(await limiter.reverseRefund('a', { id: 'r2' })).toMatchObject({ refunded: '10.00' });
    expect(await limiter.reverseRefund('a', { id: 'r2' })).toMatchObject({ refunded: '10.00' });
    expect(usedOf(await limiter.allowance({ evidence: CHILD })).day).toBe('20.00');
  });

  test('a refund gives nothing back where the policy says never', async () => {
    const policy = onePolicy([{ period: 'day', max: '30' }], { refunds: 'never' });
    const { limiter } = setUp({ policy });
    bought(await limiter.reserve(order('a')));
    await limiter.commit('a');
    expect(await limiter.refund('a', { id: 'r1' })).toMatchObject({ refunded: '30.00' });
    expect(codesOf(await limiter.reserve(order('b', { amount: '0.01' })))).toEqual([
      'day_cap_exceeded',
    ]);
    await limiter.reverseRefund('a', { id: 'r1' });
    expect(usedOf(await limiter.allowance({ evidence: CHILD })).day).toBe('30.00');
  });

  test('a refund in a later month adds nothing to that month', async () => {
    const { limiter, clock } = setUp();
    bought(await limiter.reserve(order('a', { amount: '50' })));
    await limiter.commit('a');
    clock.at = Date.parse('2026-12-10T00:00:00Z');
    bought(await limiter.reserve(order('b', { amount: '40' })));
    await limiter.commit('b');
    await limiter.refund('a', { id: 'r1' });
    expect(usedOf(await limiter.allowance({ evidence: CHILD }))).toMatchObject({
      day: '40.00',
      month: '40.00',
    });
    clock.at = NOON + DAY;
    expect(usedOf(await limiter.allowance({ evidence: CHILD })).month).toBe('0.00');
  });

  test('of a purchase that is not there', async () => {
    const { limiter } = setUp();
    const missing = { code: 'purchase_not_found', status: 404 };
    await expect(limiter.commit('none')).rejects.toMatchObject(missing);
    await expect(limiter.commit('none', { amount: '1' })).rejects.toMatchObject(missing);
    await expect(limiter.release('none')).rejects.toMatchObject(missing);
    await expect(limiter.refund('none', { id: 'r1' })).rejects.toMatchObject(missing);
    await expect(limiter.reverseRefund('none', { id: 'r1' })).rejects.toMatchObject(missing);
    expect(await limiter.get('none')).toBeNull();
  });
});

describe('what distinguishes purchases of one amount', () => {
  const fields = [
    ...[{ app: 'game-1' }, { app: 'game-2' }, { category: 'skin' }, { category: 'hat' }],
    ...[{ product: 'gems' }, { product: 'coins' }],
    ...[{ metadata: { level: '1' } }, { metadata: { level: '2' } }],
    { expiresInSeconds: 60 },
    { onExpiry: 'reconcile' as const },
    { guardianApproval: 'approval-1' },
    { processor: 'acme_pay' },
    { processor: 'acme_pay', processorRef: 'pay_1' },
  ];

  test('is each field of a request, whatever was bought before', async () => {
    const { limiter } = setUp({ policy: onePolicy([{ period: 'day', max: '9000' }]) });
    const requests = [{}, ...fields];
    for (const [index, field] of requests.entries()) {
      bought(await limiter.reserve(order(`p${index}`, field)));
    }
    for (const [index, field] of requests.entries()) {
      expect(await limiter.reserve(order(`p${index}`, field))).toMatchObject({ replayed: true });
      for (const other of requests.filter((each) => each !== field)) {
        await expect(limiter.reserve(order(`p${index}`, other))).rejects.toMatchObject({
          code: 'purchase_conflict',
        });
      }
    }
    const kept = { app: null, category: null, product: null, metadata: {}, processor: null };
    for (const [index, field] of requests.slice(0, 9).entries()) {
      expect(await limiter.get(`p${index}`)).toMatchObject({ ...kept, ...field });
    }
  });

  test('and whose it is: no other player can read it', async () => {
    const { limiter } = setUp();
    const purchase = bought(await limiter.reserve(order('a')));
    expect(await limiter.get('a', { evidence: CHILD })).toEqual(purchase);
    for (const other of [{ evidence: TEEN }, {}]) {
      await expect(limiter.get('a', other)).rejects.toMatchObject({ code: 'purchase_conflict' });
    }
    expect(await limiter.get('b', { evidence: TEEN })).toBeNull();
  });
});

describe('check and allowance', () => {
  test('a check says what reserve would, and holds nothing', async () => {
    const { limiter, events } = setUp();
    const { id: _none, ...request } = order('a');
    expect(await limiter.check(request)).toMatchObject({ allowed: true });
    expect(codesOf(await limiter.check({ ...request, amount: '50.01' }))).toEqual([
      'transaction_cap_exceeded',
    ]);
    expect(usedOf(await limiter.allowance({ evidence: CHILD })).day).toBe('0.00');
    expect(events).toEqual([]);
  });

  test('an allowance has every limit, its amounts and when it resets', async () => {
    const { limiter } = setUp();
    bought(await limiter.reserve(order('a')));
    const allowance = await limiter.allowance({ evidence: CHILD, currency: 'CNY' });
    expect(allowance).toMatchObject({
      currency: 'CNY',
      policy: { id: 'cn-game', version: '2024-01-01', timeZone: 'Asia/Shanghai' },
      ageRange: { min: 12, maxExclusive: 13 },
      blocked: [],
      limits: [
        { period: 'transaction', cap: '50.00', used: '0.00', remaining: '50.00', resetsAt: null },
        {
          id: 'cn-game.8-15.day',
          period: 'day',
          categories: null,
          cap: '100.00',
          used: '30.00',
          remaining: '70.00',
          resetsAt: '2026-11-23T16:00:00.000Z',
        },
        {
          period: 'month',
          used: '30.00',
          remaining: '170.00',
          resetsAt: '2026-11-30T16:00:00.000Z',
        },
      ],
    });
    await expect(limiter.allowance({ evidence: CHILD, currency: 'USD' })).rejects.toMatchObject({
      code: 'invalid_request',
      errors: [{ path: 'currency', message: 'must be CNY' }],
    });
  });

  test('says what is blocked whatever the amount', async () => {
    const blocked = async (policy: ReturnType<typeof cnLive>, evidence = CHILD, category = 'tip') =>
      (await setUp({ policy }).limiter.allowance({ evidence, category })).blocked.map(
        ({ code }) => code,
      );
    expect(await blocked(cnLive())).toEqual(['forbidden_category']);
    expect(await blocked(cnLive({ categories: ['skin'] }), CHILD, 'skin')).toEqual([]);
    expect(await blocked(cnLive(), ADULT)).toEqual([]);
    expect(await blocked(usAppStore())).toEqual(['guardian_approval_required']);
    expect(await blocked(cnLive(), player('small', aged(7, 8)))).toEqual([
      'forbidden_for_age',
      'forbidden_category',
    ]);
    expect(await setUp().limiter.allowance({})).toMatchObject({
      blocked: [{ code: 'age_unverified', minimumAssurance: 'verified' }],
      ...{ limits: [], blockedCategories: [] },
    });
  });

  test('says which categories are blocked, and that a purchase has to name one', async () => {
    const row = { citation: 'rule 1', status: 'operator', effectiveFrom: '2024-01-01' };
    const bans = ['tip', 'gift'].map((category) => ({ id: `no-${category}`, category, ...row }));
    const shop = onePolicy([{ period: 'day', max: '60.00', categories: ['skin'] }]);
    const bands = [{ ...shop.bands[0], forbiddenCategories: bans }];
    const { limiter } = setUp({ policy: parsePolicy({ ...shop, bands }) });
    const blockedBy = async (request: object) =>
      (await limiter.allowance({ evidence: CHILD, ...request })).blockedCategories;
    const blocked = [
      { code: 'forbidden_category', category: 'tip', row: { id: 'no-tip', ...row } },
      { code: 'forbidden_category', category: 'gift', row: { id: 'no-gift', ...row } },
      { code: 'category_required', row: { id: 'no-tip', ...row } },
    ];
    expect(await blockedBy({})).toEqual(blocked);
    expect(await blockedBy({ category: 'skin' })).toEqual(blocked);
    const selective = setUp({ policy: shop });
    expect((await selective.limiter.allowance({ evidence: CHILD })).blockedCategories).toEqual([
      { code: 'category_required', row: { id: 'row-0', ...row } },
    ]);
  });

  test('returns the limits of all categories, or of one', async () => {
    const policy = onePolicy([
      { period: 'lifetime', max: '1000' },
      { period: 'month', max: '25', categories: ['loot_box', 'gacha'] },
      { period: 'transaction', max: '40' },
      { period: 'week', max: '10', categories: ['skin'] },
    ]);
    const { limiter } = setUp({ policy });
    bought(await limiter.reserve(order('a', { amount: '20', category: 'gacha' })));
    bought(await limiter.reserve(order('b', { amount: '7', category: 'skin' })));
    bought(await limiter.reserve(order('c', { amount: '40', category: 'hat' })));
    const all = await limiter.allowance({ evidence: CHILD });
    expect(usedOf(all)).toEqual({
      lifetime: '67.00',
      'month gacha loot_box': '20.00',
      transaction: '0.00',
      'week skin': '7.00',
    });
    expect(all.limits.map(({ resetsAt }) => resetsAt)).toEqual([
      null,
      '2026-11-30T16:00:00.000Z',
      null,
      '2026-11-29T16:00:00.000Z',
    ]);
    const skins = await limiter.allowance({ evidence: CHILD, category: 'skin' });
    expect(usedOf(skins)).toEqual({ lifetime: '67.00', transaction: '0.00', 'week skin': '7.00' });
    expect(
      codesOf(await limiter.reserve(order('d', { amount: '6', category: 'loot_box' }))),
    ).toEqual(['month_cap_exceeded']);
    bought(await limiter.reserve(order('d', { amount: '5', category: 'loot_box' })));
  });

  test('a policy of scope app counts each app alone, and asks for it', async () => {
    const policy = onePolicy([{ period: 'day', max: '30' }], { scope: 'app' });
    const { limiter } = setUp({ policy });
    bought(await limiter.reserve(order('a', { app: 'game-1' })));
    bought(await limiter.reserve(order('b', { app: 'game-2' })));
    expect(codesOf(await limiter.reserve(order('c', { app: 'game-2', amount: '1' })))).toEqual([
      'day_cap_exceeded',
    ]);
    for (const verb of ['reserve', 'check', 'allowance'] as const) {
      await expect(limiter[verb](order('d'))).rejects.toMatchObject({
        code: 'invalid_request',
        errors: [{ path: 'app' }],
      });
    }
  });

  test('an enterprise sums over its apps', async () => {
    const { limiter } = setUp();
    bought(await limiter.reserve(order('a', { app: 'game-1', amount: '50' })));
    bought(await limiter.reserve(order('b', { app: 'game-2', amount: '50' })));
    expect(codesOf(await limiter.check(order('c', { app: 'game-3' })))).toEqual([
      'day_cap_exceeded',
    ]);
  });
});

describe('wrong construction', () => {
  const version = (name: string, from: string, rest: Record<string, unknown> = {}) =>
    onePolicy([{ period: 'day', max: '1' }], { version: name, effectiveFrom: from, ...rest });
  const first = version('1', '2024-01-01', { effectiveTo: '2025-01-01' });

  test.each<[string, unknown]>([
    ['none', []],
    ['nothing', undefined],
    ['no policy', {}],
    ['null', null],
    ['an overlap', [first, version('2', '2024-12-31')]],
    ['the first without an end', [version('1', '2024-01-01'), version('2', '2025-01-01')]],
    ['another currency', [first, version('2', '2025-01-01', { currency: 'USD' })]],
    ['another policy', [first, version('2', '2025-01-01', { id: 'other' })]],
    ['one name twice', [first, version('1', '2025-01-01')]],
  ])('%s as policy', (_name, policy) => {
    expect(() => setUp({ policy: policy as never })).toThrow(TypeError);
  });

  test('a policy that leaves ages without a band, whatever its type says', () => {
    const policy = { ...first, bands: first.bands.map((band) => ({ ...band, minAge: 8 })) };
    const refused = expect.objectContaining({ code: 'policy_invalid' });
    expect(() => setUp({ policy })).toThrow(refused);
  });

  test('versions may be given in any order', () => {
    const { limiter } = setUp({ policy: [version('2', '2025-01-01'), first] });
    expect(limiter.policy().version).toBe('2');
  });

  test('no store', () => {
    expect(() => setUp({ store: {} as never })).toThrow(TypeError);
  });
});

describe('surroundings', () => {
  test.each([Number.NaN, Infinity, -1, 1.5, 'now', undefined, Date.now() * 1_000, 1e18])(
    'a clock that returns %j',
    async (at) => {
      const { limiter, clock, store } = setUp();
      bought(await limiter.reserve(order('held')));
      clock.at = at as number;
      const broken = { code: 'clock_invalid', status: 503 };
      await expect(limiter.reserve(order('a'))).rejects.toMatchObject(broken);
      await expect(limiter.check(order('a'))).rejects.toMatchObject(broken);
      await expect(limiter.allowance({ evidence: CHILD })).rejects.toMatchObject(broken);
      await expect(limiter.commit('held')).rejects.toMatchObject(broken);
      await expect(limiter.ready()).rejects.toMatchObject(broken);
      expect(await store.get({ id: 'a', at: NOON })).toMatchObject({ purchase: null });
      expect(await store.get({ id: 'held', at: NOON })).toMatchObject({
        purchase: { state: 'reserved' },
      });
    },
  );

  test('no version in force: nothing is sold, and yet money moves on', async () => {
    const policy = onePolicy([{ period: 'day', max: '60' }], { effectiveTo: '2026-11-24' });
    const { limiter, clock } = setUp({ policy });
    for (const id of ['a', 'b']) bought(await limiter.reserve(order(id)));
    await limiter.commit('a');
    clock.at += 20 * 60_000;
    await limiter.commit('b');
    clock.at += DAY;
    const none = { code: 'policy_not_in_effect', status: 503 };
    await expect(limiter.reserve(order('c'))).rejects.toMatchObject(none);
    await expect(limiter.ready()).rejects.toMatchObject(none);
    expect(() => limiter.policy()).toThrow(expect.objectContaining(none));
    expect(await limiter.refund('a', { id: 'r1' })).toMatchObject({ refunded: '30.00' });
    clock.at = NOON;
    expect(usedOf(await limiter.allowance({ evidence: CHILD })).day).toBe('30.00');
  });

  test('a store that is down fails closed, and nothing is held', async () => {
    const { store, state } = flaky();
    const { limiter, events } = setUp({ store });
    await limiter.ready();
    state.error = new Error('gone');
    for (const evidence of [CHILD, ADULT]) {
      await expect(limiter.reserve(order('a', { evidence }))).rejects.toThrow('gone');
    }
    await expect(limiter.ready()).rejects.toThrow('gone');
    state.error = undefined;
    expect(await limiter.get('a')).toBeNull();
    expect(events).toEqual([]);
    await limiter.close();
    expect(state.calls.at(-1)).toBe('close');
  });

  test('a total beyond the safe integers is a typed error, and no charge goes unrecorded', async () => {
    const { limiter, store } = setUp({ policy: onePolicy([]) });
    const most = '90071992547409.91';
    for (const id of ['a', 'b']) bought(await limiter.reserve(order(id, { amount: most })));
    const { limiter: limited } = setUp({
      policy: onePolicy([{ period: 'day', max: '100' }]),
      store,
    });
    const tooMuch = { code: 'invalid_amount' };
    await expect(limited.allowance({ evidence: CHILD })).rejects.toMatchObject(tooMuch);
    await expect(limited.reserve(order('c'))).rejects.toMatchObject(tooMuch);
    expect(await limited.commit('a')).toMatchObject({ state: 'committed', committed: most });
    expect(await limited.release('b')).toMatchObject({ state: 'released' });
    const allowance = await limited.allowance({ evidence: CHILD });
    expect(usedOf(allowance)).toEqual({ day: most });
  });

  test('a permit that cannot be signed leaves a hold that a retry finds', async () => {
    const signer = { fails: true };
    const { limiter, events } = setUp({
      store: anyStore(),
      permits: {
        jwks: { keys: [] },
        holdOf: () => {
          throw new Error('not requested');
        },
        sign: async ({ purchaseId, amount }) => {
          if (signer.fails) throw new Error('no key');
          return `${purchaseId} ${amount}`;
        },
      },
    });
    await expect(limiter.reserve(order('a'))).rejects.toThrow('no key');
    signer.fails = false;
    expect(await limiter.reserve(order('a'))).toMatchObject({
      replayed: true,
      permit: 'a 30.00',
    });
    await limiter.commit('a');
    expect(await limiter.reserve(order('a'))).toMatchObject({ replayed: true, permit: null });
    expect(events.map(({ type }) => type)).toEqual(['purchase.reserved', 'purchase.committed']);
  });
});
