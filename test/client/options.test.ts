import {
  type CheckoutRequest,
  type Client,
  type ClientOptions,
  createClient,
  type DecisionRequest,
} from '@spendcap/client';
import { type DeviceKey, deviceSigner } from '@spendcap/client/device-key';
import { describe, expect, test, vi } from 'vitest';
import { allowance, allowed, answer, fakeFetch, paid } from './fake-api.ts';

const { fetch } = fakeFetch(answer(allowed));
const options = { url: 'https://pay.example', ageToken: 't', fetch };
const key: DeviceKey = { algorithm: 'ES256', publicKey: {}, sign: async () => new Uint8Array(64) };

const KNOWN =
  'url, ageToken, signer, app, fetch, timeoutMs, newId, initialAllowance, lookUp, onFocus, now';

describe('createClient', () => {
  test('refuses what is no object of options', () => {
    for (const given of [[], null, 5]) {
      expect(() => createClient(given as never)).toThrow(
        new TypeError('createClient must be an object'),
      );
    }
  });

  test('takes every option that it knows', () => {
    const all: Required<ClientOptions> = {
      ...options,
      timeoutMs: 5000,
      newId: () => 'id',
      signer: deviceSigner(key),
      app: 'chess',
      initialAllowance: allowance,
      lookUp: paid,
      onFocus: () => () => undefined,
      now: Date.now,
    };
    expect(createClient(all)).toHaveProperty('checkout');
  });

  test.each([
    ['timeoutms', { timeoutms: 5 }],
    ['agetoken', { agetoken: 't' }],
    ['baseUrl', { baseUrl: 'https://x.example' }],
    ['constructor', { constructor: 1 }],
  ])('refuses the unknown option %s and names the known ones', (name, extra) => {
    const create = () => createClient({ ...options, ...extra } as ClientOptions);
    expect(create).toThrow(TypeError);
    expect(create).toThrow(`createClient has no "${name}", only ${KNOWN}`);
  });

  test.each([
    ['no options', undefined, 'must be an object'],
    ['no url', { url: undefined }, '`url`'],
    ['an empty url', { url: '' }, '`url`'],
    ['a URL object', { url: new URL('https://pay.example') }, '`url`'],
    ['no ageToken', { ageToken: undefined }, '`ageToken`'],
    ['an empty ageToken', { ageToken: '' }, '`ageToken`'],
    ['a promise as ageToken', { ageToken: Promise.resolve('t') }, '`ageToken`'],
    ['a fetch that is no function', { fetch: 'fetch' }, '`fetch`'],
    ['a time limit of 0', { timeoutMs: 0 }, '`timeoutMs`'],
    ['a negative time limit', { timeoutMs: -1 }, '`timeoutMs`'],
    ['a time limit that is no number', { timeoutMs: Number.NaN }, '`timeoutMs`'],
    ['a time limit that timers cannot keep', { timeoutMs: 2 ** 31 }, '`timeoutMs`'],
  ])('refuses %s', (_, given, fault) => {
    const all = given === undefined ? undefined : { ...options, ...given };
    const create = () => createClient(all as unknown as ClientOptions);
    expect(create).toThrow(TypeError);
    expect(create).toThrow(fault);
  });
});

describe('deviceSigner', () => {
  test('takes every option that it knows', () => {
    const all: Required<DeviceKey> = {
      ...key,
      sha256: async () => new Uint8Array(32),
      now: () => 0,
    };
    expect(deviceSigner(all)).toBeTypeOf('function');
  });

  test.each([
    [{ ...key, sha512: vi.fn() }, 'has no "sha512"'],
    [{ ...key, sign: undefined }, 'needs'],
    [{ ...key, algorithm: '' }, 'needs'],
    [{ ...key, publicKey: undefined }, 'needs'],
  ])('refuses %o', (given, fault) => {
    const create = () => deviceSigner(given as unknown as DeviceKey);
    expect(create).toThrow(TypeError);
    expect(create).toThrow(`deviceSigner ${fault}`);
  });
});

const purchase = { amount: '48.00', currency: 'CNY' };
/** As a program without types would pass them. */
const misspelt = { ...purchase, catgory: 'tip' } as DecisionRequest;
const unknown = { sginal: new AbortController().signal } as object;

describe('a call', () => {
  test('takes every field that it knows', async () => {
    const { fetch } = fakeFetch(answer(allowance), answer(allowed));
    const client = createClient({ ...options, fetch });
    const signal = new AbortController().signal;
    const full: Required<CheckoutRequest> = {
      ...purchase,
      category: 'tip',
      app: 'chess',
      id: 'order-1',
    };
    const { id: _, ...decision } = full;
    await client.allowance({ category: 'tip', app: 'chess' }, { signal });
    expect(await client.check(decision, { signal })).toEqual(allowed);
    expect(await client.checkout(full, paid, { signal })).toMatchObject({ status: 'paid' });
  });

  test.each<[string, string, (client: Client) => Promise<unknown>]>([
    ['check', 'catgory', (client) => client.check(misspelt)],
    ['check', 'id', (client) => client.check({ ...purchase, id: 'x' } as DecisionRequest)],
    ['checkout', 'catgory', (client) => client.checkout(misspelt, vi.fn())],
    ['allowance', 'catgory', (client) => client.allowance({ catgory: 'tip' } as object)],
    ['the options of check', 'sginal', (client) => client.check(purchase, unknown)],
    ['the options of allowance', 'sginal', (client) => client.allowance({}, unknown)],
    ['the options of checkout', 'sginal', (client) => client.checkout(purchase, vi.fn(), unknown)],
  ])('%s refuse the unknown field %s, and nothing is sent', async (_, name, call) => {
    const { calls, fetch } = fakeFetch(answer(allowed));
    await expect(call(createClient({ ...options, fetch }))).rejects.toMatchObject({
      name: 'SpendcapClientError',
      code: 'invalid_request',
      retryable: false,
      message: expect.stringContaining(`The request has no "${name}", only `),
    });
    expect(calls).toEqual([]);
  });
});
