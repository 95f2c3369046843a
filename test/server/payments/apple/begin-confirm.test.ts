import { Environment, SignedDataVerifier } from '@apple/app-store-server-library';
import type { SpendcapError } from '@spendcap/core';
import type { FakeAppSignature } from '@spendcap/sandbox';
import { describe, expect, it } from 'vitest';
import { app, child, DAY, friend, HOUR, P1, P2 } from './apple-kit.ts';

describe('before the sheet', () => {
  it('a purchase within the caps is held, and its id is the token', async () => {
    const { begin, purchase } = app();
    expect(await begin()).toMatchObject({ allowed: true, appAccountToken: P1, replayed: false });
    expect(await purchase(P1)).toMatchObject({ state: 'reserved', processor: 'app_store' });
  });

  it('one over a cap is refused, and Apple hears nothing of either', async () => {
    const { begin, fake } = app();
    expect(await begin(P1, '51.00')).toMatchObject({
      allowed: false,
      reasons: [{ code: 'transaction_cap_exceeded' }],
    });
    expect(fake.requests).toEqual([]);
  });

  it.each(['order-1', P1.toUpperCase(), `${P1}0`])('an id that is no token: %s', async (id) => {
    const { begin, used } = app();
    await expect(begin(id)).rejects.toThrow(/^id: the App Store takes a UUID/);
    expect(await used()).toBe('0.00');
  });
});

describe('a transaction', () => {
  it('commits its hold, by the token that a device wrote in upper case', async () => {
    const { begin, buy, confirm, problems, purchase, used } = app();
    await begin();
    const id = buy(P1.toUpperCase());
    const confirmed = await confirm(id);
    expect(confirmed).toMatchObject({ result: 'committed', wasHeld: true });
    expect(confirmed.transaction).toMatchObject({ transactionId: id });
    expect(await confirm(id)).toMatchObject({ result: 'committed', wasHeld: true });
    expect(await purchase(P1)).toMatchObject({ committed: '30.00', processorRef: id });
    expect(await used()).toBe('30.00');
    expect(problems).toEqual([]);
  });

  it('that a parent approves a day later is still held', async () => {
    const { begin, clock, confirm, fake } = app();
    await begin();
    const request = fake.askToBuy({ productId: 'gems', appAccountToken: P1 });
    clock.at += 24 * HOUR - 1;
    const { transactionId } = fake.approve(request);
    clock.at += HOUR;
    expect(await confirm(transactionId)).toMatchObject({ result: 'committed', wasHeld: true });
  });

  it('that a parent declines leaves a hold that ends with the 25th hour', async () => {
    const { begin, clock, fake, used } = app();
    await begin();
    fake.decline(fake.askToBuy({ productId: 'gems', appAccountToken: P1 }));
    clock.at += 25 * HOUR - 1;
    expect(await used()).toBe('30.00');
    clock.at += 1;
    expect(await used()).toBe('0.00');
  });

  it('in an amount that is not the held one counts as charged', async () => {
    const { begin, buy, confirm, purchase } = app();
    await begin(P1, '25.00');
    expect(await confirm(buy())).toMatchObject({ result: 'committed', wasHeld: false });
    expect(await purchase(P1)).toMatchObject({ committed: '30.00' });
  });

  it('without a price counts as held, and is reported', async () => {
    const { begin, buy, codes, fake, guard, purchase } = app();
    await begin(P1, '25.00');
    const changes = { price: undefined };
    const signed = fake.signedTransaction(buy(), { changes });
    expect(await guard.confirm(signed, child)).toMatchObject({ result: 'committed' });
    expect(await purchase(P1)).toMatchObject({ committed: '25.00' });
    expect(codes()).toEqual(['invalid_amount']);
  });

  it('that states a price above what was held only later was not held', async () => {
    const { begin, buy, codes, confirm, fake, guard } = app();
    await begin(P1, '25.00');
    const id = buy();
    await guard.confirm(fake.signedTransaction(id, { changes: { price: undefined } }), child);
    expect(await confirm(id)).toMatchObject({ result: 'committed', wasHeld: false });
    expect(codes()).toEqual(['invalid_amount', 'purchase_ended']);
  });

  it('bought outside the app counts for the player who confirms it', async () => {
    const { buy, codes, confirm, used } = app();
    expect(await confirm(buy(null))).toMatchObject({ result: 'recorded', wasHeld: false });
    expect(await used()).toBe('30.00');
    expect(codes()).toEqual(['purchase_not_found']);
  });

  it("of another player's hold counts for that one, and is not held", async () => {
    const { begin, buy, codes, confirm, used } = app();
    await begin();
    expect(await confirm(buy(), friend)).toMatchObject({ result: 'committed', wasHeld: false });
    expect([await used(), await used(friend)]).toEqual(['30.00', '0.00']);
    expect(codes()).toEqual(['purchase_conflict']);
  });

  it('by code or shared in the family costs nothing, and its hold ends', async () => {
    const { begin, confirm, fake, used } = app();
    await begin();
    const { transactionId } = fake.redeemCode({ productId: 'gems' });
    expect(await confirm(transactionId)).toMatchObject({ result: 'free', wasHeld: false });
    const bought = fake.buy({ productId: 'level', customer: 'mother' });
    const shared = fake.familyShare(bought.transactionId, 'lin');
    expect(await confirm(shared.transactionId)).toMatchObject({ result: 'free' });
    expect(await used()).toBe('30.00');
  });

  it('shared in the family says nothing of the hold of whoever paid, whose token it has', async () => {
    const { begin, confirm, fake, guard } = app();
    await begin(P1, '30.00', 'level');
    const paid = fake.buy({ productId: 'level', appAccountToken: P1 });
    const { transactionId } = fake.familyShare(paid.transactionId, 'sister');
    const shared = fake.signedTransaction(transactionId, { changes: { appAccountToken: P1 } });
    expect(await guard.confirm(shared, friend)).toMatchObject({ result: 'free', wasHeld: false });
    expect(await confirm(paid.transactionId)).toMatchObject({ result: 'committed', wasHeld: true });
  });

  it('that was refunded before its first confirmation ends refunded', async () => {
    const { begin, buy, confirm, fake, purchase } = app();
    await begin();
    const id = buy();
    fake.refund(id, 33_333);
    await confirm(id);
    expect(await purchase(P1)).toMatchObject({ committed: '30.00', refunded: '10.00' });
  });
});

describe('subscriptions', () => {
  it('are charged to the player of the first purchase, each renewal for itself', async () => {
    const { begin, buy, clock, confirm, deliver, fake, purchase } = app();
    await begin(P1, '30.00', 'month');
    const first = buy(P1, 'month');
    await confirm(first);
    clock.at += 31 * DAY;
    const second = fake.renew(first);
    await deliver((all) => all.slice(-1));
    expect(await purchase(P1)).toMatchObject({ committed: '30.00', processorRef: first });
    expect(await purchase(`app_store:${second.transactionId}`)).toMatchObject({
      ...{ committed: '30.00', late: true, product: 'month' },
      reservedAt: new Date(clock.at).toISOString(),
    });
  });

  it('count against the next purchase: six renewals leave no 30 of 200', async () => {
    const { begin, buy, confirm, deliver, fake } = app();
    await begin(P1, '30.00', 'month');
    const first = buy(P1, 'month');
    await confirm(first);
    for (let index = 0; index < 5; index += 1) fake.renew(first);
    await deliver();
    expect(await begin(P2)).toMatchObject({ allowed: false });
  });

  it('that were never confirmed follow the first charge, not the token', async () => {
    const { confirm, fake, used, deliver } = app();
    const first = fake.buy({ productId: 'month' });
    await confirm(first.transactionId);
    fake.renew(first.transactionId);
    fake.upgrade(first.transactionId, 'year');
    await deliver();
    expect(await used()).toBe('100.00');
  });
});

describe('a subscription that is bought again outside the app, without a token,', () => {
  async function boughtAgain() {
    const world = app();
    const { begin, buy, confirm, fake } = world;
    await begin(P1, '30.00', 'month');
    await confirm(buy(P1, 'month'));
    const { transactionId } = fake.buy({ productId: 'month' });
    return { ...world, again: transactionId };
  }

  it('is charged to the player who held the first charge', async () => {
    const { again, deliver, problems, purchase, used } = await boughtAgain();
    expect(await deliver()).toEqual([200, 200]);
    expect(await purchase(`app_store:${again}`)).toMatchObject({ committed: '30.00', late: true });
    expect([await used(), problems]).toEqual(['60.00', []]);
  });

  it('waits for Apple if it does not say who that was', async () => {
    const { again, confirm, deliver, fake, used } = await boughtAgain();
    fake.fail({ kind: 'rate_limit' });
    await expect(confirm(again, null)).rejects.toMatchObject({
      ...{ code: 'outcome_unknown', retryable: true },
    });
    fake.fail({ kind: 'error' });
    expect(await deliver((all) => all.slice(-1))).toEqual([503]);
    expect(await used()).toBe('30.00');
  });

  it("is its own player's if Apple has no first charge", async () => {
    const { again, fake, guard, used } = await boughtAgain();
    const changes = { originalTransactionId: '2000000999999999' };
    await guard.confirm(fake.signedTransaction(again, { changes }), friend);
    expect([await used(), await used(friend)]).toEqual(['30.00', '30.00']);
  });
});

it('queries of Apple that fail are typed, and retried', async () => {
  const { begin, buy, confirm, fake } = app();
  await begin();
  const id = buy();
  fake.refund(id);
  fake.fail({ kind: 'unauthorized' });
  await expect(confirm(id)).rejects.toMatchObject({ code: 'outcome_unknown', retryable: true });
  expect(await confirm(id)).toMatchObject({ result: 'committed' });
});

describe('is refused, typed, and changes nothing:', () => {
  const SIGNATURES: readonly FakeAppSignature[] = [
    ...(['short', 'unmarked', 'no_ca', 'other_root', 'expired'] as const),
    ...(['xcode', 'unsigned', 'tampered'] as const),
  ];

  it.each(SIGNATURES)('a transaction signed wrongly: %s', async (signature) => {
    const { begin, buy, fake, guard, purchase } = app();
    await begin();
    const signed = fake.signedTransaction(buy(), { signature });
    const error = await guard.confirm(signed, child).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'transaction_invalid', why: 'signature' });
    // Neither the text nor a cause carries what was signed.
    expect(error).not.toHaveProperty('cause');
    expect((error as SpendcapError).message).not.toContain(signed.slice(0, 20));
    expect(await purchase(P1)).toMatchObject({ state: 'reserved' });
  });

  it.each([
    ['another bundle', { bundleId: 'com.example.other' }, 'other_app'],
    ['another environment', { environment: 'Production' }, 'other_app'],
    ['the environment Xcode', { environment: 'Xcode' }, 'other_app'],
    ['a price that is no number', { price: Number.NaN }, 'signature'],
    ['a price in half thousandths', { price: 30_000.5 }, 'price'],
    ['a price of a tenth of a fen', { price: 30_001 }, 'price'],
    ['a negative price', { price: -30_000 }, 'price'],
    ['a price above the safe integers', { price: 2 ** 53 }, 'price'],
    ['a currency that is none', { currency: 'XYZ' }, 'price'],
    ['a price without a currency', { currency: undefined }, 'price'],
    ['no transaction id', { transactionId: undefined }, 'incomplete'],
    ['no product', { productId: undefined }, 'incomplete'],
    ['no date', { purchaseDate: undefined }, 'incomplete'],
    ['a date that no calendar has', { purchaseDate: 8_640_000_000_000_001 }, 'incomplete'],
    [
      'a refund of more than everything',
      { revocationDate: 1, revocationType: 'REFUND_PRORATED', revocationPercentage: 100_001 },
      'refund',
    ],
  ])('a transaction with %s', async (_, changes, why) => {
    const { begin, buy, fake, guard, purchase, used } = app();
    await begin();
    const signed = fake.signedTransaction(buy(), { changes });
    await expect(guard.confirm(signed, child)).rejects.toMatchObject({
      ...{ code: 'transaction_invalid', why },
    });
    expect(await purchase(P1)).toMatchObject({ state: 'reserved' });
    expect(await used()).toBe('30.00');
  });

  it.each(['', 'x', 'a.b.c', 'x'.repeat(100_000), null])('a text that is none', async (signed) => {
    const { guard } = app();
    await expect(guard.confirm(signed as string, child)).rejects.toMatchObject({
      code: 'transaction_invalid',
    });
  });

  it('unsigned data, even if the verifier was made for Xcode', async () => {
    const verifier = new SignedDataVerifier([], false, Environment.XCODE, 'com.example.game');
    const { fake, guard, buy } = app({ apple: { verifier } });
    for (const environment of ['Xcode', 'Sandbox']) {
      const signed = fake.signedTransaction(buy(null), {
        ...{ signature: 'unsigned', changes: { environment } },
      });
      await expect(guard.confirm(signed, child)).rejects.toMatchObject({
        code: 'transaction_invalid',
      });
    }
  });
});

it('takes unsigned data only if both the environment and that are named', async () => {
  const verifier = new SignedDataVerifier([], false, Environment.XCODE, 'com.example.game');
  const xcode = { verifier, environment: 'Xcode' } as const;
  expect(() => app({ apple: xcode })).toThrow(/^environment: Xcode signs nothing/);
  const { fake, guard, buy } = app({ apple: { ...xcode, acceptUnsigned: true } });
  const signed = fake.signedTransaction(buy(null), {
    ...{ signature: 'unsigned', changes: { environment: 'Xcode' } },
  });
  expect(await guard.confirm(signed, child)).toMatchObject({ result: 'recorded' });
});

const offline = Object.assign(new Error('offline'), { status: 2 });

it.each([
  ['is unknown', () => Promise.reject(offline)],
  ['does not arrive', () => new Promise<never>(() => undefined)],
])('retries later if the state of the certificates %s', async (_, decode) => {
  const { codes, fake, guard, buy, webhook } = app({
    apple: {
      timeoutMs: 20,
      verifier: {
        verifyAndDecodeTransaction: decode,
        verifyAndDecodeNotification: decode,
        verifyAndDecodeAppTransaction: decode,
      },
    },
  });
  const signed = fake.signedTransaction(buy());
  await expect(guard.confirm(signed, child)).rejects.toMatchObject({ code: 'outcome_unknown' });
  const [answer] = await fake.deliver([...fake.notices], webhook);
  expect(answer?.status).toBe(503);
  expect(codes()).toEqual(['outcome_unknown']);
});
