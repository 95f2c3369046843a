import { createHash } from 'node:crypto';
import { cnGame, type DeviceProcessor, parseMoney } from '@spendcap/core';
import { createLimiter } from '@spendcap/server';
import {
  applyDeviceCharge,
  beginDevicePurchase,
  type DeviceDeps,
  type PaymentProblem,
  processorWebhook,
} from '@spendcap/server/payments';
import {
  oppoChannel,
  type SignedCallbackOptions,
  signedCallbackProcessor,
  vivoChannel,
  xiaomiChannel,
} from '@spendcap/server/payments/signed-callback';
import { processorSuite } from '@spendcap/server/testing';
import { describe, expect, it, test } from 'vitest';
import { anyStore } from '../../../support/any-store.ts';
import { cny, evidenceOf, START } from '../engine-kit.ts';
import { APP_ID, fakeChannel, type Payment, PUBLIC_KEY, SECRET, type SENDERS } from './fake.ts';

const lin = { evidence: evidenceOf() };
const CHANNELS: Readonly<Record<keyof typeof SENDERS, SignedCallbackOptions>> = {
  xiaomi: xiaomiChannel({ appId: APP_ID, appSecret: SECRET }),
  oppo: oppoChannel({ publicKey: PUBLIC_KEY }),
  oppo_mini_game: oppoChannel({ publicKey: PUBLIC_KEY, kind: 'mini_game' }),
  vivo: vivoChannel({ appId: APP_ID, appKey: SECRET }),
};
const KINDS = Object.keys(CHANNELS) as (keyof typeof SENDERS)[];

/** A game of a player of 12, who may spend 50 at a time. */
function game(kind: keyof typeof SENDERS, change: Partial<DeviceDeps> = {}) {
  const clock = { at: START };
  const now = () => clock.at;
  const limiter = createLimiter({ policy: cnGame(), store: anyStore(), now });
  const problems: PaymentProblem[] = [];
  const onProblem = (problem: PaymentProblem) => problems.push(problem);
  const processor = signedCallbackProcessor({ ...CHANNELS[kind], now });
  const deps = { processor, limiter, now, onProblem, ...change };
  const webhook = processorWebhook(deps);
  return {
    ...{ clock, limiter, webhook, fake: fakeChannel(kind) },
    begin: (id = 'order-1', amount = '30.00') =>
      beginDevicePurchase(deps, { id, ...lin, ...cny(amount) }),
    async receive(request: Request) {
      const response = await webhook(request);
      return [response.status, await response.text()] as const;
    },
    purchase: (id = 'order-1') => limiter.get(id),
    codes: () => problems.map(({ code }) => code),
  };
}

const bodies = (kind: keyof typeof SENDERS) => {
  const { success, failure } = CHANNELS[kind].answers;
  return { success: success.body, failure: failure.body };
};

describe.each(KINDS)('%s', (kind) => {
  const { success, failure } = bodies(kind);

  it('commits what was held, once, and answers in its words', async () => {
    const { begin, codes, fake, purchase, receive } = game(kind);
    expect(await begin()).toMatchObject({ allowed: true, reference: 'order-1' });
    fake.pay('order-1', 3_000);
    for (const request of [...fake.callbacks(), ...fake.callbacks()]) {
      expect(await receive(request)).toEqual([200, success]);
    }
    expect(await purchase()).toMatchObject({ state: 'committed', committed: '30.00' });
    expect(codes()).toEqual([]);
  });

  it('counts another amount than was held, because the device names it', async () => {
    const { begin, fake, purchase, receive } = game(kind);
    await begin();
    await receive(fake.callback(fake.pay('order-1', 64_800)));
    expect(await purchase()).toMatchObject({ state: 'committed', committed: '648.00' });
  });

  it('takes nothing that is not signed by the channel', async () => {
    const { begin, codes, fake, purchase, receive } = game(kind);
    await begin();
    const sent = fake.callback(fake.pay('order-1', 3_000));
    const text = sent.method === 'GET' ? new URL(sent.url).search.slice(1) : await sent.text();
    const forged = [
      text.replace('3000', '1000'),
      text.replace('order-1', 'order-2'),
      `${text}&extra=1`.replace(/&sign(ature)?=[^&]*/, ''),
      text.replace(/(sign|signature)=[^&]{8}/, '$1=AAAAAAAA'),
      `${text}&${text.split('&')[0]}`,
      '',
    ];
    for (const body of forged) {
      const request =
        sent.method === 'GET'
          ? new Request(`https://game.example/notices?${body}`)
          : new Request(sent.url, { method: 'POST', body, headers: sent.headers });
      expect(await receive(request)).toEqual([401, failure]);
    }
    expect(new Set(codes())).toEqual(new Set(['webhook_invalid']));
    expect(await purchase()).toMatchObject({ state: 'reserved' });
  });

  it('refuses an amount that is no price, and changes nothing', async () => {
    const { begin, codes, fake, purchase, receive } = game(kind);
    await begin();
    const payment = fake.pay('order-1', 3_000);
    const field = CHANNELS[kind].fields.amount;
    for (const amount of ['NaN', '-3000', '0', '3000.5', '1e3', '']) {
      await receive(fake.callback(payment, { [field]: amount }));
    }
    expect(codes()).toEqual(Array(6).fill('invalid_amount'));
    expect(await purchase()).toMatchObject({ state: 'reserved' });
  });
});

describe.each(['xiaomi', 'vivo'] as const)('%s', (kind) => {
  it('leaves the hold while nothing was paid', async () => {
    const { begin, fake, purchase, receive } = game(kind);
    await begin();
    const payment = fake.pay('order-1', 3_000, false);
    expect(await receive(fake.callback(payment))).toEqual([200, bodies(kind).success]);
    expect(await purchase()).toMatchObject({ state: 'reserved' });
    payment.isPaid = true;
    await receive(fake.callback(payment));
    expect(await purchase()).toMatchObject({ state: 'committed' });
  });

  it('refuses a callback for another game', async () => {
    const { begin, codes, fake, purchase, receive } = game(kind);
    await begin();
    const other = fake.callback(fake.pay('order-1', 3_000), { appId: '1' });
    expect(await receive(other)).toEqual([403, bodies(kind).failure]);
    expect(codes()).toEqual(['webhook_invalid']);
    expect(await purchase()).toMatchObject({ state: 'reserved' });
  });

  it('counts what had no hold for the player of its account', async () => {
    const playerOf = ({ account }: { readonly account: string | null }) =>
      account === 'u-1' ? lin : null;
    const { fake, limiter, receive } = game(kind, { playerOf });
    await receive(fake.callback(fake.pay('unknown', 3_000)));
    const { limits } = await limiter.allowance(lin);
    expect(limits.find(({ period }) => period === 'month')?.used).toBe('30.00');
  });
});

describe('a channel as data', () => {
  const base: SignedCallbackOptions = {
    ...{ name: 'own_channel', from: 'json' },
    signature: {
      ...{ field: 'sign', order: 'sorted' },
      scheme: {
        ...{ kind: 'digest', hash: 'md5', template: '{text}&key={secret}' },
        secret: SECRET,
      },
    },
    fields: { orderId: 'cp_order', reference: 'order', amount: 'money' },
    paid: { status: '2' },
    amount: { currency: 'CNY', unit: 'major' },
    answers: { success: { body: 'SUCCESS' }, failure: { body: 'FAIL', status: 200 } },
  };

  const sendJson = (values: Readonly<Record<string, unknown>>): Request => {
    const text = Object.entries(values)
      .filter(([, value]) => value !== '')
      .toSorted(([some], [other]) => (some < other ? -1 : 1))
      .map(([name, value]) => `${name}=${value}`)
      .join('&');
    const sign = createHash('md5').update(`${text}&key=${SECRET}`).digest('hex').toUpperCase();
    const body = JSON.stringify({ ...values, sign });
    return new Request('https://game.example/notices', { method: 'POST', body });
  };

  it('may send JSON with yuan and numbers', async () => {
    const now = () => START;
    const limiter = createLimiter({ policy: cnGame(), store: anyStore(), now });
    const deps = { processor: signedCallbackProcessor({ ...base, now }), limiter, now };
    await beginDevicePurchase(deps, { id: 'order-1', ...lin, ...cny('30.00') });
    const webhook = processorWebhook(deps);
    const values = { cp_order: 'order-1', order: 'X1', money: '30.00', status: 2, note: '' };
    const nested = await webhook(sendJson({ ...values, note: { deep: 1 } }));
    expect([nested.status, await nested.text()]).toEqual([200, 'FAIL']);
    expect(await limiter.get('order-1')).toMatchObject({ state: 'reserved' });
    const paid = await webhook(sendJson(values));
    expect([paid.status, await paid.text()]).toEqual([200, 'SUCCESS']);
    expect(await limiter.get('order-1')).toMatchObject({ state: 'committed', committed: '30.00' });
  });

  it.each([
    ['name', { name: 'Own Channel' }],
    ['from', { from: 'xml' }],
    ['fields', { fields: { orderId: 'a', reference: 'b' } }],
    ['amount', { amount: { currency: 'XYZ', unit: 'minor' } }],
    ['answers', { answers: { success: { body: 'ok' } } }],
    ['signature.field', { signature: { ...base.signature, field: '' } }],
    ['signature.order', { signature: { ...base.signature, order: 'any' } }],
    ['hash', { signature: { ...base.signature, scheme: { kind: 'hmac', hash: 'crc' } } }],
    [
      'template',
      {
        signature: { ...base.signature, scheme: { ...base.signature.scheme, template: '{text}' } },
      },
    ],
    [
      'publicKey',
      { signature: { ...base.signature, scheme: { kind: 'rsa', hash: 'sha1', publicKey: 'x' } } },
    ],
    ['paid.status', { paid: { status: 2 } }],
    ['expects.appId', { expects: { appId: undefined } }],
    ['expects', { expects: 'appId' }],
    ['maxOrderIdLength', { maxOrderIdLength: 0 }],
    ['now', { now: 5 }],
  ])('is refused with a wrong %s, and no secret is quoted', (name, change) => {
    const make = () => signedCallbackProcessor({ ...base, ...change } as SignedCallbackOptions);
    expect(make).toThrow(TypeError);
    expect(make).toThrow(name);
    expect(make).not.toThrow(SECRET);
  });

  it('takes order numbers that fit', () => {
    const { reference } = signedCallbackProcessor(base).traits;
    expect(reference('o'.repeat(32))).toBe('o'.repeat(32));
    for (const id of ['o'.repeat(33), 'a b', '']) expect(() => reference(id)).toThrow(TypeError);
  });
});

describe('the conformance suite', () => {
  processorSuite({
    test: test.concurrent,
    open({ limiter, now }) {
      const channel = fakeChannel('vivo');
      const made = signedCallbackProcessor({ ...CHANNELS.vivo, holdSeconds: 172_800, now });
      // A channel lists nothing, so that there is nothing to reconcile.
      const processor = { ...made, async *sweep() {} };
      const deps = { processor, limiter, now };
      const last = new Map<string, Payment>();
      const prices = new Map<string, number>();
      const pay = (id: string, isPaid: boolean) =>
        last.set(id, channel.pay(id, prices.get(id) ?? 3_000, isPaid));
      return {
        processor,
        start({ id, amount, evidence }) {
          prices.set(id, parseMoney(amount, 'CNY'));
          return beginDevicePurchase(deps, { id, amount, currency: 'CNY', evidence });
        },
        pay: async (id) => void pay(id, true),
        notifications: channel.callbacks,
        charges: () => 0,
        failNext: () => undefined,
        startsLocally: true,
        device: {
          async confirm(id, evidence) {
            const payment = last.get(id);
            if (payment === undefined) throw new Error('Nothing was paid.');
            const [charge] = await chargesIn(processor, channel.callback(payment));
            if (charge === undefined) throw new Error('The callback says nothing.');
            return applyDeviceCharge(deps, charge, { player: { evidence } });
          },
          ask: async (id) => void pay(id, false),
          async approve(id) {
            const payment = last.get(id);
            if (payment !== undefined) payment.isPaid = true;
          },
        },
      };
    },
  });
});

/** What a callback says, for a game that confirms with it in the name of a player. */
async function chargesIn({ notifications }: DeviceProcessor, request: Request) {
  const body = new Uint8Array(await request.arrayBuffer());
  const header = (name: string) => request.headers.get(name);
  const message = await notifications?.verify({ url: request.url, header, body }, START);
  if (message == null || message === 'refused') throw new Error('The callback is not verified.');
  return notifications?.read(message) ?? [];
}
