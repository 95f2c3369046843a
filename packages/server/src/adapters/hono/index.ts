import type { Handler } from '../../http/index.ts';
import { markParsed } from '../parsed-body.ts';

/** The part of a Hono context that is used. */
interface ContextLike {
  readonly req: {
    readonly raw: Request;
    /** What was read of the body, by the method that read it. */
    readonly bodyCache: object;
    arrayBuffer(): Promise<ArrayBuffer>;
  };
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
    const request = new Request(url, { method, headers, body: await req.arrayBuffer() });
    // Of any other form, such as a FormData, Hono makes new bytes.
    const isSent = ['arrayBuffer', 'text', 'blob'].some((form) => form in req.bodyCache);
    if (!isSent) markParsed(request);
    return handler(request);
  };
}
