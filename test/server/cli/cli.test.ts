import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { cnGame, type Reservation } from '@spendcap/core';
import { generatePermitKey, verifyPermit } from '@spendcap/server';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { findPostgres, freshSchema, poolOf } from '../../support/postgres.ts';
import { canStartRedis, redisServer } from '../../support/redis.ts';
import { MAIN, startCommand } from './command.ts';

const API_KEY = 'an-example-key-of-a-test';
const ISSUER = 'https://age.example';
const AUDIENCE = 'https://limiter.example';

let folder: string;
let adultToken: string;
const children = new Set<ChildProcessWithoutNullStreams>();

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'spendcap-cli-'));
  const { privateKey, publicKey } = await generateKeyPair('ES256');
  const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: 'k1', alg: 'ES256' }] };
  writeFileSync(join(folder, 'jwks.json'), JSON.stringify(jwks));
  adultToken = await new SignJWT({ age_range: { min: 30 }, assurance: 'verified' })
    .setProtectedHeader({ alg: 'ES256', typ: 'age+jwt', kid: 'k1' })
    .setIssuer(ISSUER)
    .setAudience(AUDIENCE)
    .setSubject('adult-1')
    .setIssuedAt()
    .setExpirationTime('10m')
    .sign(privateKey);
});
afterEach(() => {
  for (const child of children) child.kill('SIGKILL');
  children.clear();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function start(args: readonly string[], env: Record<string, string> = {}) {
  const started = startCommand(args, { env });
  children.add(started.child);
  return started;
}

/** Runs a command to its end. */
async function run(args: readonly string[], environment: Record<string, string> = {}) {
  const { child, output } = start(args, environment);
  const [code] = await once(child, 'close');
  return { code, ...output };
}

function serveArgs(overrides: Record<string, string | undefined> = {}): string[] {
  const flags = {
    '--port': '0',
    '--policy': 'cn-game',
    '--store': 'memory:',
    '--age-issuer': ISSUER,
    '--age-jwks': join(folder, 'jwks.json'),
    '--age-audience': AUDIENCE,
    ...overrides,
  };
  const pairs = Object.entries(flags).flatMap(([name, value]) =>
    value === undefined ? [] : [name, value],
  );
  return ['serve', ...pairs];
}

/** Starts `serve` and waits for the line that says where. */
async function serving(
  overrides: Record<string, string | undefined> = {},
  environment: Record<string, string> = {},
) {
  const started = start(serveArgs(overrides), { SPENDCAP_API_KEYS: API_KEY, ...environment });
  const { child, output } = started;
  while (!output.stdout.includes('\n')) {
    if (child.exitCode !== null) throw new Error(`it ended: ${output.stderr}`);
    await sleep(10);
  }
  const url = /^spendcap listening on (http:\/\/127\.0\.0\.1:\d+)\n$/.exec(output.stdout)?.[1];
  if (url === undefined) throw new Error(`unexpected line: ${output.stdout}`);
  return { ...started, url };
}

/** The log lines, each of which must be an object with level, time and message. */
function linesOf(stderr: string): readonly Record<string, unknown>[] {
  return stderr
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const parsed = JSON.parse(line);
      expect(parsed).toMatchObject({ level: expect.any(String), msg: expect.any(String) });
      expect(Date.parse(parsed.time)).toBeGreaterThan(Date.now() - 60_000);
      return parsed;
    });
}

const readKeySet = {
  level: 'info',
  time: expect.any(String),
  issuer: ISSUER,
  algorithms: ['ES256'],
  msg: 'Read the key set of the age issuer.',
};

function reserve(url: string, id: string): Promise<Response> {
  return fetch(`${url}/v1/purchases`, {
    method: 'POST',
    headers: { authorization: `Bearer ${API_KEY}`, 'content-type': 'application/json' },
    body: JSON.stringify({ id, ageToken: adultToken, amount: '648.00', currency: 'CNY' }),
  });
}

describe('serve', () => {
  it('serves the API, warns that its permit key is new, and drains on SIGTERM', async () => {
    const { child, output, url } = await serving();
    expect((await fetch(`${url}/health/ready`)).status).toBe(200);
    expect((await reserve(url, 'order-1')).status).toBe(201);
    const jwks = (await (await fetch(`${url}/.well-known/jwks.json`)).json()) as {
      keys: Record<string, unknown>[];
    };
    const [key] = jwks.keys;
    expect(key).not.toHaveProperty('d');
    child.kill('SIGTERM');
    expect(await once(child, 'close')).toEqual([0, null]);
    expect(output.stdout).toBe(`spendcap listening on ${url}\n`);
    expect(linesOf(output.stderr)).toEqual([
      {
        level: 'warn',
        time: expect.any(String),
        kid: key?.kid,
        msg: expect.stringMatching(/^SPENDCAP_PERMIT_KEY is not set/),
      },
      readKeySet,
    ]);
  });

  it('takes proofs where it knows its public address, and asks for the status of tokens', async () => {
    const whyOf = async (url: string, headers: Record<string, string>) => {
      const response = await fetch(`${url}/v1/allowance`, { headers });
      const { code, why = code } = (await response.json()) as { code: string; why?: string };
      return why;
    };
    const bound = { authorization: `DPoP ${adultToken}`, dpop: 'none' };
    expect(await whyOf((await serving()).url, bound)).toBe('unauthorized');
    const proving = await serving({ '--public-url': 'https://pay.example' });
    expect(await whyOf(proving.url, bound)).toBe('proof_invalid');
    const asking = await serving({ '--age-status-lists': 'https://age.example/status' });
    const bearer = { authorization: `Bearer ${adultToken}` };
    expect(await whyOf(asking.url, bearer)).toBe('status_unknown');
  });

  it('keeps what it answered in SQLite, and signs with the key that it was given', async () => {
    const permitKey = { ...(await generatePermitKey()), kid: 'permit-key-1' };
    const environment = {
      SPENDCAP_PERMIT_KEY: JSON.stringify(permitKey),
      SPENDCAP_SUBJECT_KEY: 'a secret of sixteen bytes',
    };
    const store = { '--store': `sqlite:${join(folder, 'ledger.db')}`, '--log-level': 'warn' };
    const first = await serving(store, environment);
    const answer = (await (await reserve(first.url, 'order-1')).json()) as Reservation;
    const { d: _private, ...publicKey } = permitKey;
    const claims = await verifyPermit(String(answer.permit), {
      jwks: { keys: [publicKey] },
      issuer: 'spendcap',
      audience: 'payments',
      purchase: { id: 'order-1', amount: '648', currency: 'CNY' },
    });
    expect(claims.purchaseId).toBe('order-1');
    first.child.kill('SIGINT');
    expect(await once(first.child, 'close')).toEqual([0, null]);
    expect(first.output.stderr).toBe('');

    const second = await serving(store, environment);
    const again = await reserve(second.url, 'order-1');
    expect(again.status).toBe(200);
    expect(((await again.json()) as Reservation).purchase).toEqual(answer.purchase);
  });

  it.skipIf(!canStartRedis('serve on Redis'))('shares one ledger on Redis', async () => {
    const redis = await redisServer();
    await redis.start();
    const store = { '--store': `redis://127.0.0.1:${redis.port}` };
    const environment = { SPENDCAP_SUBJECT_KEY: 'a secret of sixteen bytes' };
    const [first, second] = await Promise.all([
      serving(store, environment),
      serving(store, environment),
    ]);
    expect((await reserve(first.url, 'order-1')).status).toBe(201);
    expect((await reserve(second.url, 'order-1')).status).toBe(200);
    first.child.kill('SIGTERM');
    expect(await once(first.child, 'close')).toEqual([0, null]);
    await redis.crash();
    expect((await fetch(`${second.url}/health/ready`)).status).toBe(503);
    await redis.start();
    await expect
      .poll(async () => (await fetch(`${second.url}/health/ready`)).status, { timeout: 10_000 })
      .toBe(200);
  });

  it('serves a policy file, below a path, to the configured origins', async () => {
    const file = join(folder, 'served.json');
    writeFileSync(file, JSON.stringify({ ...cnGame(), id: 'my-game' }));
    const { url } = await serving({
      '--policy': file,
      '--base-path': '/spendcap',
      '--cors-origin': 'https://shop.example',
    });
    const answer = await fetch(`${url}/spendcap/v1/allowance`, {
      headers: { authorization: `Bearer ${adultToken}`, origin: 'https://shop.example' },
    });
    expect(answer.headers.get('access-control-allow-origin')).toBe('https://shop.example');
    expect(await answer.json()).toMatchObject({ policy: { id: 'my-game' }, limits: [] });
    expect((await fetch(`${url}/health/live`)).status).toBe(404);
  });

  const issuer = { issuer: ISSUER, audience: AUDIENCE, jwks: 'jwks.json' };
  const several = (list: unknown) => {
    const file = join(folder, 'issuers.json');
    writeFileSync(file, JSON.stringify(list));
    const without = { '--age-issuer': undefined, '--age-audience': undefined };
    return { ...without, '--age-jwks': undefined, '--age-issuers': file };
  };

  it('takes the tokens of every issuer of a file, each as sure as it says', async () => {
    const other = {
      ...issuer,
      issuer: 'https://other.example',
      jwks: 'https://other.example/keys',
    };
    const trusted = await serving(several([other, issuer]));
    expect((await reserve(trusted.url, 'order-1')).status).toBe(201);
    const doubted = await serving(several([other, { ...issuer, assurance: 'self_declared' }]));
    const refused = await reserve(doubted.url, 'order-1');
    expect(refused.status).toBe(403);
    expect(await refused.json()).toMatchObject({
      reasons: [{ code: 'age_unverified', minimumAssurance: 'verified' }],
    });
    const alone = await serving({ '--age-assurance': 'guardian' });
    expect((await reserve(alone.url, 'order-1')).status).toBe(403);
  });

  it.each<[string, () => Record<string, string | undefined>, RegExp]>([
    [
      'one that is unknown',
      () => ({ '--age-assurance': 'high' }),
      /--age-assurance.* self_declared/,
    ],
    ['none', () => ({ '--age-issuer': undefined }), /missing --age-issuer;/],
    ['both', () => ({ ...several([issuer]), '--age-issuer': ISSUER }), /cannot be used with/],
    ['no list', () => several(issuer), /list of at least one/],
    ['an empty list', () => several([]), /list of at least one/],
    ['a list of texts', () => several([ISSUER]), /contain objects/],
    ['a misspelt field', () => several([{ ...issuer, assurrance: 'x' }]), /no field 'assurrance'/],
    ['a missing key set', () => several([{ ...issuer, jwks: 'x.json' }]), /JWK Set/],
    ['a wrong address', () => several([{ ...issuer, statusLists: 'lists' }]), /not a valid URL/],
    ['no key set', () => several([{ ...issuer, jwks: undefined }]), /jwks must be/],
  ])('says what is wrong with age issuers: %s', async (_name, overrides, message) => {
    const { code, stderr } = await run(serveArgs(overrides()), { SPENDCAP_API_KEYS: API_KEY });
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/^spendcap: [^\n]+\n$/);
    expect(code).toBe(2);
  });

  it('counts equal errors instead of repeating them', async () => {
    const { child, output, url } = await serving({ '--age-jwks': 'http://127.0.0.1:1/keys' });
    for (let count = 0; count < 200; count++) {
      expect((await reserve(url, `order-${count}`)).status).toBe(503);
    }
    child.kill('SIGTERM');
    expect(await once(child, 'close')).toEqual([0, null]);
    const [, noKeys, first, rest, ...others] = linesOf(output.stderr);
    expect(noKeys).toMatchObject({ level: 'warn', issuer: ISSUER, fault: 'unreachable' });
    const error = { level: 'error', time: expect.any(String), code: 'age_keys_unavailable' };
    const { msg } = first ?? {};
    expect(first).toEqual({ ...error, msg, requestId: expect.stringMatching(/^[\w-]{36}$/) });
    expect(rest).toEqual({ ...error, msg, repeated: 199 });
    expect(others).toEqual([]);
  });

  it('logs a line per request at debug, by request id, and nothing that was sent', async () => {
    const permitKey = JSON.stringify(await generatePermitKey());
    const environment = {
      SPENDCAP_PERMIT_KEY: permitKey,
      SPENDCAP_SUBJECT_KEY: 'a secret of sixteen bytes',
    };
    const { child, output, url } = await serving({ '--log-level': 'debug' }, environment);
    const headers = { authorization: `Bearer ${API_KEY}`, 'x-request-id': 'edge-1' };
    const reserved = await reserve(url, 'order-1');
    const { permit } = (await reserved.json()) as Reservation;
    await fetch(`${url}/v1/allowance?category=${adultToken}`, {
      headers: { authorization: `Bearer ${adultToken}`, 'x-request-id': `${adultToken} 1` },
    });
    const got = await fetch(`${url}/v1/purchases/order-1?key=${API_KEY}`, { headers });
    await fetch(`${url}/${adultToken}`, { headers });
    child.kill('SIGTERM');
    expect(await once(child, 'close')).toEqual([0, null]);
    expect(got.headers.get('x-request-id')).toBe('edge-1');

    const lines = linesOf(output.stderr);
    const all = {
      level: 'debug',
      time: expect.any(String),
      ms: expect.any(Number),
      msg: 'request',
    };
    const requestId = expect.stringMatching(/^[\w-]{36}$/);
    const route = '/v1/purchases';
    expect(lines).toEqual([
      readKeySet,
      { ...all, requestId, method: 'POST', route, status: 201 },
      { ...all, requestId, method: 'GET', route: '/v1/allowance', status: 400 },
      { ...all, requestId: 'edge-1', method: 'GET', route: `${route}/{id}`, status: 200 },
      { ...all, requestId: 'edge-1', method: 'GET', route: 'unmatched', status: 404 },
    ]);
    expect(lines[1]?.requestId).toBe(reserved.headers.get('x-request-id'));
    const { d } = JSON.parse(permitKey);
    // Any digits may be in these.
    const said = output.stderr.replaceAll(/"(?:requestId|time)":"[^"]*"/g, '');
    for (const secret of [adultToken, API_KEY, permit, d, '648', 'adult-1', 'a secret of']) {
      expect(said).not.toContain(secret);
    }
  });

  it('finishes a request that is under way when SIGTERM comes', async () => {
    const { child, url } = await serving();
    const body = JSON.stringify({
      id: 'order-slow',
      ageToken: adultToken,
      amount: '1.00',
      currency: 'CNY',
    });
    const { port, hostname } = new URL(url);
    const socket = connect(Number(port), hostname).setEncoding('utf8');
    let answer = '';
    socket.on('data', (text) => {
      answer += text;
    });
    socket.write(
      `POST /v1/purchases HTTP/1.1\r\nhost: ${hostname}\r\nauthorization: Bearer ${API_KEY}\r\n` +
        `content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body.slice(0, 9)}`,
    );
    await sleep(100);
    child.kill('SIGTERM');
    await sleep(200);
    expect(child.exitCode).toBeNull();
    await expect(fetch(`${url}/health/live`)).rejects.toThrow();
    socket.write(body.slice(9));
    expect(await once(child, 'close')).toEqual([0, null]);
    expect(answer).toMatch(/^HTTP\/1\.1 201 /);
  });

  it('closes a keep-alive connection with the response that it owes while it drains', async () => {
    const { child, url } = await serving();
    const { port, hostname } = new URL(url);
    const socket = connect(Number(port), hostname).setEncoding('utf8');
    let answer = '';
    socket.on('data', (text) => {
      answer += text;
    });
    socket.write(
      `POST /v1/purchases/p1/commit HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${API_KEY}\r\n` +
        'content-type: application/json\r\ncontent-length: 2\r\n\r\n{',
    );
    await sleep(100);
    child.kill('SIGTERM');
    await sleep(200);
    socket.write('}');
    expect(await once(child, 'close')).toEqual([0, null]);
    expect(answer).toMatch(/^HTTP\/1\.1 404 .*\r\nconnection: close\r\n/is);
  });

  it('does not wait for half a request head, on a new or a kept connection', async () => {
    const { child, url } = await serving();
    const { port, hostname } = new URL(url);
    const half = 'GET /health/live HTTP/1.1\r\nhost: a\r\n';
    const fresh = connect(Number(port), hostname);
    fresh.write(half);
    const kept = connect(Number(port), hostname);
    kept.write(`${half}\r\n`);
    await once(kept, 'data');
    kept.write(half);
    await sleep(200);
    const ended = once(child, 'close');
    const signaled = performance.now();
    child.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
    // Far below both the 10 s of a head and those of the shutdown.
    expect(performance.now() - signaled).toBeLessThan(4_000);
  });

  it('cuts half a request head after 10 s', async () => {
    const { url } = await serving();
    const { port, hostname } = new URL(url);
    const started = performance.now();
    const socket = connect(Number(port), hostname).on('error', () => {});
    socket.write('GET /health/live HTTP/1.1\r\nhost: a\r\n');
    await once(socket.resume(), 'close');
    const waited = performance.now() - started;
    expect(waited).toBeGreaterThan(9_000);
    expect(waited).toBeLessThan(16_000);
  });

  it('cuts half a body after --shutdown-timeout', async () => {
    const { child, url } = await serving({ '--shutdown-timeout': '1' });
    const { port, hostname } = new URL(url);
    const socket = connect(Number(port), hostname).on('error', () => {});
    socket.write(
      `POST /v1/purchases HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${API_KEY}\r\n` +
        'content-type: application/json\r\ncontent-length: 9\r\n\r\n{',
    );
    await sleep(200);
    const ended = once(child, 'close');
    const signaled = performance.now();
    child.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
    const waited = performance.now() - signaled;
    expect(waited).toBeGreaterThan(900);
    expect(waited).toBeLessThan(6_000);
  });

  it('cuts half a head after ten seconds', async () => {
    const { url } = await serving();
    const { port, hostname } = new URL(url);
    const socket = connect(Number(port), hostname).on('error', () => {});
    socket.resume().write('GET /health/live HTTP/1.1\r\nhost: a\r\n');
    const opened = performance.now();
    await once(socket, 'close');
    const waited = performance.now() - opened;
    expect(waited).toBeGreaterThan(9_000);
    expect(waited).toBeLessThan(20_000);
  }, 60_000);

  it.each([
    ['HTTP/1.0 without Host', 'GET /health/live HTTP/1.0\r\n\r\n', 200],
    ['HTTP/1.1 without Host', 'GET /health/live HTTP/1.1\r\n\r\n', 400],
    ['two Host headers', 'GET /health/live HTTP/1.1\r\nhost: a\r\nHost: b\r\n\r\n', 400],
  ])('knows %s', async (_, head, status) => {
    const { url } = await serving();
    const { port, hostname } = new URL(url);
    const socket = connect(Number(port), hostname).setEncoding('utf8');
    socket.write(head);
    const [answer] = await once(socket, 'data');
    socket.destroy();
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  });

  it('exits immediately on a second signal', async () => {
    const { child, url } = await serving();
    const { port, hostname } = new URL(url);
    const socket = connect(Number(port), hostname).on('error', () => {});
    socket.write(
      `POST /v1/purchases HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${API_KEY}\r\n` +
        'content-type: application/json\r\ncontent-length: 9\r\n\r\n',
    );
    await sleep(100);
    child.kill('SIGTERM');
    await sleep(200);
    expect(child.exitCode).toBeNull();
    child.kill('SIGTERM');
    expect(await once(child, 'close')).toEqual([1, null]);
  });

  const secret = 'never-print-this-secret';
  it.each<[string, [Record<string, string | undefined>, Record<string, string>], RegExp]>([
    ['no API key', [{}, { SPENDCAP_API_KEYS: ' , ' }], /SPENDCAP_API_KEYS/],
    ['a short API key', [{}, { SPENDCAP_API_KEYS: 'short' }], /SPENDCAP_API_KEYS: .*16/],
    [
      'everything missing',
      [
        { '--port': undefined, '--policy': undefined, '--age-jwks': undefined },
        { SPENDCAP_API_KEYS: '' },
      ],
      /missing --port, --policy, --age-jwks, SPENDCAP_API_KEYS; see spendcap serve --help/,
    ],
    ['no policy', [{ '--policy': undefined }, {}], /--policy/],
    ['an unknown policy', [{ '--policy': 'cn-gmae' }, {}], /cn-game, cn-live/],
    ['no port', [{ '--port': undefined }, {}], /--port/],
    ['a shutdown without time', [{ '--shutdown-timeout': '0' }, {}], /--shutdown-timeout/],
    ['a port out of range', [{ '--port': '65536' }, {}], /--port/],
    ['a port that is no number', [{ '--port': '80a' }, {}], /--port/],
    [
      'a Postgres server that is not there',
      [{ '--store': `postgres://u:${secret}@127.0.0.1:1/x` }, {}],
      /--store: No connection to the database .*\(ECONNREFUSED\)$/m,
    ],
    [
      'Redis away',
      [{ '--store': `redis://:${secret}@127.0.0.1:1` }, {}],
      /--store: Redis is not .*\(ECONNREFUSED\)$/m,
    ],
    [
      'an impossible schema',
      [{ '--store': 'postgres://127.0.0.1:1/x', '--schema': 'a b' }, {}],
      /--schema must/,
    ],
    ['no address of Redis', [{ '--store': `redis://:${secret}@[` }, {}], /not a valid Redis URL/],
    ['another store', [{ '--store': 'sqlite:' }, {}], /--store must be/],
    ['a file in no folder', [{ '--store': 'sqlite:/nowhere/x.db' }, {}], /--store: .*SQLite/],
    ['a file of another kind', [{ '--store': `sqlite:${MAIN}` }, {}], /--store: .*SQLite/],
    [
      'keys over http',
      [{ '--age-jwks': 'http://age.example/x' }, {}],
      /--age-jwks must be an https/,
    ],
    ['no name of permits', [{ '--permit-issuer': '' }, {}], /missing --permit-issuer;/],
    ['no key set', [{ '--age-jwks': '/nowhere/jwks.json' }, {}], /JWK Set/],
    ['a file that is no key set', [{ '--age-jwks': MAIN }, {}], /not valid JSON/],
    ['status lists that are nowhere', [{ '--age-status-lists': 'here' }, {}], /not a valid URL/],
    ['status lists over http', [{ '--age-status-lists': 'http://age.example' }, {}], /https/],
    ['a public address that is none', [{ '--public-url': 'pay.example' }, {}], /--public-url must/],
    ['a base path that is none', [{ '--base-path': 'x' }, {}], /--base-path must/],
    ['a wrong permit key', [{}, { SPENDCAP_PERMIT_KEY: secret }], /SPENDCAP_PERMIT_KEY/],
    [
      'a permit key of no use',
      [{}, { SPENDCAP_PERMIT_KEY: `{"d":"${secret}"}` }],
      /SPENDCAP_PERMIT_KEY must be a private JWK for ES256/,
    ],
    ['a short subject key', [{}, { SPENDCAP_SUBJECT_KEY: 'short' }], /SPENDCAP_SUBJECT_KEY must/],
    ['a wrong origin', [{ '--cors-origin': '*' }, {}], /--cors-origin takes/],
    [
      'an unknown option',
      [{ '--prot': '1', '--port': undefined }, {}],
      /unknown option '--prot' \(Did you mean --port\?\)$/m,
    ],
    ['an unknown log level', [{ '--log-level': 'loud' }, {}], /error, warn, info, debug/],
  ])(
    '%s is one line on stderr and exit code 2',
    async (_name, [overrides, environment], message) => {
      const { code, stdout, stderr } = await run(serveArgs(overrides), {
        SPENDCAP_API_KEYS: API_KEY,
        ...environment,
      });
      expect(stderr).toMatch(message);
      expect(stderr).toMatch(/^spendcap: [^\n]+\n$/);
      expect([code, stdout]).toEqual([2, '']);
      expect(stderr).not.toContain(secret);
    },
  );

  it('says so where the port is taken', async () => {
    const { url } = await serving();
    const { port } = new URL(url);
    const environment = {
      SPENDCAP_API_KEYS: API_KEY,
      SPENDCAP_PERMIT_KEY: JSON.stringify(await generatePermitKey()),
    };
    const { code, stderr } = await run(serveArgs({ '--port': port }), environment);
    expect([code, stderr]).toEqual([
      2,
      `spendcap: cannot listen on 127.0.0.1:${port} (EADDRINUSE: another program listens there)\n`,
    ]);
  });

  it.skipIf(!existsSync('/dev/full'))('goes on where its line cannot be written', async () => {
    const full = openSync('/dev/full', 'w');
    const spawned = (args: readonly string[]) => {
      const env = { PATH: process.env.PATH, SPENDCAP_API_KEYS: API_KEY };
      const command = ['--conditions=@spendcap/source', MAIN, ...args];
      const child = spawn(process.execPath, command, { stdio: ['ignore', full, 'pipe'], env });
      onTestFinished(() => {
        child.kill('SIGKILL');
      });
      let stderr = '';
      child.stderr?.setEncoding('utf8').on('data', (text) => {
        stderr += text;
      });
      return { child, stderr: () => stderr };
    };
    const failed = 'spendcap: cannot write to stdout (ENOSPC)\n';
    const shown = spawned(['policy', 'show', 'cn-game']);
    expect(await once(shown.child, 'close')).toEqual([1, null]);
    expect(shown.stderr()).toBe(failed);
    const server = spawned(serveArgs());
    await expect.poll(server.stderr, { timeout: 10_000 }).toContain(failed);
    await expect.poll(server.stderr, { timeout: 10_000 }).toContain('Read the key set');
    server.child.kill('SIGTERM');
    expect(await once(server.child, 'close')).toEqual([0, null]);
    closeSync(full);
  });
});

const postgres = await findPostgres();
describe.skipIf(postgres === null)('migrate', () => {
  it('makes the schema that serve asks for, and does nothing the second time', async () => {
    const url = postgres ?? '';
    const schema = freshSchema();
    const pool = poolOf(url);
    const store = { '--store': url, '--schema': schema };
    try {
      const early = await run(serveArgs(store), { SPENDCAP_API_KEYS: API_KEY });
      expect(early.stderr).toMatch(/^spendcap: [^\n]*spendcap migrate[^\n]*\n$/);
      expect(early.code).toBe(2);
      const migrate = () => run(['migrate', '--store', url, '--schema', schema]);
      expect(await migrate()).toMatchObject({ code: 0, stdout: 'OK\n', stderr: '' });
      expect(await migrate()).toMatchObject({ code: 0, stdout: 'OK\n', stderr: '' });
      const first = await serving(store);
      expect((await reserve(first.url, 'order-1')).status).toBe(201);
      first.child.kill('SIGTERM');
      expect(await once(first.child, 'close')).toEqual([0, null]);
      const second = await serving(store);
      expect((await reserve(second.url, 'order-1')).status).toBe(200);
      second.child.kill('SIGTERM');
      await once(second.child, 'close');
    } finally {
      await pool.query(`DROP SCHEMA IF EXISTS "${schema}" CASCADE`);
      await pool.end();
    }
  });

  it('has nothing to make for another store', async () => {
    const { code, stderr } = await run(['migrate', '--store', 'memory:']);
    expect([code, stderr]).toEqual([2, expect.stringMatching(/--store must be postgres/)]);
  });
});

describe('policy', () => {
  it('checks a good file', async () => {
    const file = join(folder, 'good.json');
    writeFileSync(file, JSON.stringify(cnGame()));
    const { code, stdout } = await run(['policy', 'check', file]);
    expect([code, stdout]).toEqual([0, 'OK\n']);
  });

  it('prints each fault with its path', async () => {
    const policy = cnGame();
    const bands = policy.bands.map((band, index) =>
      index === 1
        ? {
            ...band,
            minAge: 9,
            limits: band.limits.map((limit) => ({ ...limit, max: '1.005' })),
          }
        : band,
    );
    const file = join(folder, 'bad.json');
    writeFileSync(file, JSON.stringify({ ...policy, bands }));
    const { code, stdout } = await run(['policy', 'check', file]);
    expect(code).toBe(1);
    const lines = stdout.trimEnd().split('\n');
    expect(lines.length).toBeGreaterThan(3);
    expect(lines.filter((line) => /^bands\.1\.limits\.\d\.max: ./.test(line))).toHaveLength(3);
    for (const line of lines) expect(line).toMatch(/^[\w.]+: ./);
  });

  it('checks a built-in policy, and serves none with faults', async () => {
    expect(await run(['policy', 'check', 'cn-live'])).toMatchObject({ code: 0, stdout: 'OK\n' });
    const file = join(folder, 'faulty.json');
    writeFileSync(file, JSON.stringify({ ...cnGame(), version: 7, id: 8 }));
    const { code, stderr } = await run(serveArgs({ '--policy': file }), {
      SPENDCAP_API_KEYS: API_KEY,
    });
    expect(code).toBe(2);
    expect(stderr).toMatch(
      /^spendcap: policy_invalid: \w+: .* \(and \d more: spendcap policy check\)\n$/,
    );
  });

  it('shows a built-in policy as a table', async () => {
    const { code, stdout } = await run(['policy', 'show', 'cn-game']);
    expect(code).toBe(0);
    const lines = stdout.split('\n');
    expect(lines[0]).toBe('cn-game 2024-01-01: CN, CNY, Asia/Shanghai, per enterprise');
    expect(lines).toContainEqual(expect.stringMatching(/^0-7 +nothing may be bought +law +2019-/));
    expect(lines).toContainEqual(expect.stringMatching(/^8-15 +50 CNY per transaction +law +/));
    expect(lines).toContainEqual(expect.stringMatching(/^ +400 CNY per month +law +.*34号$/));
    expect(lines).toContainEqual(expect.stringMatching(/^18\+ +no limit$/));
    expect(lines[2]).toBe('categories: any');
    const live = await run(['policy', 'show', 'cn-live']);
    expect(live.stdout).toContain('\ncategories: tip, top_up, item, subscription\n');
  });

  it('shows the document, which is a policy file', async () => {
    const { stdout } = await run(['policy', 'show', '--json', 'us-app-store']);
    const file = join(folder, 'shown.json');
    writeFileSync(file, stdout);
    expect((await run(['policy', 'check', file])).stdout).toBe('OK\n');
  });

  it.each([
    ['policy', 'check', '/nowhere.json'],
    ['policy', 'show', 'constructor'],
    ['policy', 'frobnicate'],
    ['frobnicate'],
  ])('%s %s %s is exit code 2', async (...args) => {
    const { code, stderr } = await run(args);
    expect([code, stderr]).toEqual([2, expect.stringMatching(/^spendcap: [^\n]+\n$/)]);
  });

  it('prints its version, and help that was requested', async () => {
    expect(await run(['--version'])).toMatchObject({ code: 0, stdout: '0.1.0\n', stderr: '' });
    for (const args of [['help'], ['--help'], ['help', 'serve'], ['keys', 'rotate', '--help']]) {
      const { code, stdout, stderr } = await run(args);
      expect([code, stderr]).toEqual([0, '']);
      expect(stdout).toMatch(/^Usage: spendcap /);
    }
  });

  it('says which options and variables are required', async () => {
    const { stdout } = await run(['serve', '--help']);
    const required = stdout
      .replace(/\n {20,}/g, ' ')
      .split('\n')
      .filter((line) => /\(required/.test(line));
    expect(required.map((line) => /\S+/.exec(line)?.[0])).toEqual([
      '--port',
      '--policy',
      '--store',
      '--age-issuer',
      '--age-audience',
      '--age-jwks',
      '--public-url',
      'SPENDCAP_API_KEYS',
    ]);
  });

  it('names the Node.js that it needs, to one that is too old', async () => {
    const old = `Object.defineProperty(process, 'versions', { value: { node: '22.12.0' } })`;
    const child = spawn(process.execPath, ['--import', `data:text/javascript,${old}`, MAIN]);
    children.add(child);
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text) => {
      stderr += text;
    });
    expect(await once(child, 'close')).toEqual([2, null]);
    expect(stderr).toMatch(/^spendcap: Node\.js >=22\.13 is required, not v\S+\n$/);
  });

  it.each([[[]], [['policy']]])('%j prints the help that is missing', async (args) => {
    const { code, stderr } = await run(args);
    expect([code, stderr]).toEqual([2, expect.stringMatching(/^Usage: /)]);
  });
});
