import type { Handler } from '../../http/index.ts';

/**
 * Route handlers for Next's App Router. For `app/spendcap/[...path]/route.ts`, with `/spendcap` as
 * the handler's `basePath`: `export const { GET, POST, OPTIONS } = toNext(handler);`.
 *
 * @example
 * ```ts
 * import { toNext } from '@spendcap/server/adapters/next';
 * const { GET } = toNext(async () => new Response('a response of createHandler'));
 * await (await GET(new Request('http://localhost/spendcap/health/live'))).text();
 * // => 'a response of createHandler'
 * ```
 */
export function toNext(handler: Handler): {
  readonly GET: Handler;
  readonly POST: Handler;
  readonly OPTIONS: Handler;
} {
  // Drops Next's second argument.
  const route: Handler = (request) => handler(request);
  return { GET: route, POST: route, OPTIONS: route };
}
