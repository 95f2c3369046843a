import type { Fetch, FetchInit, FetchResponse } from '../transport.ts';

/** A request that is under way; older versions return none. */
interface Task {
  abort?(): void;
}

/** The part of `wx.request`, and of `tt.request`, that the client uses. */
export interface WechatRequest {
  readonly url: string;
  readonly method: 'GET' | 'POST';
  readonly header: Record<string, string>;
  readonly data?: string;
  /** Anything but `json`, so that the body is not parsed. */
  readonly dataType: string;
  readonly responseType: 'text';
  readonly success: (response: { readonly statusCode: number; readonly data: unknown }) => void;
  readonly fail: (error: { readonly errMsg?: string }) => void;
}

/** The part of `my.request` that the client uses. */
export interface AlipayRequest {
  readonly url: string;
  readonly method: 'GET' | 'POST';
  readonly headers: Record<string, string>;
  /** An object, which a JSON content type sends as JSON. */
  readonly data?: Record<string, unknown>;
  readonly dataType: 'text';
  readonly success: (response: AlipayResponse) => void;
  readonly fail: (error: Partial<AlipayResponse> & { readonly errorMessage?: string }) => void;
}

interface AlipayResponse {
  readonly status: number;
  readonly data: unknown;
}

/** `wx`, `tt` or `my`. */
export interface MiniProgram<Request> {
  request(options: Request): unknown;
}

/**
 * The `fetch` of a client in a WeChat mini-game or mini-program, or with `tt` of Douyin. The domain
 * of the server has to be among the request domains of the mini-game.
 *
 * @example
 * ```ts
 * import { createClient } from '@spendcap/client';
 * import { type MiniProgram, type WechatRequest } from '@spendcap/client/transports';
 * import { randomId, wechatFetch } from '@spendcap/client/transports';
 * export function connect(wx: MiniProgram<WechatRequest>, ageToken: () => Promise<string>) {
 *   const fetch = wechatFetch(wx);
 *   return createClient({ url: 'https://pay.example', ageToken, fetch, newId: randomId });
 * }
 * ```
 */
export function wechatFetch(wx: MiniProgram<WechatRequest>): Fetch {
  return (url, init) =>
    sending(init, (succeed, fail) =>
      wx.request({
        ...{ url, method: methodOf(init), header: init.headers },
        ...(init.body !== undefined && { data: init.body }),
        ...{ dataType: 'text', responseType: 'text' },
        success: ({ statusCode, data }) => succeed(statusCode, data),
        fail: ({ errMsg }) => fail(errMsg),
      }),
    );
}

/** The `fetch` of a client in an Alipay mini-program, whose `fail` gets 4xx and 5xx too. */
export function alipayFetch(my: MiniProgram<AlipayRequest>): Fetch {
  return (url, init) =>
    sending(init, (succeed, fail) =>
      my.request({
        ...{ url, method: methodOf(init), headers: init.headers },
        ...(init.body !== undefined && { data: JSON.parse(init.body) }),
        dataType: 'text',
        success: ({ status, data }) => succeed(status, data),
        fail: ({ status = 0, data, errorMessage }) =>
          status >= 400 ? succeed(status, data) : fail(errorMessage),
      }),
    );
}

type Send = (
  succeed: (status: number, data: unknown) => void,
  fail: (message?: string) => void,
) => unknown;

function sending({ signal }: FetchInit, send: Send): Promise<FetchResponse> {
  return new Promise((resolve, reject) => {
    const fail = (message = 'the request failed') => reject(new Error(message));
    const succeed = (status: number, data: unknown) =>
      resolve({
        status,
        // Some versions parse JSON whatever they are set to.
        json: async () => (typeof data === 'string' ? JSON.parse(data) : data),
      });
    const task = send(succeed, fail) as Task | undefined;
    signal?.addEventListener('abort', () => task?.abort?.());
  });
}

function methodOf({ method }: FetchInit): 'GET' | 'POST' {
  return method === 'GET' ? 'GET' : 'POST';
}
