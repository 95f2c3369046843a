import { createPublicKey } from 'node:crypto';
import { androidpublisher, auth } from '@googleapis/androidpublisher';
import { type FakePlayFault, fakeGooglePlay } from '@spendcap/sandbox';
import { OAuth2Client } from 'google-auth-library';
import { createLocalJWKSet, jwtVerify } from 'jose';
import { http } from 'msw';
import { setupServer } from 'msw/node';
import { describe, expect, it } from 'vitest';

const START = Date.parse('2026-11-28T10:00:00Z');
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const packageName = 'com.example.game';

/** Google's own client, whose requests the fake answers. */
function play() {
  const clock = { at: START };
  const fake = fakeGooglePlay({ now: () => clock.at });
  const client = new auth.OAuth2();
  client.setCredentials({ access_token: fake.accessToken });
  const api = androidpublisher({
    ...{ version: 'v3', auth: client, retry: false },
    fetchImplementation: fake.fetch,
  });
  const { productsv2, products, subscriptions, subscriptionsv2, voidedpurchases } = api.purchases;
  return {
    ...{ clock, fake, api, orders: api.orders },
    product: async (token: string) =>
      (await productsv2.getproductpurchasev2({ packageName, token })).data,
    subscription: async (token: string) => (await subscriptionsv2.get({ packageName, token })).data,
    order: async (orderId: string) => (await api.orders.get({ packageName, orderId })).data,
    voided: async (more = {}) =>
      (await voidedpurchases.list({ packageName, ...more })).data.voidedPurchases ?? [],
    acknowledge: (productId: string, token: string) =>
      products.acknowledge({ packageName, productId, token }),
    consume: (productId: string, token: string) =>
      products.consume({ packageName, productId, token }),
    acknowledgeSubscription: (subscriptionId: string, token: string) =>
      subscriptions.acknowledge({ packageName, subscriptionId, token }),
    products,
    voidedpurchases,
  };
}

const typesOf = ({ notices }: ReturnType<typeof fakeGooglePlay>) =>
  notices.map(({ content }) => Object.keys(content).at(-1));

const failure = (status: number, reason: string) => ({
  status,
  response: { data: { error: { code: status, errors: [{ reason }] } } },
});

describe('a one-time purchase', () => {
  it('is pending until it is paid, and then has an order with its price', async () => {
    const { clock, fake, product, products, order } = play();
    const { purchaseToken: token } = fake.device.buy({
      ...{ productId: 'gem60', quantity: 2, isPending: true },
      ...{ obfuscatedAccountId: 'a_1', obfuscatedProfileId: 'order-1' },
    });
    const pending = await product(token);
    expect(pending).toMatchObject({
      productLineItem: [{ productId: 'gem60', productOfferDetails: { quantity: 2 } }],
      purchaseStateContext: { purchaseState: 'PENDING' },
      obfuscatedExternalAccountId: 'a_1',
      obfuscatedExternalProfileId: 'order-1',
      acknowledgementState: 'ACKNOWLEDGEMENT_STATE_PENDING',
    });
    expect(pending).not.toHaveProperty('orderId');
    expect(pending).not.toHaveProperty('purchaseCompletionTime');
    clock.at += HOUR;
    fake.device.complete(token);
    const paid = await product(token);
    expect(paid).toMatchObject({
      purchaseStateContext: { purchaseState: 'PURCHASED' },
      purchaseCompletionTime: '2026-11-28T11:00:00.000Z',
    });
    // The older resource counts differently than the device.
    const old = await products.get({ packageName, productId: 'gem60', token });
    expect(old.data).toMatchObject({ purchaseState: 0, quantity: 2, acknowledgementState: 0 });
    expect(await order(paid.orderId ?? '')).toMatchObject({
      state: 'PROCESSED',
      purchaseToken: token,
      total: { currencyCode: 'EUR', units: '11', nanos: 980_000_000 },
      tax: { currencyCode: 'EUR' },
    });
    expect(fake.netCharged('EUR')).toBe(11_980_000);
    expect(fake.notices.map(({ content }) => content)).toMatchObject([
      { packageName, oneTimeProductNotification: { notificationType: 1, purchaseToken: token } },
    ]);
  });

  it('that is given up while pending was never paid', async () => {
    const { fake, product } = play();
    const { purchaseToken } = fake.device.buy({ productId: 'gem60', isPending: true });
    fake.device.cancel(purchaseToken);
    expect(await product(purchaseToken)).toMatchObject({
      purchaseStateContext: { purchaseState: 'CANCELLED' },
    });
    expect([fake.orders(), fake.netCharged('EUR')]).toEqual([[], 0]);
    expect(() => fake.device.complete(purchaseToken)).toThrow('CANCELLED');
  });

  it('by a promotional code has no order', async () => {
    const { fake, product } = play();
    const { purchaseToken } = fake.device.buy({ productId: 'gem60', isFree: true });
    expect(await product(purchaseToken)).not.toHaveProperty('orderId');
    expect(fake.orders()).toEqual([]);
  });

  it('is blocked if the ids are too long or hold an address', () => {
    const { device } = play().fake;
    for (const id of ['a'.repeat(65), 'lin@example.com']) {
      expect(() => device.buy({ productId: 'gem60', obfuscatedAccountId: id })).toThrow();
      expect(() => device.buy({ productId: 'gem60', obfuscatedProfileId: id })).toThrow();
    }
  });

  it.each([
    ['acknowledged', 'acknowledge'],
    ['consumed', 'consume'],
  ] as const)('stays if it is %s within three days', async (_, call) => {
    const world = play();
    const { clock, fake, voided } = world;
    const { purchaseToken } = fake.device.buy({ productId: 'gem60', isPending: true });
    clock.at += 30 * DAY;
    await expect(world[call]('gem60', purchaseToken)).rejects.toMatchObject({ status: 400 });
    fake.device.complete(purchaseToken);
    clock.at += 3 * DAY - 1;
    await world[call]('gem60', purchaseToken);
    clock.at += DAY;
    expect(await voided()).toEqual([]);
    expect(await world.product(purchaseToken)).toMatchObject({
      acknowledgementState: 'ACKNOWLEDGEMENT_STATE_ACKNOWLEDGED',
    });
    expect(fake.netCharged('EUR')).toBe(5_990_000);
  });

  it('is given back after three days if nobody acknowledges it', async () => {
    const { clock, fake, product, order, voided } = play();
    const { purchaseToken, orderIds } = fake.device.buy({ productId: 'gem60' });
    clock.at += 3 * DAY + HOUR;
    expect(await product(purchaseToken)).toMatchObject({
      purchaseStateContext: { purchaseState: 'CANCELLED' },
    });
    expect(await voided()).toMatchObject([
      { orderId: orderIds[0], voidedSource: 2, voidedReason: 8 },
    ]);
    expect((await order(orderIds[0] ?? '')).state).toBe('REFUNDED');
    expect(typesOf(fake)).toEqual(['oneTimeProductNotification', 'voidedPurchaseNotification']);
    expect(fake.netCharged('EUR')).toBe(0);
  });
});

describe('a refund', () => {
  it('of 2, 3 and 5 of ten pieces makes three records, the last without a quantity', async () => {
    const { fake, product, order, voided } = play();
    const { purchaseToken, orderIds } = fake.device.buy({ productId: 'gem60', quantity: 10 });
    const [orderId = ''] = orderIds;
    fake.office.refundPieces(orderId, 2);
    fake.office.refundPieces(orderId, 3);
    expect(await product(purchaseToken)).toMatchObject({
      purchaseStateContext: { purchaseState: 'PURCHASED' },
      productLineItem: [{ productOfferDetails: { quantity: 10, refundableQuantity: 5 } }],
    });
    expect(fake.netCharged('EUR')).toBe(29_950_000);
    expect(await order(orderId)).toMatchObject({
      state: 'PARTIALLY_REFUNDED',
      orderHistory: {
        partialRefundEvents: [
          { refundDetails: { total: { units: '11', nanos: 980_000_000 } } },
          { refundDetails: { total: { units: '17', nanos: 970_000_000 } } },
        ],
      },
    });
    fake.office.refundPieces(orderId, 5);
    expect(await order(orderId)).toMatchObject({
      state: 'REFUNDED',
      orderHistory: { refundEvent: { refundDetails: { total: { units: '29' } } } },
    });
    expect(await voided()).toHaveLength(1);
    const all = await voided({ includeQuantityBasedPartialRefund: true });
    expect(all.map(({ voidedQuantity }) => voidedQuantity)).toEqual([2, 3, undefined]);
    const types = fake.notices.map(({ content }) => content.voidedPurchaseNotification);
    expect(types).toMatchObject(
      [undefined, 2, 2, 1].map((refundType) => refundType && { refundType }),
    );
  });

  it('without revocation shows in the order alone', async () => {
    const { fake, orders, product, order, voided } = play();
    const { purchaseToken, orderIds } = fake.device.buy({ productId: 'gem60' });
    const [orderId = ''] = orderIds;
    await orders.refund({ packageName, orderId });
    expect((await order(orderId)).state).toBe('REFUNDED');
    expect(await voided()).toEqual([]);
    expect(await product(purchaseToken)).toMatchObject({
      purchaseStateContext: { purchaseState: 'PURCHASED' },
    });
    expect(typesOf(fake)).toEqual(['oneTimeProductNotification']);
    await expect(orders.refund({ packageName, orderId })).rejects.toMatchObject({ status: 400 });
    expect(fake.netCharged('EUR')).toBe(0);
  });

  it('with revocation, and a chargeback, are voided purchases', async () => {
    const { fake, orders, order, voided } = play();
    const [first = ''] = fake.device.buy({ productId: 'gem60' }).orderIds;
    const [second = ''] = fake.device.buy({ productId: 'gem60' }).orderIds;
    await orders.refund({ packageName, orderId: first, revoke: true });
    fake.office.chargeback(second);
    expect(await voided()).toMatchObject([
      { orderId: first, voidedSource: 1, voidedReason: 0 },
      { orderId: second, voidedSource: 2, voidedReason: 7 },
    ]);
    expect(await order(second)).toMatchObject({
      orderHistory: { refundEvent: { refundReason: 'CHARGEBACK' } },
    });
  });

  it('is commented on within a day, and the first answer counts', async () => {
    const { clock, fake, orders } = play();
    const buy = () => fake.device.buy({ productId: 'gem60', obfuscatedProfileId: 'o' }).orderIds[0];
    const reviews = [buy(), buy()].map((orderId = '') => fake.office.review(orderId));
    expect(fake.notices.at(-1)?.content).toMatchObject({
      pendingRefundReviewNotification: { refundReason: 7, obfuscatedProfileId: 'o' },
    });
    const answer = (review: (typeof reviews)[number] | undefined, refundPreference: string) =>
      orders.reviewrefund({
        ...{ packageName, orderId: review?.orderId ?? '' },
        requestBody: {
          pendingRefundToken: review?.pendingRefundToken ?? '',
          ...{ refundPreference, sampleContentProvided: false },
        },
      });
    await expect(answer(reviews[0], 'MAYBE')).rejects.toMatchObject({ status: 400 });
    await answer(reviews[0], 'DECLINE');
    await answer(reviews[0], 'APPROVE');
    clock.at += DAY + 1;
    await answer(reviews[1], 'APPROVE');
    expect(fake.reviews.map((review) => review.answer)).toEqual(['DECLINE', null]);
  });
});

describe('voided purchases', () => {
  it('are those of 30 days, of one-time products unless requested, in pages', async () => {
    const { clock, fake, voidedpurchases, voided } = play();
    const sell = () => fake.device.buy({ productId: 'gem60' }).orderIds[0] ?? '';
    fake.office.refund(sell(), { revoke: true });
    clock.at += 31 * DAY;
    const orderIds = [sell(), sell(), sell()];
    for (const orderId of orderIds) fake.office.refund(orderId, { revoke: true });
    const pass = fake.device.subscribe({ productId: 'pass' });
    fake.office.refund(pass.orderIds[0] ?? '', { revoke: true });
    expect((await voided()).map(({ orderId }) => orderId)).toEqual(orderIds);
    expect(await voided({ type: 1 })).toHaveLength(4);
    const page = { packageName, maxResults: 2 };
    const first = (await voidedpurchases.list(page)).data;
    const token = first.tokenPagination?.nextPageToken ?? '';
    const second = (await voidedpurchases.list({ ...page, token })).data;
    const listed = [first, second].flatMap(({ voidedPurchases = [] }) => voidedPurchases);
    expect(listed.map(({ orderId }) => orderId)).toEqual(orderIds);
    expect(second).not.toHaveProperty('tokenPagination');
    const startTime = String(clock.at - 30 * DAY - 1);
    await expect(voided({ startTime })).rejects.toMatchObject({ status: 400 });
  });
});

describe('a subscription', () => {
  it('renews under one token, with an order for each period', async () => {
    const { clock, fake, subscription, acknowledgeSubscription, api, order } = play();
    const { purchaseToken: token } = fake.device.subscribe({
      ...{ productId: 'pass', obfuscatedAccountId: 'a_1', obfuscatedProfileId: 'order-1' },
    });
    await acknowledgeSubscription('pass', token);
    const began = await subscription(token);
    expect(began).toMatchObject({
      subscriptionState: 'SUBSCRIPTION_STATE_ACTIVE',
      externalAccountIdentifiers: { obfuscatedExternalProfileId: 'order-1' },
      lineItems: [{ productId: 'pass', autoRenewingPlan: { autoRenewEnabled: true } }],
    });
    const first = began.lineItems?.[0]?.latestSuccessfulOrderId ?? '';
    clock.at += 30 * DAY;
    fake.office.renew(token);
    const [item] = (await subscription(token)).lineItems ?? [];
    expect(item?.latestSuccessfulOrderId).toBe(`${first}..0`);
    expect((await order(`${first}..0`)).total).toMatchObject({ units: '4', nanos: 990_000_000 });
    const both = await api.orders.batchget({ packageName, orderIds: [first, `${first}..0`] });
    expect(both.data.orders).toHaveLength(2);
    const missing = api.orders.batchget({ packageName, orderIds: [first, 'GPA.0'] });
    await expect(missing).rejects.toMatchObject(failure(404, 'notFound'));
    fake.device.stopRenewing(token);
    expect((await subscription(token)).subscriptionState).toBe('SUBSCRIPTION_STATE_CANCELED');
    clock.at += 30 * DAY;
    expect((await subscription(token)).subscriptionState).toBe('SUBSCRIPTION_STATE_EXPIRED');
    expect(() => fake.office.renew(token)).toThrow();
    expect(fake.netCharged('EUR')).toBe(9_980_000);
  });

  it('that is revoked has ended', async () => {
    const { fake, subscription, api } = play();
    const { purchaseToken: token } = fake.device.subscribe({ productId: 'pass' });
    const requestBody = { revocationContext: { fullRefund: {} } };
    await api.purchases.subscriptionsv2.revoke({ packageName, token, requestBody });
    expect((await subscription(token)).subscriptionState).toBe('SUBSCRIPTION_STATE_EXPIRED');
    expect(fake.netCharged('EUR')).toBe(0);
  });
});

describe('the API', () => {
  it('is reached over rootUrl by the client as it is, and by msw', async () => {
    const fake = fakeGooglePlay();
    const { purchaseToken: token } = fake.device.buy({ productId: 'gem60' });
    const rootUrl = 'http://play.example/';
    const server = setupServer(http.all(`${rootUrl}*`, ({ request }) => fake.handle(request)));
    server.listen({ onUnhandledFrame: 'error' });
    try {
      const client = new auth.OAuth2();
      client.setCredentials({ access_token: fake.accessToken });
      const api = androidpublisher({ version: 'v3', auth: client, rootUrl });
      // The client repeats a GET.
      fake.fail({ kind: 'unavailable' });
      const { data } = await api.purchases.productsv2.getproductpurchasev2({ packageName, token });
      expect(data.purchaseStateContext).toEqual({ purchaseState: 'PURCHASED' });
      expect(fake.requests.map(({ status }) => status)).toEqual([503, 200]);
    } finally {
      server.close();
    }
  });

  it.each<[string, FakePlayFault, object]>([
    ['refuse', { kind: 'refuse' }, failure(403, 'userInsufficientPermission')],
    [
      'a token that is gone',
      { kind: 'refuse', status: 410, reason: 'purchaseTokenNoLongerValid' },
      failure(410, 'purchaseTokenNoLongerValid'),
    ],
    ['error', { kind: 'error' }, failure(500, 'backendError')],
    ['rate_limit', { kind: 'rate_limit' }, failure(429, 'rateLimitExceeded')],
  ])('fails as requested: %s', async (_, fault, expected) => {
    const { fake, product } = play();
    const { purchaseToken } = fake.device.buy({ productId: 'gem60' });
    fake.fail({ ...fault, on: 'GET /androidpublisher' });
    await expect(product(purchaseToken)).rejects.toMatchObject(expected);
    await product(purchaseToken);
  });

  it('executes a call whose answer is lost, and not one that does not arrive', async () => {
    const { fake, consume } = play();
    const [first, second] = [1, 2].map(() => fake.device.buy({ productId: 'gem60' }));
    fake.fail({ kind: 'drop_before' });
    await expect(consume('gem60', first?.purchaseToken ?? '')).rejects.toThrow();
    fake.fail({ kind: 'drop' });
    await expect(consume('gem60', second?.purchaseToken ?? '')).rejects.toThrow();
    expect([first?.isConsumed, second?.isConsumed]).toEqual([false, true]);
  });

  it('knows its own app, products and callers only', async () => {
    const { fake, api, product, acknowledge } = play();
    const { purchaseToken: token } = fake.device.buy({ productId: 'gem60' });
    const other = api.purchases.productsv2.getproductpurchasev2({
      packageName: 'com.other',
      token,
    });
    await expect(other).rejects.toMatchObject({ status: 403 });
    await expect(product('token.unknown')).rejects.toMatchObject(failure(404, 'notFound'));
    await expect(acknowledge('gem80', token)).rejects.toMatchObject({ status: 400 });
    const stranger = androidpublisher({ version: 'v3', fetchImplementation: fake.fetch });
    const bare = stranger.orders.get({ packageName, orderId: 'GPA.0' });
    await expect(bare).rejects.toMatchObject({ status: 401 });
  });
});

describe('a push', () => {
  const bodyOf = async (request: Request) =>
    (await request.json()) as {
      message: { data: string; messageId: string };
      subscription: string;
    };

  it('carries the message and a token that Google’s own library verifies', async () => {
    const fake = fakeGooglePlay();
    fake.device.buy({ productId: 'gem60' });
    const [notice] = fake.notices;
    if (notice === undefined) throw new Error('There is no notification.');
    const request = fake.notification(notice);
    const token = request.headers.get('authorization')?.replace('Bearer ', '') ?? '';
    const { message, subscription } = await bodyOf(request);
    expect(JSON.parse(Buffer.from(message.data, 'base64').toString())).toEqual(notice.content);
    expect([message.messageId, subscription]).toEqual([notice.messageId, fake.push.subscription]);
    const { payload } = await jwtVerify(token, createLocalJWKSet({ keys: [...fake.jwks().keys] }), {
      ...{ audience: fake.push.audience, issuer: 'https://accounts.google.com' },
    });
    expect(payload).toMatchObject({ email: fake.push.email, email_verified: true });
    const pems = fake.jwks().keys.map((key) => {
      const pem = createPublicKey({ key, format: 'jwk' }).export({ type: 'spki', format: 'pem' });
      return [String(key.kid), pem.toString()] as const;
    });
    const ticket = await new OAuth2Client().verifySignedJwtWithCertsAsync(
      token,
      Object.fromEntries(pems),
      fake.push.audience,
      ['https://accounts.google.com'],
    );
    expect(ticket.getPayload()?.email).toBe(fake.push.email);
  });

  it('can be wrong in every part', async () => {
    const fake = fakeGooglePlay();
    fake.office.test();
    const [notice] = fake.notices;
    if (notice === undefined) throw new Error('There is no notification.');
    const keys = createLocalJWKSet({ keys: [...fake.jwks().keys] });
    const verify = (options: Parameters<typeof fake.notification>[1]) =>
      jwtVerify(
        fake.notification(notice, options).headers.get('authorization')?.slice(7) ?? '',
        keys,
        { audience: fake.push.audience },
      );
    await verify({});
    await expect(verify({ isForged: true })).rejects.toThrow('signature');
    await expect(verify({ age: 3_700 })).rejects.toThrow('exp');
    await expect(verify({ claims: { aud: 'https://a.example' } })).rejects.toThrow('aud');
    await expect(verify({ isUnsigned: true })).rejects.toThrow();
    expect((await bodyOf(fake.notification(notice, { data: '%%%' }))).message.data).toBe('%%%');
    const doubled = [notice, notice].map((each) => fake.notification(each, { messageId: '7' }));
    for (const each of doubled) expect((await bodyOf(each)).message.messageId).toBe('7');
  });
});
