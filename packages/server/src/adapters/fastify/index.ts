import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Handler } from '../../http/index.ts';
import { nodeListener } from '../node-listener.ts';

/** The parts of a Fastify instance, request and reply that are used. */
interface FastifyLike {
  readonly prefix: string;
  removeAllContentTypeParsers(): unknown;
  addContentTypeParser(
    type: string,
    parser: (request: unknown, payload: unknown, done: (error: null) => void) => void,
  ): unknown;
  all(
    path: string,
    handler: (request: { raw: IncomingMessage }, reply: ReplyLike) => void,
  ): unknown;
}
interface ReplyLike {
  readonly raw: ServerResponse;
  hijack(): unknown;
  getHeaders(): Record<string, number | string | string[] | undefined>;
}

/**
 * A Fastify plugin that runs a handler. Its prefix is the handler's `basePath`:
 * `app.register(toFastify(createHandler(limiter, { apiKeys, basePath: '/spendcap' })),
 * { prefix: '/spendcap' })`.
 */
export function toFastify(
  handler: Handler,
): (fastify: FastifyLike, options: unknown, done: (error?: Error) => void) => void {
  const listener = nodeListener(handler);
  return (fastify, _options, done) => {
    // Within this plugin only: leaves the body in the stream, for the handler to limit and read.
    fastify.removeAllContentTypeParsers();
    fastify.addContentTypeParser('*', (_request, _payload, parsed) => parsed(null));
    const run = (request: { raw: IncomingMessage }, reply: ReplyLike) => {
      reply.hijack();
      for (const [name, value] of Object.entries(reply.getHeaders())) {
        if (value !== undefined) reply.raw.setHeader(name, value);
      }
      listener(request.raw, reply.raw);
    };
    // `/*` does not match the prefix itself, at which a webhook is mounted. Without a prefix it
    // does, and leaves an own `/` to the app.
    if (fastify.prefix !== '') fastify.all('/', run);
    fastify.all('/*', run);
    done();
  };
}
