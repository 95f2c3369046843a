import { processorWebhook } from '@spendcap/server/payments';
import { describe, expect, it } from 'vitest';
import { serveGooglePlay } from '../../../support/processors/google-play.ts';
import { cny, usd } from '../engine-kit.ts';
import { DAY, friend, game, HOUR, lin, outcome } from './play-kit.ts';

describe('before the sheet opens', () => {
  it('the purchase is held for three days, and the sheet gets its ids', async () => {
    const { begin, fake, limiter, used } = game();
    const held = await begin();
    expect(held).toMatchObject({ allowed: true, obfuscatedProfileId: 'order-1' });
    const { obfuscatedAccountId } = held as { readonly obfuscatedAccountId: string };
    expect(obfuscatedAccountId).toMatch(/^[\w-]{1,64}$/);
    expect(await begin('order-2', '20.00')).toMatchObject({ obfuscatedAccountId });
    expect(await limiter.get('order-1')).toMatchObject({ processor: 'google_play' });
    expect(await used()).toBe('50.00');
    expect(fake.requests).toEqual([]);
  });

  it('it is refused over a cap without a call, and ids that do not fit are no purchase', async () => {
    const { begin, fake, guard, used } = game();
    expect(await begin('order-1', '51.00')).toMatchObject({ allowed: false });
    await expect(begin('o'.repeat(65))).rejects.toThrow(TypeError);
    const purchase = { id: 'order-1', ...lin, ...cny('1.00') };
    await expect(guard.begin({ ...purchase, account: 'lin@example.com' })).rejects.toThrow(
      'account',
    );
    expect(await used()).toBe('0.00');
    expect(fake.requests).toEqual([]);
  });

  it('nobody holds under the id of a renewal to come, which would count for whoever did', async () => {
    const { begin, confirmPass, deliver, fake, guard, used } = game();
    await begin('sub-1', '25.00', 'pass');
    const pass = fake.device.subscribe({ productId: 'pass', obfuscatedProfileId: 'sub-1' });
    await confirmPass(pass.purchaseToken);
    const id = `google_play:${pass.orderIds[0]}..0`;
    await expect(guard.begin({ id, ...friend, ...cny('1.00') })).rejects.toThrow(
      /^id: google_play:/,
    );
    fake.office.renew(pass.purchaseToken);
    await deliver();
    expect([await used(lin), await used(friend)]).toEqual(['50.00', '0.00']);
  });

  it('the app may name the account itself', async () => {
    const { guard } = game();
    const purchase = { id: 'order-1', ...lin, ...cny('1.00'), account: 'a-1' };
    expect(await guard.begin(purchase)).toMatchObject({ obfuscatedAccountId: 'a-1' });
  });

  it('a sheet that was closed gives the allowance back, once and to its player', async () => {
    const { begin, buy, confirm, guard, used } = game();
    await begin();
    await expect(guard.abandon('order-1', friend)).rejects.toMatchObject({
      code: 'purchase_conflict',
    });
    expect(await guard.abandon('order-1', lin)).toMatchObject({ state: 'released' });
    expect(await guard.abandon('order-1', lin)).toMatchObject({ state: 'released' });
    expect(await used()).toBe('0.00');
    const bought = await buy({ id: 'order-2' });
    await confirm(bought);
    expect(await guard.abandon('order-2', lin)).toMatchObject({ state: 'committed' });
    await expect(guard.abandon('order-3')).rejects.toMatchObject({ code: 'purchase_not_found' });
  });
});

describe('a purchase that was held', () => {
  it('is committed with its price and acknowledged, in three calls and once', async () => {
    const { buy, calls, confirm, limiter, problems, used } = game();
    const bought = await buy();
    expect(outcome(await confirm(bought))).toEqual(['committed', true]);
    // The price is in the order alone, and nothing acknowledges what was not counted first.
    expect(calls()).toEqual(['productsv2', 'orders', 'acknowledge']);
    expect(bought).toMatchObject({ isAcknowledged: true, isConsumed: false });
    expect(outcome(await confirm(bought))).toEqual(['committed', true]);
    expect(calls()).toHaveLength(5);
    expect(await limiter.get('order-1')).toMatchObject({
      ...{ state: 'committed', committed: '30.00', processorRef: bought.orderIds[0] },
    });
    expect(await used()).toBe('30.00');
    expect(problems).toEqual([]);
  });

  it('is consumed if its product can be bought again', async () => {
    const { buy, confirm } = game({ consumes: (id) => id === 'gem60' });
    const bought = await buy();
    await confirm(bought);
    expect(bought).toMatchObject({ isAcknowledged: true, isConsumed: true });
  });

  it('of less than was held counts what was charged', async () => {
    const { buy, confirm, used } = game();
    const bought = await buy({ price: { currency: 'CNY', micros: 12_340_000 } });
    expect(outcome(await confirm(bought))).toEqual(['committed', true]);
    expect(await used()).toBe('12.34');
  });

  it('waits for a parent or cash with its allowance, and is counted when it is paid', async () => {
    const { buy, calls, clock, confirm, fake, used } = game();
    const bought = await buy({ isPending: true });
    expect(outcome(await confirm(bought))).toEqual(['pending', false]);
    expect(calls()).toEqual(['productsv2']);
    clock.at += 3 * DAY;
    expect(await used()).toBe('30.00');
    fake.device.complete(bought.purchaseToken);
    expect(outcome(await confirm(bought))).toEqual(['committed', true]);
    expect(bought.isAcknowledged).toBe(true);
  });

  it('that is given up while it is pending gives the allowance back', async () => {
    const { buy, confirm, fake, used } = game();
    const bought = await buy({ isPending: true });
    fake.device.cancel(bought.purchaseToken);
    expect(outcome(await confirm(bought))).toEqual(['cancelled', false]);
    expect(await used()).toBe('0.00');
  });

  it('with a promotional code costs nothing, and is acknowledged', async () => {
    const { buy, confirm, used } = game();
    const bought = await buy({ isFree: true });
    expect(outcome(await confirm(bought))).toEqual(['free', false]);
    expect(bought.isAcknowledged).toBe(true);
    expect(await used()).toBe('0.00');
  });

  it('stays committed if the acknowledgement is lost, and a retry makes it', async () => {
    const { buy, confirm, fake, used } = game();
    const bought = await buy();
    for (const kind of ['drop_before', 'unavailable'] as const) {
      fake.fail({ kind, on: ':acknowledge' });
      await expect(confirm(bought)).rejects.toMatchObject({ code: 'outcome_unknown' });
      expect(await used()).toBe('30.00');
    }
    expect(bought.isAcknowledged).toBe(false);
    expect(outcome(await confirm(bought))).toEqual(['committed', true]);
    expect(bought.isAcknowledged).toBe(true);
  });
});

describe('a purchase that no hold covers', () => {
  const outside = { productId: 'gem80' };

  it('counts for the player of its account, and Google gives it back after three days', async () => {
    const { begin, clock, codes, confirm, deliver, fake, used } = game();
    const { obfuscatedAccountId = '' } = (await begin()) as { obfuscatedAccountId?: string };
    const bought = fake.device.buy({ ...outside, obfuscatedAccountId });
    expect(outcome(await confirm(bought, {}))).toEqual(['recorded', false]);
    expect(await used()).toBe('70.00');
    expect(codes()).toEqual(['purchase_not_found']);
    expect(bought.isAcknowledged).toBe(false);
    clock.at += 3 * DAY;
    fake.office.voidDue();
    await deliver();
    clock.at += 2 * HOUR;
    expect(await used()).toBe('0.00');
    expect(fake.netCharged('CNY')).toBe(0);
  });

  it('is given back now by policy, once', async () => {
    const { calls, confirm, deliver, fake, used } = game({ unheld: 'refund' });
    const bought = fake.device.buy(outside);
    expect(outcome(await confirm(bought))).toEqual(['recorded', false]);
    expect(fake.netCharged('CNY')).toBe(0);
    await deliver();
    await confirm(bought);
    expect(calls().filter((call) => call === 'refund')).toHaveLength(1);
    expect(await used()).toBe('0.00');
    expect(fake.voided).toMatchObject([{ source: 1, orderId: bought.orderIds[0] }]);
  });

  it('is acknowledged by policy, and counts', async () => {
    const { confirm, fake, used } = game({ unheld: 'accept' });
    const bought = fake.device.buy(outside);
    expect(outcome(await confirm(bought))).toEqual(['recorded', false]);
    expect(bought.isAcknowledged).toBe(true);
    expect(await used()).toBe('40.00');
  });

  it('is nobody’s without an account or a caller, and changes nothing', async () => {
    const { codes, confirm, fake, limiter } = game();
    const bought = fake.device.buy({ ...outside, obfuscatedAccountId: 'another-scheme' });
    expect(outcome(await confirm(bought, {}))).toEqual(['unattributed', false]);
    expect(codes()).toEqual(['purchase_not_found']);
    expect(await limiter.get(`google_play:${bought.orderIds[0]}`)).toBeNull();
  });

  it('counts for whom the app names, before the token of the account', async () => {
    const playerOf = ({ account }: { readonly account: string | null }) =>
      account === 'account-7' ? friend : null;
    const { confirm, fake, used } = game({ playerOf });
    const bought = fake.device.buy({ ...outside, obfuscatedAccountId: 'account-7' });
    await confirm(bought, lin);
    expect([await used(), await used(friend)]).toEqual(['0.00', '40.00']);
  });

  it.each([
    ['after the hold has ended', { result: 'late', days: 4, micros: 30_000_000 }],
    ['for more than was held', { result: 'committed', days: 0, micros: 30_010_000 }],
  ] as const)('%s is refunded by policy', async (_, { result, days, micros }) => {
    const { buy, clock, confirm, fake } = game({ unheld: 'refund' });
    const bought = await buy({ isPending: true, price: { currency: 'CNY', micros } });
    clock.at += days * DAY;
    fake.device.complete(bought.purchaseToken);
    expect(outcome(await confirm(bought))).toEqual([result, false]);
    expect(fake.netCharged('CNY')).toBe(0);
  });

  it('that was accepted before is never refunded', async () => {
    const { confirm, fake } = game({ unheld: 'refund' });
    const bought = fake.device.buy(outside);
    bought.isAcknowledged = true;
    await confirm(bought);
    expect(fake.netCharged('CNY')).toBe(40_000_000);
  });

  it('that another player confirms is left alone: its own player has held it', async () => {
    const { buy, calls, confirm, used } = game({ unheld: 'refund' });
    const bought = await buy();
    expect(outcome(await confirm(bought, friend))).toEqual(['committed', false]);
    expect(calls()).not.toContain('refund');
    expect(bought.isAcknowledged).toBe(false);
    expect([await used(), await used(friend)]).toEqual(['30.00', '0.00']);
    expect(outcome(await confirm(bought))).toEqual(['committed', true]);
    expect(bought.isAcknowledged).toBe(true);
  });

  it('with the token of a purchase that was charged before is another purchase', async () => {
    const { buy, confirm, fake, used } = game();
    const bought = await buy();
    await confirm(bought);
    const again = fake.device.buy({ productId: 'gem60', obfuscatedProfileId: 'order-1' });
    expect(outcome(await confirm(again))).toEqual(['recorded', false]);
    expect(await used()).toBe('60.00');
  });
});

describe('bad input', () => {
  it.each([
    ['a token of another app', { purchaseToken: 'token-of-another-app', productId: 'gem60' }],
    ['a token that is no token', { purchaseToken: 'token of\nanother', productId: 'gem60' }],
  ])('%s is refused, and nothing changes', async (_, given) => {
    const { begin, confirm, limiter, problems } = game();
    await begin();
    await expect(confirm(given)).rejects.toMatchObject({
      ...{ code: 'purchase_not_found', retryable: false },
    });
    expect(await limiter.get('order-1')).toMatchObject({ state: 'reserved', processorRef: null });
    expect(problems).toEqual([]);
  });

  it('another product than the device says is refused', async () => {
    const { buy, confirm, limiter } = game();
    const bought = await buy();
    const wrong = { ...bought, productId: 'gem80' };
    await expect(confirm(wrong)).rejects.toMatchObject({ code: 'purchase_conflict' });
    expect(await limiter.get('order-1')).toMatchObject({ state: 'reserved' });
    expect(bought.isAcknowledged).toBe(false);
  });

  it('an endpoint without `push` says what is missing', () => {
    const { engine } = game();
    const { notifications: _, ...processor } = engine.processor;
    const missing = /^google_play: its processor was made without the option for notifications$/;
    expect(() => processorWebhook({ ...engine, processor })).toThrow(missing);
  });

  it('another app is refused by Google, and its name when the guard is made', async () => {
    const { buy, confirm } = game({ packageName: 'com.example.other' });
    await expect(confirm(await buy())).rejects.toMatchObject({ code: 'outcome_unknown' });
    expect(() => game({ packageName: 'not an app' })).toThrow('packageName');
  });

  it.each([
    ['no number', { units: '5', nanos: Number.NaN }, 'invalid_amount'],
    ['a text that is no number', { units: 'NaN' }, 'invalid_amount'],
    ['negative', { units: '-5' }, 'invalid_amount'],
    ['between two fen', { units: '5', nanos: 1_000_000 }, 'invalid_amount'],
    ['of a currency that is none', { currencyCode: 'XYZ', units: '5' }, 'invalid_currency'],
    ['absent', null, 'invalid_currency'],
  ])('a price that is %s is refused, and nothing changes', async (_, total, code) => {
    const price = total && { currencyCode: 'CNY', ...total };
    const { buy, confirm, limiter } = game({ alter: { total: price } });
    const bought = await buy();
    await expect(confirm(bought)).rejects.toMatchObject({ code, retryable: false });
    expect(await limiter.get('order-1')).toMatchObject({ state: 'reserved' });
    expect(bought.isAcknowledged).toBe(false);
  });

  it('a currency that was not held counts as held, and is not acknowledged', async () => {
    const { buy, confirm, limiter } = game();
    const bought = await buy({ price: { currency: usd('1.00').currency, micros: 1_000_000 } });
    expect(outcome(await confirm(bought))).toEqual(['committed', false]);
    expect(await limiter.get('order-1')).toMatchObject({ committed: '30.00' });
    expect(bought.isAcknowledged).toBe(false);
  });

  it.each([
    ['unavailable', { kind: 'unavailable' }],
    ['gone, which was seen right after a purchase', { kind: 'refuse', status: 410 }],
    ['not permitted', { kind: 'refuse', status: 403 }],
    ['cut', { kind: 'drop' }],
  ] as const)('an answer that is %s concludes nothing', async (_, fault) => {
    const { buy, confirm, fake, limiter } = game();
    const bought = await buy();
    fake.fail(fault);
    const error = await confirm(bought).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'outcome_unknown', retryable: true });
    // Google's client quotes the address of a call, with its token.
    const { cause } = error as Error;
    expect(JSON.stringify([cause, (cause as Error).message])).not.toContain('token.');
    expect(await limiter.get('order-1')).toMatchObject({ state: 'reserved' });
    expect(outcome(await confirm(bought))).toEqual(['committed', true]);
  });
});

it('Google is waited for until the time limit, even by a client that has none', async () => {
  const { buy, fake, limiter, clock } = game();
  const { purchaseToken, productId } = await buy();
  const { guard } = serveGooglePlay({
    ...{ fake, limiter, now: () => clock.at, timeoutMs: 20 },
    fetch: () => new Promise(() => {}),
  });
  const unanswered = guard.confirm({ purchaseToken, productId, ...lin });
  await expect(unanswered).rejects.toMatchObject({ code: 'outcome_unknown' });
});
