import { setTimeout as sleep } from 'node:timers/promises';
import type { FakeWechatNotificationOptions } from '@spendcap/sandbox';
import { processorWebhook } from '@spendcap/server/payments';
import { describe, expect, it } from 'vitest';
import { allowed, createWorld } from './wechat-kit.ts';

async function paid(options: Parameters<typeof createWorld>[0] = {}) {
  const world = createWorld(options);
  allowed(await world.buy());
  world.fake.cashier.pay('order_1', 100);
  const [notice] = world.fake.notices;
  if (notice === undefined) return expect.fail('no notification');
  const send = (sending: FakeWechatNotificationOptions = {}) =>
    world.webhook(world.fake.notification(notice, sending));
  return { ...world, notice, send };
}

const bodyOf = async (response: Response) => [response.status, await response.text()];

describe('a notification of a payment', () => {
  it('commits the total, coupon included, and is acknowledged without a body', async () => {
    const { send, purchase, used, problems } = await paid();
    expect(await bodyOf(await send())).toEqual([204, '']);
    expect(await bodyOf(await send())).toEqual([204, '']);
    expect(await purchase()).toMatchObject({ state: 'committed', committed: '30.00' });
    expect(await used()).toBe('30.00');
    expect(problems).toEqual([]);
  });

  it('is committed late if the hold was released before', async () => {
    const { send, limiter, purchase } = await paid();
    await limiter.release('order_1');
    expect((await send()).status).toBe(204);
    expect(await purchase()).toMatchObject({ state: 'committed', late: true });
  });

  it.each(['unsigned', 'probe', 'wrong_serial', 'stale'] as const)(
    'that is %s is refused in WeChat’s words, and changes nothing',
    async (signature) => {
      const { send, purchase, problems } = await paid();
      const expected = '{"code":"FAIL","message":"signature or age invalid"}';
      expect(await bodyOf(await send({ signature }))).toEqual([401, expected]);
      expect((await purchase()).state).toBe('reserved');
      expect(problems).toEqual(['webhook_invalid']);
    },
  );

  it.each([
    ['another merchant', { mchid: '1900000002' }],
    ['another app', { appid: 'wx00000000000000bb' }],
    ['another amount', { amount: { total: 3_001, currency: 'CNY' } }],
    ['another currency', { amount: { total: 3_000, currency: 'USD' } }],
  ])('for %s is refused, and changes nothing', async (_, plaintext) => {
    const { send, purchase, problems } = await paid();
    const response = await send({ plaintext });
    expect([response.status, JSON.parse(await response.text()).code]).toEqual([400, 'FAIL']);
    expect((await purchase()).state).toBe('reserved');
    expect(problems).toHaveLength(1);
  });

  it.each([
    ['other associated data', { associated_data: 'refund' }],
    ['another nonce', { nonce: 'exampleNonce' }],
    ['another algorithm', { algorithm: 'AEAD_SM4_GCM' }],
  ])('sealed with %s is not opened', async (_, resource) => {
    const { send, purchase } = await paid();
    expect((await send({ resource })).status).toBe(401);
    expect((await purchase()).state).toBe('reserved');
  });

  it.each([
    ['no total', { amount: {} }, ['invalid_request']],
    ['a total of text', { amount: { total: '3000' } }, ['invalid_request']],
    ['no number', { out_trade_no: null }, ['invalid_request']],
    ['no state', { trade_state: 7 }, ['invalid_request']],
    ['an unpaid state', { trade_state: 'NOTPAY' }, []],
    ['an unknown state', { trade_state: 'NEW_STATE' }, []],
  ])('with %s changes nothing, and is reported if unreadable', async (_, plaintext, codes) => {
    const { send, purchase, problems } = await paid();
    expect((await send({ plaintext })).status).toBe(204);
    expect((await purchase()).state).toBe('reserved');
    expect(problems).toEqual(codes);
  });

  it('about an order that the guard has not made is acknowledged and reported', async () => {
    const { send, problems } = await paid();
    expect((await send({ plaintext: { out_trade_no: 'another_shop' } })).status).toBe(204);
    expect(problems).toEqual(['purchase_not_found']);
  });
});

it('is answered within five seconds, and settled if the ledger is slow', async () => {
  const { fake, notice, engine, limiter, purchase } = await paid();
  const slow: typeof limiter.commit = async (...args) => {
    await sleep(4_500);
    return limiter.commit(...args);
  };
  const webhook = processorWebhook({ ...engine, limiter: { ...limiter, commit: slow } });
  const started = performance.now();
  expect((await webhook(fake.notification(notice))).status).toBe(503);
  expect(performance.now() - started).toBeLessThan(5_000);
  await expect.poll(async () => (await purchase()).state, { timeout: 5_000 }).toBe('committed');
}, 20_000);

describe('the keys', () => {
  it.each(['certificate', 'public_key'] as const)('are both known, in mode %s', async (mode) => {
    const { send, purchase } = await paid({ mode });
    expect((await send({ by: 'certificate' })).status).toBe(204);
    expect((await send({ by: 'public_key' })).status).toBe(204);
    expect((await purchase()).state).toBe('committed');
  });

  it('follow a rotation of the platform certificate', async () => {
    const { fake, send, calls, purchase, notice, webhook } = await paid();
    const before = fake.notification(notice);
    fake.rotate();
    expect((await send()).status).toBe(204);
    expect((await purchase()).state).toBe('committed');
    expect((await webhook(before)).status).toBe(204);
    expect(calls().filter((call) => call === 'GET /v3/certificates')).toHaveLength(1);
  });

  it('are not downloaded for every invented serial number', async () => {
    const { fake, notice, webhook, calls, advance } = await paid();
    const forge = (serial: string) => {
      const request = fake.notification(notice);
      request.headers.set('wechatpay-serial', serial);
      return webhook(request);
    };
    for (const serial of ['AAAAAAAA', 'BBBBBBBB', 'PUB_KEY_ID_7', 'CCCCCCCC']) {
      expect((await forge(serial)).status).toBe(401);
    }
    const downloads = () => calls().filter((call) => call === 'GET /v3/certificates').length;
    expect(downloads()).toBe(1);
    advance(1);
    await forge('DDDDDDDD');
    expect(downloads()).toBe(2);
  });

  it('are not used once their certificate has expired', async () => {
    const { send, advance, purchase } = await paid();
    advance(5 * 365 * 24 * 60);
    expect((await send({ by: 'certificate' })).status).toBe(401);
    expect((await purchase()).state).toBe('reserved');
    expect((await send({ by: 'public_key' })).status).toBe(204);
  });

  it.each([
    ['drop', {}],
    ['error', {}],
    ['rate_limit', {}],
    ['refuse', { status: 401, code: 'SIGN_ERROR' }],
  ] as const)(
    'that cannot be downloaded (%s) have the notification sent again, and are reported',
    async (kind, answer) => {
      const { fake, send, purchase, problems } = await paid();
      fake.rotate();
      fake.fail({ kind, ...answer, on: '/v3/certificates' });
      expect((await send()).status).toBe(503);
      expect((await purchase()).state).toBe('reserved');
      expect(problems).toEqual(['outcome_unknown']);
      expect((await send()).status).toBe(204);
      expect((await purchase()).state).toBe('committed');
    },
  );

  it.each(['unsigned', 'probe', 'wrong_serial', 'stale'] as const)(
    'are not taken from a list that is %s: it is downloaded again a minute later',
    async (kind) => {
      const { advance, calls, fake, send, purchase, problems } = await paid();
      fake.rotate();
      fake.fail({ kind, on: '/v3/certificates' });
      expect([(await send()).status, (await send()).status]).toEqual([503, 503]);
      expect((await purchase()).state).toBe('reserved');
      expect(problems).toEqual(['outcome_unknown', 'outcome_unknown']);
      expect(calls().filter((call) => call === 'GET /v3/certificates')).toHaveLength(1);
      advance(1);
      expect((await send()).status).toBe(204);
    },
  );

  it('that cannot be downloaded leave the outcome of a call open', async () => {
    const { buy, fake, purchase } = createWorld();
    fake.fail({ kind: 'wrong_serial', on: '/v3/pay/transactions/jsapi' });
    const refusal = { kind: 'refuse', status: 401, code: 'SIGN_ERROR' } as const;
    fake.fail({ ...refusal, on: '/v3/certificates' });
    await expect(buy()).rejects.toMatchObject({ code: 'outcome_unknown', retryable: true });
    expect((await purchase()).state).toBe('reserved');
    expect(await buy()).toMatchObject({ allowed: true });
  });
});

describe('refunds', () => {
  const REFUND = { out_trade_no: 'order_1', out_refund_no: 'r_1' };

  async function bought() {
    const world = await paid();
    await world.deliverAll();
    return { ...world, refunded: async () => (await world.purchase()).refunded };
  }

  it('give back the part of the total once WeChat says SUCCESS', async () => {
    const { guard, fake, deliverAll, refunded, used } = await bought();
    const refund = { ...REFUND, amount: { refund: 1_000, total: 3_000 } };
    expect(await guard.refunds.create(refund)).toMatchObject({ status: 'PROCESSING' });
    expect(await refunded()).toBe('0.00');
    fake.cashier.finishRefund('r_1', 'SUCCESS');
    await deliverAll();
    await deliverAll();
    expect([await refunded(), await used()]).toEqual(['10.00', '20.00']);
    // A retry reports the same refund.
    expect(await guard.refunds.create(refund)).toMatchObject({ status: 'SUCCESS' });
    expect(await refunded()).toBe('10.00');
  });

  it('are counted once, by a notice that the next platform certificate has signed', async () => {
    const { guard, fake, webhook, calls, refunded } = await bought();
    await guard.refunds.create({ ...REFUND, amount: { refund: 1_000, total: 3_000 } });
    fake.rotate();
    fake.cashier.finishRefund('r_1', 'SUCCESS');
    const notice = fake.notices.at(-1);
    if (notice === undefined) return expect.fail('no notification');
    const downloads = () => calls().filter((call) => call === 'GET /v3/certificates').length;
    const before = downloads();
    for (const signature of ['wrong_serial', undefined, undefined] as const) {
      const request = fake.notification(notice, signature === undefined ? {} : { signature });
      expect((await webhook(request)).status).toBe(signature === undefined ? 204 : 401);
      expect(await refunded()).toBe(signature === undefined ? '10.00' : '0.00');
    }
    expect(downloads()).toBe(before + 1);
  });

  it('give nothing back while ABNORMAL, or if CLOSED, in any order', async () => {
    const { guard, fake, deliverAll, refunded, webhook } = await bought();
    await guard.refunds.create({ ...REFUND, amount: { refund: 3_000, total: 3_000 } });
    fake.cashier.finishRefund('r_1', 'ABNORMAL');
    await deliverAll();
    expect(await refunded()).toBe('0.00');
    fake.cashier.finishRefund('r_1', 'CLOSED');
    await deliverAll();
    expect(await refunded()).toBe('0.00');
    await guard.refunds.create({
      ...REFUND,
      out_refund_no: 'r_2',
      amount: { refund: 3_000, total: 3_000 },
    });
    fake.cashier.finishRefund('r_2', 'ABNORMAL');
    fake.cashier.finishRefund('r_2', 'SUCCESS');
    for (const notice of [...fake.notices].reverse()) {
      expect((await webhook(fake.notification(notice))).status).toBe(204);
    }
    expect(await refunded()).toBe('30.00');
  });

  it('whose notification was lost are found by their number', async () => {
    const { guard, fake, refunded } = await bought();
    await guard.refunds.create({ ...REFUND, amount: { refund: 500, total: 3_000 } });
    fake.cashier.finishRefund('r_1', 'SUCCESS');
    expect(await guard.refunds.get('r_1')).toMatchObject({ status: 'SUCCESS' });
    expect(await refunded()).toBe('5.00');
    await expect(guard.refunds.get('a/b')).rejects.toThrow('out_refund_no');
  });

  it('commit a payment whose own notification was lost', async () => {
    const { guard, fake, webhook, purchase } = await paid();
    await guard.refunds.create({ ...REFUND, amount: { refund: 500, total: 3_000 } });
    expect((await purchase()).state).toBe('committed');
    fake.cashier.finishRefund('r_1', 'SUCCESS');
    const last = fake.notices.at(-1);
    if (last !== undefined) await webhook(fake.notification(last));
    expect(await purchase()).toMatchObject({ committed: '30.00', refunded: '5.00' });
  });

  it('name an order, by a number that one can have', async () => {
    const { guard, fake } = await bought();
    const count = fake.requests.length;
    const wrong = { ...REFUND, out_trade_no: '../x', amount: { refund: 1, total: 3_000 } };
    await expect(guard.refunds.create(wrong)).rejects.toThrow(TypeError);
    expect(fake.requests).toHaveLength(count);
  });

  it.each([
    ['refund', { refund: 0.5, total: 3_000 }],
    ['total', { refund: 1, total: 0 }],
  ])('are of whole fen: not %s', async (name, amount) => {
    const { guard, fake } = await bought();
    const count = fake.requests.length;
    const call = guard.refunds.create({ ...REFUND, amount });
    await expect(call).rejects.toMatchObject({ code: 'invalid_amount' });
    await expect(call).rejects.toThrow(`amount.${name}`);
    expect(fake.requests).toHaveLength(count);
  });

  it('of an order or a number that WeChat does not know are no unknown outcome', async () => {
    const { guard } = await bought();
    const refund = { ...REFUND, amount: { refund: 500, total: 3_000 } };
    const other = guard.refunds.create({ ...refund, out_trade_no: 'order_9' });
    for (const call of [other, guard.refunds.get('r_9')]) {
      await expect(call).rejects.toMatchObject({ name: 'WechatPayError', status: 404 });
    }
  });

  it('that are refused say so, and those with an unknown outcome too', async () => {
    const { guard, fake, refunded } = await bought();
    const refund = { ...REFUND, amount: { refund: 500, total: 3_000 } };
    fake.fail({ kind: 'refuse', status: 403, code: 'NOT_ENOUGH' });
    await expect(guard.refunds.create(refund)).rejects.toThrow('403 NOT_ENOUGH');
    fake.fail({ kind: 'drop' });
    await expect(guard.refunds.create(refund)).rejects.toMatchObject({ code: 'outcome_unknown' });
    expect(await guard.refunds.create(refund)).toMatchObject({ status: 'PROCESSING' });
    expect(fake.refunds()).toHaveLength(1);
    expect(await refunded()).toBe('0.00');
  });
});
