import { EventEmitter, once } from 'node:events';
import { createServer, request as httpRequest, type Server } from 'node:http';
import { createRequire } from 'node:module';
import { type AddressInfo, connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { serve } from '@hono/node-server';
import { type Reservation, SpendcapError } from '@spendcap/core';
import express, { type ErrorRequestHandler, type RequestHandler } from 'express';
import fastify from 'fastify';
import { Hono } from 'hono';
import { afterEach, describe, expect, it } from 'vitest';
import { problemHandler, toExpress } from '../../../packages/server/src/adapters/express/index.ts';
import { toFastify } from '../../../packages/server/src/adapters/fastify/index.ts';
import { toHono } from '../../../packages/server/src/adapters/hono/index.ts';
import { toNext } from '../../../packages/server/src/adapters/next/index.ts';
import { toNode } from '../../../packages/server/src/adapters/node/index.ts';
import { createHandler, type Handler } from '../../../packages/server/src/http/index.ts';
import { AGE_TOKEN, API_KEY, stubLimiter } from '../http/stub-limiter.ts';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

const BASE = '/pay/spendcap';

async function listening(server: Server): Promise<string> {
  if (!server.listening) {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  }
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

// It has no types of its own; what is used of it is the same.
const express4: typeof express = createRequire(import.meta.url)('express-4');

function expressServers(
  name: string,
  make: typeof express,
): Record<string, (handler: Handler) => Promise<string>> {
  const behind =
    (...parsers: readonly RequestHandler[]) =>
    (handler: Handler) => {
      const app = make();
      for (const parser of parsers) app.use(parser);
      app.use(BASE, toExpress(handler));
      return listening(createServer(app));
    };
  const all = { type: '*/*', limit: '2mb' };
  return {
    [`${name} without a body parser`]: behind(),
    [`${name} behind express.json()`]: behind(make.json({ limit: '2mb' })),
    [`${name} behind express.raw()`]: behind(make.raw(all)),
    [`${name} behind express.text()`]: behind(make.text(all)),
  };
}

/** Each starts a real server with the handler below BASE, and gives its address. */
const SERVERS: Record<string, (handler: Handler) => Promise<string>> = {
  node: (handler) => listening(createServer(toNode(handler))),
  ...expressServers('express', express),
  ...expressServers('express 4', express4),
  fastify: async (handler) => {
    const app = fastify();
    app.addHook('onRequest', async (_request, reply) => {
      reply.header('x-from-a-hook', 'kept');
    });
    app.register(toFastify(handler), { prefix: BASE });
    app.post('/own', async (request) => request.body);
    closers.push(() => app.close());
    return app.listen({ port: 0, host: '127.0.0.1' });
  },
  hono: (handler) => {
    const app = new Hono();
    app.all(`${BASE}/*`, toHono(handler));
    const server = serve({ fetch: app.fetch, port: 0, overrideGlobalObjects: false });
    return listening(server as Server);
  },
  'hono behind middleware that reads the body': (handler) => {
    const app = new Hono();
    app.use(async (context, next) => {
      if (context.req.method === 'POST') await context.req.text();
      await next();
    });
    app.all(`${BASE}/*`, toHono(handler));
    const server = serve({ fetch: app.fetch, port: 0, overrideGlobalObjects: false });
    return listening(server as Server);
  },
};

function setup() {
  const { limiter, calls } = stubLimiter();
  return { handler: createHandler(limiter, { apiKeys: [API_KEY], basePath: BASE }), calls };
}

const AUTHORIZED = { authorization: `Bearer ${API_KEY}` };
const JSON_HEADERS = { ...AUTHORIZED, 'content-type': 'application/json' };
const PURCHASE = { id: 'order-1', amount: '48.00', currency: 'CNY', product: '钻石 × 60' };

describe.each(Object.entries(SERVERS))('%s', (name, start) => {
  it('carries a purchase there and back', async () => {
    const { handler, calls } = setup();
    const url = await start(handler);
    const response = await fetch(`${url}${BASE}/v1/purchases`, {
      method: 'POST',
      headers: JSON_HEADERS,
      body: JSON.stringify(PURCHASE),
    });
    expect(response.status).toBe(201);
    expect(response.headers.get('content-type')).toBe('application/json');
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(await response.json()).toMatchObject({ allowed: true, purchase: { id: 'order-1' } });
    expect(calls).toEqual([['reserve', PURCHASE]]);
  });

  it('carries verbs without a body, queries, HEAD and problems', async () => {
    const { handler, calls } = setup();
    const url = `${await start(handler)}${BASE}`;
    const commit = await fetch(`${url}/v1/purchases/order-1/commit`, {
      method: 'POST',
      headers: AUTHORIZED,
    });
    expect(commit.status).toBe(200);
    const allowance = await fetch(`${url}/v1/allowance?category=tip`, {
      headers: { authorization: `Bearer ${AGE_TOKEN}` },
    });
    expect(allowance.status).toBe(200);
    expect(calls).toEqual([
      ['commit', 'order-1', {}],
      ['allowance', { ageToken: AGE_TOKEN, category: 'tip' }],
    ]);
    const head = await fetch(`${url}/health/live`, { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
    const gone = await fetch(`${url}/nowhere`);
    expect(gone.status).toBe(404);
    expect(gone.headers.get('content-type')).toBe('application/problem+json');
    const wrong = await fetch(`${url}/v1/purchases`, { method: 'PUT', headers: AUTHORIZED });
    expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, 'POST']);
  });

  it('measures a body that comes in chunks', async () => {
    const { handler, calls } = setup();
    const url = await start(handler);
    const send = (body: string) => chunked(`${url}${BASE}/v1/purchases`, body);
    expect(await send(JSON.stringify(PURCHASE))).toBe(201);
    expect(await send(JSON.stringify({ ...PURCHASE, product: 'x'.repeat(70_000) }))).toBe(413);
    expect(calls).toEqual([['reserve', PURCHASE]]);
  });

  it.skipIf(name.includes('express.json'))('leaves broken JSON to the handler', async () => {
    const url = await start(setup().handler);
    const response = await fetch(`${url}${BASE}/v1/purchases`, {
      method: 'POST',
      headers: JSON_HEADERS,
      body: '{"id":',
    });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code: 'invalid_request' });
  });

  it('serves 32 concurrent requests', async () => {
    const { handler, calls } = setup();
    const url = await start(handler);
    const ids = Array.from({ length: 32 }, (_, index) => `order-${index}`);
    const answered = await Promise.all(
      ids.map(async (id) => {
        const response = await fetch(`${url}${BASE}/v1/purchases`, {
          method: 'POST',
          headers: JSON_HEADERS,
          body: JSON.stringify({ ...PURCHASE, id }),
        });
        return ((await response.json()) as Reservation).purchase.id;
      }),
    );
    expect(answered).toEqual(ids);
    expect(calls).toHaveLength(32);
  });
});

/** Posts without Content-Length, in pieces. */
function chunked(url: string, body: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(url, { method: 'POST', headers: JSON_HEADERS }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    // An early 413 may close the connection while we still write.
    request.on('error', reject);
    const bytes = Buffer.from(body);
    const middle = Math.floor(bytes.length / 2);
    request.write(bytes.subarray(0, middle));
    setTimeout(() => request.end(bytes.subarray(middle)), 20);
  });
}

describe('express', () => {
  it('takes a compressed body that a parser has unpacked', async () => {
    const { handler, calls } = setup();
    const url = await SERVERS['express behind express.json()']?.(handler);
    const response = await fetch(`${url}${BASE}/v1/purchases`, {
      method: 'POST',
      headers: { ...JSON_HEADERS, 'content-encoding': 'gzip' },
      body: gzipSync(JSON.stringify(PURCHASE)),
    });
    expect(response.status).toBe(201);
    expect(calls).toEqual([['reserve', PURCHASE]]);
  });

  it('says what is wrong where the body was read and thrown away', async () => {
    const { handler, calls } = setup();
    const app = express();
    app.use((req, _res, next) => {
      req.resume();
      req.on('end', next);
    });
    app.use(BASE, toExpress(handler));
    const errors: unknown[] = [];
    // biome-ignore lint/complexity/useMaxParams: Express knows an error handler by its four.
    const onError: express.ErrorRequestHandler = (error, _req, res, _next) => {
      errors.push(error);
      res.status(500).end();
    };
    app.use(onError);
    const url = await listening(createServer(app));
    const response = await fetch(`${url}${BASE}/v1/purchases`, {
      method: 'POST',
      headers: JSON_HEADERS,
      body: JSON.stringify(PURCHASE),
    });
    expect(response.status).toBe(500);
    expect(errors).toEqual([
      expect.objectContaining({ message: expect.stringMatching(/earlier/) }),
    ]);
    expect(calls).toEqual([]);
  });
});

describe.each([
  ['express', express],
  ['express 4', express4],
])('problemHandler on %s', (_, make) => {
  async function failing(error: unknown): Promise<Response> {
    const app = make();
    app.get('/', (_req, _res, next) => next(error));
    app.use(problemHandler());
    // biome-ignore lint/complexity/useMaxParams: Express knows an error handler by its four.
    const seen: ErrorRequestHandler = (passed, _req, res, _next) => {
      res.status(599).send(passed === error ? 'passed on' : 'another');
    };
    app.use(seen);
    return fetch(await listening(createServer(app)));
  }

  it('responds to an error of spendcap as the HTTP API does', async () => {
    const error = new SpendcapError('store_unavailable', 'No connection.');
    const response = await failing(error);
    expect(response.status).toBe(503);
    expect(response.headers.get('content-type')).toBe('application/problem+json');
    expect(response.headers.get('retry-after')).toBe('1');
    expect(await response.json()).toMatchObject({ code: 'store_unavailable', retryable: true });
  });

  it.each([
    new Error('of the app'),
    Object.assign(new Error('of a processor'), { status: 402 }),
    Object.assign(new Error('not to be shown'), { status: 400, expose: false }),
    'a text',
  ])('passes on %s', async (error) => {
    const response = await failing(error);
    expect([response.status, await response.text()]).toEqual([599, 'passed on']);
  });
});

describe('fastify', () => {
  it('keeps the headers of hooks, and the parsers outside the plugin', async () => {
    const url = await SERVERS.fastify?.(setup().handler);
    const live = await fetch(`${url}${BASE}/health/live`);
    expect(live.headers.get('x-from-a-hook')).toBe('kept');
    const own = await fetch(`${url}/own`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"a":1}',
    });
    expect(await own.json()).toEqual({ a: 1 });
  });

  it('leaves an own page at / to the app, if mounted without a prefix', async () => {
    const app = fastify();
    app.get('/', async () => 'own');
    app.register(toFastify(async (request) => new Response(new URL(request.url).pathname)));
    closers.push(() => app.close());
    const url = await app.listen({ port: 0, host: '127.0.0.1' });
    const read = async (path: string) => (await fetch(url + path)).text();
    expect([await read('/'), await read('/health/live')]).toEqual(['own', '/health/live']);
  });

  it.each(['/', '/hook'])('runs a handler mounted without a prefix, at %s', async (path) => {
    const app = fastify();
    app.register(toFastify(async (request) => new Response(new URL(request.url).pathname)));
    closers.push(() => app.close());
    const url = await app.listen({ port: 0, host: '127.0.0.1' });
    expect(await (await fetch(url + path, { method: 'POST' })).text()).toBe(path);
  });

  it.each(['/shop/hook', '/shop/hook/'])('runs a webhook mounted at %s', async (path) => {
    const app = fastify();
    app.register(
      toFastify(async () => new Response('hook')),
      { prefix: '/shop/hook' },
    );
    closers.push(() => app.close());
    const url = await app.listen({ port: 0, host: '127.0.0.1' });
    const response = await fetch(`${url}${path}`, { method: 'POST', body: '{}' });
    expect([response.status, await response.text()]).toEqual([200, 'hook']);
  });
});

describe('node', () => {
  it('aborts the request when the client goes away', async () => {
    const gone = new EventEmitter();
    const aborted = once(gone, 'abort');
    const url = new URL(
      await listening(
        createServer(
          toNode(async ({ signal }) => {
            signal.addEventListener('abort', () => gone.emit('abort'));
            socket.destroy();
            await aborted;
            return new Response('too late');
          }),
        ),
      ),
    );
    const socket = connect(Number(url.port), url.hostname);
    socket.write('GET / HTTP/1.1\r\nhost: limiter.example\r\n\r\n');
    await aborted;
  });

  it.each<readonly [string, string, number]>([
    ['HTTP/1.0 without Host', 'GET /health/live HTTP/1.0\r\n\r\n', 200],
    ['two Host headers', 'GET /health/live HTTP/1.1\r\nhost: a\r\nHost: b\r\n\r\n', 400],
    ...[
      ...['/health/live#x', '/health/./live', '/v1/../health/live', '/v1/%2E%2e/health/live'],
      ...['/health/live/..', '/health/live/.?a=b'],
    ].map((target) => [target, `GET ${target} HTTP/1.1\r\nhost: a\r\n\r\n`, 400] as const),
    ['dots in a query', 'GET /health/live?next=/a/../b HTTP/1.1\r\nhost: a\r\n\r\n', 200],
  ])('knows %s', async (_, head, status) => {
    const { limiter } = stubLimiter();
    const handler = createHandler(limiter, { apiKeys: [API_KEY] });
    const { port, hostname } = new URL(await listening(createServer(toNode(handler))));
    const socket = connect(Number(port), hostname).setEncoding('utf8');
    socket.write(head);
    const [answer] = await once(socket, 'data');
    socket.destroy();
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  });

  it('leaves the Request and Response of the program alone', async () => {
    const { Request: before, Response: beforeToo } = globalThis;
    toNode(setup().handler);
    expect(globalThis.Request === before && globalThis.Response === beforeToo).toBe(true);
  });

  it('answers a bad Host header with a problem', async () => {
    const url = new URL(await listening(createServer(toNode(setup().handler))));
    const response = await new Promise<[number | undefined, string]>((resolve, reject) => {
      httpRequest(url, { headers: { host: 'a b' } }, async (answer) => {
        let text = '';
        for await (const chunk of answer) text += chunk;
        resolve([answer.statusCode, JSON.parse(text).code]);
      })
        .on('error', reject)
        .end();
    });
    expect(response).toEqual([400, 'invalid_request']);
  });
});

describe('next', () => {
  it('gives route handlers that ignore what Next passes besides the request', async () => {
    const { handler, calls } = setup();
    const { GET, POST, OPTIONS } = toNext(handler);
    const request = new Request(`http://shop.example${BASE}/v1/purchases`, {
      method: 'POST',
      headers: JSON_HEADERS,
      body: JSON.stringify(PURCHASE),
    });
    const context = { params: Promise.resolve({ path: ['v1', 'purchases'] }) };
    const post: (request: Request, context: unknown) => Promise<Response> = POST;
    expect((await post(request, context)).status).toBe(201);
    expect(calls).toEqual([['reserve', PURCHASE]]);
    expect((await GET(new Request(`http://shop.example${BASE}/health/live`))).status).toBe(200);
    const preflight = new Request(`http://shop.example${BASE}/v1/allowance`, { method: 'OPTIONS' });
    expect((await OPTIONS(preflight)).status).toBe(405);
  });
});
