import type { Fetch } from '../transport.ts';

/** The part of `XMLHttpRequest` that the client uses. */
export interface XmlHttpRequest {
  onload: ((event: never) => unknown) | null;
  onerror: ((event: never) => unknown) | null;
  readonly status: number;
  readonly responseText: string;
  open(method: string, url: string): void;
  setRequestHeader(name: string, value: string): void;
  send(body: string | null): void;
  abort(): void;
}

/**
 * The `fetch` of a client in an engine with `XMLHttpRequest` and no `fetch`: Cocos, Laya, Egret.
 *
 * @param Request the engine's `XMLHttpRequest`
 */
export function xhrFetch(Request: new () => XmlHttpRequest): Fetch {
  return (url, { method, headers, body = null, signal }) =>
    new Promise((resolve, reject) => {
      const request = new Request();
      request.onload = () => {
        const { status, responseText } = request;
        resolve({ status, json: async () => JSON.parse(responseText) });
      };
      request.onerror = () => reject(new Error('the request failed'));
      request.open(method, url);
      for (const name in headers) request.setRequestHeader(name, `${headers[name]}`);
      request.send(body);
      signal?.addEventListener('abort', () => request.abort());
    });
}
