import { OpenAPIHono } from '@hono/zod-openapi';
import type { Context } from 'hono';
import type { Limiter } from '../limiter/types.ts';
import { createAuthenticator } from './auth.ts';
import { createCors } from './cors.ts';
import { createEndpoints, type Endpoint } from './endpoints.ts';
import { createMetrics, observe, type RouteMetrics } from './metrics.ts';
import { problemOf, problemResponse } from './problems.ts';
import { createProofs } from './proofs.ts';
import { PLAYER_ROUTES, type RouteName, routes, securitySchemes } from './routes.ts';

const DEFAULT_MAX_BODY_BYTES = 65_536;

export interface HandlerOptions {
  /** At least one, each of 16 or more printable ASCII characters. All are valid, for rotation. */
  readonly apiKeys: readonly string[];
  /** Where the handler is mounted, as `/spendcap`: every path begins with it. Default: the root. */
  readonly basePath?: string;
  /**
   * The address under which players reach this handler, base path included, as
   * `https://pay.example/spendcap`: what their DPoP proofs name. Needed to take bound age tokens.
   */
  readonly publicUrl?: string;
  /** Exact origins whose pages may call the two player endpoints. Default: none. */
  readonly corsOrigins?: readonly string[];
  /** A larger body is answered 413. Default 65536. */
  readonly maxBodyBytes?: number;
  /** Is told every error behind a 5xx, of which the caller learns the code at most. */
  readonly onError?: (error: unknown) => void;
}

/** A Fetch API server: any runtime or framework that has `Request` and `Response` can run it. */
export type Handler = (request: Request) => Promise<Response>;

/**
 * The HTTP API of a limiter, with its OpenAPI 3.1 document at `/openapi.json`. Errors are RFC 9457
 * problems with a stable `code`; a refusal is a 403 with its reasons. It never rejects.
 *
 * @throws TypeError if an option is wrong
 * @example
 * ```ts
 * import { cnGame, createHandler, createLimiter } from '@spendcap/server';
 * import { memoryStore } from '@spendcap/server/stores/memory';
 * const limiter = createLimiter({ policy: cnGame(), store: memoryStore() });
 * const handler = createHandler(limiter, { apiKeys: ['an-example-key-of-a-test'] });
 * const response = await handler(new Request('http://localhost/health/ready'));
 * response.status; // => 200
 * ```
 */
export function createHandler(limiter: Limiter, options: HandlerOptions): Handler {
  const { basePath = '', maxBodyBytes = DEFAULT_MAX_BODY_BYTES, onError } = options;
  const base = basePath === '/' ? '' : basePath;
  if (base !== '' && !/^(\/[A-Za-z0-9._~-]+)+$/.test(base)) {
    throw new TypeError('basePath must begin with a slash and end without one, as /spendcap');
  }
  if (!Number.isSafeInteger(maxBodyBytes) || maxBodyBytes < 1) {
    throw new TypeError('maxBodyBytes must be a positive integer');
  }
  const metrics = createMetrics();
  const app = new OpenAPIHono();
  const endpoints = createEndpoints({
    limiter,
    authenticator: createAuthenticator(options.apiKeys),
    metrics,
    proofs: createProofs(options.publicUrl),
    maxBytes: maxBodyBytes,
    openApi: memoize(() => JSON.stringify(openApiDocument(app, base))),
  });
  const cors = createCors(options.corsOrigins ?? []);
  const guarded = (endpoint: Endpoint, figures: RouteMetrics) =>
    answering({ endpoint, figures, onError });

  for (const [name, route] of Object.entries(routes)) {
    app.openAPIRegistry.registerPath(route);
    const path = base + route.getRoutingPath();
    const answer = guarded(endpoints[name as RouteName], metrics.route(route.path));
    const isForPlayers = cors !== null && PLAYER_ROUTES.has(name);
    // One function a route, and no middleware: Hono then calls it without composing a chain.
    app.on(route.method, path, isForPlayers ? cors.around(answer) : answer);
    if (isForPlayers) app.options(path, cors.preflight(route.method));
  }
  app.notFound(guarded(unmatched(app), metrics.route('unmatched')));
  return async (request) => app.fetch(request);
}

interface Answering {
  readonly endpoint: Endpoint;
  readonly figures: RouteMetrics;
  readonly onError: HandlerOptions['onError'];
}

/** An endpoint as Hono calls it: counted, and with every error turned into a problem. */
function answering({ endpoint, figures, onError }: Answering) {
  return async (context: Context): Promise<Response> => {
    const start = performance.now();
    let response: Response;
    try {
      response = await endpoint({ request: context.req.raw, id: context.req.param('id') ?? '' });
    } catch (error) {
      response = problemOf(error);
      if (response.status >= 500) report(error, onError);
    }
    observe(figures, response.status, (performance.now() - start) / 1000);
    return response;
  };
}

function report(error: unknown, onError: HandlerOptions['onError']): void {
  try {
    onError?.(error);
  } catch {
    // The caller is answered whatever the operator's logger does.
  }
}

/** 405 with `Allow` where another method would match (RFC 9110 section 15.5.6), else 404. */
function unmatched(app: OpenAPIHono): Endpoint {
  return async ({ request }) => {
    const { pathname } = new URL(request.url);
    const methods = ['GET', 'POST', 'OPTIONS'].filter(
      (method) => app.router.match(method, pathname)[0].length > 0,
    );
    if (methods.length === 0) {
      return problemResponse({
        code: 'not_found',
        status: 404,
        detail: 'Nothing is here. Is basePath the path under which this API is mounted?',
      });
    }
    const allow = methods.flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method]));
    return problemResponse(
      { code: 'method_not_allowed', status: 405, detail: 'See the Allow header.' },
      { headers: { allow: allow.join(', ') } },
    );
  };
}

function openApiDocument(app: OpenAPIHono, base: string) {
  for (const [name, scheme] of Object.entries(securitySchemes)) {
    app.openAPIRegistry.registerComponent('securitySchemes', name, scheme);
  }
  return app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'spendcap',
      version: 'v1',
      description: 'Hold every spending cap before a purchase reaches a payment processor.',
      license: { name: 'Apache-2.0' },
    },
    servers: [{ url: base === '' ? '/' : base }],
  });
}

function memoize<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
