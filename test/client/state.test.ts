import { type Client, type ClientOptions, createClient, type FetchInit } from '@spendcap/client';
import type { Allowance, LimitAllowance } from '@spendcap/core/wire';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { allowed, answer, allowance as empty, paid, receipt, refused } from './fake-api.ts';

const limit: LimitAllowance = {
  id: 'day',
  period: 'day',
  categories: null,
  cap: '50.00',
  used: '38.00',
  remaining: '12.00',
  resetsAt: '2026-11-23T16:00:00.000Z',
};
const day: Allowance = { ...empty, limits: [limit] };
const used = (amount: string): Allowance => ({ ...day, limits: [{ ...limit, used: amount }] });

const ALLOWED = { allowed: true, reasons: [] };

/** A server whose allowance a test can change, and which notes what is read. */
function world(options: Partial<ClientOptions> = {}) {
  const server = { allowance: day, isDown: false };
  const reads: string[] = [];
  const fetch = async (url: string, init: FetchInit) => {
    reads.push(url.replace('https://pay.example/v1/', ''));
    if (server.isDown) throw new TypeError('offline');
    const { allowance } = server;
    if (url.endsWith('/allowance')) return Response.json(allowance);
    if (url.endsWith('/decisions')) return Response.json(allowed);
    const { products } = JSON.parse(init.body ?? '') as { products: unknown[] };
    return Response.json({ decisions: products.map(() => ALLOWED), reasons: [], allowance });
  };
  const client = createClient({ url: 'https://pay.example', ageToken: 't', fetch, ...options });
  return { server, reads, client };
}

const state = (client: Client) => client.getSnapshot().allowance;
const purchase = { amount: '10.00', currency: 'CNY', id: 'p' };

// The clock of the device is two days ahead of the server's.
beforeEach(() => void vi.useFakeTimers({ now: Date.parse('2026-11-25T04:00:00Z') }));
afterEach(() => void vi.useRealTimers());

describe('the allowance', () => {
  test('is loading until it is read, by the first subscriber', async () => {
    const { client, reads } = world();
    expect(client.getSnapshot()).toEqual({
      allowance: { status: 'loading', allowance: null },
      purchases: {},
    });
    expect(reads).toEqual([]);
    const changes = vi.fn();
    client.subscribe(changes);
    client.subscribe(() => undefined);
    await vi.advanceTimersByTimeAsync(0);
    expect(state(client)).toEqual({ status: 'ready', allowance: day });
    expect(reads).toEqual(['allowance']);
    expect(changes).toHaveBeenCalledTimes(1);
  });

  test('that was prefetched a moment ago is not read again', async () => {
    const { client, reads } = world();
    await client.refresh();
    client.subscribe(() => undefined);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(reads).toEqual(['allowance']);
  });

  test('that a server has read is there at first, and to the server renderer for good', async () => {
    const { client, reads, server } = world({ initialAllowance: day });
    client.subscribe(() => undefined);
    expect(state(client)).toEqual({ status: 'ready', allowance: day });
    expect(reads).toEqual([]);
    server.allowance = used('50.00');
    await client.refresh();
    expect(client.getServerSnapshot().allowance).toEqual({ status: 'ready', allowance: day });
    expect(state(client).allowance).toEqual(used('50.00'));
  });

  test('is unavailable without a first read, and stale after a later one failed', async () => {
    const { client, server } = world();
    server.isDown = true;
    const first = client.refresh();
    await vi.advanceTimersByTimeAsync(1_000);
    await first;
    const error = expect.objectContaining({ code: 'network_error' });
    expect(state(client)).toEqual({ status: 'unavailable', allowance: null, error });
    server.isDown = false;
    await client.refresh();
    expect(state(client)).toEqual({ status: 'ready', allowance: day });
    server.isDown = true;
    void client.refresh();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(state(client)).toEqual({ status: 'stale', allowance: day, error });
  });

  test('keeps its identity while nothing changes', async () => {
    const { client, server } = world();
    await client.refresh();
    const before = client.getSnapshot();
    const changes = vi.fn();
    client.subscribe(changes);
    server.allowance = { ...day, at: '2026-11-23T05:00:00.000Z' };
    await client.refresh();
    expect(client.getSnapshot()).toBe(before);
    expect(changes).not.toHaveBeenCalled();
  });

  test('is read again on focus, but only while somebody is subscribed', async () => {
    let focus = () => undefined as undefined | Promise<void>;
    const stop = vi.fn();
    const onFocus = (refresh: () => void) => {
      focus = () => void refresh();
      return stop;
    };
    const { client, reads } = world({ onFocus });
    const end = client.subscribe(() => undefined);
    await vi.advanceTimersByTimeAsync(0);
    focus();
    await vi.advanceTimersByTimeAsync(0);
    expect(reads).toEqual(['allowance', 'allowance']);
    end();
    end();
    expect(stop).toHaveBeenCalledTimes(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('is read again in a browser when its window or tab is shown, without an option', async () => {
    const page = new EventTarget();
    const document = { visibilityState: 'visible' };
    vi.stubGlobal('document', document);
    for (const name of ['addEventListener', 'removeEventListener'] as const) {
      vi.stubGlobal(name, page[name].bind(page));
    }
    const { client, reads } = world();
    const end = client.subscribe(() => undefined);
    const happens = async (type: string, visibilityState: string) => {
      document.visibilityState = visibilityState;
      page.dispatchEvent(new Event(type));
      await vi.advanceTimersByTimeAsync(0);
      return reads.length;
    };
    await vi.advanceTimersByTimeAsync(0);
    expect(await happens('visibilitychange', 'hidden')).toBe(1);
    expect(await happens('visibilitychange', 'visible')).toBe(2);
    expect(await happens('focus', 'visible')).toBe(3);
    end();
    expect(await happens('focus', 'visible')).toBe(3);
    vi.unstubAllGlobals();
  });

  test('is read again when a window ends by the clock of the server', async () => {
    const { client, reads, server } = world();
    client.subscribe(() => undefined);
    // The window ends twelve hours after the server's `at`, whatever the device believes.
    await vi.advanceTimersByTimeAsync(12 * 3_600_000 - 1);
    expect(reads).toEqual(['allowance']);
    expect(state(client).status).toBe('ready');
    // The next window ends a day later.
    const next = { ...limit, used: '0.00', resetsAt: '2026-11-24T16:00:00.000Z' };
    server.allowance = { ...day, limits: [next], at: '2026-11-23T16:00:01.000Z' };
    await vi.advanceTimersByTimeAsync(1);
    expect(state(client)).toEqual({ status: 'stale', allowance: day });
    // Not all players of a country in the same second.
    await vi.advanceTimersByTimeAsync(5_000);
    expect(reads).toEqual(['allowance', 'allowance']);
    expect(state(client).allowance).toEqual(server.allowance);
  });

  test.each([
    ['of a server whose window has ended', { at: '2026-11-23T16:00:00.000Z' }],
    ['that a cache keeps', { at: '2026-11-23T15:59:59.000Z' }],
  ])('%s is read again once a minute, until it changes', async (_, at) => {
    const { client, reads, server } = world();
    server.allowance = { ...day, ...at };
    client.subscribe(() => undefined);
    await vi.advanceTimersByTimeAsync(600_000);
    expect(reads.length).toBeGreaterThan(5);
    expect(reads.length).toBeLessThanOrEqual(11);
    const next = { ...limit, resetsAt: '2026-11-24T16:00:00.000Z' };
    server.allowance = { ...server.allowance, limits: [next] };
    await vi.advanceTimersByTimeAsync(65_000);
    reads.length = 0;
    await vi.advanceTimersByTimeAsync(600_000);
    expect(reads).toEqual([]);
  });

  test('is read again after the clock of the device was set back', async () => {
    let at = Date.parse('2026-11-25T04:00:00Z');
    const { client, reads } = world({ now: () => at });
    await client.refresh();
    at -= 3 * 86_400_000;
    client.subscribe(() => undefined);
    await vi.advanceTimersByTimeAsync(0);
    expect(reads).toEqual(['allowance', 'allowance']);
  });

  test('of an earlier read never replaces that of a later one', async () => {
    const answers: ((value: Response) => void)[] = [];
    const fetch = () => new Promise<Response>((resolve) => answers.push(resolve));
    const client = createClient({ url: 'https://pay.example', ageToken: 't', fetch });
    const read = client.refresh();
    await vi.advanceTimersByTimeAsync(0);
    const shelf = client.affordable([{ amount: '1.00', currency: 'CNY' }]);
    await vi.advanceTimersByTimeAsync(0);
    answers[1]?.(Response.json({ decisions: [ALLOWED], reasons: [], allowance: used('48.00') }));
    await shelf;
    answers[0]?.(Response.json(day));
    await read;
    expect(state(client).allowance).toEqual(used('48.00'));
  });
});

describe('a purchase', () => {
  test('is in the state from its check to its outcome, and the allowance is read again', async () => {
    const { client, reads, server } = world();
    const seen: unknown[] = [];
    client.subscribe(() =>
      seen.push(client.getSnapshot().purchases.p?.status, state(client).status),
    );
    await vi.advanceTimersByTimeAsync(0);
    server.allowance = used('48.00');
    await client.checkout(purchase, paid);
    await vi.advanceTimersByTimeAsync(0);
    const statuses = ['ready', 'checking', 'paying', 'paid', 'stale', 'ready'];
    expect([...new Set(seen)]).toEqual([undefined, ...statuses.slice(0, 5)]);
    expect(reads).toEqual(['allowance', 'decisions', 'allowance']);
    expect(state(client)).toEqual({ status: 'ready', allowance: server.allowance });
    expect(client.getSnapshot().purchases.p).toMatchObject({ status: 'paid', result: receipt });
  });

  test('is kept with the last twenty', async () => {
    const { client } = world();
    for (let index = 0; index < 25; index += 1) {
      await client.checkout({ ...purchase, id: `p${index}` }, paid);
    }
    const ids = Object.keys(client.getSnapshot().purchases);
    expect(ids).toHaveLength(20);
    expect([ids[0], ids.at(-1)]).toEqual(['p5', 'p24']);
  });

  test('goes on whatever a listener throws', async () => {
    const { client } = world();
    const reported = vi.fn();
    process.on('unhandledRejection', reported);
    client.subscribe(() => {
      throw new Error('a fault of the page');
    });
    expect(await client.checkout(purchase, paid)).toMatchObject({ status: 'paid' });
    vi.useRealTimers();
    await vi.waitFor(() => expect(reported).toHaveBeenCalled());
    process.off('unhandledRejection', reported);
  });
});

describe('settled', () => {
  const lost = () => Promise.reject(new TypeError('lost'));

  test('asks the back end until it knows', async () => {
    const answers = [answer({}, 500), lost, answer({}, 202), answer({}, 200)];
    const lookUp = vi.fn((_: string) => (answers.shift() ?? lost)());
    const { client, reads } = world({ lookUp });
    const outcome = await client.checkout(purchase, lost);
    if (outcome.status !== 'unknown') expect.unreachable();
    const settled = outcome.settled();
    await vi.advanceTimersByTimeAsync(3_000);
    const pending = await settled;
    if (pending.status !== 'pending') expect.unreachable();
    expect(lookUp.mock.calls).toEqual([['p'], ['p'], ['p']]);
    expect(client.getSnapshot().purchases.p).toBe(pending);
    expect(await pending.settled()).toMatchObject({ status: 'paid', id: 'p' });
    expect(client.getSnapshot().purchases.p?.status).toBe('paid');
    // The end is known, so that the back end is not called.
    expect(await client.settle('p')).toMatchObject({ status: 'paid' });
    expect(lookUp).toHaveBeenCalledTimes(4);
    expect(reads).toEqual(['decisions']);
  });

  test.each([
    { name: 'a refusal', reply: answer(refused, 403), status: 'refused' },
    { name: 'a 404', reply: answer({}, 404), status: 'failed' },
    { name: 'a report', reply: paid, status: 'paid' },
  ])('takes $name of the back end for the outcome', async ({ reply, status }) => {
    const { client } = world({ lookUp: reply });
    expect(await client.settle('of-an-earlier-start')).toMatchObject({ status });
  });

  test.each([
    { name: 'lost', lookUp: vi.fn(lost) },
    { name: 'a 401', lookUp: vi.fn(answer({}, 401)) },
    { name: 'a 403', lookUp: vi.fn(answer({ code: 'forbidden' }, 403)) },
    { name: 'a 429', lookUp: vi.fn(answer({}, 429)) },
  ])('gives up after half a minute, and stays unknown: $name', async ({ lookUp }) => {
    const { client } = world({ lookUp });
    const settled = client.settle('p');
    await vi.advanceTimersByTimeAsync(31_000);
    expect(await settled).toMatchObject({ status: 'unknown', id: 'p' });
    expect(lookUp).toHaveBeenCalledTimes(6);
  });

  test('ends with a signal, and without `lookUp` immediately', async () => {
    const controller = new AbortController();
    const { client } = world({ lookUp: lost });
    const settled = client.settle('p', { signal: controller.signal });
    controller.abort();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await settled).toMatchObject({ status: 'unknown' });
    expect(await world().client.settle('p')).toMatchObject({ status: 'unknown' });
  });
});
