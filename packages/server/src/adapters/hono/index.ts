import type { Handler } from '../../http/index.ts';

/** A Hono context, as far as it matters here. */
interface ContextLike {
  readonly req: { readonly raw: Request; arrayBuffer(): Promise<ArrayBuffer> };
}

/**
 * Runs a handler in a Hono app, also behind middleware that has read the body. The path is the
 * handler's `basePath`:
 * `app.all('/spendcap/*', toHono(createHandler(limiter, { apiKeys, basePath: '/spendcap' })))`.
 */
export function toHono(handler: Handler): (context: ContextLike) => Promise<Response> {
  return async ({ req }) => {
    if (!req.raw.bodyUsed) return handler(req.raw);
    // Hono has kept what was read.
    const { url, method, headers } = req.raw;
    return handler(new Request(url, { method, headers, body: await req.arrayBuffer() }));
  };
}
