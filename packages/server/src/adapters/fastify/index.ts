import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Handler } from '../../http/index.ts';
import { nodeListener } from '../node-listener.ts';

/** A Fastify instance, request and reply, as far as they matter here. */
interface FastifyLike {
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
 * A Fastify plugin that runs a handler. The prefix is the handler's `basePath`:
 * `app.register(toFastify(createHandler(limiter, { apiKeys, basePath: '/spendcap' })),
 * { prefix: '/spendcap' })`.
 */
export function toFastify(
  handler: Handler,
): (fastify: FastifyLike, options: unknown, done: (error?: Error) => void) => void {
  const listener = nodeListener(handler);
  return (fastify, _options, done) => {
    // Within this plugin only: the body stays in the stream, for the handler to measure and read.
    fastify.removeAllContentTypeParsers();
    fastify.addContentTypeParser('*', (_request, _payload, parsed) => parsed(null));
    fastify.all('/*', (request, reply) => {
      reply.hijack();
      for (const [name, value] of Object.entries(reply.getHeaders())) {
        if (value !== undefined) reply.raw.setHeader(name, value);
      }
      listener(request.raw, reply.raw);
    });
    done();
  };
}
