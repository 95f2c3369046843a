import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Handler } from '../../http/index.ts';
import { nodeListener } from '../node-listener.ts';

/**
 * Runs a handler on `node:http`. If mounted below a path, `basePath` of the handler is that path.
 *
 * @example
 * ```ts
 * import { createServer } from 'node:http';
 * import { toNode } from '@spendcap/server/adapters/node';
 * const handler = async () => new Response('a response of createHandler');
 * const server = createServer(toNode(handler));
 * server.listening; // => false
 * ```
 */
export function toNode(handler: Handler): (req: IncomingMessage, res: ServerResponse) => void {
  return nodeListener(handler);
}
