import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Allowance, cnGame, type Purchase } from '@spendcap/core';
import { createHandler, createLimiter } from '@spendcap/server';
import { SignJWT } from 'jose';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { toNode } from '../../../packages/server/src/adapters/node/index.ts';
import { anyStore } from '../../support/any-store.ts';
import {
  AUDIENCE,
  type Authority,
  authority,
  base64url,
  ISSUER,
  NOW,
  SECOND,
  verifierOf,
} from '../age/token/token-kit.ts';

const API_KEY = 'an-example-key-of-a-test';
const TWELVE = { age_range: { min: 12, max_exclusive: 13 } };

let issuer: Authority;
let token: string;
let server: Server;
let port: number;
let before: Allowance;
const errors: unknown[] = [];

beforeAll(async () => {
  issuer = await authority();
  token = await issuer.sign(TWELVE);
  const limiter = createLimiter({
    policy: cnGame(),
    store: anyStore(),
    ageTokens: verifierOf(issuer),
    now: () => NOW,
  });
  const onError = (error: unknown) => errors.push(error);
  server = createServer(toNode(createHandler(limiter, { apiKeys: [API_KEY], onError })));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  port = (server.address() as AddressInfo).port;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

beforeEach(async () => {
  before = await allowance();
});
/** Whatever came in, nothing was recorded and nothing broke. */
afterEach(async () => {
  expect(await allowance()).toEqual(before);
  expect(errors).toEqual([]);
});

async function allowance(): Promise<Allowance> {
  const { status, json } = await send('GET', '/v1/allowance', { bearer: token });
  expect(status).toBe(200);
  return json as unknown as Allowance;
}

interface Sent {
  readonly bearer?: string;
  readonly body?: string | Uint8Array;
  readonly headers?: Record<string, string>;
}

async function send(method: string, path: string, sent: Sent = {}) {
  const { bearer = API_KEY, body, headers } = sent;
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${bearer}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: body as string }),
  });
  const text = await response.text();
  const json: Record<string, unknown> = text.startsWith('{') ? JSON.parse(text) : {};
  return { status: response.status, code: json.code, why: json.why, text, json };
}

const good = () => ({ id: 'order-1', ageToken: token, amount: '10.00', currency: 'CNY' });

/** Posts a purchase of which some fields are replaced; `undefined` leaves one out. */
function buy(changes: Record<string, unknown>) {
  return send('POST', '/v1/purchases', { body: JSON.stringify({ ...good(), ...changes }) });
}

describe('fields', () => {
  it.each([
    '0',
    '0.00',
    '-1',
    '+1',
    '1e3',
    '0.001',
    '１００',
    'NaN',
    'Infinity',
    '',
    ' 1',
    '1 ',
    '1,00',
    '0x10',
    '.5',
    '9999999999999999',
    `1${'0'.repeat(39)}`,
  ])('amount %j', async (amount) => {
    const { status, code } = await buy({ amount });
    expect([status, code]).toEqual([400, 'invalid_amount']);
  });

  it.each([10, null, ['10.00'], { value: '10.00' }, true, '1'.repeat(41), undefined])(
    'amount %j, which is no amount at all',
    async (amount) => {
      const { status, code, json } = await buy({ amount });
      expect([status, code]).toEqual([400, 'invalid_request']);
      expect(json.errors).toEqual([expect.objectContaining({ path: 'amount' })]);
    },
  );

  it.each(['cny', 'XXQ', 'RMB', '¥', '', 'CNY ', '__proto__', 'constructor'])(
    'currency %j',
    async (currency) => {
      const { status, code } = await buy({ currency });
      expect([status, code]).toEqual([400, 'invalid_currency']);
    },
  );

  it("a currency that is not the policy's is refused, with the reason", async () => {
    const { status, json } = await buy({ currency: 'USD' });
    expect(status).toBe(403);
    expect(json.reasons).toEqual([expect.objectContaining({ code: 'currency_not_supported' })]);
  });

  it.each([
    '',
    'x'.repeat(129),
    'x'.repeat(300),
    'a\u0000b',
    'a\nb',
    'a\r\nx-injected: 1',
    'a b',
    'a/b',
    '../a',
    '-a',
    'é',
    '\ud800',
    7,
    null,
    undefined,
    ['a'],
    { toString: 'a' },
  ])('id %j', async (id) => {
    const { status, code, json } = await buy({ id });
    expect([status, code]).toEqual([400, 'invalid_request']);
    expect(json.errors).toEqual([expect.objectContaining({ path: 'id' })]);
  });

  it.each<[string, unknown]>([
    ['category', ''],
    ['category', 'x'.repeat(65)],
    ['category', 'a\u0000'],
    ['app', {}],
    ['product', 'x'.repeat(201)],
    ['product', '\ud800'],
    ['guardianApproval', ''],
    ['metadata', []],
    ['metadata', 'text'],
    ['metadata', { a: 1 }],
    ['metadata', { a: { b: 'c' } }],
    ['metadata', { ['k'.repeat(41)]: 'v' }],
    ['metadata', { k: 'v'.repeat(201) }],
    ['metadata', Object.fromEntries(Array.from({ length: 21 }, (_, i) => [`k${i}`, 'v']))],
    ['expiresInSeconds', 9],
    ['expiresInSeconds', 30 * 86_400 + 1],
    ['expiresInSeconds', 60.5],
    ['expiresInSeconds', '60'],
    ['expiresInSeconds', 1e300],
    ['onExpiry', 'never'],
    ['ageToken', ''],
    ['ageToken', null],
    ['evidence', { subject: 'me', statements: [] }],
    ['permit', 'x'],
  ])('%s %j', async (field, value) => {
    const { status, code, json } = await buy({ [field]: value });
    expect([status, code]).toEqual([400, 'invalid_request']);
    const [{ path }] = json.errors as [{ path: string }];
    expect(path.split('.')[0]).toBe(field);
  });
});

describe('JSON', () => {
  const valid = () => JSON.stringify(good());
  it.each<[string, () => string | Uint8Array]>([
    ['nothing', () => ''],
    ['not JSON', () => '{"id":'],
    ['single quotes', () => "{'id':'a'}"],
    ['NaN', () => valid().replace('"10.00"', 'NaN')],
    ['null', () => 'null'],
    ['a number', () => '1'],
    ['a string', () => '"id"'],
    ['an array', () => `[${valid()}]`],
    ['two documents', () => valid() + valid()],
    ['invalid UTF-8', () => Buffer.concat([Buffer.from('{"id":"'), Buffer.from([0xff, 0xc0])])],
    ['UTF-16', () => Buffer.from(valid(), 'utf16le')],
    ['deep arrays', () => `${'['.repeat(30_000)}${']'.repeat(30_000)}`],
    ['deep objects', () => `${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`],
    ['a deep field', () => valid().replace('"10.00"', `${'['.repeat(9000)}${']'.repeat(9000)}`)],
    ['__proto__', () => valid().replace('{', '{"__proto__":{"allowed":true},')],
    ['constructor', () => valid().replace('{', '{"constructor":{"prototype":{"x":1}},')],
    ['__proto__ in metadata', () => valid().replace('{', '{"metadata":{"__proto__":"x"},')],
    ['a field twice', () => valid().replace('{', '{"amount":"0.01",')],
    ['a field twice, once escaped', () => valid().replace('{', '{"\\u0061mount":"0.01",')],
    ['metadata twice', () => valid().replace('{', '{"metadata":{"a":"1","a":"2"},')],
    [
      'a thousand unknown fields',
      () =>
        valid().replace('{', `{${Array.from({ length: 1000 }, (_, i) => `"f${i}":1,`).join('')}`),
    ],
  ])('%s', async (_name, body) => {
    const { status, code, text } = await send('POST', '/v1/purchases', { body: body() });
    expect([status, code]).toEqual([400, 'invalid_request']);
    expect(text.length).toBeLessThan(4000);
    expect({}).not.toHaveProperty('allowed');
  });

  it('takes colons, quotes and backslashes in strings for what they are', async () => {
    const product = 'a":"b\\": \\\\" {"x":1}';
    const answer = await send('POST', '/v1/decisions', {
      body: JSON.stringify({ amount: '10.00', currency: 'CNY', ageToken: token }, null, 2),
    });
    expect(answer.status).toBe(200);
    // Refused for its amount, so it got past the JSON, and nothing is held.
    const { status, json } = await buy({ amount: '51.00', product, metadata: { ':"': '\\":' } });
    expect(status).toBe(403);
    expect(json.reasons).toEqual([expect.objectContaining({ code: 'transaction_cap_exceeded' })]);
  });
});

describe('size and media type', () => {
  it.each([65_537, 1_000_000])('a body of %i bytes', async (bytes) => {
    const { status, code } = await buy({ product: 'x'.repeat(bytes) });
    expect([status, code]).toEqual([413, 'payload_too_large']);
  });

  it('a token of 100 kB in the body', async () => {
    const { status, code } = await buy({ ageToken: 'x'.repeat(100_000) });
    expect([status, code]).toEqual([413, 'payload_too_large']);
  });

  it.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/jsonp',
    'application/problem+json',
    'application/json; charset=utf-16',
    'text/html, application/json',
    '',
  ])('content-type %j', async (type) => {
    const sent = { body: JSON.stringify(good()), headers: { 'content-type': type } };
    const { status, code } = await send('POST', '/v1/purchases', sent);
    expect([status, code]).toEqual([415, 'unsupported_media_type']);
    const commit = await send('POST', '/v1/purchases/order-1/commit', sent);
    expect([commit.status, commit.code]).toEqual([415, 'unsupported_media_type']);
  });

  it('a body in another coding', async () => {
    const sent = { body: new Uint8Array([31, 139, 8]), headers: { 'content-encoding': 'gzip' } };
    const { status, code } = await send('POST', '/v1/purchases', sent);
    expect([status, code]).toEqual([415, 'unsupported_media_type']);
  });
});

describe('age tokens', () => {
  const unsigned = () =>
    `${base64url({ alg: 'none', typ: 'age+jwt' })}.${base64url({ sub: 'player-1', ...TWELVE })}.`;
  /** Signed by HMAC with what everybody knows: the public key. */
  const symmetric = () =>
    new SignJWT({ ...TWELVE, iss: ISSUER, aud: AUDIENCE })
      .setProtectedHeader({ alg: 'HS256', typ: 'age+jwt', kid: 'key-1' })
      .setSubject('player-1')
      .setExpirationTime(SECOND + 600)
      .sign(new TextEncoder().encode(JSON.stringify(issuer.publicJwk)));

  const critical = () =>
    new SignJWT({ ...TWELVE, iss: ISSUER, aud: AUDIENCE })
      .setProtectedHeader({ alg: 'ES256', typ: 'age+jwt', kid: 'key-1', crit: ['x'], x: 1 })
      .setSubject('player-1')
      .setExpirationTime(SECOND + 600)
      .sign(issuer.privateKey, { crit: { x: true } });

  it.each<[string, () => Promise<string> | string]>([
    ['expired', () => issuer.sign({ ...TWELVE, exp: SECOND - 60 })],
    ['of another issuer', () => issuer.sign({ ...TWELVE, iss: 'https://evil.example' })],
    ['for another audience', () => issuer.sign({ ...TWELVE, aud: 'https://other.example' })],
    ['without sub', () => issuer.sign({ ...TWELVE, sub: undefined })],
    ['with alg none', unsigned],
    ['by HMAC with the public key', symmetric],
    ['with an unknown crit', critical],
    ['of contradictory ages', () => issuer.sign({ ...TWELVE, age_over_18: true })],
    ['of age 151', () => issuer.sign({ age_in_years: 151 })],
    ['of age -1', () => issuer.sign({ age_in_years: -1 })],
    ['cut off', () => token.slice(0, -9)],
    ['of 20 kB', () => `${token}${'x'.repeat(20_000)}`],
    ['that is no token', () => 'not a token'],
  ])('%s', async (_name, make) => {
    const bad = await make();
    const reserved = await buy({ ageToken: bad });
    expect([reserved.status, reserved.code]).toEqual([422, 'age_token_invalid']);
    expect(reserved.why).toMatch(/^[a-z_]+$/);
    expect(reserved.text).not.toContain(bad.slice(0, 40));
    if (bad.length > 10_000) return;
    const read = await send('GET', '/v1/allowance', { bearer: bad });
    expect(read.status).toBe(401);
    expect(read.code).toMatch(/^(age_token_invalid|unauthorized)$/);
  });
});

describe('paths and methods', () => {
  it.each([
    ['/v1/purchases/..%2f..%2fhealth%2flive', 400],
    ['/v1/purchases/%2e%2e%2fmetrics', 400],
    ['/v1/purchases/..%5c..', 400],
    ['/v1/purchases/%00', 400],
    ['/v1/purchases/a%0d%0ax-injected:1', 400],
    ['/v1/purchases/%E9', 400],
    ['/v1/purchases/%', 400],
    ['/v1/purchases/%25', 400],
    ['/v1/purchases/a%20b', 400],
    [`/v1/purchases/${'x'.repeat(129)}`, 400],
    [`/v1/purchases/${'x'.repeat(128)}`, 404],
    ['/v1/purchases/__proto__', 400],
    ['/v1/purchases/constructor', 404],
    ['/v1/purchases/never-made', 404],
    ['/v1/purchases/{id}', 400],
  ])('GET %s is a %i', async (path, expected) => {
    const { status, code } = await send('GET', path);
    expect([status, code]).toEqual([
      expected,
      expected === 400 ? 'invalid_request' : 'purchase_not_found',
    ]);
  });

  it.each(['commit', 'release', 'refund', 'reverse-refund'])('%s of nothing', async (verb) => {
    const body = JSON.stringify(/refund/.test(verb) ? { id: 'r1' } : {});
    const missing = await send('POST', `/v1/purchases/never-made/${verb}`, { body });
    // A reversal may arrive before its refund, so its response is the same.
    expect([missing.status, missing.code]).toEqual([404, 'purchase_not_found']);
    const bad = await send('POST', `/v1/purchases/a%2fb/${verb}`, { body });
    expect([bad.status, bad.code]).toEqual([400, 'invalid_request']);
    const more = JSON.stringify({ id: 'r1', amount: '1.00', force: true });
    const unknown = await send('POST', `/v1/purchases/never-made/${verb}`, { body: more });
    expect([unknown.status, unknown.code]).toEqual([400, 'invalid_request']);
  });

  it.each(['PUT', 'PATCH', 'DELETE', 'OPTIONS', 'QUERY'])('%s is a 405', async (method) => {
    const { status, code } = await send(method, '/v1/purchases');
    expect([status, code]).toEqual([405, 'method_not_allowed']);
  });

  it.each(['?category=a&category=b', '?app=%00', '?category=', '?currency=US'])(
    'allowance%s',
    async (query) => {
      const { status } = await send('GET', `/v1/allowance${query}`, { bearer: token });
      expect(status).toBe(400);
    },
  );
});

/** Writes raw bytes and returns the response, up to the deadline. */
async function raw(parts: readonly string[], pauseMs = 0): Promise<string> {
  const socket = connect(port, '127.0.0.1').setEncoding('latin1');
  let answer = '';
  socket.on('data', (text) => {
    answer += text;
  });
  socket.on('error', () => {});
  for (const part of parts) {
    socket.write(part, 'latin1');
    if (pauseMs > 0) await sleep(pauseMs);
  }
  const deadline = Date.now() + 2000;
  while (!/\r\n\r\n/.test(answer) && Date.now() < deadline) await sleep(10);
  socket.destroy();
  return answer;
}

const HEAD =
  'POST /v1/purchases HTTP/1.1\r\nhost: limiter.example\r\n' +
  `authorization: Bearer ${API_KEY}\r\ncontent-type: application/json\r\n`;

describe('the wire', () => {
  it('a body in slow single bytes is read to its end', async () => {
    const body = '{"id":""}';
    const head = `${HEAD}content-length: ${body.length}\r\n\r\n`;
    expect(await raw([head, ...body], 5)).toMatch(/^HTTP\/1\.1 400 /);
  });

  it('slow chunks are counted, and cut off at the limit', async () => {
    const chunk = `${(16_384).toString(16)}\r\n${'x'.repeat(16_384)}\r\n`;
    const parts = [`${HEAD}transfer-encoding: chunked\r\n\r\n`, chunk, chunk, chunk, chunk, chunk];
    expect(await raw(parts, 10)).toMatch(/^HTTP\/1\.1 413 /);
  });

  it('a body announced too long is refused before it comes', async () => {
    expect(await raw([`${HEAD}content-length: 1000000000\r\n\r\n`])).toMatch(/^HTTP\/1\.1 413 /);
  });

  it('a client that goes away in the middle leaves nothing', async () => {
    const socket = connect(port, '127.0.0.1').on('error', () => {});
    socket.write(`${HEAD}content-length: 500\r\n\r\n${JSON.stringify(good())}`);
    await sleep(50);
    socket.destroy();
    await sleep(50);
  });

  it.each([
    ['two lengths', 'content-length: 5\r\ncontent-length: 6\r\n\r\n{}'],
    ['a length and chunks', 'content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['a negative length', 'content-length: -1\r\n\r\n'],
    ['a broken chunk', 'transfer-encoding: chunked\r\n\r\nzz\r\n'],
    ['a header with NUL', 'x-a: b\0c\r\n\r\n'],
    ['a header over 16 kB', `x-a: ${'b'.repeat(20_000)}\r\n\r\n`],
  ])('%s is a 4xx', async (_name, rest) => {
    expect(await raw([HEAD + rest])).toMatch(/^HTTP\/1\.1 4\d\d /);
  });

  it.each([
    'GET http://[bad/ HTTP/1.1\r\nhost: a\r\n\r\n',
    'GET \\v1 HTTP/1.1\r\nhost: a\r\n\r\n',
    'GET /v1\\purchases HTTP/1.1\r\nhost: a\r\n\r\n',
    'GET /health/live HTTP/1.1\r\nhost: a/b@c\r\n\r\n',
    'OPTIONS * HTTP/1.1\r\nhost: a\r\n\r\n',
    'GET //evil.example/v1/allowance HTTP/1.1\r\nhost: a\r\n\r\n',
    'GET /v1/purchases/é HTTP/1.1\r\nhost: a\r\n\r\n',
  ])('%j is a 4xx', async (request) => {
    expect(await raw([request])).toMatch(/^HTTP\/1\.1 4\d\d /);
  });

  it('echoes nothing of a request into the headers of its answer', async () => {
    const answer = await raw([
      `GET /v1/purchases/a%0d%0ax-injected:%201 HTTP/1.1\r\nhost: a\r\norigin: x-injected\r\n` +
        `authorization: Bearer ${API_KEY}\r\n\r\n`,
    ]);
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer.split('\r\n\r\n')[0]).not.toContain('injected');
  });
});

it('64 concurrent requests, half of them invalid, get their own responses', async () => {
  const answers = await Promise.all(
    Array.from({ length: 64 }, (_, index) =>
      index % 2 === 0 ? buy({ id: `bad-${index}`, amount: '-1' }) : buy({ amount: '50.01' }),
    ),
  );
  expect(answers.map(({ status }) => status)).toEqual(
    Array.from({ length: 64 }, (_, index) => (index % 2 === 0 ? 400 : 403)),
  );
});

it('64 concurrent purchases spend what the caps leave, and the same id once', async () => {
  const ageToken = await issuer.sign({ ...TWELVE, sub: 'player-2' });
  const many = await Promise.all(
    Array.from({ length: 64 }, (_, index) => buy({ id: `order-${index}`, ageToken })),
  );
  // 10.00 each, of the 100 a day.
  const statuses = many.map(({ status }) => status).sort();
  expect(statuses).toEqual([...Array(10).fill(201), ...Array(54).fill(403)]);
  const { purchase } = many.find(({ status }) => status === 201)?.json ?? {};
  const { id } = purchase as Purchase;
  const same = await Promise.all(Array.from({ length: 64 }, () => buy({ id, ageToken })));
  expect(same.map(({ status }) => status)).toEqual(Array(64).fill(200));
});
