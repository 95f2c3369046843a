import { createContext, runInContext } from 'node:vm';
import { beforeAll, describe, expect, test } from 'vitest';
import { bundleClient } from './bundle.ts';
import { allowance, allowed, refused } from './fake-api.ts';

// The built client in contexts that have the globals of each engine, written from the public
// typings of the engines, and not the parts of the language that their older versions lack.
let bundle = '';

beforeAll(async () => {
  const contents = `
    export * from '@spendcap/client';
    export * from '@spendcap/client/transports';
    export { explainRefusal } from '@spendcap/client/explain';`;
  bundle = await bundleClient(contents, 'es2018');
});

/** Not in JavaScriptCore of iOS 12, or Hermes of 2021. */
const WITHOUT = `
  for (const [owner, names] of [
    [globalThis, ['Intl', 'WeakRef', 'FinalizationRegistry', 'structuredClone', 'AggregateError']],
    [Promise, ['allSettled', 'any', 'withResolvers', 'try']],
    [Promise.prototype, ['finally']],
    [Object, ['fromEntries', 'groupBy', 'hasOwn']],
    [Array.prototype, ['at', 'findLast', 'findLastIndex', 'toSorted', 'toReversed', 'with']],
    [String.prototype, ['at', 'replaceAll', 'matchAll']],
  ]) for (const name of names) delete owner[name];`;

interface Sent {
  readonly url: string;
  readonly method: string;
  readonly headers: Record<string, string>;
  readonly body: string | undefined;
}

/** A server, as every engine reaches it. */
function server() {
  const sent: Sent[] = [];
  const answers: Record<string, unknown> = {
    'GET /v1/allowance': allowance,
    'POST /v1/decisions': allowed,
    'POST /v1/decisions/batch': {
      decisions: [{ allowed: true, reasons: [] }],
      reasons: [],
      allowance,
    },
    'POST /buy': { code: 'refused', ...refused },
  };
  const serve = (request: Sent): { readonly status: number; readonly text: string } => {
    sent.push(request);
    const path = request.url.replace('https://pay.example', '');
    if (path === '/offline') throw new Error('offline');
    return {
      status: path === '/buy' ? 403 : 200,
      text: JSON.stringify(answers[`${request.method} ${path}`]),
    };
  };
  return { sent, serve };
}

type Serve = ReturnType<typeof server>['serve'];
type Callback = (value: object) => void;
interface Options {
  readonly url: string;
  readonly method: string;
  /** In WeChat and Douyin. */
  readonly header: Sent['headers'];
  /** In Alipay. */
  readonly headers: Sent['headers'];
  readonly data?: unknown;
  readonly dataType?: string;
  readonly success: Callback;
  readonly fail: Callback;
}

/** `wx.request` and `tt.request`: every status is a success, and by default JSON is parsed. */
const wechat = (serve: Serve) => ({
  request({ url, method, header, data, dataType, success, fail }: Options) {
    setTimeout(() => {
      try {
        const { status, text } = serve({ url, method, headers: header, body: data as string });
        success({ statusCode: status, data: dataType === 'text' ? text : JSON.parse(text) });
      } catch {
        fail({ errMsg: 'request:fail' });
      }
    });
    return { abort: () => undefined };
  },
});

/** `my.request`: takes an object, and calls `fail` with error 19 for a 4xx or 5xx. */
const alipay = (serve: Serve) => ({
  request({ url, method, headers, data, success, fail }: Options) {
    setTimeout(() => {
      try {
        const { status, text } = serve({
          url,
          method,
          headers,
          body: data === undefined ? undefined : JSON.stringify(data),
        });
        if (status < 400) success({ status, data: text, headers: {} });
        else fail({ error: 19, errorMessage: 'http status error', status, data: text });
      } catch {
        fail({ error: 12, errorMessage: 'network error' });
      }
    });
  },
});

/** As engines of canvas games have it: no events but `onload` and `onerror`. */
const xhr = (serve: Serve) =>
  class {
    onload: (() => void) | null = null;
    onerror: (() => void) | null = null;
    status = 0;
    responseText = '';
    #sent = { method: '', url: '', headers: {} as Record<string, string> };
    open(method: string, url: string): void {
      this.#sent = { ...this.#sent, method, url };
    }
    setRequestHeader(name: string, value: string): void {
      this.#sent.headers[name] = value;
    }
    send(body: string | null): void {
      setTimeout(() => {
        try {
          const { status, text } = serve({ ...this.#sent, body: body ?? undefined });
          Object.assign(this, { status, responseText: text });
          this.onload?.();
        } catch {
          this.onerror?.();
        }
      });
    }
    abort(): void {}
  };

const reactNativeFetch = (serve: Serve) => async (url: string, init: Omit<Sent, 'url'>) => {
  const { status, text } = serve({ ...init, url });
  return { status, json: async () => JSON.parse(text) };
};

const timers = { setTimeout, clearTimeout };
const ENGINES = [
  {
    name: 'WeChat mini-game and mini-program',
    fetch: 'client.wechatFetch(wx)',
    globals: (serve: Serve) => ({ ...timers, wx: wechat(serve), console }),
  },
  {
    name: 'Douyin mini-game and mini-program',
    fetch: 'client.wechatFetch(tt)',
    globals: (serve: Serve) => ({ ...timers, tt: wechat(serve), console }),
  },
  {
    name: 'Alipay mini-program',
    fetch: 'client.alipayFetch(my)',
    globals: (serve: Serve) => ({ ...timers, my: alipay(serve), console }),
  },
  {
    name: 'Cocos, Laya and Egret',
    fetch: 'client.xhrFetch(XMLHttpRequest)',
    globals: (serve: Serve) => ({ ...timers, XMLHttpRequest: xhr(serve), console }),
  },
  {
    name: 'React Native',
    fetch: 'undefined',
    globals: (serve: Serve) => ({ ...timers, fetch: reactNativeFetch(serve), console }),
  },
];

const SCRIPT = (fetch: string) => `(async () => {
  const send = ${fetch} || fetch;
  const shop = client.createClient({
    url: 'https://pay.example', ageToken: 't', fetch: ${fetch}, newId: client.randomId,
  });
  const seen = [];
  const stop = shop.subscribe(() => seen.push(shop.getSnapshot().allowance.status));
  await shop.refresh();
  const price = { amount: '48.00', currency: 'CNY' };
  const decisions = await shop.affordable([price]);
  const buy = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"id":1}' };
  const refused = await shop.checkout(price, () => send('https://pay.example/buy', buy));
  const unknown = await shop.checkout(price, () => send('https://pay.example/offline', buy));
  stop();
  return JSON.stringify({
    seen: seen[0],
    decisions: decisions.map(({ allowed }) => allowed),
    preview: shop.preview(price).allowed,
    refused: [refused.status, refused.id, client.explainRefusal(refused, { locale: 'en' })],
    unknown: unknown.status,
  });
})()`;

describe.each(ENGINES)('$name', ({ fetch, globals }) => {
  test('shows the allowance, decides on a shelf, explains a refusal, and survives a lost payment', async () => {
    const { sent, serve } = server();
    const context = createContext(globals(serve));
    const run = runInContext(`${WITHOUT};${bundle};${SCRIPT(fetch)}`, context) as Promise<string>;
    expect(JSON.parse(await run)).toEqual({
      seen: 'ready',
      decisions: [true],
      preview: true,
      refused: [
        'refused',
        expect.stringMatching(UUID),
        expect.stringMatching(/^Players of your age/),
      ],
      unknown: 'unknown',
    });
    expect(sent.map(({ method, url }) => `${method} ${url.slice(19)}`).slice(0, 4)).toEqual([
      'GET /v1/allowance',
      'POST /v1/decisions/batch',
      'POST /v1/decisions',
      'POST /buy',
    ]);
    expect(sent[1]).toMatchObject({
      headers: { authorization: 'Bearer t', 'content-type': 'application/json' },
      body: '{"products":[{"amount":"48.00","currency":"CNY"}]}',
    });
  });
});

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
