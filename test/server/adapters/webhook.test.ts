import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { serve } from '@hono/node-server';
import { toExpress } from '@spendcap/server/adapters/express';
import { toFastify } from '@spendcap/server/adapters/fastify';
import { toHono } from '@spendcap/server/adapters/hono';
import { toNext } from '@spendcap/server/adapters/next';
import { toNode } from '@spendcap/server/adapters/node';
import { type PaymentProblem, processorWebhook } from '@spendcap/server/payments';
import express, { type Request as ExpressRequest } from 'express';
import fastify from 'fastify';
import { Hono } from 'hono';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Handler } from '../../../packages/server/src/http/index.ts';
import { createWorld, THIRTY } from '../payments/stripe/stripe-kit.ts';

const MOUNT = '/shop/hook';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

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

type Start = (webhook: Handler) => Promise<string>;

const MOUNTED: Record<string, Start> = {
  node: (webhook) => listening(createServer(toNode(webhook))),
  express: (webhook) => {
    const app = express();
    app.post(MOUNT, toExpress(webhook));
    return listening(createServer(app));
  },
  'express 4': (webhook) => {
    const app = express4();
    app.post(MOUNT, toExpress(webhook));
    return listening(createServer(app));
  },
  'express, by use': (webhook) => {
    const app = express();
    app.use(MOUNT, toExpress(webhook));
    return listening(createServer(app));
  },
  'express behind express.raw()': (webhook) => {
    const app = express();
    app.use(express.raw({ type: '*/*' }));
    app.post(MOUNT, toExpress(webhook));
    return listening(createServer(app));
  },
  'express behind express.json() that keeps rawBody': (webhook) => {
    const app = express();
    app.use(
      express.json({
        verify: (req: ExpressRequest & { rawBody?: Buffer }, _res, bytes) => {
          req.rawBody = bytes;
        },
      }),
    );
    app.post(MOUNT, toExpress(webhook));
    return listening(createServer(app));
  },
  fastify: (webhook) => {
    const app = fastify();
    app.register(toFastify(webhook), { prefix: MOUNT });
    closers.push(() => app.close());
    return app.listen({ port: 0, host: '127.0.0.1' });
  },
  hono: (webhook) => {
    const app = new Hono();
    app.all(`${MOUNT}/*`, toHono(webhook));
    return listening(serve({ fetch: app.fetch, port: 0, overrideGlobalObjects: false }) as Server);
  },
  'hono behind c.req.json()': (webhook) => {
    const app = new Hono();
    app.use(async (context, next) => {
      await context.req.json();
      await next();
    });
    app.all(`${MOUNT}/*`, toHono(webhook));
    return listening(serve({ fetch: app.fetch, port: 0, overrideGlobalObjects: false }) as Server);
  },
  next: (webhook) =>
    // A server whose route is Next's: a Fetch function by method.
    listening(serve({ fetch: toNext(webhook).POST, port: 0 }) as Server),
};

/** A parser that leaves no raw bytes, before the adapter. */
const PARSED: Record<string, Start> = {
  'express behind express.json()': (webhook) => {
    const app = express();
    app.use(express.json());
    app.post(MOUNT, toExpress(webhook));
    return listening(createServer(app));
  },
  'node behind a parser, as in a Next API route': (webhook) => {
    const listener = toNode(webhook);
    const parsing: RequestListener = async (req, res) => {
      let text = '';
      for await (const chunk of req) text += chunk;
      listener(Object.assign(req, { body: JSON.parse(text) }), res);
    };
    return listening(createServer(parsing));
  },
};

async function chargedUnseen() {
  const world = createWorld();
  const intent = await world.guard.paymentIntents.create(
    { ...THIRTY, confirm: false },
    { spendcap: world.buyer('p1') },
  );
  if (!intent.allowed) expect.fail('refused');
  // As the player's browser does it, past the guard.
  await world.stripe.paymentIntents.confirm(intent.paymentIntent.id);
  const event = world.fake.events.find(({ type }) => type === 'payment_intent.succeeded');
  if (event === undefined) expect.fail('no event');
  const problems: PaymentProblem[] = [];
  return { world, event, problems };
}

type Charged = Awaited<ReturnType<typeof chargedUnseen>>;

/** Sends the event over HTTP to `path`, as Stripe does. */
async function deliver(url: string, { world, event }: Charged): Promise<Response> {
  const request = world.fake.webhook(event);
  return fetch(url, {
    method: 'POST',
    headers: Object.fromEntries(request.headers),
    body: await request.text(),
  });
}

describe.each(Object.entries(MOUNTED))('a webhook on %s', (_, start) => {
  it.each([MOUNT, `${MOUNT}/`])('settles the event sent to %s', async (path) => {
    const charged = await chargedUnseen();
    const { world, problems } = charged;
    const onProblem = (problem: PaymentProblem) => problems.push(problem);
    const webhook = processorWebhook({ ...world.engine, onProblem });
    const response = await deliver((await start(webhook)) + path, charged);
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ received: true, outcome: 'settled' });
    expect((await world.purchase('p1')).state).toBe('committed');
    expect(problems).toEqual([]);
  });
});

describe.each(Object.entries(PARSED))('a webhook on %s', (_, start) => {
  it('says why it cannot verify, and what to do', async () => {
    const charged = await chargedUnseen();
    const { world, problems } = charged;
    const onProblem = (problem: PaymentProblem) => problems.push(problem);
    const webhook = processorWebhook({ ...world.engine, onProblem });
    const response = await deliver((await start(webhook)) + MOUNT, charged);
    expect(response.status).toBe(500);
    const message = expect.stringMatching(/body parser .*[Mm]ount .*before it.*rawBody/);
    expect(await response.json()).toEqual({
      received: false,
      outcome: 'webhook_body_parsed',
      detail: message,
    });
    expect(problems).toEqual([
      {
        processor: 'stripe',
        purchaseId: null,
        messageId: null,
        messageType: null,
        code: 'webhook_body_parsed',
        message,
      },
    ]);
    expect((await world.purchase('p1')).state).toBe('reserved');
  });

  it('warns if nobody listens for problems', async () => {
    const warn = vi.spyOn(process, 'emitWarning').mockReturnValue();
    closers.push(() => warn.mockRestore());
    const charged = await chargedUnseen();
    const { onProblem: _, ...engine } = charged.world.engine;
    const response = await deliver((await start(processorWebhook(engine))) + MOUNT, charged);
    expect(response.status).toBe(500);
    expect(warn.mock.calls).toEqual([[expect.stringMatching(/body parser/), 'SpendcapWarning']]);
  });
});

it('says why it cannot verify a form behind c.req.formData() of Hono', async () => {
  const { world, problems } = await chargedUnseen();
  const onProblem = (problem: PaymentProblem) => problems.push(problem);
  const app = new Hono();
  app.use(async (context, next) => {
    await context.req.formData();
    await next();
  });
  app.all(MOUNT, toHono(processorWebhook({ ...world.engine, onProblem })));
  const body = new URLSearchParams({ trade_status: 'TRADE_SUCCESS' });
  const response = await app.request(MOUNT, { method: 'POST', body });
  expect(response.status).toBe(500);
  expect(problems).toMatchObject([{ code: 'webhook_body_parsed' }]);
});

it('a fault of the handler is a 500, not the fault of the caller', async () => {
  const warn = vi.spyOn(process, 'emitWarning').mockReturnValue();
  closers.push(() => warn.mockRestore());
  const rejecting = () => Promise.reject(new Error('a secret'));
  const url = await listening(createServer(toNode(rejecting)));
  const response = await fetch(url, { method: 'POST', body: '{}' });
  expect(response.status).toBe(500);
  const text = await response.text();
  expect(JSON.parse(text)).toMatchObject({ code: 'internal_error' });
  expect(text).not.toMatch('secret');
  expect(warn).toHaveBeenCalledOnce();
});
