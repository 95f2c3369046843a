import type { ServerResponse } from 'node:http';
import type { Handler } from '../../http/index.ts';
import { nodeListener, type ParsedRequest, restoreBody } from '../node-listener.ts';

/** The part of an Express request that is used. */
type ExpressRequest = ParsedRequest & { readonly originalUrl: string };

/**
 * Runs a handler as Express middleware, with or without a body parser before it. Mount it at the
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
    // Express strips the mount path; the handler expects the whole path.
    req.url = req.originalUrl;
    listener(req, res);
  };
}
