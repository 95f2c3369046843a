import { OpenAPIHono } from '@hono/zod-openapi';
import { assertOptions, type OptionNames } from '@spendcap/core';
import type { Context } from 'hono';
import type { Limiter } from '../limiter/types.ts';
import { createAuthenticator } from './auth.ts';
import { corsOf } from './cors.ts';
import { createEndpoints, type Endpoint } from './endpoints.ts';
import { problemOf, problemResponse } from './problems.ts';
import { createProofs } from './proofs.ts';
import { securitySchemes, TAGS } from './route-parts.ts';
import { PLAYER_ROUTES, type RouteName, routes } from './routes.ts';
import type { Handler, HandlerOptions, Served } from './types.ts';

export { problemFor } from './problems.ts';
export type { Handler, HandlerOptions, Metrics, Served } from './types.ts';

const DEFAULT_MAX_BODY_BYTES = 65_536;

const OPTIONS: OptionNames<HandlerOptions> = {
  apiKeys: true,
  basePath: true,
  publicUrl: true,
  corsOrigins: true,
  maxBodyBytes: true,
  metrics: true,
  onError: true,
  onResponse: true,
};

/**
 * The HTTP API of a limiter, with its OpenAPI 3.1 document at `/openapi.json`. Errors are RFC 9457
 * problems with a stable `code`; a refusal is a 403 with its reasons. It never rejects.
 *
 * @throws TypeError if an option is unknown or invalid
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
  assertOptions('createHandler', options, OPTIONS);
  const { basePath = '', maxBodyBytes = DEFAULT_MAX_BODY_BYTES, metrics } = options;
  const base = basePath === '/' ? '' : basePath;
  if (base !== '' && !/^(\/[A-Za-z0-9._~-]+)+$/.test(base)) {
    throw new TypeError('basePath must start with a slash and end without one, like /spendcap');
  }
  if (!Number.isSafeInteger(maxBodyBytes) || maxBodyBytes < 1) {
    throw new TypeError('maxBodyBytes must be a positive integer');
  }
  if (metrics !== undefined && typeof metrics?.route !== 'function') {
    throw new TypeError('metrics must be what prometheusMetrics() returns');
  }
  assertParts(limiter, options);
  const app = new OpenAPIHono();
  const endpoints = createEndpoints({
    limiter,
    authenticator: createAuthenticator(options.apiKeys),
    decided: (decision) => notify((value) => metrics?.decided(value), decision),
    exposition: metrics && (() => metrics.exposition()),
    proofs: createProofs(options.publicUrl),
    maxBytes: maxBodyBytes,
    openApi: memoize(() => JSON.stringify(openApiDocument(app, base))),
  });
  const cors = corsOf(options.corsOrigins ?? []);
  const serve = (route: string, endpoint: Endpoint) =>
    serving({ route, endpoint, count: metrics?.route(route), options });

  for (const [name, route] of Object.entries(routes)) {
    if (name === 'metrics' && metrics === undefined) continue;
    app.openAPIRegistry.registerPath(route);
    const path = base + route.getRoutingPath();
    const handle = serve(route.path, endpoints[name as RouteName]);
    if (cors !== null && PLAYER_ROUTES.has(name)) {
      const middleware = cors(route.method);
      app.on(route.method, path, middleware, handle);
      app.options(path, middleware);
    } else {
      // One function and no middleware: Hono then calls it without composing a chain.
      app.on(route.method, path, handle);
    }
  }
  app.notFound(serve('unmatched', unmatched(app)));
  return async (request) => app.fetch(request);
}

function assertParts(limiter: Limiter, options: HandlerOptions): void {
  if (typeof limiter?.reserve !== 'function') {
    throw new TypeError('limiter must be a Limiter, such as createLimiter(...)');
  }
  for (const name of ['onError', 'onResponse'] as const) {
    const listener = options[name];
    if (listener !== undefined && typeof listener !== 'function') {
      throw new TypeError(`${name} must be a function`);
    }
  }
}

interface Serving {
  readonly route: string;
  readonly endpoint: Endpoint;
  readonly count: ((served: Served) => void) | undefined;
  readonly options: Pick<HandlerOptions, 'onError' | 'onResponse'>;
}

/** An endpoint as Hono calls it: counted, and with every error turned into a problem. */
function serving({ route, endpoint, count, options: { onError, onResponse } }: Serving) {
  return async (context: Context): Promise<Response> => {
    const start = performance.now();
    const { raw: request } = context.req;
    let response: Response;
    try {
      response = await endpoint({ request, id: context.req.param('id') ?? '' });
    } catch (error) {
      response = problemOf(error);
      if (response.status >= 500) notify(onError, error);
    }
    const seconds = (performance.now() - start) / 1000;
    const served = { method: request.method, route, status: response.status, seconds };
    notify(count, served);
    notify(onResponse, served);
    return response;
  };
}

/** The caller gets a response even if the operator's logger throws, or rejects. */
function notify<T>(listener: ((value: T) => void) | undefined, value: T): void {
  const warn = () => process.emitWarning('A listener of createHandler threw.', 'SpendcapWarning');
  try {
    const listening: unknown = listener?.(value);
    // Any object: the promise of another realm or library is no instance of this `Promise`.
    if (typeof listening === 'object') Promise.resolve(listening).catch(warn);
  } catch {
    warn();
  }
}

/** 405 with `Allow` if another method would match (RFC 9110 section 15.5.6), else 404. */
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
        detail: 'No such route. If it should exist, check basePath.',
      });
    }
    const allow = methods.flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method]));
    return problemResponse(
      {
        code: 'method_not_allowed',
        status: 405,
        detail: 'This route has other methods; see the Allow header.',
      },
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
      description: 'Enforces spending caps before a purchase reaches a payment processor.',
      license: { name: 'Apache-2.0' },
    },
    tags: [...TAGS],
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
