import { createContext, runInContext } from 'node:vm';
import type * as Client from '@spendcap/client';
import type * as Explain from '@spendcap/client/explain';
import type { Reason } from '@spendcap/core/wire';
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { bundleClient } from './bundle.ts';
import { allowance, allowed, paid, receipt, refused } from './fake-api.ts';

// Engines of mini-games and React Native lack much of what a browser has. A context of `node:vm`
// has the language alone: no URL, TextEncoder, fetch, AbortController, crypto, timers or console.
let bundle = '';

beforeAll(async () => {
  const contents = `
    export * from '@spendcap/client';
    export * from '@spendcap/client/explain';
    export { messages as chinese } from '@spendcap/client/languages/zh-CN';`;
  bundle = await bundleClient(contents, 'es2023');
});
afterEach(() => vi.unstubAllEnvs());

type Engine = typeof Client & typeof Explain & { readonly chinese: Explain.Messages };

/** The client in an engine, after `prepare` has run in it. */
function load(prepare = '', globals: object = {}): Engine {
  const context = createContext({ ...globals });
  return runInContext(`${prepare};${bundle};client`, context) as Engine;
}

const limit = {
  period: 'day',
  categories: null,
  cap: '50.00',
  used: '38.00',
  remaining: '12.00',
  resetsAt: '2026-11-23T16:00:00.000Z',
} as const;
const dayCap = { code: 'day_cap_exceeded', limit } as const;
const say = (client: Engine, locale: string, reason: Reason = dayCap) =>
  client.explainRefusal({ reasons: [reason], allowance }, { locale, languages: [client.chinese] });

test('the language alone is what the engine of these tests has', () => {
  const names = runInContext('Object.getOwnPropertyNames(globalThis)', createContext({}));
  for (const name of ['URL', 'TextEncoder', 'fetch', 'AbortController', 'crypto', 'setTimeout']) {
    expect(names).not.toContain(name);
  }
});

describe('a refusal is explained', () => {
  test('without Intl: amounts with their code, dates in ISO 8601 and local time', () => {
    vi.stubEnv('TZ', 'Asia/Shanghai');
    const client = load('delete globalThis.Intl');
    expect(say(client, 'en')).toBe(
      'You can spend up to 12.00 CNY now. Choose something that costs less, or wait until 2026-11-24.',
    );
    expect(say(client, 'zh_CN')).toBe(
      '你现在最多可以花 12.00 CNY。可以选便宜一点的，或者等到2026-11-24。',
    );
    vi.stubEnv('TZ', 'America/Los_Angeles');
    expect(say(client, 'en')).toContain('wait until 2026-11-23 08:00.');
    expect(client.formatAmount('12.00', 'CNY', 'zh-CN')).toBe('12.00 CNY');
  });

  /** `Intl` with a part that throws for some options, as one with less data does. */
  const throwing = (part: string, condition: string) => `
    const Full = Intl.${part};
    Intl.${part} = function (tag, options) {
      if (${condition}) throw new RangeError('invalid');
      return new Full(tag, options);
    }`;

  test.each([
    {
      engine: 'without NumberFormat',
      prepare: 'delete Intl.NumberFormat',
      amount: '12.00 CNY',
      date: 'Tuesday, November 24',
    },
    {
      engine: 'without DateTimeFormat',
      prepare: 'delete Intl.DateTimeFormat',
      amount: 'CN¥12.00',
      date: '2026-11-24',
    },
    {
      engine: 'without the data of time zones',
      prepare: throwing('DateTimeFormat', `options.timeZone !== 'UTC'`),
      amount: 'CN¥12.00',
      date: '2026-11-24',
    },
    {
      engine: 'without narrow symbols',
      prepare: throwing('NumberFormat', `options.currencyDisplay === 'narrowSymbol'`),
      amount: 'CN¥12.00',
      date: 'Tuesday, November 24',
    },
  ])('$engine', ({ prepare, amount, date }) => {
    vi.stubEnv('TZ', 'Asia/Shanghai');
    expect(say(load(prepare), 'en')).toBe(
      `You can spend up to ${amount} now. Choose something that costs less, or wait until ${date}.`,
    );
  });

  test.each(['delete Intl.DisplayNames', 'delete globalThis.Intl'])('after `%s`', (prepare) => {
    const reason = { code: 'currency_not_supported', currency: 'USD' } as const;
    expect(say(load(prepare), 'en', reason)).toBe(
      'You can only pay in USD here. Choose a price in USD.',
    );
    expect(say(load(prepare), 'zh-CN', reason)).toBe('这里只能用USD付款。请选用USD标价的东西。');
  });
});

describe('the client runs on the language alone', () => {
  const url = 'https://pay.example/spendcap';
  const respond =
    (body: unknown, status = 200) =>
    async () => ({ status, json: async () => body });

  test('with a fetch and ids of its own', async () => {
    const sent: unknown[] = [];
    const ids = ['order-1', 'order-2', 'order-3'];
    const answers = [allowance, allowed, allowed, allowed, refused];
    const client = load('delete globalThis.Intl').createClient({
      url,
      ageToken: 't',
      newId: () => ids.shift() ?? '',
      fetch: async (to, init) => {
        sent.push([to, init]);
        return { status: 200, json: async () => answers[sent.length - 1] };
      },
    });
    const purchase = { amount: '48.00', currency: 'CNY' };
    expect(await client.allowance({ app: '星 & 花' })).toEqual(allowance);
    expect(await client.check(purchase)).toEqual(allowed);
    expect(await client.checkout(purchase, paid)).toEqual({
      status: 'paid',
      id: 'order-1',
      result: receipt,
    });
    const failing = await client.checkout(purchase, respond({ code: 'x' }, 500));
    expect(failing).toMatchObject({ status: 'unknown', result: { status: 500 } });
    expect(await client.checkout(purchase, paid)).toMatchObject({ status: 'refused' });
    expect(sent[0]).toEqual([
      `${url}/v1/allowance?app=%E6%98%9F%20%26%20%E8%8A%B1`,
      { method: 'GET', headers: { authorization: 'Bearer t' } },
    ]);
  });

  test('and says what the platform lacks', async () => {
    const { createClient } = load();
    expect(() => createClient({ url, ageToken: 't' })).toThrow('needs `fetch` on this platform');
    const client = createClient({ url, ageToken: 't', fetch: respond(allowed) });
    await expect(client.checkout({ amount: '48.00', currency: 'CNY' }, paid)).rejects.toMatchObject(
      { message: 'createClient needs `newId` on this platform' },
    );
  });

  test('with timers but no AbortController, a time limit ends a call', async () => {
    const { createClient } = load('', { setTimeout, clearTimeout });
    const fetch = () => new Promise<never>(() => undefined);
    const client = createClient({ url, ageToken: 't', timeoutMs: 10, fetch });
    await expect(client.allowance()).rejects.toMatchObject({ code: 'timeout' });
  });
});
