import { createClient } from '@spendcap/client';
import { afterEach, expect, test, vi } from 'vitest';
import { allowed, answer, fakeFetch, paid, receipt, refused } from './fake-api.ts';

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

/** The outcome of a checkout that was refused. */
const refusedOutcome = (id: string) => ({
  status: 'refused',
  id,
  reasons: refused.reasons,
  allowance: refused.allowance,
});

test('a refusal is a value, and pay is never called', async () => {
  const pay = vi.fn();
  expect(await client(answer(refused)).checkout(purchase, pay)).toEqual(refusedOutcome('order-1'));
  expect(pay).not.toHaveBeenCalled();
});

test('an allowed purchase is paid under its own id, or under a new one', async () => {
  const { checkout } = client(answer(allowed));
  const pay = vi.fn(async ({ id }: { id: string }) => ({ ...receipt, id }));
  expect(await checkout({ ...purchase, id: 'mine' }, pay)).toEqual({
    status: 'paid',
    id: 'mine',
    result: { ...receipt, id: 'mine' },
  });
  expect(await checkout(purchase, pay)).toMatchObject({ status: 'paid', id: 'order-1' });
  expect(pay.mock.calls).toEqual([[{ ...purchase, id: 'mine' }], [{ ...purchase, id: 'order-1' }]]);
});

test('ids are UUIDs by default; where the platform makes none, they must be given', async () => {
  const { fetch } = fakeFetch(answer(allowed));
  const { checkout } = createClient({ url: 'https://pay.example', ageToken: 't', fetch });
  const done = await checkout(purchase, paid);
  expect(done).toMatchObject({ id: expect.stringMatching(/^[0-9a-f-]{36}$/), result: receipt });
  vi.stubGlobal('crypto', undefined);
  await expect(checkout(purchase, paid)).rejects.toThrow(TypeError);
  expect(await checkout({ ...purchase, id: 'mine' }, paid)).toMatchObject({ id: 'mine' });
});

test('a refusal by the back end is the outcome, because only the back end reserves', async () => {
  const { checkout } = client(answer(allowed));
  expect(await checkout(purchase, answer(refused, 403))).toEqual(refusedOutcome('order-1'));
  expect(await checkout(purchase, () => refused)).toEqual(refusedOutcome('order-2'));
  // A mini-game's response without `clone`.
  const shim = { status: 403, json: async () => refused };
  expect(await checkout(purchase, () => shim)).toEqual(refusedOutcome('order-3'));
});

test.each([
  { name: 'a 500', status: 'unknown', make: answer({ code: 'internal_error' }, 500) },
  { name: 'a 503', status: 'unknown', make: answer({ code: 'store_unavailable' }, 503) },
  { name: 'a 408', status: 'unknown', make: answer({}, 408) },
  { name: 'a 409', status: 'unknown', make: answer({ code: 'under_way' }, 409) },
  {
    name: 'a redirect that was not followed',
    status: 'unknown',
    make: () => Response.redirect('https://x.example'),
  },
  { name: 'a 202', status: 'pending', make: answer({ waits: 'for a parent' }, 202) },
  { name: 'a 422', status: 'failed', make: answer({ code: 'age_token_invalid' }, 422) },
  { name: 'a 402', status: 'failed', make: answer({ code: 'card_declined' }, 402) },
  { name: 'a 403 of another kind', status: 'failed', make: answer({ code: 'forbidden' }, 403) },
  {
    name: 'a 403 that is no JSON',
    status: 'failed',
    make: () => new Response('no', { status: 403 }),
  },
])('$name of the back end is $status, and its body is unread', async ({ status, make }) => {
  const outcome = await client(answer(allowed)).checkout(purchase, make);
  if (outcome.status === 'refused' || outcome.status === 'paid') expect.unreachable();
  expect(outcome).toMatchObject({ status, id: 'order-1', result: expect.any(Response) });
  expect(outcome.result?.bodyUsed).toBe(false);
  expect(await outcome.result?.text()).toBe(await make().text());
});

test.each(['paid', 'pending', 'failed', 'unknown'] as const)(
  'without a response, the back end says { payment: %s }',
  async (payment) => {
    const report = { payment, receipt: 7 };
    const outcome = await client(answer(allowed)).checkout(purchase, () => report);
    expect(outcome).toMatchObject({ status: payment, result: report });
  },
);

test.each([
  { name: 'a 201', result: Response.json({ receipt: 1 }, { status: 201 }) },
  { name: 'a 204', result: new Response(null, { status: 204 }) },
])('$name of the back end is paid', async ({ result }) => {
  const outcome = await client(answer(allowed)).checkout(purchase, () => result);
  expect(outcome).toEqual({ status: 'paid', id: 'order-1', result });
});

test.each([
  { name: 'nothing', result: undefined },
  { name: 'a text', result: 'receipt' },
  { name: 'the body of an error', result: { status: 402, code: 'card_declined' } },
  { name: 'a word that is no status', result: { payment: 'ok' } },
  { name: 'a decision that is no refusal', result: { allowed: true } },
])('$name proves no payment: it is unknown, says why, and is looked up', async ({ result }) => {
  const { fetch } = fakeFetch(answer(allowed));
  const lookUp = vi.fn(paid);
  const { checkout } = createClient({ url: 'https://pay.example', ageToken: 't', fetch, lookUp });
  const outcome = await checkout(purchase, () => result as never);
  if (outcome.status !== 'unknown') expect.unreachable();
  expect(outcome).toMatchObject({ result, error: expect.any(TypeError) });
  expect(await outcome.settled()).toMatchObject({ status: 'paid', id: outcome.id });
  expect(lookUp.mock.calls).toEqual([[outcome.id]]);
});

test('an id whose outcome is unknown stays so until the back end says what became of it', async () => {
  const offline = () => Promise.reject(new TypeError('offline'));
  const { fetch } = fakeFetch(answer(allowed), answer({ code: 'x' }, 400), answer(refused));
  const { checkout } = createClient({ url: 'https://pay.example', ageToken: 't', fetch });
  const again = { ...purchase, id: 'one' };
  expect(await checkout(again, offline)).toMatchObject({ status: 'unknown' });
  // Nothing was sent to the back end, and the first attempt may have been paid.
  const error = expect.objectContaining({ code: 'x' });
  expect(await checkout(again, vi.fn())).toMatchObject({ status: 'unknown', error });
  // What is against it may be its own hold.
  expect(await checkout(again, paid)).toMatchObject({ status: 'paid', id: 'one' });
  expect(await checkout({ ...purchase, id: 'two' }, paid)).toMatchObject({ status: 'refused' });
});

test('a response of an engine without a status leaves it open whether money was taken', async () => {
  const response = { status: Number.NaN, json: async () => ({}) };
  const outcome = await client(answer(allowed)).checkout(purchase, () => response);
  expect(outcome.status).toBe('unknown');
});

test.each([401, 403, 429])(
  'after an unknown outcome, a %i is about the request, and says nothing of the payment',
  async (status) => {
    const { checkout } = client(answer(allowed));
    const order = { ...purchase, id: 'order-1' };
    await checkout(order, () => Promise.reject(new TypeError('offline')));
    const again = () => checkout(order, answer({ code: 'not_now' }, status));
    expect(await again()).toMatchObject({ status: 'unknown', id: 'order-1' });
    expect(await again()).toMatchObject({ status: 'unknown', id: 'order-1' });
    const declined = await checkout(order, answer({ code: 'card_declined' }, 402));
    expect(declined.status).toBe('failed');
    // It is known now that nothing was paid.
    expect(await again()).toMatchObject({ status: 'failed' });
  },
);

test('what proves no payment does not compile', async () => {
  const { checkout } = client(answer(allowed));
  // @ts-expect-error: a callback that forgets to return
  await checkout(purchase, async () => {});
  // @ts-expect-error: a receipt alone is no answer
  await checkout(purchase, () => 'receipt');
  // @ts-expect-error: `settled` would never end
  createClient({ url: 'https://pay.example', ageToken: 't', lookUp: async () => undefined });
});

test('an outcome that was not looked at does not compile as paid', async () => {
  const outcome = await client(answer(allowed)).checkout(purchase, () => new Response('receipt'));
  // @ts-expect-error: a refused one has no result
  expect(outcome.result).toBeInstanceOf(Response);
  // @ts-expect-error: `allowed` alone would not say whether it was paid
  expect(outcome.allowed).toBeUndefined();
  if (outcome.status === 'refused') expect.unreachable();
  // @ts-expect-error: what is not refused may have failed
  expect(outcome.result.ok).toBe(true);
  if (outcome.status === 'paid') expect(outcome.result.ok).toBe(true);
});

test('two calls with one id share one payment, another id does not', async () => {
  const { checkout, calls } = client(answer(allowed));
  let settle: (found: typeof receipt) => void = () => undefined;
  const pay = vi.fn(() => new Promise<typeof receipt>((resolve) => (settle = resolve)));
  const first = checkout({ ...purchase, id: 'one' }, pay);
  const second = checkout({ ...purchase, id: 'one' }, pay);
  await vi.waitFor(() => expect(pay).toHaveBeenCalledTimes(1));
  settle(receipt);
  expect(await second).toEqual(await first);
  expect(pay).toHaveBeenCalledTimes(1);
  expect(calls).toHaveLength(1);
  await checkout({ ...purchase, id: 'two' }, paid);
  expect(calls).toHaveLength(2);
});

test('what `pay` throws leaves open whether it charged, and the id may be tried again', async () => {
  const { checkout } = client(answer(allowed));
  const lost = new TypeError('fetch failed');
  const outcome = await checkout({ ...purchase, id: 'one' }, () => Promise.reject(lost));
  expect(outcome).toMatchObject({ status: 'unknown', id: 'one', error: lost });
  expect(await checkout({ ...purchase, id: 'one' }, paid)).toMatchObject({ result: receipt });
});
