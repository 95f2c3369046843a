import type { FakePlayNotice, FakePlayNotificationOptions } from '@spendcap/sandbox';
import type { GooglePlayReview } from '@spendcap/server/payments/google-play';
import { describe, expect, it } from 'vitest';
import { DAY, friend, game, HOUR, lin } from './play-kit.ts';

const MONTH = 30 * DAY;

const last = (notices: readonly FakePlayNotice[]): FakePlayNotice => {
  const notice = notices.at(-1);
  if (notice === undefined) throw new Error('There is no notification.');
  return notice;
};

describe('a purchase', () => {
  it('is counted and acknowledged by its notification alone, twice or late', async () => {
    const { buy, clock, deliver, fake, limiter, problems } = game();
    const bought = await buy();
    clock.at += 2 * DAY;
    expect(await deliver()).toEqual([204]);
    expect(bought.isAcknowledged).toBe(true);
    expect(await deliver([...fake.notices, ...fake.notices])).toEqual([204, 204]);
    expect(await limiter.get('order-1')).toMatchObject({ state: 'committed', late: false });
    expect(problems).toEqual([]);
  });

  it('is delivered again while Google or the ledger does not answer', async () => {
    const { buy, deliver, fake, limiter } = game();
    await buy();
    fake.fail({ kind: 'error' });
    expect(await deliver()).toEqual([503]);
    fake.fail({ kind: 'refuse', status: 410, reason: 'purchaseTokenNoLongerValid' });
    expect(await deliver()).toEqual([503]);
    fake.fail({ kind: 'drop_before', on: ':acknowledge' });
    expect(await deliver()).toEqual([503]);
    expect(await deliver()).toEqual([204]);
    expect(await limiter.get('order-1')).toMatchObject({ state: 'committed' });
  });

  it('that Google does not know is not requested again', async () => {
    const { buy, codes, deliver, fake } = game();
    await buy();
    const { content } = last(fake.notices);
    const unknown = { ...(content.oneTimeProductNotification as object), purchaseToken: 'token.0' };
    const notice = {
      ...last(fake.notices),
      content: { ...content, oneTimeProductNotification: unknown },
    };
    expect(await deliver([notice])).toEqual([204]);
    expect(codes()).toEqual(['purchase_not_found']);
  });
});

describe('a refund', () => {
  it('of 2, 3 and 5 of ten pieces gives back as much, in every order', async () => {
    const price = { currency: 'CNY', micros: 3_000_000 };
    const { buy, confirm, deliver, fake, limiter, problems, used } = game();
    const bought = await buy({ quantity: 10, price });
    await confirm(bought);
    const [orderId = ''] = bought.orderIds;
    const returned = ['6.00', '15.00', '30.00'];
    for (const [index, pieces] of [2, 3, 5].entries()) {
      fake.office.refundPieces(orderId, pieces);
      expect(await deliver([...fake.notices].reverse())).not.toContain(503);
      expect(await limiter.get('order-1')).toMatchObject({ refunded: returned[index] });
    }
    expect(await used()).toBe('0.00');
    expect(problems).toEqual([]);
  });

  it('that arrives before its purchase ends at the same', async () => {
    const { buy, deliver, fake, limiter } = game();
    const bought = await buy();
    fake.office.refund(bought.orderIds[0] ?? '', { revoke: true });
    expect(await deliver([...fake.notices].reverse())).toEqual([204, 204]);
    expect(await limiter.get('order-1')).toMatchObject({ committed: '30.00', refunded: '30.00' });
    expect(bought.isAcknowledged).toBe(false);
  });

  it('by a bank gives back no allowance', async () => {
    const { buy, confirm, deliver, fake, limiter, used } = game();
    const bought = await buy();
    await confirm(bought);
    fake.office.chargeback(bought.orderIds[0] ?? '');
    await deliver();
    expect(await limiter.get('order-1')).toMatchObject({ refunded: '30.00' });
    expect(await used()).toBe('30.00');
  });

  it('of a purchase that Google no longer finds is known by its order', async () => {
    const { confirm, deliver, fake, used } = game({ unheld: 'accept' });
    const bought = fake.device.buy({ productId: 'gem60' });
    await confirm(bought);
    fake.office.refund(bought.orderIds[0] ?? '', { revoke: true });
    fake.fail({ kind: 'refuse', status: 404, reason: 'notFound', on: 'tokens', times: Infinity });
    expect(await deliver([last(fake.notices)])).toEqual([204]);
    expect(await used()).toBe('0.00');
  });
});

describe('a refund of a held purchase whose token Google has forgotten', () => {
  async function forgotten(purchaseIdOf?: (orderId: string) => string | null) {
    const world = game(purchaseIdOf === undefined ? {} : { purchaseIdOf });
    const bought = await world.buy();
    await world.confirm(bought);
    world.fake.office.refund(bought.orderIds[0] ?? '', { revoke: true });
    const missing = { kind: 'refuse', status: 404, reason: 'notFound' } as const;
    world.fake.fail({ ...missing, on: 'tokens', times: Infinity });
    return world;
  }

  it('is found by its order, if the operator knows whose it was', async () => {
    const seen: string[] = [];
    const { deliver, fake, limiter, problems, used } = await forgotten((orderId) => {
      seen.push(orderId);
      return 'order-1';
    });
    expect(await deliver([last(fake.notices)])).toEqual([204]);
    expect(seen).toEqual([fake.orders()[0]?.orderId]);
    expect(await limiter.get('order-1')).toMatchObject({ refunded: '30.00' });
    expect([await used(), problems]).toEqual(['0.00', []]);
  });

  it.each([undefined, () => null])('is reported otherwise, and not recorded', async (find) => {
    const { codes, deliver, fake, used } = await forgotten(find);
    expect(await deliver([last(fake.notices)])).toEqual([204]);
    expect([await used(), codes()]).toEqual(['30.00', ['purchase_not_found']]);
  });
});

describe('a subscription', () => {
  const start = async (world = game()) => {
    const held = await world.begin('sub-1', '25.00', 'pass');
    if (!held.allowed) throw new Error('refused');
    const { obfuscatedProfileId, obfuscatedAccountId } = held;
    const ids = { obfuscatedProfileId, obfuscatedAccountId: obfuscatedAccountId ?? '' };
    return { ...world, ids, pass: world.fake.device.subscribe({ productId: 'pass', ...ids }) };
  };

  it('is held once, and each renewal is counted for its player without a word', async () => {
    const { clock, confirmPass, deliver, fake, limiter, pass, problems, used } = await start();
    expect(await confirmPass(pass.purchaseToken)).toMatchObject({
      ...{ result: 'committed', wasHeld: true },
    });
    expect(pass.isAcknowledged).toBe(true);
    clock.at += MONTH;
    const { orderId } = fake.office.renew(pass.purchaseToken);
    expect(await deliver()).toEqual([204, 204]);
    await deliver();
    expect(await limiter.get(`google_play:${orderId}`)).toMatchObject({
      ...{ state: 'committed', committed: '25.00', product: 'pass' },
    });
    expect(await used()).toBe('25.00');
    expect(problems).toEqual([]);
  });

  it('whose renewals were not notified is caught up with, and refunds are those of their charges', async () => {
    const { clock, confirmPass, deliver, fake, limiter, pass } = await start();
    await confirmPass(pass.purchaseToken);
    const orders = [1, 2, 3].map(() => {
      clock.at += MONTH;
      return fake.office.renew(pass.purchaseToken).orderId;
    });
    await deliver([last(fake.notices)]);
    fake.office.refund(orders[1] ?? '', { revoke: false });
    fake.office.refund(orders[0] ?? '', { revoke: true });
    await deliver();
    const states = await Promise.all(
      ['sub-1', ...orders.map((id) => `google_play:${id}`)].map(async (id) => {
        const purchase = await limiter.get(id);
        return [purchase?.committed, purchase?.refunded];
      }),
    );
    // A refund without revocation has no notification, but the next one reads its order, too.
    expect(states).toEqual([
      ['25.00', '0.00'],
      ['25.00', '25.00'],
      ['25.00', '25.00'],
      ['25.00', '0.00'],
    ]);
  });

  it('without an order that Google has forgotten still counts the others', async () => {
    const { clock, confirmPass, deliver, fake, limiter, pass } = await start();
    await confirmPass(pass.purchaseToken);
    clock.at += MONTH;
    const { orderId } = fake.office.renew(pass.purchaseToken);
    const [first = ''] = pass.orderIds;
    const missing = { kind: 'refuse', status: 404, reason: 'notFound' } as const;
    fake.fail({ ...missing, on: ':batchGet' });
    fake.fail({ ...missing, on: first });
    expect(await deliver([last(fake.notices)])).toEqual([204]);
    expect(await limiter.get(`google_play:${orderId}`)).toMatchObject({ committed: '25.00' });
  });

  it('that replaced another under no profile id counts for the same player', async () => {
    const { deliver, fake, limiter, pass } = await start(game({ unheld: 'accept' }));
    await deliver();
    const linkedPurchaseToken = pass.purchaseToken;
    const next = fake.device.subscribe({ productId: 'pass', linkedPurchaseToken });
    await deliver();
    expect(await limiter.get(`google_play:${next.orderIds[0]}`)).toMatchObject({
      ...{ state: 'committed', product: 'pass' },
    });
    // A new token, and Google gives back what nobody acknowledges.
    expect(next.isAcknowledged).toBe(true);
  });

  it.each([
    ['leave', false, 50_000_000],
    ['refund', false, 25_000_000],
  ] as const)(
    'that replaced another outside the app is a charge without a hold: %s',
    async (unheld, isAcknowledged, charged) => {
      const { deliver, fake, pass } = await start(game({ unheld }));
      await deliver();
      const linkedPurchaseToken = pass.purchaseToken;
      const next = fake.device.subscribe({ productId: 'pass', linkedPurchaseToken });
      await deliver();
      expect(next.isAcknowledged).toBe(isAcknowledged);
      expect(fake.netCharged('CNY')).toBe(charged);
    },
  );

  it('that a parent has not approved yet keeps its hold', async () => {
    const { begin, confirmPass, deliver, fake, limiter } = game();
    await begin('sub-1', '25.00', 'pass');
    const pass = fake.device.subscribe({
      ...{ productId: 'pass', obfuscatedProfileId: 'sub-1', isPending: true },
    });
    expect(await confirmPass(pass.purchaseToken)).toMatchObject({ result: 'pending' });
    fake.device.cancel(pass.purchaseToken);
    await deliver();
    expect(await limiter.get('sub-1')).toMatchObject({ state: 'released' });
  });
});

describe('a pending refund', () => {
  const review = (reviewRefund: (review: GooglePlayReview) => unknown) =>
    game({ reviewRefund: reviewRefund as never });
  const answer = { refundPreference: 'APPROVE', sampleContentProvided: false } as const;

  it('is answered by the function, which learns whose purchase it is', async () => {
    const seen: GooglePlayReview[] = [];
    const { buy, clock, confirm, deliver, fake } = review((given) => {
      seen.push(given);
      return { ...answer, consumptionPercentageMilliunits: 50_000 };
    });
    const bought = await buy();
    await confirm(bought);
    const [orderId = ''] = bought.orderIds;
    fake.office.review(orderId);
    const answerBefore = clock.at + DAY;
    expect(await deliver([last(fake.notices)])).toEqual([204]);
    expect(fake.reviews).toMatchObject([{ answer: 'APPROVE' }]);
    expect(seen).toMatchObject([{ orderId, purchaseId: 'order-1', refundReason: 7, answerBefore }]);
  });

  it('is answered once more if the answer was lost, and never after a day', async () => {
    const { buy, clock, deliver, fake } = review(() => answer);
    const [orderId = ''] = (await buy()).orderIds;
    fake.office.review(orderId);
    fake.fail({ kind: 'drop_before', on: ':reviewrefund' });
    const notice = last(fake.notices);
    expect(await deliver([notice])).toEqual([503]);
    expect(await deliver([notice])).toEqual([204]);
    expect(fake.reviews).toMatchObject([{ answer: 'APPROVE' }]);
    fake.office.review(orderId);
    clock.at += DAY;
    const before = fake.requests.length;
    expect(await deliver([last(fake.notices)])).toEqual([204]);
    expect(fake.requests).toHaveLength(before);
  });

  it.each([
    ['the function has none', game({ reviewRefund: () => null })],
    ['there is no function', game()],
  ])('is not answered if %s', async (_, { buy, deliver, fake }) => {
    const [orderId = ''] = (await buy()).orderIds;
    fake.office.review(orderId);
    expect(await deliver([last(fake.notices)])).toEqual([204]);
    expect(fake.reviews).toMatchObject([{ answer: null }]);
  });
});

describe('a push', () => {
  const cases: readonly (readonly [string, number, FakePlayNotificationOptions])[] = [
    ['without a token', 401, { isUnsigned: true }],
    ['by another key', 401, { isForged: true }],
    ['with an expired token', 401, { age: 4_000 }],
    ['for another audience', 401, { claims: { aud: 'https://other.example' } }],
    ['for several audiences of which none is this', 401, { claims: { aud: ['a', 'b'] } }],
    ['by another issuer', 401, { claims: { iss: 'https://accounts.example' } }],
    ['of another service account', 401, { claims: { email: 'other@example.com' } }],
    ['of an account whose address is not verified', 401, { claims: { email_verified: false } }],
    ['of an account that says so in words', 401, { claims: { email_verified: 'true' } }],
    ['that is valid for a year', 401, { claims: { exp: 1_900_000_000 } }],
    ['from the future', 401, { age: -7_200 }],
    ['of another subscription', 403, { subscription: 'projects/other/subscriptions/x' }],
    [
      'about another app',
      403,
      { content: { packageName: 'com.example.other', oneTimeProductNotification: {} } },
    ],
    ['that is too large', 413, { data: 'A'.repeat(70_000) }],
    ['whose data is no base64', 204, { data: '%%%' }],
    ['whose data is no object', 204, { content: 'text' }],
    ['of a kind that is unknown', 204, { content: { packageName: 'com.example.game', news: {} } }],
  ];

  it.each(cases)('%s is answered %i and changes nothing', async (_, status, options) => {
    const { buy, codes, fake, limiter, webhook } = game();
    await buy();
    const response = await webhook(fake.notification(last(fake.notices), options));
    expect(response.status).toBe(status);
    expect(fake.requests).toEqual([]);
    expect(codes()).toEqual(status === 401 || status === 403 ? ['webhook_invalid'] : []);
    expect(await limiter.get('order-1')).toMatchObject({ state: 'reserved' });
  });

  it('is accepted from either name of the issuer, and as a test', async () => {
    const { buy, fake, limiter, webhook } = game();
    await buy();
    const notice = last(fake.notices);
    const other = fake.notification(notice, { claims: { iss: 'accounts.google.com' } });
    expect((await webhook(other)).status).toBe(204);
    expect(await limiter.get('order-1')).toMatchObject({ state: 'committed' });
    fake.office.test();
    expect((await webhook(fake.notification(last(fake.notices)))).status).toBe(204);
  });

  it('is delivered again while Google’s keys cannot be read, and verified by them', async () => {
    const keys = { isUp: false, reads: 0 };
    const world = game();
    const { audience, email, subscription } = world.fake.push;
    const fetch = async (): Promise<Response> => {
      keys.reads += 1;
      return keys.isUp ? Response.json(world.fake.jwks()) : new Response(null, { status: 503 });
    };
    const { buy, clock, codes, deliver, limiter } = game({
      push: { audience, email, subscription, fetch },
    });
    await buy();
    expect(await deliver()).toEqual([503]);
    expect(codes()).toEqual(['outcome_unknown']);
    keys.isUp = true;
    clock.at += HOUR;
    expect(await deliver()).toEqual([204]);
    expect(await limiter.get('order-1')).toMatchObject({ state: 'committed' });
    await deliver();
    expect(keys.reads).toBe(2);
  });
});

describe('whose purchase it is', () => {
  it('is known by the token of the account, not by whoever else has one', async () => {
    const { begin, deliver, fake, guard, used } = game({ unheld: 'accept' });
    const held = await begin();
    const other = await guard.begin({ id: 'order-2', ...friend, amount: '1.00', currency: 'CNY' });
    const [account = '', others = ''] = [held, other].map((each) =>
      each.allowed ? (each as { obfuscatedAccountId?: string }).obfuscatedAccountId : '',
    );
    expect(account).not.toBe(others);
    const letter = account.startsWith('A') ? 'B' : 'A';
    for (const forged of [`${letter}${account.slice(1)}`, account.slice(0, -4), `${account}=`]) {
      if (forged.length <= 64) {
        fake.device.buy({ productId: 'gem60', obfuscatedAccountId: forged });
      }
    }
    await deliver();
    expect([await used(lin), await used(friend)]).toEqual(['30.00', '1.00']);
    fake.device.buy({ productId: 'gem60', obfuscatedAccountId: others });
    await deliver();
    expect([await used(lin), await used(friend)]).toEqual(['30.00', '31.00']);
  });
});
