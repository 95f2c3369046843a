import type { IncomingMessage, ServerResponse } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import { problemResponse } from '../http/problems.ts';

type NodeListener = (req: IncomingMessage, res: ServerResponse) => void;

/** A request with what a body parser leaves on it. */
export type ParsedRequest = IncomingMessage & { body?: unknown; rawBody?: unknown };

/**
 * Runs a Fetch handler on Node's HTTP objects, with back-pressure, and the request's `signal`
 * aborted when the client goes away.
 */
export function nodeListener(handler: (request: Request) => Promise<Response>): NodeListener {
  return getRequestListener(handler, {
    // Keeps the program's own Request and Response.
    overrideGlobalObjects: false,
    errorHandler: unreadableRequest,
  });
}

/** The handler never rejects, so only an invalid target or Host header ends here. */
export function unreadableRequest(): Response {
  return problemResponse({
    code: 'invalid_request',
    status: 400,
    detail: 'The request target or the Host header is invalid.',
  });
}

/**
 * Restores the body of a request that a body parser has consumed: the bytes it kept, or its value
 * serialised again.
 *
 * @throws TypeError if the parser kept nothing
 */
export function restoreBody(req: ParsedRequest): void {
  if (!req.readableDidRead || Buffer.isBuffer(req.rawBody)) return;
  if (req.body === undefined) {
    throw new TypeError(
      'The body was consumed before spendcap could read it: mount spendcap earlier.',
    );
  }
  req.rawBody = bytesOf(req.body);
}

function bytesOf(body: unknown): Buffer {
  if (Buffer.isBuffer(body)) return body;
  return Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
}
