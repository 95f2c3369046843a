import {
  APIError,
  AppStoreServerAPIClient,
  Environment,
  GetTransactionHistoryVersion,
  NotificationTypeV2,
  SignedDataVerifier,
  VerificationStatus,
} from '@apple/app-store-server-library';
import { type FakeAppStoreOptions, fakeAppStore } from '@spendcap/sandbox';
import { http } from 'msw';
import { setupServer } from 'msw/node';
import { describe, expect, it } from 'vitest';
import { clientOver, verifierOf } from '../support/app-store-client.ts';

const START = Date.parse('2026-05-20T02:30:00Z');
const HOUR = 3_600_000;
const TOKEN = '0193a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b';
const V2 = GetTransactionHistoryVersion.V2;
const PRODUCTS = {
  gems60: { type: 'Consumable', price: 6_000, currency: 'CNY' },
  level: { type: 'Non-Consumable', price: 12_000, currency: 'CNY' },
  month: { type: 'Auto-Renewable Subscription', price: 30_000, currency: 'CNY' },
  year: { type: 'Auto-Renewable Subscription', price: 300_000, currency: 'CNY' },
} as const;

function app(options: FakeAppStoreOptions = {}) {
  const clock = { at: START };
  const fake = fakeAppStore({ now: () => clock.at, products: PRODUCTS, ...options });
  const verifier = verifierOf(fake);
  const notified = async () => {
    const last = fake.notices.at(-1);
    if (last === undefined) throw new Error('no notification');
    const { signedPayload } = (await fake.notification(last).json()) as { signedPayload: string };
    const { data, notificationType, subtype } =
      await verifier.verifyAndDecodeNotification(signedPayload);
    const inner = data?.signedTransactionInfo;
    const transaction =
      inner === undefined ? null : await verifier.verifyAndDecodeTransaction(inner);
    return { notificationType, subtype, transaction };
  };
  return { fake, clock, client: clientOver(fake), verifier, notified };
}

describe("what Apple's own verifier says", () => {
  it('to a transaction from a device', async () => {
    const { fake, verifier } = app();
    const token = TOKEN.toUpperCase();
    const { transactionId } = fake.buy({
      productId: 'gems60',
      quantity: 2,
      appAccountToken: token,
    });
    const signed = fake.signedTransaction(transactionId);
    expect(await verifier.verifyAndDecodeTransaction(signed)).toMatchObject({
      ...{ transactionId, appAccountToken: TOKEN, price: 12_000, currency: 'CNY', quantity: 2 },
      ...{ type: 'Consumable', environment: 'Sandbox', signedDate: START },
    });
    expect(fake.unfinished('customer')).toHaveLength(1);
    fake.finish(transactionId);
    expect(fake.unfinished('customer')).toEqual([]);
  });

  it.each([
    ['short', VerificationStatus.INVALID_CERTIFICATE],
    ['xcode', VerificationStatus.INVALID_CERTIFICATE],
    ['unsigned', VerificationStatus.INVALID_CERTIFICATE],
    ['expired', VerificationStatus.INVALID_CERTIFICATE],
    ['unmarked', VerificationStatus.VERIFICATION_FAILURE],
    ['no_ca', VerificationStatus.VERIFICATION_FAILURE],
    ['other_root', VerificationStatus.VERIFICATION_FAILURE],
    ['tampered', VerificationStatus.VERIFICATION_FAILURE],
  ] as const)('to what is signed wrongly: %s', async (signature, status) => {
    const { fake, verifier } = app();
    const { transactionId } = fake.buy({ productId: 'gems60' });
    const signed = fake.signedTransaction(transactionId, { signature });
    await expect(verifier.verifyAndDecodeTransaction(signed)).rejects.toMatchObject({ status });
  });

  it('to the notifications of Production, which name the app by its number', async () => {
    const { fake, notified } = app({ environment: 'Production' });
    fake.buy({ productId: 'gems60' });
    expect(await notified()).toMatchObject({ notificationType: 'ONE_TIME_CHARGE' });
    const other = new SignedDataVerifier(
      [...fake.rootCertificates],
      false,
      Environment.PRODUCTION,
      fake.bundleId,
      1,
    );
    const [notice] = fake.notices;
    if (notice === undefined) return expect.fail();
    const { signedPayload } = (await fake.notification(notice).json()) as { signedPayload: string };
    await expect(other.verifyAndDecodeNotification(signedPayload)).rejects.toMatchObject({
      status: VerificationStatus.INVALID_APP_IDENTIFIER,
    });
  });

  it('to a withdrawn consent, which is about no transaction', async () => {
    const { fake, verifier } = app();
    const { appTransactionId } = fake.buy({ productId: 'gems60', customer: 'lin' });
    const { payload } = fake.rescindConsent('lin');
    const { appData } = payload as { appData?: { signedAppTransactionInfo: string } };
    const signed = appData?.signedAppTransactionInfo ?? '';
    expect(await verifier.verifyAndDecodeAppTransaction(signed)).toMatchObject({
      appTransactionId,
    });
    expect(payload).not.toHaveProperty('data');
  });
});

describe('a purchase', () => {
  it('that a parent approves exists only then, with the token of the first request', () => {
    const { fake, clock } = app();
    const purchase = { productId: 'gems60', appAccountToken: TOKEN };
    const request = fake.askToBuy(purchase);
    clock.at += 20 * HOUR;
    const again = { ...purchase, appAccountToken: TOKEN.replace('0193', '0194') };
    expect(fake.askToBuy(again)).toBe(request);
    expect([fake.transactions(), fake.notices]).toEqual([[], []]);
    clock.at += 20 * HOUR;
    expect(fake.approve(request)).toMatchObject({ appAccountToken: TOKEN });
    expect(fake.netCharged('CNY')).toBe(6_000);
    expect(() => fake.approve(request)).toThrow('waiting');
  });

  it('that a parent declines, or does not answer in a day, is never heard of', () => {
    const { fake, clock } = app();
    const first = fake.askToBuy({ productId: 'gems60' });
    fake.decline(first);
    const second = fake.askToBuy({ productId: 'gems60' });
    clock.at += 24 * HOUR + 1;
    expect(() => fake.approve(second)).toThrow('waiting');
    expect([first.state, second.state]).toEqual(['declined', 'expired']);
    expect([fake.transactions(), fake.notices]).toEqual([[], []]);
  });

  it('of a subscription is charged at each renewal, with the first token', async () => {
    const { fake, notified, clock } = app();
    const first = fake.buy({ productId: 'month', appAccountToken: TOKEN });
    expect(await notified()).toMatchObject({
      ...{ notificationType: 'SUBSCRIBED', subtype: 'INITIAL_BUY' },
    });
    clock.at += 30 * 24 * HOUR;
    const { originalTransactionId } = first;
    const second = fake.renew(originalTransactionId);
    expect(second.transactionId).not.toBe(first.transactionId);
    expect(await notified()).toMatchObject({
      notificationType: 'DID_RENEW',
      transaction: { originalTransactionId, transactionReason: 'RENEWAL', appAccountToken: TOKEN },
    });
    fake.upgrade(originalTransactionId, 'year');
    expect(await notified()).toMatchObject({
      ...{ notificationType: 'DID_CHANGE_RENEWAL_PREF', subtype: 'UPGRADE' },
      transaction: { originalTransactionId, price: 300_000 },
    });
    fake.buy({ productId: 'month' });
    expect(await notified()).toMatchObject({ subtype: 'RESUBSCRIBE' });
    expect(fake.netCharged('CNY')).toBe(390_000);
  });

  it('by code or by the family costs nothing', async () => {
    const { fake, notified } = app();
    fake.redeemCode({ productId: 'gems60' });
    const { transaction } = await notified();
    expect(transaction).toMatchObject({ price: 0, offerType: 3 });
    expect(transaction).not.toHaveProperty('appAccountToken');
    const { transactionId } = fake.buy({ productId: 'level', customer: 'mother' });
    fake.familyShare(transactionId, 'lin');
    expect(await notified()).toMatchObject({
      transaction: { inAppOwnershipType: 'FAMILY_SHARED', price: 12_000 },
    });
    expect(fake.netCharged('CNY')).toBe(12_000);
    fake.refund(transactionId);
    expect(fake.notices.map(({ type }) => type).slice(-2)).toEqual(['REFUND', 'REVOKE']);
    expect(() =>
      fake.familyShare(fake.buy({ productId: 'gems60' }).transactionId, 'lin'),
    ).toThrow();
  });

  it('is refunded by cumulative shares, and not at all once that is reversed', async () => {
    const { fake, notified } = app();
    const { transactionId } = fake.buy({ productId: 'gems60', quantity: 3 });
    fake.refund(transactionId, 33_333);
    expect(await notified()).toMatchObject({
      transaction: { revocationType: 'REFUND_PRORATED', revocationPercentage: 33_333 },
    });
    expect(() => fake.refund(transactionId, 33_333)).toThrow('percentage');
    fake.refund(transactionId);
    expect((await notified()).transaction).toMatchObject({ revocationType: 'REFUND_FULL' });
    expect(fake.netCharged('CNY')).toBe(0);
    fake.reverseRefund(transactionId);
    expect((await notified()).transaction).not.toHaveProperty('revocationPercentage');
    expect(fake.netCharged('CNY')).toBe(18_000);
    expect(() => fake.reverseRefund(transactionId)).toThrow('Nothing');
  });
});

describe('the API, by the client of Apple', () => {
  it('gives one transaction, and the history of its customer in pages of 20', async () => {
    const { fake, client, verifier } = app();
    fake.buy({ productId: 'gems60', customer: 'somebody else' });
    const bought = Array.from({ length: 21 }, () => fake.buy({ productId: 'gems60' }));
    const id = bought[3]?.transactionId ?? '';
    const { signedTransactionInfo = '' } = await client.getTransactionInfo(id);
    expect(await verifier.verifyAndDecodeTransaction(signedTransactionInfo)).toMatchObject({
      transactionId: id,
    });
    const first = await client.getTransactionHistory(id, null, {}, V2);
    expect([first.signedTransactions?.length, first.hasMore]).toEqual([20, true]);
    const second = await client.getTransactionHistory(id, first.revision ?? '', {}, V2);
    expect([second.signedTransactions?.length, second.hasMore]).toEqual([1, false]);
    for (const { transactionId } of bought) await client.finishTransaction(transactionId);
    expect((await client.getTransactionHistory(id, null, {})).signedTransactions).toEqual([]);
    fake.refund(id);
    const revoked = await client.getTransactionHistory(id, null, { revoked: true }, V2);
    expect(revoked.signedTransactions).toHaveLength(1);
    expect((await client.getRefundHistory(id, null)).signedTransactions).toHaveLength(1);
  });

  it('gives the notifications of a time, with what became of each', async () => {
    const { fake, client, clock } = app();
    const { transactionId } = fake.buy({ productId: 'gems60' });
    for (let index = 0; index < 20; index += 1) fake.buy({ productId: 'gems60' });
    await fake.deliver(fake.notices.slice(0, 1), async () => new Response(null));
    await fake.deliver(fake.notices.slice(1, 2), async () => new Response(null, { status: 500 }));
    clock.at += HOUR;
    const time = { startDate: START, endDate: clock.at };
    const first = await client.getNotificationHistory(null, time);
    expect(
      first.notificationHistory?.map((item) => item.sendAttempts?.[0]?.sendAttemptResult),
    ).toEqual(['SUCCESS', 'UNSUCCESSFUL_HTTP_RESPONSE_CODE', ...Array(18).fill('NO_RESPONSE')]);
    const next = await client.getNotificationHistory(first.paginationToken ?? '', time);
    expect([next.notificationHistory?.length, next.hasMore]).toEqual([1, false]);
    const failed = { ...time, onlyFailures: true };
    expect((await client.getNotificationHistory(null, failed)).notificationHistory).toHaveLength(
      20,
    );
    const one = await client.getNotificationHistory(null, { ...time, transactionId });
    expect(one.notificationHistory).toHaveLength(1);
  });

  it('takes a consumption answer with consent, and a token for a transaction', async () => {
    const { fake, client } = app();
    const { transactionId } = fake.buy({ productId: 'gems60' });
    const answer = {
      ...{ customerConsented: true, deliveryStatus: 'DELIVERED', sampleContentProvided: false },
      refundPreference: 'GRANT_FULL',
    };
    await client.sendConsumptionInformation(transactionId, answer);
    expect(fake.consumptions).toEqual([{ transactionId, body: answer }]);
    expect(fake.requests.at(-1)?.status).toBe(202);
    const without = { ...answer, customerConsented: false };
    await expect(client.sendConsumptionInformation(transactionId, without)).rejects.toMatchObject({
      apiError: APIError.INVALID_CUSTOMER_CONSENTED,
    });
    await client.setAppAccountToken(transactionId, { appAccountToken: TOKEN });
    expect(fake.transactions()[0]?.appAccountToken).toBe(TOKEN);
  });

  it('sends a test notification', async () => {
    const { fake, client, notified } = app();
    const { testNotificationToken = '' } = await client.requestTestNotification();
    expect((await notified()).notificationType).toBe('TEST');
    await fake.deliverDue(async () => new Response(null));
    const { sendAttempts } = await client.getTestNotificationStatus(testNotificationToken);
    expect(sendAttempts).toMatchObject([{ sendAttemptResult: 'SUCCESS' }]);
  });

  it.each([
    ['an id that is none', 'x', APIError.INVALID_TRANSACTION_ID],
    ['an unknown id', '1', APIError.TRANSACTION_ID_NOT_FOUND],
  ])('rejects %s', async (_, id, apiError) => {
    const { client } = app();
    await expect(client.getTransactionInfo(id)).rejects.toMatchObject({ apiError });
  });

  it.each([
    ['a start too long ago', { startDate: START - 31 * 24 * HOUR }, 4000012],
    ['an end before the start', { endDate: START - 1 }, 4000013],
    ['two filters', { transactionId: '1', notificationType: NotificationTypeV2.REFUND }, 4000019],
  ])('rejects a notification history with %s', async (_, changes, apiError) => {
    const { client } = app();
    const time = { startDate: START, endDate: START, ...changes };
    await expect(client.getNotificationHistory(null, time)).rejects.toMatchObject({ apiError });
  });

  it('answers a key that it does not know with 401 and nothing else', async () => {
    const { fake } = app();
    const other = fakeAppStore();
    const known = await fake.fetch('https://api.storekit.apple.com/inApps/v1/transactions/1');
    expect([known.status, await known.text()]).toEqual([401, '']);
    const client = clientOver({ ...fake, key: other.key });
    await expect(client.getTransactionInfo('1')).rejects.toMatchObject({
      ...{ httpStatusCode: 401, apiError: null },
    });
  });

  it.each([
    ['error', { httpStatusCode: 500, apiError: 5000000 }],
    ['html', { httpStatusCode: 502, apiError: null }],
    ['unauthorized', { httpStatusCode: 401, apiError: null }],
    ['refuse', { httpStatusCode: 404, apiError: 4040002 }],
    ['rate_limit', { httpStatusCode: 429, apiError: 4290000 }],
  ] as const)('fails as the test wants: %s', async (kind, error) => {
    const { fake, client } = app();
    const { transactionId } = fake.buy({ productId: 'gems60' });
    fake.fail({ kind });
    await expect(client.getTransactionInfo(transactionId)).rejects.toMatchObject(error);
    await client.getTransactionInfo(transactionId);
  });

  it('says in milliseconds of the clock when to call again', async () => {
    const { fake } = app();
    const seen: Response[] = [];
    const noted: typeof fake.fetch = async (...given) => {
      const response = await fake.fetch(...given);
      seen.push(response);
      return response;
    };
    fake.fail({ kind: 'rate_limit' });
    await expect(clientOver({ ...fake, fetch: noted }).getTransactionInfo('1')).rejects.toThrow();
    expect(seen[0]?.headers.get('retry-after')).toBe(String(START + 60_000));
  });
});

it('delivers once in the sandbox, and five times more in Production', async () => {
  const busy = async () => new Response(null, { status: 503 });
  for (const [environment, attempts] of [
    ['Sandbox', 1],
    ['Production', 6],
  ] as const) {
    const { fake, clock } = app({ environment });
    fake.buy({ productId: 'gems60' });
    for (let hour = 0; hour < 200; hour += 1) {
      await fake.deliverDue(busy);
      clock.at += HOUR;
    }
    expect(
      fake.notices[0]?.attempts.map(({ attemptDate }) => (attemptDate - START) / HOUR),
    ).toEqual([0, 1, 13, 37, 85, 157].slice(0, attempts));
  }
});

it('answers in the place of the real address, by msw', async () => {
  const { fake } = app();
  const server = setupServer(
    http.all('https://api.storekit-sandbox.apple.com/*', ({ request }) => fake.handle(request)),
  );
  server.listen({ onUnhandledFrame: 'error' });
  try {
    const { signingKey, keyId, issuerId, bundleId } = fake.key;
    const client = new AppStoreServerAPIClient(
      ...([signingKey, keyId, issuerId, bundleId] as const),
      Environment.SANDBOX,
    );
    const { transactionId } = fake.buy({ productId: 'gems60' });
    const { signedTransactionInfo } = await client.getTransactionInfo(transactionId);
    expect(signedTransactionInfo?.split('.')).toHaveLength(3);
    fake.fail({ kind: 'drop' });
    await expect(client.getTransactionInfo(transactionId)).rejects.toThrow();
  } finally {
    server.close();
  }
});
