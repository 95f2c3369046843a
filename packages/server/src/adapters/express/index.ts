import type { ServerResponse } from 'node:http';
import type { Handler } from '../../http/index.ts';
import { nodeListener, type ParsedRequest, restoreBody } from '../node-listener.ts';

/** An Express request, as far as it matters here. */
type ExpressRequest = ParsedRequest & { readonly originalUrl: string };

/**
 * Runs a handler as Express middleware, behind a body parser or without one. The mount path is the
 * handler's `basePath`:
 * `app.use('/spendcap', toExpress(createHandler(limiter, { apiKeys, basePath: '/spendcap' })))`.
 */
export function toExpress(
  handler: Handler,
): (req: ExpressRequest, res: ServerResponse, next: (error: unknown) => void) => void {
  const listener = nodeListener(handler);
  return (req, res, next) => {
    try {
      restoreBody(req);
    } catch (error) {
      next(error);
      return;
    }
    // Express cuts the mount path off; the handler wants the whole path, as everywhere.
    req.url = req.originalUrl;
    listener(req, res);
  };
}
