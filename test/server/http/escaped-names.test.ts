import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { cnGame } from '@spendcap/core';
import { createHandler, createLimiter } from '@spendcap/server';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toNode } from '../../../packages/server/src/adapters/node/index.ts';
import { anyStore } from '../../support/any-store.ts';
import { authority, NOW, verifierOf } from '../age/token/token-kit.ts';

const API_KEY = 'an-example-key-of-a-test';

let ageToken: string;
let server: Server;
let url: string;

beforeAll(async () => {
  const issuer = await authority();
  ageToken = await issuer.sign({ age_range: { min: 12, max_exclusive: 13 } });
  const limiter = createLimiter({
    policy: cnGame(),
    store: anyStore(),
    ageTokens: verifierOf(issuer),
    now: () => NOW,
  });
  server = createServer(toNode(createHandler(limiter, { apiKeys: [API_KEY] })));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

async function post(path: string, bearer: string, body: string) {
  const headers = { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' };
  const response = await fetch(url + path, { method: 'POST', headers, body });
  return { status: response.status, text: await response.text() };
}

function buy(id: string, metadata: string) {
  const fields = { id, ageToken, amount: '1.00', currency: 'CNY' };
  const body = `${JSON.stringify(fields).slice(0, -1)},"metadata":${metadata}}`;
  return post('/v1/purchases', API_KEY, body);
}

/** nodejs/node#63785: each has first names of its own, because only one poison works for a name. */
describe('names with escapes in metadata', () => {
  it.each([
    ['{"lang":[],"\\\\u":0}', '{"lang":"zh","\\u91d1\\u989d":"1"}', '"金额":"1"'],
    ['{"note":[],"\\\\":0}', '{"note":"zh","\\"":"1"}', '"\\"":"1"'],
  ])('are read as written after an unauthenticated %s', async (poison, metadata, expected) => {
    await post('/v1/decisions', 'a.b.c', poison);
    const id = `after-${metadata.length}`;
    const bought = await buy(id, metadata);
    expect(bought.status).toBe(201);
    expect(bought.text).toContain(expected);
    const read = await fetch(`${url}/v1/purchases/${id}`, {
      headers: { authorization: `Bearer ${API_KEY}` },
    });
    expect(await read.text()).toContain(expected);
    // The same purchase without an escape is a retry, not a conflict.
    const retry = await buy(id, metadata.replace('\\u91d1\\u989d', '金额'));
    expect(retry.status).toBe(200);
  });
});
