import { type DeviceProcessor, type NotificationDialect, SpendcapError } from '@spendcap/core';
import { processorWebhook } from '@spendcap/server/payments';
import { describe, expect, it, vi } from 'vitest';
import {
  cny,
  dialect,
  held,
  paid,
  Refusal,
  START,
  says,
  scripted,
  unavailable,
} from './engine-kit.ts';

type Body = string | ReadableStream;

const request = (body: Body = 'notice') =>
  new Request('https://shop.example/notices', {
    ...{ method: 'POST', body, duplex: 'half' },
  } as RequestInit);

async function endpoint(change: Partial<NotificationDialect> = {}, changed = {}) {
  const processor = scripted({ notifications: dialect(change) });
  const world = await held(processor);
  const { deps, onProblem } = world;
  const limiter = { ...world.base, ...changed };
  const webhook = processorWebhook({ ...deps, limiter, onProblem });
  const send = async (sent = request()) => (await webhook(sent)).text();
  return { ...world, send, webhook };
}

const throws = (error: unknown) => () => Promise.reject(error);
const never = () => new Promise<never>(() => undefined);

describe('what a notification comes to', () => {
  it.each<[string, Partial<NotificationDialect>, readonly string[]]>([
    ['settled', {}, []],
    ['ignored', { read: async () => [] }, []],
    ['forged', { verify: async () => null }, ['webhook_invalid']],
    ['refused', { verify: async () => 'refused' }, ['webhook_invalid']],
    ['retry', { verify: throws(new TypeError('no certificate')) }, ['outcome_unknown']],
    ['retry', { verify: throws(new Refusal('403')) }, ['outcome_unknown']],
    ['retry', { verify: throws(new SpendcapError('outcome_unknown', '')) }, ['outcome_unknown']],
    ['retry', { verify: throws(new SpendcapError('clock_invalid', '')) }, ['clock_invalid']],
    ['retry', { read: throws(new TypeError('fetch failed')) }, ['outcome_unknown']],
    ['ignored', { read: throws(new Refusal('404')) }, ['purchase_not_found']],
    ['ignored', { read: throws(new SpendcapError('invalid_amount', '')) }, ['invalid_amount']],
    ['retry', { read: throws(new SpendcapError('store_unavailable', '')) }, []],
    ['too_large', { maxBytes: 5 }, []],
    ['settled', { maxBytes: 6 }, []],
  ])('%s, %#', async (result, change, codes) => {
    const world = await endpoint(change);
    expect(await world.send()).toBe(result);
    expect(world.codes()).toEqual(codes);
    const { state } = await world.purchase();
    expect(state).toBe(result === 'settled' ? 'committed' : 'reserved');
  });

  it('reports where it comes from, and nothing that it says', async () => {
    const world = await endpoint({ read: async () => [paid({ purchaseId: 'p9' })] });
    expect(await world.send()).toBe('ignored');
    expect(world.problems).toEqual([
      {
        ...{ processor: 'test_pay', purchaseId: 'p9', messageId: 'm1', messageType: 'paid' },
        ...{ code: 'purchase_not_found', message: 'The ledger has no purchase with this id.' },
      },
    ]);
  });

  it.each([
    [null, 'The signature or age of a notification is wrong. Check the secret and the clock.'],
    ['refused', 'A notification is for another merchant or app.'],
  ] as const)(
    'that is %s is reported without a name, and with the remedy',
    async (said, message) => {
      const world = await endpoint({ verify: async () => said });
      await world.send();
      expect(world.problems).toEqual([
        {
          ...{ processor: 'test_pay', purchaseId: null, messageId: null, messageType: null },
          ...{ code: 'webhook_invalid', message },
        },
      ]);
    },
  );

  it('of a store on the device is settled, or ignored if nobody is known to have paid', async () => {
    const { base, order } = await held();
    const read = async () => [
      {
        ...{ reference: 't1', purchaseId: null, renewalOf: null, product: null, account: null },
        ...{ state: 'purchased' as const, chargedAt: START, captured: cny('1.00'), refunds: [] },
      },
    ];
    const processor: DeviceProcessor = {
      name: 'test_store',
      traits: { startedBy: 'device', reference: (id) => id, holdSeconds: 60, refunds: 'partial' },
      outcomeOf: () => 'unknown',
      notifications: { ...dialect(), read },
    };
    for (const [payer, result] of [
      [null, 'ignored'],
      [{ evidence: order.evidence }, 'settled'],
    ] as const) {
      const deps = { processor, limiter: base, now: () => START, playerOf: () => payer };
      const response = await processorWebhook(deps)(request());
      expect(await response.text()).toBe(result);
    }
    expect(await base.get('test_store:t1')).toMatchObject({ committed: '1.00' });
  });

  it('is answered in the type that the processor expects, or in none', async () => {
    const reply: NotificationDialect['reply'] = () => ({
      ...{ status: 202, contentType: 'text/x-ok', body: 'OK' },
    });
    const typed = await (await endpoint({ reply })).webhook(request());
    expect([typed.status, typed.headers.get('content-type')]).toEqual([202, 'text/x-ok']);
    expect(await typed.text()).toBe('OK');
    const bare = await endpoint({ reply: () => ({ status: 204 }) });
    const none = await bare.webhook(request());
    expect([none.status, none.headers.get('content-type'), none.body]).toEqual([204, null, null]);
  });

  it('without a body is verified as empty', async () => {
    const lengths: number[] = [];
    const verify: NotificationDialect['verify'] = async ({ body }) => {
      lengths.push(body.byteLength);
      return { id: 'm1', type: 'paid', payload: null };
    };
    const world = await endpoint({ verify });
    const empty = new Request('https://shop.example/notices', { method: 'POST' });
    expect([await world.send(empty), lengths]).toEqual(['settled', [0]]);
  });

  it('about several purchases applies each, and names the worst', async () => {
    const strange = paid({ captured: cny('1.001') });
    const world = await endpoint({
      read: async () => [strange, paid({ purchaseId: 'p9' }), paid()],
    });
    expect(await world.send()).toBe('refused');
    expect(world.codes()).toEqual(['invalid_amount', 'purchase_not_found']);
    expect(world.problems.map(({ purchaseId }) => purchaseId)).toEqual(['p1', 'p9']);
    expect(await world.purchase()).toMatchObject({ state: 'committed' });
  });

  it('about an id that no purchase can have applies the others', async () => {
    const world = await endpoint({ read: async () => [paid({ purchaseId: '' }), paid()] });
    expect(await world.send()).toBe('settled');
    expect(world.codes()).toEqual(['invalid_request']);
    expect(await world.purchase()).toMatchObject({ state: 'committed' });
  });

  it('is to be sent again while the ledger is unavailable, before and after the commit', async () => {
    const refunds = [{ id: 'r1', amount: cny('10.00'), state: 'succeeded' as const }];
    const read = async () => [paid({ refunds })];
    for (const verb of ['get', 'commit', 'refund']) {
      const world = await endpoint({ read }, { [verb]: unavailable });
      expect(await world.send()).toBe('retry');
      expect(world.codes()).toEqual([]);
      await processorWebhook(world.deps)(request());
      expect(await world.purchase()).toMatchObject({ committed: '30.00', refunded: '10.00' });
    }
  });
});

describe('the body of a notification', () => {
  it.each<[string, (sent: Request) => unknown]>([
    ['read', (sent) => sent.text()],
    ['locked', (sent) => sent.body?.getReader()],
  ])('that was %s before is refused loudly', async (_, consume) => {
    const world = await endpoint();
    const sent = request();
    await consume(sent);
    const response = await world.webhook(sent);
    expect([response.status, world.codes()]).toEqual([500, ['webhook_body_parsed']]);
    expect(await response.json()).toEqual({
      ...{ received: false, outcome: 'webhook_body_parsed', detail: world.problems[0]?.message },
    });
  });

  it('that an adapter has written again is refused, and warned of if nobody listens', async () => {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    const world = await endpoint();
    const parsed = () => Object.assign(request(), { [Symbol.for('spendcap.parsed-body')]: true });
    expect((await world.webhook(parsed())).status).toBe(500);
    expect([world.codes(), warn.mock.calls]).toEqual([['webhook_body_parsed'], []]);
    const response = await processorWebhook(world.deps)(parsed());
    expect(await response.json()).toMatchObject({ received: false });
    const text = 'A body parser consumed the signed bytes.';
    expect(warn.mock.calls).toEqual([[expect.stringContaining(text), 'SpendcapWarning']]);
    expect(await world.purchase()).toMatchObject({ state: 'reserved' });
    warn.mockRestore();
  });

  it('in several parts is verified and read as a whole', async () => {
    const bodies: string[] = [];
    const verify: NotificationDialect['verify'] = async ({ body }) => {
      bodies.push(new TextDecoder().decode(body));
      return { id: 'm1', type: 'paid', payload: null };
    };
    const world = await endpoint({ verify });
    for (const parts of [['notice'], ['no', 'ti', 'ce'], []]) {
      const body = new ReadableStream({
        start(controller) {
          for (const part of parts) controller.enqueue(new TextEncoder().encode(part));
          controller.close();
        },
      });
      expect(await world.send(request(body))).toBe('settled');
    }
    expect(bodies).toEqual(['notice', 'notice', '']);
  });

  it('that breaks off is to be sent again', async () => {
    const world = await endpoint();
    const body = new ReadableStream({
      pull: (controller) => controller.error(new Error('aborted')),
    });
    expect(await world.send(request(body))).toBe('retry');
  });

  it('is not read on once it is too large', async () => {
    const world = await endpoint({ maxBytes: 10 });
    let pulled = 0;
    const body = new ReadableStream({
      pull(controller) {
        pulled += 1;
        controller.enqueue(new Uint8Array(4));
      },
    });
    expect(await world.send(request(body))).toBe('too_large');
    expect(pulled).toBeLessThan(6);
  });
});

describe('the deadline', () => {
  it.each<[string, Partial<NotificationDialect>, Body]>([
    ['verifying', { verify: never }, 'notice'],
    ['reading', { read: never }, 'notice'],
    ['the body', {}, new ReadableStream({ pull: never })],
  ])('is kept, however long %s takes', async (_, change, body) => {
    const world = await endpoint({ deadlineMs: 20, ...change });
    expect(await world.send(request(body))).toBe('retry');
  });

  it('is none for a processor that names none', async () => {
    const verify: NotificationDialect['verify'] = async () => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      return { id: 'm1', type: 'paid', payload: null };
    };
    expect(await (await endpoint({ verify })).send()).toBe('settled');
  });

  it('leaves what was begun to go on, and to fail without a sound', async () => {
    let go: (value: unknown) => void = () => undefined;
    const wait = new Promise((resolve) => {
      go = resolve;
    });
    const read = async () => {
      await wait;
      return [paid()];
    };
    const world = await endpoint({ deadlineMs: 20, read });
    expect(await world.send()).toBe('retry');
    go(null);
    await expect.poll(async () => (await world.purchase()).state).toBe('committed');
  });
});

it('says which method it takes, and needs a processor that notifies', async () => {
  const { webhook, deps } = await endpoint();
  const response = await webhook(new Request('https://shop.example/'));
  expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST']);
  expect(() => processorWebhook({ ...deps, processor: scripted() })).toThrow(
    'without the option for notifications',
  );
});

it.each<[string, () => unknown]>([
  ['rejects', () => Promise.reject(new Error('the listener'))],
  [
    'throws',
    () => {
      throw new Error('the listener');
    },
  ],
])('a listener that %s changes nothing but a warning', async (_, onProblem) => {
  const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
  const world = await endpoint({ read: async () => [says({ purchaseId: 'p9' })] });
  const webhook = processorWebhook({ ...world.deps, onProblem });
  expect((await webhook(request())).status).toBe(200);
  const warning = ['An onProblem listener of spendcap threw.', 'SpendcapWarning'];
  expect(warn.mock.calls).toEqual([warning]);
  warn.mockRestore();
});
