import { reconcile } from '@spendcap/server/payments';
import type { ConsentRescinded, ConsumptionQuery } from '@spendcap/server/payments/apple';
import { describe, expect, it } from 'vitest';
import { misreadJson } from '../../../support/misread.ts';
import { START } from '../engine-kit.ts';
import { app, child, DAY, HOUR, P1, P2 } from './apple-kit.ts';

describe('a notification', () => {
  it('commits the hold, whether or not the device confirms it too, in every order', async () => {
    for (const isConfirmedFirst of [true, false]) {
      const { begin, buy, confirm, deliver, problems, used } = app();
      await begin();
      const id = buy();
      if (isConfirmedFirst) await confirm(id);
      expect(await deliver((all) => [...all, ...all])).toEqual([200, 200]);
      expect(await confirm(id)).toMatchObject({ result: 'committed', wasHeld: true });
      expect([await used(), problems]).toEqual(['30.00', []]);
    }
  });

  it('about money without a hold counts for the player whom the operator names', async () => {
    const player = { playerOf: () => child };
    for (const [deps, expected] of [
      [player, '30.00'],
      [{}, '0.00'],
    ] as const) {
      const { buy, codes, deliver, used } = app({ deps });
      buy(null);
      expect(await deliver()).toEqual([200]);
      expect(await used()).toBe(expected);
      expect(codes()).toEqual(['purchase_not_found']);
    }
  });

  it.each([
    ...['DID_CHANGE_RENEWAL_STATUS', 'DID_CHANGE_RENEWAL_PREF', 'PRICE_INCREASE', 'EXPIRED'],
    ...['DID_FAIL_TO_RENEW', 'GRACE_PERIOD_EXPIRED', 'RENEWAL_EXTENDED', 'REFUND_DECLINED'],
    ...['REVOKE', 'TEST', 'METADATA_UPDATE', 'A_TYPE_OF_NEXT_YEAR'],
  ])('that moves no money changes nothing: %s', async (type) => {
    const { begin, buy, deliver, fake, problems, purchase } = app();
    await begin();
    fake.announce(type, { subtype: 'A_SUBTYPE', transactionId: buy() });
    expect(await deliver((all) => all.slice(-1))).toEqual([200]);
    expect(await purchase(P1)).toMatchObject({ state: 'reserved' });
    expect(problems).toEqual([]);
  });

  it.each([
    ['signed by somebody else', { signature: 'other_root' }, 401],
    ['altered', { signature: 'tampered' }, 401],
    ['from an expired chain', { signature: 'expired' }, 401],
    ['from Xcode', { signature: 'xcode' }, 401],
    ['for another app', { changes: { data: { bundleId: 'x', environment: 'Sandbox' } } }, 403],
    [
      'for another environment',
      { changes: { data: { bundleId: 'com.example.game', environment: 'Production' } } },
      403,
    ],
  ] as const)('%s is refused', async (_, signing, status) => {
    const { begin, buy, codes, fake, purchase, webhook } = app();
    await begin();
    buy();
    const [notice] = fake.notices;
    if (notice === undefined) return expect.fail();
    expect((await webhook(fake.notification(notice, signing))).status).toBe(status);
    expect(await purchase(P1)).toMatchObject({ state: 'reserved' });
    expect(codes()).toEqual(['webhook_invalid']);
  });

  it.each([
    ['another app', { changes: { bundleId: 'com.example.other' } }, 403],
    ['somebody else', { signature: 'other_root' }, 401],
    ['nobody', { signature: 'unsigned' }, 401],
  ] as const)('with a transaction of %s inside is refused', async (_, signing, status) => {
    const { buy, fake, webhook } = app();
    const signedTransactionInfo = fake.signedTransaction(buy(), signing);
    const [notice] = fake.notices;
    if (notice === undefined) return expect.fail();
    const data = { ...(notice.payload.data as object), signedTransactionInfo };
    expect((await webhook(fake.notification(notice, { changes: { data } }))).status).toBe(status);
  });

  it('is accepted for as long as Apple retries, and not a year later', async () => {
    const { begin, buy, clock, fake, purchase, webhook } = app();
    await begin();
    buy();
    const [notice] = fake.notices;
    if (notice === undefined) return expect.fail();
    clock.at += 365 * DAY;
    expect((await webhook(fake.notification(notice))).status).toBe(401);
    clock.at -= 365 * DAY + HOUR;
    expect((await webhook(fake.notification(notice))).status).toBe(401);
    clock.at += HOUR + 157 * HOUR;
    expect((await webhook(fake.notification(notice))).status).toBe(200);
    expect(await purchase(P1)).toMatchObject({ state: 'committed', late: true });
  });

  it.each(['', '{', '[]', 'null', '{"signedPayload":1}', '{"signedPayload":"a.b.c"}'])(
    'that is none is refused: %s',
    async (body) => {
      const { webhook } = app();
      const request = new Request('https://pay.example.com/app-store', { method: 'POST', body });
      expect((await webhook(request)).status).toBe(401);
    },
  );

  it('is read as it is written, whatever was parsed before', async () => {
    const { begin, buy, fake, purchase, webhook } = app();
    await begin();
    buy();
    const [notice] = fake.notices;
    if (notice === undefined) return expect.fail();
    const request = fake.notification(notice);
    const { signedPayload } = (await request.json()) as { readonly signedPayload: string };
    const body = misreadJson({ first: 1 }, 'signedPayload', signedPayload);
    expect((await webhook(new Request(request.url, { method: 'POST', body }))).status).toBe(200);
    expect(await purchase(P1)).toMatchObject({ state: 'committed' });
  });

  it('with a price that is none is reported, and not sent again', async () => {
    const { begin, buy, codes, fake, purchase, webhook } = app();
    await begin();
    const signedTransactionInfo = fake.signedTransaction(buy(), { changes: { price: 30_001 } });
    const [notice] = fake.notices;
    if (notice === undefined) return expect.fail();
    const data = { ...(notice.payload.data as object), signedTransactionInfo };
    expect((await webhook(fake.notification(notice, { changes: { data } }))).status).toBe(200);
    expect(codes()).toEqual(['transaction_invalid']);
    expect(await purchase(P1)).toMatchObject({ state: 'reserved' });
  });
});

describe('refunds', () => {
  async function bought() {
    const world = app();
    await world.begin();
    const id = world.buy();
    await world.confirm(id);
    return { ...world, id };
  }

  it('give back by their cumulative share, to the nearest fen, in every order', async () => {
    const { deliver, fake, id, purchase, used } = await bought();
    fake.refund(id, 33_333);
    fake.refund(id, 66_667);
    await deliver((all) => [...all.toReversed(), ...all]);
    expect(await purchase(P1)).toMatchObject({ refunded: '20.00' });
    fake.refund(id);
    await deliver();
    expect(await purchase(P1)).toMatchObject({ refunded: '30.00' });
    expect(await used()).toBe('0.00');
  });

  it('that come before the purchase itself end right', async () => {
    const { begin, buy, deliver, fake, purchase } = app();
    await begin();
    fake.refund(buy(), 50_000);
    await deliver((all) => all.toReversed());
    expect(await purchase(P1)).toMatchObject({ committed: '30.00', refunded: '15.00' });
  });

  it('that are reversed count again, in every order', async () => {
    for (const order of [0, 1]) {
      const { clock, deliver, fake, id, purchase, used } = await bought();
      fake.refund(id);
      clock.at += HOUR;
      fake.reverseRefund(id);
      await deliver((all) => (order === 0 ? all : all.toReversed()));
      await deliver();
      expect(await purchase(P1)).toMatchObject({ refunded: '0.00' });
      expect(await used()).toBe('30.00');
    }
  });

  it('after a reversal have a total of their own, in every order and with losses', async () => {
    const orders: readonly (readonly number[])[] = [
      [1, 2, 3],
      [3, 2, 1],
      [3, 1],
      [3],
      [2, 3, 1, 2],
    ];
    for (const order of orders) {
      const { clock, deliver, fake, id, purchase } = await bought();
      fake.refund(id);
      clock.at += HOUR;
      fake.reverseRefund(id);
      clock.at += HOUR;
      fake.refund(id, 50_000);
      await deliver((all) => order.flatMap((index) => all[index] ?? []));
      expect(await purchase(P1), String(order)).toMatchObject({ refunded: '15.00' });
    }
  });

  it('and reversals of one instant end as the last of them, in every order', async () => {
    for (const order of [0, 1]) {
      const { deliver, fake, id, purchase } = await bought();
      for (let times = 0; times < 2; times += 1) {
        fake.refund(id);
        fake.reverseRefund(id);
      }
      fake.refund(id, 50_000);
      await deliver((all) => (order === 0 ? all : all.toReversed()));
      await deliver();
      expect(await purchase(P1)).toMatchObject({ refunded: '15.00' });
    }
  });

  it('are read by a clock that is minutes off', async () => {
    for (const skew of [-4, 4]) {
      const clock = { at: START };
      const now = () => clock.at + skew * 60_000;
      const { begin, buy, fake, purchase, sweep } = app({
        apple: { now },
        store: { now: () => clock.at },
      });
      await begin();
      const id = buy();
      clock.at += HOUR;
      fake.refund(id);
      expect(await sweep(0)).toMatchObject({ failed: 0 });
      expect(await purchase(P1)).toMatchObject({ refunded: '30.00' });
    }
  });

  it('wait for Apple if its list cannot be read', async () => {
    const { deliver, fake, id, purchase } = await bought();
    fake.refund(id);
    const last = (all: typeof fake.notices) => all.slice(-1);
    for (const kind of ['drop', 'error', 'rate_limit', 'unauthorized', 'html'] as const) {
      fake.fail({ kind });
      expect(await deliver(last)).toEqual([503]);
    }
    expect(await purchase(P1)).toMatchObject({ refunded: '0.00' });
    expect(await deliver(last)).toEqual([200]);
    expect(await purchase(P1)).toMatchObject({ refunded: '30.00' });
  });
});

it('limits the time of a call of the API, which the library does not', async () => {
  const world = app({ apple: { timeoutMs: 20 } });
  const { begin, buy, deliver, fake } = world;
  await begin();
  fake.refund(buy());
  fake.fail({ kind: 'delay', milliseconds: 400 });
  expect(await deliver((all) => all.slice(-1))).toEqual([503]);
});

describe("Apple's question about a refund", () => {
  const CONSENT = { customerConsented: true, deliveryStatus: 'DELIVERED' };

  it('is not answered without consent, nor without a function that knows', async () => {
    for (const apple of [{}, { consumption: () => null }]) {
      const { begin, buy, deliver, fake } = app({ apple });
      await begin();
      fake.announce('CONSUMPTION_REQUEST', { transactionId: buy() });
      expect(await deliver()).toEqual([200, 200]);
      expect(fake.consumptions).toEqual([]);
      expect(fake.requests).toEqual([]);
    }
  });

  it('is answered with the wish for a refund if it was over the cap', async () => {
    const queries: ConsumptionQuery[] = [];
    const consumption = (query: ConsumptionQuery) => {
      queries.push(query);
      return {};
    };
    const { begin, buy, confirm, deliver, fake } = app({ apple: { consumption } });
    await begin();
    const [held, over] = [buy(), buy(P2)];
    for (const id of [held, over]) {
      await confirm(id);
      fake.announce('CONSUMPTION_REQUEST', { transactionId: id });
    }
    await deliver();
    expect(queries).toMatchObject([
      { transactionId: held, product: 'gems', isOverCap: false, purchase: { id: P1 } },
      { transactionId: over, isOverCap: true, purchase: { late: true } },
    ]);
    const sample = { sampleContentProvided: false };
    expect(fake.consumptions.map(({ body }) => body)).toEqual([
      { ...CONSENT, ...sample },
      { ...CONSENT, ...sample, refundPreference: 'GRANT_FULL' },
    ]);
  });

  it('is answered as the operator says, and again if Apple was not reached', async () => {
    const answer = {
      refundPreference: 'DECLINE',
      deliveryStatus: 'UNDELIVERED_OTHER',
      sampleContentProvided: true,
      consumptionPercentage: 0,
    } as const;
    const { begin, buy, deliver, fake } = app({ apple: { consumption: async () => answer } });
    await begin();
    fake.announce('CONSUMPTION_REQUEST', { transactionId: buy() });
    fake.fail({ kind: 'drop_before' });
    expect(await deliver()).toEqual([200, 503]);
    expect(await deliver()).toEqual([200, 200]);
    expect(fake.consumptions.map(({ body }) => body)).toEqual([
      { customerConsented: true, ...answer },
    ]);
  });
});

describe('a withdrawn consent', () => {
  it('is handed to the operator, until that succeeds', async () => {
    const events: ConsentRescinded[] = [];
    let isDown = true;
    const onConsentRescinded = (event: ConsentRescinded) => {
      if (isDown) throw new Error('down');
      events.push(event);
    };
    const { buy, clock, deliver, fake } = app({ apple: { onConsentRescinded } });
    buy();
    const { payload } = fake.rescindConsent('customer');
    const last = (all: typeof fake.notices) => all.slice(-1);
    expect(await deliver(last)).toEqual([503]);
    isDown = false;
    expect(await deliver(last)).toEqual([200]);
    expect(events).toEqual([
      {
        appTransactionId: fake.transactions()[0]?.appTransactionId,
        at: clock.at,
        messageId: payload.notificationUUID,
      },
    ]);
  });

  it.each([
    ['other_root', undefined, 401],
    ['valid', { receiptType: 'Production' }, 403],
  ] as const)('that is not signed for this app is refused', async (signature, changes, status) => {
    const events: ConsentRescinded[] = [];
    const onConsentRescinded = (event: ConsentRescinded) => events.push(event);
    const { buy, fake, webhook } = app({ apple: { onConsentRescinded } });
    const notice = fake.rescindConsent('customer');
    const claims = {
      ...{ receiptType: 'Sandbox', bundleId: fake.bundleId, receiptCreationDate: START },
      ...changes,
    };
    const signedAppTransactionInfo = fake.signedTransaction(buy(), { signature, changes: claims });
    const appData = { ...(notice.payload.appData as object), signedAppTransactionInfo };
    const request = fake.notification(notice, { changes: { appData } });
    expect((await webhook(request)).status).toBe(status);
    expect(events).toEqual([]);
  });
});

describe('a sweep', () => {
  it('finds what no notification has brought, more than a page of it', async () => {
    const { begin, buy, fake, purchase, sweep, used } = app({ deps: { playerOf: () => child } });
    await begin();
    const id = buy();
    for (let index = 0; index < 22; index += 1) fake.announce('EXPIRED', { transactionId: id });
    buy(null);
    fake.refund(id);
    expect(await sweep()).toMatchObject({ committed: 3, failed: 0 });
    expect(await purchase(P1)).toMatchObject({ refunded: '30.00' });
    expect(await used()).toBe('30.00');
    expect(await sweep()).toMatchObject({ committed: 3 });
    expect(await used()).toBe('30.00');
  });

  it('reads past a message that it cannot read, and rejects at the end', async () => {
    const onConsentRescinded = () => Promise.reject(new Error('down'));
    const odd = { productId: 'gems', price: 30_001, customer: 'lin' };
    const worlds = [
      { deed: ({ fake }: ReturnType<typeof app>) => fake.buy(odd), error: { why: 'price' } },
      {
        deed({ fake }: ReturnType<typeof app>) {
          fake.buy({ productId: 'gems', customer: 'lin' });
          fake.rescindConsent('lin');
        },
        error: { message: 'down' },
      },
    ];
    for (const { deed, error } of worlds) {
      const world = app({ apple: { onConsentRescinded } });
      await world.begin();
      deed(world);
      world.buy();
      await expect(world.sweep()).rejects.toMatchObject(error);
      expect(await world.purchase(P1)).toMatchObject({ state: 'committed' });
    }
  });

  it.each([
    ['that Apple does not know', '2000000999999999', { apiError: 4_040_010 }],
    ['that is no id', 'order-1', { apiError: 4_000_006 }],
  ])('reads past a customer %s, and rejects at the end', async (_, unknown, error) => {
    const customers = [unknown];
    const { begin, buy, clock, purchase, sweep } = app({ apple: { customers: () => customers } });
    await begin();
    customers.push(buy());
    clock.at += 31 * DAY;
    await expect(sweep()).rejects.toMatchObject(error);
    expect(await purchase(P1)).toMatchObject({ state: 'committed' });
  });

  it('applies what it reads of one transaction in order, however slow the ledger is', async () => {
    const world = app();
    const { begin, buy, clock, confirm, deps, fake, limiter, problems, purchase } = world;
    await begin();
    const id = buy();
    await confirm(id);
    fake.refund(id);
    await world.deliver();
    clock.at += HOUR;
    fake.reverseRefund(id);
    clock.at += HOUR;
    fake.refund(id, 50_000);
    const slow: typeof limiter = {
      ...limiter,
      async reverseRefund(...given) {
        await new Promise((resolve) => setTimeout(resolve, 20));
        return limiter.reverseRefund(...given);
      },
    };
    await reconcile({ ...deps, limiter: slow, since: START });
    expect(await purchase(P1)).toMatchObject({ refunded: '15.00' });
    expect(problems).toEqual([]);
  });

  it('reads the transactions of the customers whom the operator names', async () => {
    const customers: string[] = [];
    const { begin, buy, clock, fake, purchase, sweep } = app({
      apple: { customers: () => customers },
    });
    await begin();
    customers.push(buy());
    for (let index = 0; index < 21; index += 1) buy();
    // Apple lists notifications of the sandbox for 30 days.
    clock.at += 31 * DAY;
    expect(await sweep()).toMatchObject({ committed: 22, failed: 0 });
    expect(fake.requests.some(({ target }) => target.includes('/v2/history/'))).toBe(true);
    expect(await purchase(P1)).toMatchObject({ late: true });
  });

  it('asks for no more than Apple lists, and fails if Apple does', async () => {
    const { fake, sweep } = app();
    expect(await sweep(0)).toMatchObject({ failed: 0 });
    expect(fake.requests[0]?.status).toBe(200);
    fake.fail({ kind: 'rate_limit' });
    await expect(sweep()).rejects.toMatchObject({ httpStatusCode: 429 });
  });
});
