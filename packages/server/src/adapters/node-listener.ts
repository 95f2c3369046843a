import type { IncomingMessage, ServerResponse } from 'node:http';
import { getRequestListener, RequestError } from '@hono/node-server';
import { problemResponse } from '../http/problems.ts';
import { markParsed } from './parsed-body.ts';

type NodeListener = (req: IncomingMessage, res: ServerResponse) => void;

/** A request with what a body parser leaves on it. */
export type ParsedRequest = IncomingMessage & {
  body?: unknown;
  rawBody?: unknown;
};

/** Requests whose body was serialised again. */
const reserialised = new WeakSet<IncomingMessage>();

/** HTTP/1.0 may omit Host, as simple health probes do. Node refuses HTTP/1.1 without one. */
export const HOST_IF_ABSENT = 'localhost';

/**
 * A target with a fragment, or with a dot segment in its path (RFC 9112, section 3.2; RFC 3986,
 * section 5.2.4): clients resolve both, and a proxy that compares paths would see another one.
 */
const ODD_TARGET = /#|^[^?]*\/(?:\.|%2e){1,2}(?:[/?]|$)/i;

/** Two Host headers are a 400 (RFC 9112 section 3.2); Node would use the first. */
function hasTwoHosts({ rawHeaders }: IncomingMessage): boolean {
  let hosts = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i];
    if (name?.length === 4 && name.toLowerCase() === 'host') hosts += 1;
  }
  return hosts > 1;
}

/** A head that an HTTP proxy may read as another request than Node does. */
export function hasOddHead(incoming: IncomingMessage): boolean {
  return hasTwoHosts(incoming) || ODD_TARGET.test(incoming.url ?? '');
}

/**
 * Runs a Fetch handler on Node's HTTP objects, with or without a body parser before it, with
 * back-pressure, and the request's `signal` aborted when the client goes away.
 */
export function nodeListener(handler: (request: Request) => Promise<Response>): NodeListener {
  return getRequestListener(
    (request, { incoming }) => {
      const parsed = incoming as ParsedRequest;
      if (hasOddHead(parsed)) return unreadableRequest();
      restoreBody(parsed);
      if (reserialised.has(parsed)) markParsed(request);
      return handler(request);
    },
    {
      // Keeps the program's own Request and Response.
      overrideGlobalObjects: false,
      hostname: HOST_IF_ABSENT,
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
  if (!req.readableDidRead) return;
  // A parser that kept something has decoded it.
  delete req.headers['content-encoding'];
  if (Buffer.isBuffer(req.rawBody)) return;
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
    reserialised.add(req);
  }
}
