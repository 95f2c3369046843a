import type { IncomingMessage, ServerResponse } from 'node:http';
import { getRequestListener } from '@hono/node-server';

type NodeListener = (req: IncomingMessage, res: ServerResponse) => void;

/** What a body parser leaves on a request. */
export type ParsedRequest = IncomingMessage & { body?: unknown; rawBody?: unknown };

/**
 * Runs a Fetch handler on Node's HTTP objects, with back-pressure, and the request's `signal`
 * aborted when the client goes away.
 */
export function nodeListener(handler: (request: Request) => Promise<Response>): NodeListener {
  return getRequestListener(handler, {
    // The program's own Request and Response stay as they are.
    overrideGlobalObjects: false,
    errorHandler: unreadableRequest,
  });
}

const UNREADABLE = JSON.stringify({
  type: 'urn:spendcap:problem:invalid_request',
  title: 'Invalid request',
  status: 400,
  code: 'invalid_request',
  detail: 'The request target or the Host header is not valid.',
  retryable: false,
});

/** The handler itself never rejects, so that only a wrong target or Host header comes here. */
export function unreadableRequest(): Response {
  return new Response(UNREADABLE, {
    status: 400,
    headers: { 'content-type': 'application/problem+json', 'cache-control': 'no-store' },
  });
}

/**
 * Gives the body back to a request that a body parser has read before: as the bytes it kept, or
 * serialised again.
 *
 * @throws TypeError if it was read and nothing of it was kept
 */
export function restoreBody(req: ParsedRequest): void {
  if (!req.readableDidRead || Buffer.isBuffer(req.rawBody)) return;
  if (req.body === undefined) {
    throw new TypeError('The body was read before spendcap saw it: mount spendcap earlier.');
  }
  req.rawBody = bytesOf(req.body);
}

function bytesOf(body: unknown): Buffer {
  if (Buffer.isBuffer(body)) return body;
  return Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
}
