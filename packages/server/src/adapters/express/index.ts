import type { ServerResponse } from 'node:http';
import type { Handler } from '../../http/index.ts';
import { problemFor } from '../../http/problems.ts';
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

/**
 * Error middleware for an app's own routes: responds to a `SpendcapError`, such as an invalid age
 * token, and to the error of a body parser with an RFC 9457 problem, as the HTTP API does, and
 * passes every other error on. Without it Express responds with an HTML page, in development with a
 * stack trace. Mount it after the routes: `app.use(problemHandler())`.
 */
export function problemHandler(): (
  error: unknown,
  req: unknown,
  res: ServerResponse,
  next: (error: unknown) => void,
) => void {
  // biome-ignore lint/complexity/useMaxParams: Express knows an error handler by its four.
  return (error, _req, res, next) => {
    const problem = res.headersSent ? null : problemFor(error);
    if (problem === null) {
      next(error);
      return;
    }
    problem.text().then((text) => {
      res.writeHead(problem.status, Object.fromEntries(problem.headers)).end(text);
    }, next);
  };
}
