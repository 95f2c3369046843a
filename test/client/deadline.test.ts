import {
  type CheckoutOutcome,
  type Client,
  createClient,
  type Fetch,
  type FetchInit,
} from '@spendcap/client';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { allowed, answer, fakeFetch, paid, receipt } from './fake-api.ts';

const url = 'https://pay.example/spendcap';
const purchase = { amount: '48.00', currency: 'CNY' };
const never = () => new Promise<never>(() => undefined);

/** A server that accepts the connection and never answers. */
function silent() {
  const calls: FetchInit[] = [];
  const fetch: Fetch = (_, init) => {
    calls.push(init);
    return never();
  };
  return { calls, fetch };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** How a promise is settled after some time: `pending` or what it rejected with. */
async function stateAfter(ms: number, promise: Promise<unknown>): Promise<unknown> {
  let state: unknown = 'pending';
  promise.then(
    () => (state = 'resolved'),
    (error) => (state = error),
  );
  await vi.advanceTimersByTimeAsync(ms);
  return state;
}

/** Rejects with the error of a checkout in which nothing was paid. */
async function errorOf(checkout: Promise<CheckoutOutcome<unknown>>): Promise<never> {
  const outcome = await checkout;
  throw outcome.status === 'failed' ? outcome.error : outcome;
}

describe('the time limit', () => {
  test.each<[string, (client: Client, pay: typeof paid) => Promise<unknown>]>([
    ['allowance', (client) => client.allowance()],
    ['check', (client) => client.check(purchase)],
    ['checkout', (client, pay) => errorOf(client.checkout(purchase, pay))],
  ])('of %s is 10 s by default, and aborts the request', async (_, start) => {
    const { calls, fetch } = silent();
    const pay = vi.fn(paid);
    const call = start(createClient({ url, ageToken: 't', fetch }), pay);
    expect(await stateAfter(9_999, call)).toBe('pending');
    expect(calls[0]?.signal?.aborted).toBe(false);
    expect(await stateAfter(1, call)).toMatchObject({
      name: 'SpendcapClientError',
      code: 'timeout',
      status: 0,
      retryable: true,
      message: 'No response from https://pay.example within 10000 ms.',
    });
    expect(calls[0]?.signal?.aborted).toBe(true);
    expect(pay).not.toHaveBeenCalled();
  });

  test('is what `timeoutMs` says', async () => {
    const { fetch } = silent();
    const client = createClient({ url, ageToken: 't', fetch, timeoutMs: 250 });
    expect(await stateAfter(250, client.allowance())).toMatchObject({ code: 'timeout' });
  });

  test.each([
    ['an age token', { ageToken: never }],
    ['a proof', { signer: never }],
    ['a body', { fetch: async () => ({ status: 200, json: never }) }],
  ])('includes the wait for %s', async (_, extra) => {
    const { fetch } = fakeFetch(answer(allowed));
    const client = createClient({ url, ageToken: 't', fetch, ...extra });
    expect(await stateAfter(10_000, client.check(purchase))).toMatchObject({ code: 'timeout' });
  });

  test('includes the wait for the proof of a purchase, before anything is paid', async () => {
    const { fetch } = fakeFetch(answer(allowed));
    const signer = ({ url }: { url: string }) =>
      url.endsWith('/v1/purchases') ? never() : Promise.resolve('proof');
    const pay = vi.fn();
    const client = createClient({ url, ageToken: 't', fetch, signer });
    expect(await stateAfter(10_000, errorOf(client.checkout(purchase, pay)))).toMatchObject({
      code: 'timeout',
    });
    expect(pay).not.toHaveBeenCalled();
  });

  test('does not end a payment, which may wait for the player', async () => {
    const { fetch } = fakeFetch(answer(allowed));
    const client = createClient({ url, ageToken: 't', fetch });
    const pay = () =>
      new Promise<typeof receipt>((resolve) => setTimeout(resolve, 60_000, receipt));
    const outcome = client.checkout(purchase, pay);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(await outcome).toMatchObject({ status: 'paid', result: receipt });
  });

  test('leaves no timer behind', async () => {
    const { fetch } = fakeFetch(answer(allowed));
    const client = createClient({ url, ageToken: 't', fetch });
    await client.checkout(purchase, paid);
    expect(vi.getTimerCount()).toBe(0);
    const failing = createClient({ url, ageToken: 't', fetch: () => Promise.reject(new Error()) });
    await stateAfter(1_000, failing.check(purchase));
    expect(vi.getTimerCount()).toBe(0);
  });

  test('an id whose checkout timed out can be tried again', async () => {
    let isUp = false;
    const { fetch } = fakeFetch(answer(allowed));
    const client = createClient({
      url,
      ageToken: 't',
      fetch: (to, init) => (isUp ? fetch(to, init) : never()),
    });
    const request = { ...purchase, id: 'order-1' };
    expect(await stateAfter(10_000, errorOf(client.checkout(request, vi.fn())))).toMatchObject({
      code: 'timeout',
    });
    isUp = true;
    expect(await client.checkout(request, paid)).toMatchObject({ status: 'paid' });
  });
});

describe('a signal', () => {
  test('ends a call, aborts its request, and its reason is the cause', async () => {
    const { calls, fetch } = silent();
    const controller = new AbortController();
    const client = createClient({ url, ageToken: 't', fetch });
    const call = client.check(purchase, { signal: controller.signal });
    expect(await stateAfter(10, call)).toBe('pending');
    const reason = new Error('the player left');
    controller.abort(reason);
    await expect(call).rejects.toMatchObject({
      name: 'SpendcapClientError',
      code: 'aborted',
      retryable: false,
      cause: reason,
    });
    expect(calls[0]?.signal?.aborted).toBe(true);
  });

  test('that has fired already sends nothing', async () => {
    const { calls, fetch } = silent();
    const ageToken = vi.fn(() => 't');
    const client = createClient({ url, ageToken, fetch });
    const signal = AbortSignal.abort();
    await expect(client.allowance({}, { signal })).rejects.toMatchObject({ code: 'aborted' });
    expect(ageToken).not.toHaveBeenCalled();
    expect(calls).toEqual([]);
  });

  test.each([false, true])(
    'that fires before `pay` ends a checkout unpaid (with a signer: %s)',
    async (bound) => {
      const controller = new AbortController();
      const { fetch } = fakeFetch(() => {
        controller.abort();
        return Response.json(allowed);
      });
      const signer = bound ? { signer: async () => 'proof' } : {};
      const client = createClient({ url, ageToken: 't', fetch, ...signer });
      const pay = vi.fn();
      const { signal } = controller;
      expect(await client.checkout(purchase, pay, { signal })).toMatchObject({
        status: 'failed',
        error: { code: 'aborted' },
      });
      expect(pay).not.toHaveBeenCalled();
    },
  );

  test('that fires during the payment does not hide its outcome', async () => {
    const controller = new AbortController();
    const { fetch } = fakeFetch(answer(allowed));
    const pay = async () => {
      controller.abort();
      return receipt;
    };
    const client = createClient({ url, ageToken: 't', fetch });
    const { signal } = controller;
    expect(await client.checkout(purchase, pay, { signal })).toMatchObject({ status: 'paid' });
  });
});

test('a 403 of `pay` whose body does not arrive in time is `failed`', async () => {
  const { fetch } = fakeFetch(answer(allowed));
  const client = createClient({ url: 'https://pay.example', ageToken: 't', fetch, timeoutMs: 20 });
  const response = { status: 403, json: never };
  const outcome = client.checkout({ ...purchase, id: 'a' }, () => response);
  await vi.advanceTimersByTimeAsync(20);
  expect(await outcome).toEqual({ status: 'failed', id: 'a', result: response });
});
