import { AsyncLocalStorage } from 'node:async_hooks';
import { SpendcapError, type SpendcapErrorCode } from '@spendcap/core';
import type { Limiter } from '@spendcap/server';
import { Registry } from 'prom-client';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { ALLOWANCE, REFUSED } from '../../../packages/server/src/http/examples.ts';
import { createHandler, type HandlerOptions } from '../../../packages/server/src/http/index.ts';
import { CHARGE, type Json, PURCHASE, type Sent, send, setup } from './http-kit.ts';
import {
  AGE_TOKEN,
  API_KEY,
  EVIDENCE,
  OTHER_KEY,
  reservation,
  stubLimiter,
} from './stub-limiter.ts';

afterEach(() => vi.restoreAllMocks());

const PRICE = { amount: '48.00', currency: 'CNY' };
const NAMED = { processor: 'acme_pay', processorRef: 'pay_81Yq' };

describe('options', () => {
  it.each([
    [{ apiKeys: [] }, /at least one key/],
    [{ apiKeys: ['short'] }, /16/],
    [{ apiKeys: [API_KEY, 'with a blank in it'] }, /16/],
    [{ basePath: 'spendcap' }, /basePath/],
    [{ basePath: '/spendcap/' }, /basePath/],
    [{ basePath: '/:id' }, /basePath/],
    [{ metrics: new Registry() } as object, /metrics/],
    [{ metrics: null } as object, /metrics/],
    [{ maxBodyBytes: 0 }, /maxBodyBytes/],
    [{ corsOrigin: ['https://shop.example'] } as object, /no option "corsOrigin"/],
  ])('%j is a TypeError', (options, message) => {
    const make = () => setup({}, options);
    expect(make).toThrow(TypeError);
    expect(make).toThrow(message);
  });
});

describe('purchases', () => {
  it('answers 201 for a new reservation, with all of the request passed on', async () => {
    const { handler, calls } = setup();
    const request = {
      ...PURCHASE,
      category: 'loot_box',
      app: 'star-garden',
      guardianApproval: 'approval-7',
      product: '钻石 × 60',
      metadata: { channel: 'ios' },
      expiresInSeconds: 600,
      onExpiry: 'reconcile',
    };
    const { status, json, headers } = await send(handler, '/v1/purchases', { body: request });
    expect(status).toBe(201);
    expect(json).toEqual(reservation('order-1'));
    expect(headers.get('content-type')).toBe('application/json');
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(calls).toEqual([['reserve', request]]);
  });

  it('answers 200 for the same again', async () => {
    const { handler } = setup({ reserve: { ...reservation('order-1'), replayed: true } });
    const { status, json } = await send(handler, '/v1/purchases', { body: PURCHASE });
    expect([status, json.replayed]).toEqual([200, true]);
  });

  it('answers 403 with the refusal as it is', async () => {
    const { handler } = setup({ reserve: REFUSED });
    const { status, json, headers } = await send(handler, '/v1/purchases', { body: PURCHASE });
    expect(status).toBe(403);
    expect(json).toEqual(JSON.parse(JSON.stringify(REFUSED)));
    expect(headers.get('content-type')).toBe('application/json');
  });

  it.each([
    ['commit', { amount: '30.00' }, ['commit', 'order-1', { amount: '30.00' }]],
    ['commit', {}, ['commit', 'order-1', {}]],
    ['commit', { permit: null }, ['commit', 'order-1', { permit: null }]],
    ['release', { reason: 'declined' }, ['release', 'order-1', { reason: 'declined' }]],
    ['refund', { id: 'r1', amount: '5' }, ['refund', 'order-1', { id: 'r1', amount: '5' }]],
    [
      'refund',
      { id: 'r1', total: '5', restores: false },
      ['refund', 'order-1', { id: 'r1', total: '5', restores: false }],
    ],
    ['reverse-refund', { id: 'r1' }, ['reverseRefund', 'order-1', { id: 'r1' }]],
    ['record', CHARGE, ['record', { ...CHARGE, id: 'order-1' }]],
    ['attach', NAMED, ['attach', 'order-1', NAMED]],
  ])('%s %j', async (verb, body, call) => {
    const { handler, calls } = setup();
    const { status, json } = await send(handler, `/v1/purchases/order-1/${verb}`, { body });
    expect([status, json.id]).toEqual([200, 'order-1']);
    expect(calls).toEqual([call]);
  });

  it.each(['commit', 'release'])('%s needs no body', async (verb) => {
    const { handler, calls } = setup();
    const { status } = await send(handler, `/v1/purchases/order-1/${verb}`, { method: 'POST' });
    expect([status, calls]).toEqual([200, [[verb, 'order-1', {}]]]);
  });

  it('reads one purchase, or answers 404', async () => {
    expect((await send(setup().handler, '/v1/purchases/order-1')).status).toBe(200);
    const gone = await send(setup({ get: null }).handler, '/v1/purchases/order-1');
    expect([gone.status, gone.json.code]).toEqual([404, 'purchase_not_found']);
  });

  it('lists overdue holds page by page: the next of a page is the after of the following one', async () => {
    const { purchase } = reservation('order-1');
    const { handler, calls } = setup({ overdue: [reservation('order-0').purchase, purchase] });
    const first = await send(handler, '/v1/overdue?processor=acme_pay&limit=2');
    const next = '2026-11-23T04:30:00.000Z,order-1';
    expect([first.status, first.json.next]).toEqual([200, next]);
    expect(first.json.purchases).toMatchObject([{ id: 'order-0' }, { id: 'order-1' }]);
    await send(handler, `/v1/overdue?after=${encodeURIComponent(next)}`);
    expect(calls).toEqual([
      ['overdue', { processor: 'acme_pay', limit: 2 }],
      ['overdue', { after: { id: 'order-1', expiresAt: '2026-11-23T04:30:00.000Z' } }],
    ]);
    const last = await send(setup({ overdue: [] }).handler, '/v1/overdue');
    expect([last.status, last.json]).toEqual([200, { purchases: [], next: null }]);
  });

  it.each([
    'limit=0',
    'limit=1001',
    'limit=1e2',
    'limit=-1',
    'limit=',
    'limit=1&limit=2',
    'processor=Acme',
    'after=order-1',
    'after=2026-11-23,order-1',
    'after=2026-11-23T04:30:00Z,',
    'procesor=acme_pay',
    '__proto__=acme_pay',
  ])('refuses /v1/overdue?%s, and names the parameter', async (query) => {
    const { handler, calls } = setup();
    const { status, json } = await send(handler, `/v1/overdue?${query}`);
    const path = query.slice(0, query.indexOf('='));
    expect([status, json.code]).toEqual([400, 'invalid_request']);
    expect(json.errors).toMatchObject([{ path }]);
    expect(calls).toEqual([]);
  });

  it('takes an id with percent-encoded characters that an id may have', async () => {
    const { handler, calls } = setup();
    await send(handler, '/v1/purchases/order%3A1');
    expect(calls).toEqual([['get', 'order:1']]);
  });
});

describe('who may call what', () => {
  it.each([
    ['no credential', null],
    ['another scheme', { authorization: `Basic ${API_KEY}` }],
    ['a wrong key', 'a-key-that-nobody-issued'],
    ['a key with something behind', `${API_KEY}x`],
    ['half of a key', API_KEY.slice(0, 16)],
    ["a player's age token", AGE_TOKEN],
  ])('%s cannot touch a purchase', async (_name, credential) => {
    const { handler, calls } = setup();
    const how =
      typeof credential === 'string'
        ? { bearer: credential }
        : { bearer: null, headers: credential ?? {} };
    for (const [path, body] of [
      ['/v1/purchases', PURCHASE],
      ['/v1/purchases/order-1/commit', {}],
      ['/v1/purchases/order-1/release', {}],
      ['/v1/purchases/order-1/record', CHARGE],
      ['/v1/purchases/order-1/attach', NAMED],
      ['/v1/purchases/order-1/refund', { id: 'r1' }],
      ['/v1/purchases/order-1/reverse-refund', { id: 'r1' }],
      ['/v1/purchases/order-1', undefined],
      ['/v1/overdue', undefined],
      ['/metrics', undefined],
    ] as const) {
      const { status, json, headers } = await send(handler, path, { ...how, body });
      expect([path, status, json.code]).toEqual([path, 401, 'unauthorized']);
      expect(headers.get('www-authenticate')).toBe('Bearer');
    }
    expect(calls).toEqual([]);
  });

  it('takes every configured key', async () => {
    const { handler } = setup({}, { apiKeys: [API_KEY, OTHER_KEY] });
    for (const bearer of [API_KEY, OTHER_KEY]) {
      expect((await send(handler, '/v1/purchases', { bearer, body: PURCHASE })).status).toBe(201);
    }
  });

  it("reads a player's own allowance by age token only", async () => {
    const { handler, calls } = setup();
    const path = '/v1/allowance?category=tip&app=star-garden&currency=CNY';
    const { status, json } = await send(handler, path, { bearer: AGE_TOKEN });
    expect([status, json]).toEqual([200, ALLOWANCE]);
    expect(calls).toEqual([
      ['allowance', { ageToken: AGE_TOKEN, category: 'tip', app: 'star-garden', currency: 'CNY' }],
    ]);
    for (const bearer of [API_KEY, null]) {
      expect((await send(handler, path, { bearer })).status).toBe(401);
    }
  });

  it.each(['catgory=tip', 'app=star-garden&category=tip&category=tip', '__proto__=tip'])(
    'refuses /v1/allowance?%s, and calls nothing',
    async (query) => {
      const { handler, calls } = setup();
      const { status, json } = await send(handler, `/v1/allowance?${query}`, { bearer: AGE_TOKEN });
      expect([status, json.code]).toEqual([400, 'invalid_request']);
      expect(calls).toEqual([]);
    },
  );

  it('decides for an operator with a token in the body, and for a player by bearer', async () => {
    const { handler, calls } = setup();
    const wish = { amount: '48.00', currency: 'CNY', category: 'tip' };
    const request = { ...wish, ageToken: AGE_TOKEN, guardianApproval: 'approval-7' };
    expect((await send(handler, '/v1/decisions', { body: request })).status).toBe(200);
    const own = await send(handler, '/v1/decisions', { bearer: AGE_TOKEN, body: wish });
    expect([own.status, own.json.allowed]).toEqual([200, true]);
    expect(calls).toEqual([
      ['check', request],
      ['verifyAge', { ageToken: AGE_TOKEN }],
      ['check', { ...wish, evidence: EVIDENCE }],
    ]);
  });

  it('decides on a shelf for an operator and for a player', async () => {
    const { handler, calls } = setup();
    const wish = { products: [PRICE, { ...PRICE, category: 'tip' }], app: 'chess' };
    const body = { ...wish, ageToken: AGE_TOKEN };
    const batch = await send(handler, '/v1/decisions/batch', { body });
    expect(batch).toMatchObject({ status: 200, json: { decisions: [{ allowed: true }] } });
    await send(handler, '/v1/decisions/batch', { bearer: AGE_TOKEN, body: wish });
    expect(calls).toEqual([
      ['checkMany', body],
      ['verifyAge', { ageToken: AGE_TOKEN }],
      ['checkMany', { ...wish, evidence: EVIDENCE }],
    ]);
    const approved = { ...wish, guardianApproval: 'approval-7' };
    const refused = await send(handler, '/v1/decisions/batch', { body: approved });
    expect(refused.json.errors).toEqual([{ path: 'guardianApproval', message: 'Unknown field.' }]);
  });

  it('answers 200 to a decision that refuses', async () => {
    const { handler } = setup({ check: REFUSED });
    const { status, json } = await send(handler, '/v1/decisions', {
      body: { amount: '1', currency: 'CNY' },
    });
    expect([status, json.allowed]).toEqual([200, false]);
  });

  it.each(['ageToken', 'guardianApproval', 'id'])('takes no %s from a player', async (field) => {
    const { handler, calls } = setup();
    const body = { amount: '48.00', currency: 'CNY', [field]: 'x' };
    const { status, json } = await send(handler, '/v1/decisions', { bearer: AGE_TOKEN, body });
    expect([status, json.errors]).toEqual([400, [{ path: field, message: 'Unknown field.' }]]);
    expect(calls).toEqual([['verifyAge', { ageToken: AGE_TOKEN }]]);
  });

  it('answers 429 to a key that shows too many proofs, which is no fault of the server', async () => {
    const onError = vi.fn();
    const error = new SpendcapError('too_many_proofs', 'Wait until they expire.');
    const { handler } = setup({ verifyAge: error, allowance: error, reserve: error }, { onError });
    const answers = [
      await send(handler, '/v1/decisions', { bearer: AGE_TOKEN, body: PRICE }),
      await send(handler, '/v1/allowance', { bearer: AGE_TOKEN }),
      await send(handler, '/v1/purchases', { body: PURCHASE }),
    ];
    for (const { status, json } of answers) {
      expect([status, json.code, json.retryable]).toEqual([429, 'too_many_proofs', true]);
    }
    expect(onError).not.toHaveBeenCalled();
  });

  it('reads no body before the token of its player is verified', async () => {
    const error = new SpendcapError('age_token_invalid', 'Expired.', { why: 'expired' });
    let read = 0;
    const body = new ReadableStream(
      {
        pull(controller) {
          read += 1;
          controller.enqueue(new TextEncoder().encode('{"lang":[],"\\u":0}'));
          controller.close();
        },
      },
      { highWaterMark: 0 },
    );
    const { handler, calls } = setup({ verifyAge: error });
    const response = await handler(
      new Request('http://limiter.example/v1/decisions', {
        method: 'POST',
        headers: { authorization: `Bearer ${AGE_TOKEN}`, 'content-type': 'application/json' },
        body,
        duplex: 'half',
      }),
    );
    expect([response.status, read]).toEqual([401, 0]);
    expect(calls).toEqual([['verifyAge', { ageToken: AGE_TOKEN }]]);
  });

  it('answers 401 to a bad bearer token, and 422 to a bad token in the body', async () => {
    const error = new SpendcapError('age_token_invalid', 'Expired.', { why: 'expired' });
    const { handler } = setup({ allowance: error, verifyAge: error, reserve: error });
    const body = { amount: '48.00', currency: 'CNY' };
    const bad = { code: 'age_token_invalid', why: 'expired' };
    const read = await send(handler, '/v1/allowance', { bearer: AGE_TOKEN });
    expect([read.status, read.json]).toEqual([401, expect.objectContaining(bad)]);
    expect(read.headers.get('www-authenticate')).toBe('Bearer error="invalid_token"');
    const previewed = await send(handler, '/v1/decisions', { bearer: AGE_TOKEN, body });
    expect([previewed.status, previewed.json]).toEqual([401, expect.objectContaining(bad)]);
    const reserved = await send(handler, '/v1/purchases', { body: PURCHASE });
    expect([reserved.status, reserved.json]).toEqual([422, expect.objectContaining(bad)]);
  });
});

describe('problems', () => {
  it.each<[SpendcapErrorCode, number, boolean]>([
    ['invalid_amount', 400, false],
    ['invalid_currency', 400, false],
    ['age_token_invalid', 422, false],
    ['purchase_conflict', 409, false],
    ['store_unavailable', 503, true],
    ['age_keys_unavailable', 503, true],
    ['overloaded', 503, true],
    ['outcome_unknown', 503, true],
    ['policy_not_in_effect', 503, false],
  ])('%s is a %i', async (code, status, retryable) => {
    const onError = vi.fn();
    const error = new SpendcapError(code, 'What happened.', { why: 'because' });
    const { handler } = setup({ reserve: error }, { onError });
    const answer = await send(handler, '/v1/purchases', { body: PURCHASE });
    expect(answer.status).toBe(status);
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
    expect(answer.headers.get('retry-after')).toBe(retryable ? '1' : null);
    expect(answer.json).toMatchObject({
      type: `urn:spendcap:problem:${code}`,
      status,
      code,
      detail: 'What happened.',
      retryable,
      why: 'because',
    });
    expect(onError.mock.calls).toEqual(status >= 500 ? [[error]] : []);
  });

  it.each([new Error('password=hunter2'), 'password=hunter2'])(
    'reports an unexpected error to the operator, not to the caller',
    async (thrown) => {
      vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
      const onError = vi.fn(() => {
        throw new Error('the logger fails as well');
      });
      const { limiter } = stubLimiter();
      const broken = { ...limiter, reserve: () => Promise.reject(thrown) };
      const handler = createHandler(broken, { apiKeys: [API_KEY], onError });
      const { status, json, text } = await send(handler, '/v1/purchases', { body: PURCHASE });
      expect([status, json.code]).toEqual([500, 'internal_error']);
      expect(text).not.toContain('hunter2');
      expect(onError).toHaveBeenCalledExactlyOnceWith(thrown);
    },
  );

  it('names every wrong field, and never its value', async () => {
    const { handler } = setup();
    const body = { ...PURCHASE, id: 'a b', amount: 48, surprise: 'secret', onExpiry: 'secret' };
    const { status, json, text } = await send(handler, '/v1/purchases', { body });
    expect([status, json.code]).toEqual([400, 'invalid_request']);
    const errors = json.errors as { path: string; message: string }[];
    const paths = errors.map(({ path }) => path).sort();
    expect(paths).toEqual(['amount', 'id', 'onExpiry', 'surprise']);
    // The commonest slip of another language's client.
    const message = 'Must be a string, in quotes.';
    expect(errors).toContainEqual({ path: 'amount', message });
    const missing = await send(handler, '/v1/purchases', { body: { ...PURCHASE, id: undefined } });
    expect(missing.json.errors).toEqual([{ path: 'id', message: 'Required.' }]);
    const beyond = { ...PURCHASE, amount: '1'.repeat(41), expiresInSeconds: 9, onExpiry: 'never' };
    const limits = await send(handler, '/v1/purchases', { body: beyond });
    expect(limits.json.errors).toEqual(
      expect.arrayContaining([
        { path: 'amount', message: 'Must have at most 40 characters.' },
        { path: 'expiresInSeconds', message: 'Must be at least 10.' },
        { path: 'onExpiry', message: 'Must be one of release, reconcile.' },
      ]),
    );
    expect(text).not.toContain('secret');
  });
});

describe('routing', () => {
  it.each([
    ['GET', '/v1/purchases', 'POST'],
    ['DELETE', '/v1/purchases/order-1', 'GET, HEAD'],
    ['PUT', '/v1/purchases/order-1/commit', 'POST'],
    ['POST', '/v1/allowance', 'GET, HEAD'],
    ['HEAD', '/v1/decisions', 'POST'],
    ['OPTIONS', '/v1/allowance', 'GET, HEAD'],
  ])('%s %s is a 405', async (method, path, allow) => {
    const { status, headers } = await send(setup().handler, path, { method });
    expect([status, headers.get('allow')]).toEqual([405, allow]);
  });

  it.each(['/', '/v1', '/v1/purchases/', '/v1/purchases/a/b', '/V1/allowance', '/v1//purchases'])(
    '%s is a 404',
    async (path) => {
      const { status, json } = await send(setup().handler, path);
      expect([status, json.code]).toEqual([404, 'not_found']);
    },
  );

  it('answers below basePath only', async () => {
    const { handler } = setup({}, { basePath: '/pay/spendcap' });
    const inside = await send(handler, '/pay/spendcap/v1/purchases', { body: PURCHASE });
    expect(inside.status).toBe(201);
    const { json } = await send(handler, '/pay/spendcap/openapi.json');
    expect(json.servers).toEqual([{ url: '/pay/spendcap' }]);
    expect((await send(handler, '/v1/purchases', { body: PURCHASE })).status).toBe(404);
  });

  it('answers HEAD as GET, without the body', async () => {
    const { status, text } = await send(setup().handler, '/v1/purchases/order-1', {
      method: 'HEAD',
    });
    expect([status, text]).toEqual([200, '']);
  });
});

describe('the operator', () => {
  it('asks for health without a key', async () => {
    for (const path of ['/health/live', '/health/ready']) {
      expect((await send(setup().handler, path, { bearer: null })).status).toBe(200);
    }
    const down = setup({ ready: new SpendcapError('store_unavailable', 'Down.') }).handler;
    expect((await send(down, '/health/ready', { bearer: null })).status).toBe(503);
    expect((await send(down, '/health/live', { bearer: null })).status).toBe(200);
  });

  it('asks the limiter once a second, however many balancers ask', async () => {
    const { handler, calls } = setup();
    const ready = () => send(handler, '/health/ready', { bearer: null });
    await Promise.all(Array.from({ length: 50 }, ready));
    await ready();
    expect(calls).toEqual([['ready']]);
    await new Promise((resolve) => setTimeout(resolve, 1_050));
    expect((await ready()).status).toBe(200);
    expect(calls).toHaveLength(2);
  });

  it.each([
    ['hangs', () => new Promise<never>(() => {})],
    [
      'throws',
      () => {
        throw new Error('broken');
      },
    ],
  ])('is answered in time, and asks again, when a check %s', async (_, ready) => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const stub = stubLimiter().limiter;
    const state = { ready: ready as () => Promise<void> };
    const limiter = { ...stub, ready: () => state.ready() };
    const handler = createHandler(limiter, { apiKeys: [API_KEY] });
    const first = send(handler, '/health/ready', { bearer: null });
    await vi.advanceTimersByTimeAsync(10_000);
    expect((await first).status).toBeGreaterThanOrEqual(500);
    state.ready = async () => undefined;
    await vi.advanceTimersByTimeAsync(1_000);
    expect((await send(handler, '/health/ready', { bearer: null })).status).toBe(200);
  });

  it('publishes the keys of permits', async () => {
    const { json, headers } = await send(setup().handler, '/.well-known/jwks.json', {
      bearer: null,
    });
    expect(json).toEqual({ keys: [{ kty: 'EC', kid: 'k1' }] });
    expect(headers.get('cache-control')).toBe('public, max-age=300');
  });
});

describe('the async context of the caller', () => {
  it.each<[string, Partial<HandlerOptions>]>([
    ['without middleware', {}],
    ['with CORS', { corsOrigins: ['https://shop.example'] }],
  ])('reaches the limiter and the listeners, %s', async (_name, options) => {
    const context = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];
    const see = () => void seen.push(context.getStore());
    const { limiter } = stubLimiter();
    const failing: Limiter = {
      ...limiter,
      check: async () => {
        await new Promise((resolve) => setImmediate(resolve));
        see();
        throw new SpendcapError('overloaded', 'Too many calls are waiting.');
      },
    };
    const all = { apiKeys: [API_KEY], onError: see, onResponse: see, ...options };
    const handler = createHandler(failing, all);
    const body = { amount: '1', currency: 'CNY' };
    await Promise.all(
      ['trace-1', 'trace-2'].map((trace) =>
        context.run(trace, () => send(handler, '/v1/decisions', { body })),
      ),
    );
    expect(seen.sort()).toEqual([...Array(3).fill('trace-1'), ...Array(3).fill('trace-2')]);
  });
});

describe('listeners', () => {
  it('onResponse gets each response, and nothing that the caller sent but the method', async () => {
    const onResponse = vi.fn();
    const { handler } = setup({ reserve: REFUSED }, { onResponse, corsOrigins: ['app://-'] });
    await send(handler, '/v1/purchases', { body: PURCHASE });
    await send(handler, '/v1/purchases/order-1?secret=1', { method: 'HEAD' });
    await send(handler, '/v1/allowance?category=tip', { bearer: AGE_TOKEN });
    await send(handler, '/secret', { bearer: null });
    const seconds = expect.any(Number);
    expect(onResponse.mock.calls).toEqual([
      [{ method: 'POST', route: '/v1/purchases', status: 403, seconds }],
      [{ method: 'HEAD', route: '/v1/purchases/{id}', status: 200, seconds }],
      [{ method: 'GET', route: '/v1/allowance', status: 200, seconds }],
      [{ method: 'GET', route: 'unmatched', status: 404, seconds }],
    ]);
  });

  it.each<[string, () => void]>([
    [
      'throws',
      () => {
        throw new Error('no disk');
      },
    ],
    ['rejects', async () => Promise.reject(new Error('no disk'))],
  ])('one that %s changes no response and ends nothing', async (_name, listener) => {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const error = new SpendcapError('store_unavailable', 'Down.');
    const options = { onError: listener, onResponse: listener };
    const { handler } = setup({ reserve: error }, options);
    const { status } = await send(handler, '/v1/purchases', { body: PURCHASE });
    expect(status).toBe(503);
    await expect.poll(() => warn.mock.calls.length).toBe(2);
  });
});

describe('OpenAPI', () => {
  it('describes every route, with references that resolve', async () => {
    const { json, text } = await send(setup().handler, '/openapi.json', { bearer: null });
    expect(json.openapi).toBe('3.1.0');
    const paths = json.paths as Record<string, Record<string, Json>>;
    const operations = Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
    );
    expect(operations.map(({ path, method }) => `${method} ${path}`).sort()).toEqual([
      'get /.well-known/jwks.json',
      'get /health/live',
      'get /health/ready',
      'get /metrics',
      'get /openapi.json',
      'get /v1/allowance',
      'get /v1/overdue',
      'get /v1/purchases/{id}',
      'post /v1/decisions',
      'post /v1/decisions/batch',
      'post /v1/purchases',
      'post /v1/purchases/{id}/attach',
      'post /v1/purchases/{id}/commit',
      'post /v1/purchases/{id}/record',
      'post /v1/purchases/{id}/refund',
      'post /v1/purchases/{id}/release',
      'post /v1/purchases/{id}/reverse-refund',
    ]);
    for (const field of ['operationId', 'summary']) {
      const names = operations.map(({ operation }) => operation[field]);
      expect(new Set(names).size).toBe(operations.length);
    }
    const tags = (json.tags as { name: string }[]).map(({ name }) => name);
    for (const { operation } of operations) {
      // Names the operation, in a generated client's list of methods too.
      expect(operation.summary).toMatch(/^[A-Z][a-z]+( [a-z]+)+$/);
      expect(operation.tags).toEqual([expect.toSatisfy((tag) => tags.includes(tag))]);
    }

    const components = json.components as Record<string, Record<string, Json>>;
    for (const [, name] of text.matchAll(/"#\/components\/schemas\/([^"]+)"/g)) {
      expect(components.schemas).toHaveProperty(String(name));
    }
    const schemes = Object.keys(components.securitySchemes ?? {});
    for (const { path, operation } of operations) {
      for (const alternative of operation.security as Json[]) {
        expect(schemes).toEqual(expect.arrayContaining(Object.keys(alternative)));
      }
      const parameters = (operation.parameters ?? []) as Json[];
      const inPath = parameters.filter(({ in: place }) => place === 'path').map(({ name }) => name);
      expect(inPath).toEqual([...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name));
      expect(Object.keys(operation.responses as Json).length).toBeGreaterThan(0);
    }
  });

  it.each<[keyof Limiter, string, Sent]>([
    ['reserve', 'post /v1/purchases', { body: PURCHASE }],
    ['commit', 'post /v1/purchases/{id}/commit', { body: {} }],
    ['release', 'post /v1/purchases/{id}/release', { body: {} }],
    ['record', 'post /v1/purchases/{id}/record', { body: CHARGE }],
    ['refund', 'post /v1/purchases/{id}/refund', { body: { id: 'r1' } }],
    ['reverseRefund', 'post /v1/purchases/{id}/reverse-refund', { body: { id: 'r1' } }],
    ['get', 'get /v1/purchases/{id}', {}],
    ['attach', 'post /v1/purchases/{id}/attach', { body: NAMED }],
    ['overdue', 'get /v1/overdue', {}],
    ['check', 'post /v1/decisions', { body: { amount: '1', currency: 'CNY' } }],
    ['checkMany', 'post /v1/decisions/batch', { body: { products: [PRICE] } }],
    ['allowance', 'get /v1/allowance', { bearer: AGE_TOKEN }],
    ['ready', 'get /health/ready', {}],
  ])('describes the responses of a failing %s', async (verb, operation, sent) => {
    const [method = '', path = ''] = operation.split(' ');
    const store = new SpendcapError('store_unavailable', 'Away.');
    for (const error of [store, new Error('a fault of ours')]) {
      const { handler } = setup({ [verb]: error });
      const { status } = await send(handler, path.replace('{id}', 'order-1'), sent);
      expect(status).toBe(error === store ? 503 : 500);
      const { json } = await send(handler, '/openapi.json');
      const paths = json.paths as Record<string, Record<string, { responses: Json }>>;
      expect(Object.keys(paths[path]?.[method]?.responses ?? {})).toContain(String(status));
    }
  });

  it('allows no text that the server refuses', async () => {
    const { handler } = setup();
    const { json } = await send(handler, '/openapi.json');
    type Text = { pattern: string; minLength: number; maxLength: number };
    type Schema = { properties: Record<string, Text & { propertyNames: Text }> };
    const { schemas } = json.components as { schemas: Record<string, Schema> };
    const { product, metadata, guardianApproval } = schemas.PurchaseRequest?.properties ?? {};
    const reason = schemas.ReleaseRequest?.properties.reason;
    const fits = (schema: Text | undefined, text: string) => {
      if (schema === undefined) expect.fail('no schema');
      const { pattern, minLength, maxLength } = schema;
      const isLong = text.length >= minLength && text.length <= maxLength;
      return isLong && new RegExp(pattern, 'u').test(text);
    };
    const texts = ['gems × 60', '钻石 😀', '', 'a\u0000b', 'a\nb', '\u007f', '\u0085', '\u00a0'];
    texts.push('__proto__', '__proto__x', 'x'.repeat(40), 'x'.repeat(41), 'x'.repeat(201));
    for (const text of texts) {
      const accepts = async (path: string, body: string) =>
        (await send(handler, path, { body })).status < 300;
      const quoted = JSON.stringify(text);
      const purchase = (field: string) =>
        accepts('/v1/purchases', `${JSON.stringify(PURCHASE).slice(0, -1)},${field}}`);
      expect([text, await purchase(`"product":${quoted}`)]).toEqual([text, fits(product, text)]);
      expect([text, await purchase(`"guardianApproval":${quoted}`)]).toEqual([
        text,
        fits(guardianApproval, text),
      ]);
      expect([text, await purchase(`"metadata":{${quoted}:"v"}`)]).toEqual([
        text,
        fits(metadata?.propertyNames, text),
      ]);
      const released = await accepts('/v1/purchases/order-1/release', `{"reason":${quoted}}`);
      expect([text, released]).toEqual([text, fits(reason, text)]);
    }
  });

  it('leaves open what a minor version may add to', async () => {
    const { json } = await send(setup().handler, '/openapi.json');
    const { schemas } = json.components as { schemas: Record<string, { properties: Json }> };
    expect(schemas.Reason?.properties.code).toEqual({
      type: 'string',
      description: expect.stringMatching(/transaction_cap_exceeded, day_cap_exceeded/),
      example: 'transaction_cap_exceeded',
    });
    for (const name of ['Reason', 'PolicyRow', 'Allowance', 'Purchase', 'Problem']) {
      expect(JSON.stringify(schemas[name])).not.toContain('"enum"');
    }
  });

  it('asks for what the handler asks for, and allows nothing else', async () => {
    const { json } = await send(setup().handler, '/openapi.json');
    const { schemas } = json.components as { schemas: Record<string, Json> };
    expect(schemas.PurchaseRequest?.required).toEqual(['id', 'amount', 'currency']);
    expect(schemas.PurchaseRequest?.additionalProperties).toBe(false);
    // A pattern is a plain ECMA-262 expression that other languages can read.
    for (const [, pattern] of JSON.stringify(json).matchAll(/"pattern":("(?:[^"\\]|\\.)*")/g)) {
      expect(JSON.parse(String(pattern))).toMatch(/^\^.*\$$/);
    }
  });
});
