import type { IncomingMessage, ServerResponse } from 'node:http';
import { getRequestListener, RequestError } from '@hono/node-server';
import { problemResponse } from '../http/problems.ts';

type NodeListener = (req: IncomingMessage, res: ServerResponse) => void;

/** On a Request whose body is not the sent bytes; also known to handlers that verify signatures. */
const PARSED_BODY = Symbol.for('spendcap.parsed-body');

/** A request with what a body parser leaves on it. */
export type ParsedRequest = IncomingMessage & {
  body?: unknown;
  rawBody?: unknown;
  [PARSED_BODY]?: true;
};

/**
 * Runs a Fetch handler on Node's HTTP objects, with or without a body parser before it, with
 * back-pressure, and the request's `signal` aborted when the client goes away.
 */
export function nodeListener(handler: (request: Request) => Promise<Response>): NodeListener {
  return getRequestListener(
    (request, { incoming }) => {
      const parsed = incoming as ParsedRequest;
      restoreBody(parsed);
      if (parsed[PARSED_BODY]) Object.defineProperty(request, PARSED_BODY, { value: true });
      return handler(request);
    },
    {
      // Keeps the program's own Request and Response.
      overrideGlobalObjects: false,
      errorHandler: failed,
    },
  );
}

function failed(error: unknown): Response {
  if (error instanceof RequestError) return unreadableRequest();
  const warning = error instanceof BodyConsumedError ? error.message : 'A handler rejected.';
  process.emitWarning(warning, 'SpendcapWarning');
  return problemResponse({ code: 'internal_error', status: 500, detail: warning });
}

/** The response to an invalid target or Host header. */
export function unreadableRequest(): Response {
  return problemResponse({
    code: 'invalid_request',
    status: 400,
    detail: 'The request target or the Host header is invalid.',
  });
}

class BodyConsumedError extends TypeError {}

/**
 * Restores the body of a request that a body parser has consumed: the bytes it kept, or its value
 * serialised again.
 *
 * @throws TypeError if the parser kept nothing
 */
export function restoreBody(req: ParsedRequest): void {
  if (!req.readableDidRead || Buffer.isBuffer(req.rawBody)) return;
  const kept = req.rawBody ?? req.body;
  if (kept === undefined) {
    throw new BodyConsumedError(
      'The body was consumed before spendcap could read it: mount spendcap earlier.',
    );
  }
  if (Buffer.isBuffer(kept) || typeof kept === 'string') {
    req.rawBody = Buffer.from(kept);
  } else {
    req.rawBody = Buffer.from(JSON.stringify(kept));
    req[PARSED_BODY] = true;
  }
}
