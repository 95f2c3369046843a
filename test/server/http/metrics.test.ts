import { Counter, Gauge, type OpenMetricsContentType, Registry } from 'prom-client';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { REFUSED } from '../../../packages/server/src/http/examples.ts';
import { createHandler, type Metrics } from '../../../packages/server/src/http/index.ts';
import { prometheusMetrics } from '../../../packages/server/src/http/metrics/index.ts';
import { PURCHASE, send, setup } from './http-kit.ts';
import { API_KEY, reservation, stubLimiter } from './stub-limiter.ts';

/** A metric of another kind under one of our names. */
const OTHER = { name: 'spendcap_requests_total', help: 'Of the game.' };
const LABELS = ['route', 'status'] as const;

afterEach(() => vi.restoreAllMocks());

describe('metrics', () => {
  it('are read by the operator', async () => {
    let reserve: unknown = reservation('order-1');
    const { limiter } = stubLimiter();
    const moody = { ...limiter, reserve: async () => reserve as never };
    const handler = createHandler(moody, { apiKeys: [API_KEY], metrics: prometheusMetrics() });
    await send(handler, '/v1/purchases', { body: PURCHASE });
    reserve = { ...reservation('order-1'), replayed: true };
    await send(handler, '/v1/purchases', { body: PURCHASE });
    reserve = REFUSED;
    await send(handler, '/v1/purchases', { body: PURCHASE });
    await send(handler, '/nowhere"}');
    const { text, headers } = await send(handler, '/metrics');
    expect(headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    const lines = text.split('\n');
    expect(lines).toContain('spendcap_decisions_total{outcome="allowed",code=""} 1');
    expect(lines).toContain(
      'spendcap_decisions_total{outcome="refused",code="transaction_cap_exceeded"} 1',
    );
    for (const status of [200, 201, 403]) {
      expect(lines).toContain(
        `spendcap_requests_total{route="/v1/purchases",status="${status}"} 1`,
      );
    }
    expect(lines).toContain('spendcap_requests_total{route="unmatched",status="404"} 1');
    const histogram = 'spendcap_request_duration_seconds';
    expect(lines).toContain(`${histogram}_bucket{le="+Inf",route="/v1/purchases"} 3`);
    expect(lines).toContain(`${histogram}_count{route="/v1/purchases"} 3`);
    // Every line is a comment or a sample.
    for (const line of lines.filter((each) => each !== '')) {
      expect(line).toMatch(/^(# (HELP|TYPE) \w+ .+|\w+(\{(\w+="[^"\\]*",?)*\})? [0-9.e+-]+)$/);
    }
  });

  it('are neither served nor described without the option', async () => {
    const handler = createHandler(stubLimiter().limiter, { apiKeys: [API_KEY] });
    const { status, json } = await send(handler, '/metrics');
    expect([status, json.code]).toEqual([404, 'not_found']);
    const { paths } = (await send(handler, '/openapi.json')).json as { paths: object };
    expect(Object.keys(paths)).toContain('/v1/purchases');
    expect(Object.keys(paths)).not.toContain('/metrics');
  });

  it('that throw change no response', async () => {
    vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const fail = () => {
      throw new Error('no memory');
    };
    const metrics: Metrics = { route: () => fail, decided: fail, exposition: async () => fail() };
    for (const reserve of [reservation('order-1'), REFUSED]) {
      const { handler } = setup({ reserve }, { metrics });
      const { json } = await send(handler, '/v1/purchases', { body: PURCHASE });
      expect(json).toEqual(JSON.parse(JSON.stringify(reserve)));
    }
  });
});

describe('a registry of the caller', () => {
  it('is served whole, and counts what several handlers do', async () => {
    const registry = new Registry();
    new Gauge({ name: 'players', help: 'Of the game.', registers: [registry] }).set(7);
    const handlers = [
      setup({}, { metrics: prometheusMetrics(registry) }).handler,
      setup({}, { metrics: prometheusMetrics(registry) }).handler,
    ];
    for (const handler of handlers) await send(handler, '/v1/purchases', { body: PURCHASE });
    for (const handler of handlers) {
      const lines = (await send(handler, '/metrics')).text.split('\n');
      expect(lines).toContain('players 7');
      expect(lines).toContain('spendcap_decisions_total{outcome="allowed",code=""} 2');
      expect(lines).toContain('spendcap_requests_total{route="/v1/purchases",status="201"} 2');
    }
  });

  it('is otherwise one of its own', async () => {
    const [first, second] = [setup().handler, setup().handler];
    await send(first, '/v1/purchases', { body: PURCHASE });
    const { text } = await send(second, '/metrics');
    expect(text).toContain('spendcap_decisions_total{outcome="allowed",code=""} 0');
    expect(text).not.toContain('/v1/purchases');
  });

  it('may be of the OpenMetrics format', async () => {
    const registry = new Registry<OpenMetricsContentType>();
    registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
    const { handler } = setup({}, { metrics: prometheusMetrics(registry) });
    const { text, headers } = await send(handler, '/metrics');
    expect(headers.get('content-type')).toBe(Registry.OPENMETRICS_CONTENT_TYPE);
    expect(text).toMatch(/spendcap_decisions_total\{.*\} 0\n(.*\n)*# EOF\n$/);
  });

  it.each<[string, (registers: Registry[]) => unknown]>([
    ['another type', (registers) => new Gauge({ ...OTHER, labelNames: LABELS, registers })],
    ['other labels', (registers) => new Counter({ ...OTHER, labelNames: ['route'], registers })],
  ])('is a TypeError if it has a metric of our name with %s', (_name, register) => {
    const registry = new Registry();
    register([registry]);
    const make = () => prometheusMetrics(registry);
    expect(make).toThrow(TypeError);
    expect(make).toThrow(/registry.* spendcap_requests_total/);
  });

  it.each([{}, null])('is a TypeError if it is %j', (registry) => {
    const make = () => prometheusMetrics(registry as Registry);
    expect(make).toThrow(TypeError);
    expect(make).toThrow(/prom-client/);
  });

  it('that fails is a 500, and the operator hears of it', async () => {
    const registry = new Registry();
    const failure = new Error('no such sensor');
    const collect = () => {
      throw failure;
    };
    new Gauge({ name: 'players', help: 'Of the game.', registers: [registry], collect });
    const onError = vi.fn();
    const { handler } = setup({}, { metrics: prometheusMetrics(registry), onError });
    const { status, json } = await send(handler, '/metrics');
    expect([status, json.code]).toEqual([500, 'internal_error']);
    expect(onError).toHaveBeenCalledExactlyOnceWith(failure);
  });
});
