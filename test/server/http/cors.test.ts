import { describe, expect, it } from 'vitest';
import { ALLOWANCE } from '../../../packages/server/src/http/examples.ts';
import { PURCHASE, send, setup } from './http-kit.ts';
import { AGE_TOKEN } from './stub-limiter.ts';

describe('corsOrigins that no browser would send are a TypeError', () => {
  it.each(['*', 'https://*', 'https://*.example', 'app://*'])('%s: no wildcards', (origin) => {
    expect(() => setup({}, { corsOrigins: ['https://shop.example', origin] })).toThrow(
      new TypeError('corsOrigins takes exact origins: wildcards are not supported'),
    );
  });

  it.each([
    ['https://shop.example/', 'https://shop.example'],
    ['https://shop.example/checkout', 'https://shop.example'],
    ['https://shop.example?', 'https://shop.example'],
    ['https://shop.example:443', 'https://shop.example'],
    ['http://localhost:80', 'http://localhost'],
    ['https://Shop.Example', 'https://shop.example'],
    ['HTTPS://shop.example', 'https://shop.example'],
    [' https://shop.example', 'https://shop.example'],
    ['https://player:secret@shop.example', 'https://shop.example'],
    ['https://köln.example', 'https://xn--kln-sna.example'],
    ['http://[0:0::1]:8080', 'http://[::1]:8080'],
    ['http://127.1', 'http://127.0.0.1'],
    ['app://Game', 'app://game'],
    ['capacitor://localhost/index.html', 'capacitor://localhost'],
  ])('%s: write %s', (origin, exact) => {
    expect(() => setup({}, { corsOrigins: [origin] })).toThrow(
      new TypeError(`corsOrigins takes exact origins: write ${exact}`),
    );
    expect(() => setup({}, { corsOrigins: [exact] })).not.toThrow();
  });

  it.each(['', 'null', 'shop.example', 'file://', 'file://host', 'ws://a.example', 5, null])(
    '%j: no origin',
    (origin) => {
      for (const corsOrigins of [[origin], origin ?? [origin]] as (readonly string[])[]) {
        expect(() => setup({}, { corsOrigins })).toThrow(TypeError);
        expect(() => setup({}, { corsOrigins })).toThrow(/^corsOrigins takes exact origins, for/);
      }
    },
  );
});

describe('CORS', () => {
  const corsOrigins = ['https://shop.example', 'http://localhost:5173'];

  it('is off unless configured', async () => {
    const headers = { origin: 'https://shop.example' };
    const answer = await send(setup().handler, '/v1/allowance', { bearer: AGE_TOKEN, headers });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('access-control-allow-origin')).toBeNull();
  });

  it.each([
    ['/v1/allowance', 'GET'],
    ['/v1/decisions', 'POST'],
    ['/v1/decisions/batch', 'POST'],
  ])('answers the preflight of %s', async (path, method) => {
    const { handler } = setup({}, { corsOrigins });
    const headers = { origin: 'https://shop.example', 'access-control-request-method': method };
    const answer = await send(handler, path, { method: 'OPTIONS', bearer: null, headers });
    expect(answer.status).toBe(204);
    expect(answer.headers.get('access-control-allow-origin')).toBe('https://shop.example');
    expect(answer.headers.get('access-control-allow-methods')).toBe(method);
    expect(answer.headers.get('access-control-allow-headers')?.split(',')).toEqual([
      'authorization',
      'content-type',
      'dpop',
      'traceparent',
      'tracestate',
      'baggage',
      'sentry-trace',
    ]);
    expect(answer.headers.get('access-control-max-age')).toBe('600');
    expect(answer.headers.get('access-control-allow-credentials')).toBeNull();
    expect(answer.headers.get('vary')).toBe('Origin, Access-Control-Request-Headers');
  });

  it.each([
    'capacitor://localhost',
    'ionic://localhost',
    'app://-',
    'tauri://localhost',
    'chrome-extension://abcdefghijklmnopabcdefghijklmnop',
    'http://[::1]:8080',
  ])('answers a page of %s', async (origin) => {
    const { handler } = setup({}, { corsOrigins: [origin] });
    for (const method of ['GET', 'OPTIONS']) {
      const sent = { method, bearer: AGE_TOKEN, headers: { origin } };
      const answer = await send(handler, '/v1/allowance', sent);
      expect(answer.headers.get('access-control-allow-origin')).toBe(origin);
    }
  });

  it('keeps status, headers and body of the response', async () => {
    const { handler } = setup({}, { corsOrigins });
    const headers = { origin: 'https://shop.example' };
    const answer = await send(handler, '/v1/allowance', { bearer: AGE_TOKEN, headers });
    expect([answer.status, answer.json]).toEqual([200, ALLOWANCE]);
    expect(answer.headers.get('content-type')).toBe('application/json');
    expect(answer.headers.get('cache-control')).toBe('no-store');
  });

  it('lets the page read problems too', async () => {
    const { handler } = setup({}, { corsOrigins });
    const headers = { origin: 'http://localhost:5173' };
    const answer = await send(handler, '/v1/allowance', { bearer: null, headers });
    expect(answer.status).toBe(401);
    expect(answer.headers.get('access-control-allow-origin')).toBe('http://localhost:5173');
  });

  it.each([
    'https://evil.example',
    'https://shop.example.evil.example',
    'null',
    'https://SHOP.example',
  ])('gives %s nothing', async (origin) => {
    const { handler } = setup({}, { corsOrigins });
    for (const method of ['GET', 'OPTIONS']) {
      const sent = { method, bearer: AGE_TOKEN, headers: { origin } };
      const answer = await send(handler, '/v1/allowance', sent);
      expect(answer.headers.get('access-control-allow-origin')).toBeNull();
      expect(answer.headers.get('access-control-allow-methods')).toBeNull();
      expect(answer.headers.get('vary')?.split(', ')).toContain('Origin');
    }
  });

  it('never opens the routes that move money', async () => {
    const { handler } = setup({}, { corsOrigins });
    const headers = { origin: 'https://shop.example' };
    const moved = await send(handler, '/v1/purchases', { body: PURCHASE, headers });
    expect(moved.headers.get('access-control-allow-origin')).toBeNull();
    const preflight = await send(handler, '/v1/purchases', { method: 'OPTIONS', headers });
    expect(preflight.status).toBe(405);
  });
});
