import { createClient } from '@spendcap/client';
import { afterEach, expect, test, vi } from 'vitest';
import { allowed, answer, fakeFetch, refused } from './fake-api.ts';

const purchase = { amount: '48.00', currency: 'CNY' };

function client(...answers: Parameters<typeof fakeFetch>) {
  const { fetch, calls } = fakeFetch(...answers);
  let made = 0;
  const newId = () => `order-${++made}`;
  return {
    calls,
    checkout: createClient({ url: 'https://pay.example', ageToken: 't', fetch, newId }).checkout,
  };
}

afterEach(() => vi.unstubAllGlobals());

test('a refusal comes back as a value and pay is never called', async () => {
  const pay = vi.fn();
  expect(await client(answer(refused)).checkout(purchase, pay)).toEqual(refused);
  expect(pay).not.toHaveBeenCalled();
});

test('an allowed purchase is paid under its own id, or under a new one', async () => {
  const { checkout } = client(answer(allowed));
  const pay = vi.fn(async ({ id }: { id: string }) => `receipt of ${id}`);
  expect(await checkout({ ...purchase, id: 'mine' }, pay)).toEqual({
    allowed: true,
    id: 'mine',
    result: 'receipt of mine',
  });
  expect(await checkout(purchase, pay)).toMatchObject({ allowed: true, id: 'order-1' });
  expect(pay.mock.calls).toEqual([[{ ...purchase, id: 'mine' }], [{ ...purchase, id: 'order-1' }]]);
});

test('ids are UUIDs by default; where the platform makes none, they must be given', async () => {
  const { fetch } = fakeFetch(answer(allowed));
  const { checkout } = createClient({ url: 'https://pay.example', ageToken: 't', fetch });
  const done = await checkout(purchase, () => 'paid');
  expect(done).toMatchObject({ id: expect.stringMatching(/^[0-9a-f-]{36}$/), result: 'paid' });
  vi.stubGlobal('crypto', undefined);
  await expect(checkout(purchase, () => 'paid')).rejects.toThrow(TypeError);
  expect(await checkout({ ...purchase, id: 'mine' }, () => 'paid')).toMatchObject({ id: 'mine' });
});

test('a refusal by the back end is the result: the hold is where the last word is said', async () => {
  const { checkout } = client(answer(allowed));
  expect(await checkout(purchase, answer(refused, 403))).toEqual(refused);
  expect(await checkout(purchase, () => refused)).toEqual(refused);
});

test.each([
  { name: 'a 403 of another kind', make: answer({ code: 'forbidden' }, 403) },
  { name: 'a 403 that is no JSON', make: () => new Response('no', { status: 403 }) },
  { name: 'a failure', make: answer({ code: 'store_unavailable' }, 503) },
  { name: 'a success', make: answer({ receipt: 1 }, 201) },
])('$name is handed on, its body unread', async ({ make }) => {
  const done = await client(answer(allowed)).checkout(purchase, make);
  if (!done.allowed) expect.unreachable();
  expect(done.result.bodyUsed).toBe(false);
  expect(await done.result.text()).toBe(await make().text());
});

test('two calls with one id share one payment, another id does not', async () => {
  const { checkout, calls } = client(answer(allowed));
  let settle: (receipt: string) => void = () => undefined;
  const pay = vi.fn(() => new Promise<string>((resolve) => (settle = resolve)));
  const first = checkout({ ...purchase, id: 'one' }, pay);
  const second = checkout({ ...purchase, id: 'one' }, pay);
  await vi.waitFor(() => expect(pay).toHaveBeenCalledTimes(1));
  settle('receipt');
  expect(await second).toEqual(await first);
  expect(pay).toHaveBeenCalledTimes(1);
  expect(calls).toHaveLength(1);
  await checkout({ ...purchase, id: 'two' }, () => 'paid');
  expect(calls).toHaveLength(2);
});

test('a failed payment is rethrown, and the same id may be tried again', async () => {
  const { checkout } = client(answer(allowed));
  const declined = new Error('declined');
  await expect(checkout({ ...purchase, id: 'one' }, () => Promise.reject(declined))).rejects.toBe(
    declined,
  );
  expect(await checkout({ ...purchase, id: 'one' }, () => 'paid')).toMatchObject({
    result: 'paid',
  });
});
