import { createClient, type Fetch, SpendcapClientError } from '@spendcap/client';
import { afterEach, expect, test, vi } from 'vitest';
import { allowance, allowed, answer, fakeFetch, refused } from './fake-api.ts';

const url = 'https://pay.example/spendcap/';
const purchase = { amount: '48.00', currency: 'CNY' };

afterEach(() => vi.unstubAllGlobals());

test('allowance is read with the age token as bearer, narrowed by category and app', async () => {
  const { fetch, calls } = fakeFetch(answer(allowance));
  const client = createClient({ url, ageToken: 'token-1', fetch });
  expect(await client.allowance()).toEqual(allowance);
  await client.allowance({ category: 'loot_box' });
  await client.allowance({ category: 'a&b', app: 'chess' });
  expect(calls.map((call) => call.url)).toEqual([
    'https://pay.example/spendcap/v1/allowance',
    'https://pay.example/spendcap/v1/allowance?category=loot_box',
    'https://pay.example/spendcap/v1/allowance?category=a%26b&app=chess',
  ]);
  expect(calls[0]).toMatchObject({ method: 'GET', headers: { authorization: 'Bearer token-1' } });
  expect(calls[0]).not.toHaveProperty('body');
});

test('an age token that is a function is called before every request', async () => {
  const { fetch, calls } = fakeFetch(answer(allowance));
  let round = 0;
  const client = createClient({ url, ageToken: async () => `token-${++round}`, fetch });
  await client.allowance();
  await client.allowance();
  expect(calls.map((call) => call.headers.authorization)).toEqual([
    'Bearer token-1',
    'Bearer token-2',
  ]);
});

test('check posts the purchase', async () => {
  const { fetch, calls } = fakeFetch(answer(allowed), answer(refused));
  const client = createClient({ url, ageToken: 'token-1', fetch });
  expect(await client.check({ ...purchase, category: 'tip' })).toEqual(allowed);
  expect(await client.check(purchase)).toEqual(refused);
  expect(calls[0]?.method).toBe('POST');
  expect(calls[0]?.url).toBe('https://pay.example/spendcap/v1/decisions');
  expect(JSON.parse(calls[0]?.body ?? '')).toEqual({ ...purchase, category: 'tip' });
  expect(JSON.parse(calls[1]?.body ?? '')).toEqual(purchase);
});

test('the platform fetch is the default, and a platform without one needs it given', async () => {
  vi.stubGlobal('fetch', fakeFetch(answer(allowance)).fetch);
  expect(await createClient({ url, ageToken: 't' }).allowance()).toEqual(allowance);
  vi.stubGlobal('fetch', undefined);
  expect(() => createClient({ url, ageToken: 't' })).toThrow(TypeError);
});

/** The body of a connection that breaks after its first bytes. */
function cutOff(): ReadableStream {
  let sent = false;
  return new ReadableStream({
    pull(stream) {
      if (sent) return stream.error(new TypeError('terminated'));
      sent = true;
      stream.enqueue(new TextEncoder().encode('{"allowed":'));
    },
  });
}

const problem = {
  type: 'about:blank',
  title: 'Age token not accepted',
  status: 422,
  code: 'age_token_invalid',
  detail: 'The token has expired.',
  retryable: false,
  why: 'expired',
};

test.each([
  { name: 'a problem', reply: answer(problem, 422), code: 'age_token_invalid', retryable: false },
  {
    name: 'a retryable problem',
    reply: answer({ ...problem, status: 503, code: 'overloaded', retryable: true }, 503),
    code: 'overloaded',
    retryable: true,
  },
  {
    name: "a proxy's page",
    reply: () => new Response('<html>', { status: 502 }),
    code: 'unexpected_response',
    retryable: true,
  },
  {
    name: 'a page where JSON should be',
    reply: () => new Response('<html>'),
    code: 'unexpected_response',
    retryable: false,
  },
  {
    name: 'JSON that is no decision',
    reply: answer({ allowed: 'yes' }),
    code: 'unexpected_response',
    retryable: false,
  },
  {
    name: 'no answer',
    reply: () => {
      throw new TypeError('fetch failed');
    },
    code: 'network_error',
    retryable: true,
  },
  {
    name: 'a response that is cut off',
    reply: () => new Response(cutOff()),
    code: 'network_error',
    retryable: true,
  },
  {
    name: 'an error that is cut off',
    reply: () => new Response(cutOff(), { status: 500 }),
    code: 'unexpected_response',
    retryable: true,
  },
  {
    name: 'a problem whose fields are of other types',
    reply: answer({ code: 'x', detail: { secret: 1 }, retryable: 'no' }, 500),
    code: 'x',
    retryable: true,
  },
])('$name is a SpendcapClientError, and nothing is paid', async ({ reply, code, retryable }) => {
  const client = createClient({ url, ageToken: 'secret-token', fetch: fakeFetch(reply).fetch });
  const pay = vi.fn();
  const outcome = await client.checkout(purchase, pay);
  if (outcome.status !== 'failed') expect.unreachable();
  const { error } = outcome;
  expect(outcome.result).toBeUndefined();
  expect(error).toBeInstanceOf(SpendcapClientError);
  expect(error).toMatchObject({ code, retryable });
  expect(String(error)).not.toContain('secret-token');
  expect(pay).not.toHaveBeenCalled();
});

test('a problem is kept whole, and a network failure keeps its cause', async () => {
  const withProblem = createClient({
    url,
    ageToken: 't',
    fetch: fakeFetch(answer(problem, 422)).fetch,
  });
  await expect(withProblem.allowance()).rejects.toMatchObject({
    status: 422,
    problem,
    message: 'The token has expired.',
  });
  const cause = new TypeError('fetch failed');
  const offline = createClient({ url, ageToken: 't', fetch: () => Promise.reject(cause) });
  await expect(offline.allowance()).rejects.toMatchObject({
    status: 0,
    cause,
    message: 'Could not reach https://pay.example.',
  });
});

test.each([
  ['https://user:secret@pay.example:8443/spendcap?key=secret', 'https://pay.example:8443'],
  ['capacitor://localhost/spendcap', 'capacitor://localhost'],
  ['/spendcap', 'the server'],
])('an error names the origin of %s, and no credentials', async (address, origin) => {
  const fetch = () => Promise.reject(new Error('offline'));
  await expect(
    createClient({ url: address, ageToken: 't', fetch }).allowance(),
  ).rejects.toMatchObject({ message: `Could not reach ${origin}.` });
});

test.each([
  {
    name: 'throws synchronously',
    fetch: () => {
      throw new Error('not ready');
    },
  },
  { name: 'returns nothing', fetch: () => undefined },
  { name: 'returns a task', fetch: () => ({ abort: () => undefined }) },
  { name: 'resolves to no response', fetch: async () => ({ statusCode: 200, data: {} }) },
])('a fetch that $name is a network_error', async ({ fetch }) => {
  const client = createClient({ url, ageToken: 't', fetch: fetch as unknown as Fetch });
  const wanted = { name: 'SpendcapClientError', code: 'network_error', retryable: true, status: 0 };
  await expect(client.allowance()).rejects.toMatchObject(wanted);
  const outcome = await client.checkout(purchase, vi.fn());
  expect(outcome).toMatchObject({ status: 'failed', error: wanted });
});

const lists = { limits: [], blocked: [] };
test.each([
  ...[{ limits: [] }, { blocked: [] }, { limits: {}, blocked: [] }, []],
  ...[
    { ...lists, limits: [null] },
    { ...lists, blocked: ['x'] },
  ],
  ...[
    { ...lists, blockedCategories: {} },
    { ...lists, blockedCategories: [null] },
  ],
])('%j is no allowance', async (body) => {
  const client = createClient({ url, ageToken: 't', fetch: fakeFetch(answer(body)).fetch });
  await expect(client.allowance()).rejects.toMatchObject({ code: 'unexpected_response' });
  await client.refresh();
  expect(client.getSnapshot().allowance.status).toBe('unavailable');
});

test('a refusal whose reasons are no objects is no decision', async () => {
  const { fetch } = fakeFetch(answer({ ...allowance, allowed: false, reasons: [null] }));
  const client = createClient({ url, ageToken: 't', fetch });
  await expect(client.check(purchase)).rejects.toMatchObject({ code: 'unexpected_response' });
});

test('a token may end with a line break, as that of a file', async () => {
  const { fetch, calls } = fakeFetch(answer(allowance));
  await createClient({ url, ageToken: async () => 'a.b.c\n', fetch }).allowance();
  expect(calls[0]?.headers).toEqual({ authorization: 'Bearer a.b.c' });
});

test.each([
  { name: 'returns undefined', ageToken: async () => undefined },
  { name: 'returns an empty text', ageToken: () => '' },
  { name: 'returns the page of an error', ageToken: () => '<h1>Not found</h1>' },
  { name: 'returns the body of an error', ageToken: () => '{ "code": "not_found" }' },
  { name: 'rejects', ageToken: () => Promise.reject(new Error('signed out')) },
  {
    name: 'throws',
    ageToken: () => {
      throw new Error('signed out');
    },
  },
])('an ageToken that $name ends the call before a request', async ({ ageToken }) => {
  const { fetch, calls } = fakeFetch(answer(allowance));
  const source = ageToken as () => string;
  const client = createClient({ url, ageToken: source, fetch });
  await expect(client.allowance()).rejects.toMatchObject({
    name: 'SpendcapClientError',
    code: 'age_token_unavailable',
    retryable: true,
  });
  expect(calls).toEqual([]);
});
