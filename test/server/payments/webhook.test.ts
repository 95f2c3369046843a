import { type NotificationDialect, SpendcapError } from '@spendcap/core';
import { processorWebhook } from '@spendcap/server/payments';
import { describe, expect, it } from 'vitest';
import { cny, dialect, held, paid, Refusal, says, scripted, unavailable } from './engine-kit.ts';

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
    expect(await response.json()).toMatchObject({ outcome: 'webhook_body_parsed' });
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
  expect(() => processorWebhook({ ...deps, processor: scripted() })).toThrow('no notifications');
});

it.each<[string, () => unknown]>([
  ['rejects', () => Promise.reject(new Error('the listener'))],
  [
    'throws',
    () => {
      throw new Error('the listener');
    },
  ],
])('a listener that %s changes nothing', async (_, onProblem) => {
  const world = await endpoint({ read: async () => [says({ purchaseId: 'p9' })] });
  const webhook = processorWebhook({ ...world.deps, onProblem });
  expect((await webhook(request())).status).toBe(200);
});
