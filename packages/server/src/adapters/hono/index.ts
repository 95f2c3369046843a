import type { Handler } from '../../http/index.ts';

/** The part of a Hono context that is used. */
interface ContextLike {
  readonly req: { readonly raw: Request; arrayBuffer(): Promise<ArrayBuffer> };
}

/**
 * Runs a handler in a Hono app, also behind middleware that has read the body. Mount it at the
 * handler's `basePath`:
 * `app.all('/spendcap/*', toHono(createHandler(limiter, { apiKeys, basePath: '/spendcap' })))`.
 */
export function toHono(handler: Handler): (context: ContextLike) => Promise<Response> {
  return async ({ req }) => {
    if (!req.raw.bodyUsed) return handler(req.raw);
    // Hono keeps a body that was read.
    const { url, method, headers } = req.raw;
    return handler(new Request(url, { method, headers, body: await req.arrayBuffer() }));
  };
}
