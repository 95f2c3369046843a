/** What `spendcap init` found in a folder. */
export interface Project {
  readonly framework: Framework;
  readonly isTypeScript: boolean;
  readonly usesStripe: boolean;
  /** The folder of the module: `src/` or nothing. */
  readonly root: string;
  readonly issuer: string;
  readonly audience: string;
}

export type Framework = 'next' | 'nest' | 'fastify' | 'hono' | 'express' | 'node' | 'none';

/** Contents by path. */
export type Files = Readonly<Record<string, string>>;

const BASE_PATH = '/spendcap';
const WEBHOOK_PATH = '/webhook/stripe';
export const DEV_JWKS_FILE = 'spendcap-dev-jwks.json';

/** Lines of code, without those that are `false`. */
const lines = (...parts: readonly (string | false)[]): string =>
  parts.filter((part) => part !== false).join('\n');

/** The limiter of a project and the routes to it. Empty for a project without Node.js. */
export function routeFiles(project: Project): Files {
  const { framework, isTypeScript, root } = project;
  if (framework === 'none') return {};
  const main = `${root}spendcap.${isTypeScript ? 'ts' : 'mjs'}`;
  if (framework !== 'next') return { [main]: moduleOf(project, MOUNTS[framework]) };
  return {
    [main]: moduleOf(project, null),
    [`${root}app${BASE_PATH}/[...path]/route.${isTypeScript ? 'ts' : 'js'}`]: nextRoute(project, {
      handler: 'handler',
      methods: 'GET, POST, OPTIONS',
      up: '../../..',
    }),
    ...(project.usesStripe
      ? {
          [`${root}app${WEBHOOK_PATH}/route.${isTypeScript ? 'ts' : 'js'}`]: nextRoute(project, {
            handler: 'webhook',
            methods: 'POST',
            up: '../../..',
          }),
        }
      : {}),
  };
}

interface NextRoute {
  readonly handler: string;
  readonly methods: string;
  readonly up: string;
}

function nextRoute({ isTypeScript }: Project, { handler, methods, up }: NextRoute): string {
  const extension = isTypeScript ? '' : '.mjs';
  return `import { toNext } from '@spendcap/server/adapters/next';
import { ${handler} } from '${up}/spendcap${extension}';

export const { ${methods} } = toNext(${handler});
`;
}

/** How a framework mounts the handlers: its imports and a function for the project's own server. */
interface Mount {
  readonly imports: (isTypeScript: boolean) => readonly (string | false)[];
  readonly code: (project: Project) => string;
}

/** `app.use(...)` and the like, in a function that the project calls. */
function mountFunction(
  comment: string,
  type: string,
  calls: { readonly webhook: string; readonly handler: string },
): Mount['code'] {
  return ({ isTypeScript, usesStripe }) =>
    lines(
      `/** ${comment} */`,
      `export function mountSpendcap(app${isTypeScript ? `: ${type}` : ''})${isTypeScript ? ': void' : ''} {`,
      usesStripe && `  ${calls.webhook}`,
      `  ${calls.handler}`,
      '}',
    );
}

const RAW_BODY = 'Call it before any body parser: a webhook is verified over the raw body.';

const nestMount = mountFunction(
  'Call it in main.ts directly after NestFactory.create(), before app.listen().',
  'INestApplication',
  {
    webhook: `app.use('${WEBHOOK_PATH}', toExpress(webhook));`,
    handler: `app.use('${BASE_PATH}', toExpress(handler));\n  app.useGlobalFilters(new SpendcapFilter());`,
  },
);

/** NestJS keeps the errors of controllers from the error handlers of Express. */
function nestFilter({ isTypeScript }: Project): string {
  const parameters = isTypeScript ? 'error: SpendcapError, host: ArgumentsHost' : 'error, host';
  return `/** Answers what a controller throws, such as an invalid age token, as the HTTP API does. */
class SpendcapFilter {
  catch(${parameters})${isTypeScript ? ': void' : ''} {
    const http = host.switchToHttp();
    problemHandler()(error, http.getRequest(), http.getResponse(), http.getNext());
  }
}
Catch(SpendcapError)(SpendcapFilter);`;
}

const MOUNTS: Readonly<Record<Exclude<Framework, 'next' | 'none'>, Mount>> = {
  express: {
    imports: (isTypeScript) => [
      `import { toExpress } from '@spendcap/server/adapters/express';`,
      isTypeScript && `import type { Express } from 'express';`,
    ],
    code: mountFunction(RAW_BODY, 'Express', {
      webhook: `app.post('${WEBHOOK_PATH}', toExpress(webhook));`,
      handler: `app.use('${BASE_PATH}', toExpress(handler));`,
    }),
  },
  nest: {
    imports: (isTypeScript) => [
      isTypeScript
        ? `import { type ArgumentsHost, Catch, type INestApplication } from '@nestjs/common';`
        : `import { Catch } from '@nestjs/common';`,
      `import { SpendcapError } from '@spendcap/server';`,
      `import { problemHandler, toExpress } from '@spendcap/server/adapters/express';`,
    ],
    code: (project) => lines(nestFilter(project), '', nestMount(project)),
  },
  fastify: {
    imports: (isTypeScript) => [
      `import { toFastify } from '@spendcap/server/adapters/fastify';`,
      isTypeScript && `import type { FastifyInstance } from 'fastify';`,
    ],
    code: mountFunction('Call it before app.listen().', 'FastifyInstance', {
      webhook: `app.register(toFastify(webhook), { prefix: '${WEBHOOK_PATH}' });`,
      handler: `app.register(toFastify(handler), { prefix: '${BASE_PATH}' });`,
    }),
  },
  hono: {
    imports: (isTypeScript) => [
      `import { toHono } from '@spendcap/server/adapters/hono';`,
      isTypeScript && `import type { Hono } from 'hono';`,
    ],
    code: mountFunction('Call it on the app that you serve.', 'Hono', {
      webhook: `app.post('${WEBHOOK_PATH}', toHono(webhook));`,
      handler: `app.all('${BASE_PATH}/*', toHono(handler));`,
    }),
  },
  node: {
    imports: (isTypeScript) => [
      `import { toNode } from '@spendcap/server/adapters/node';`,
      isTypeScript && `import type { IncomingMessage, ServerResponse } from 'node:http';`,
    ],
    code: ({ isTypeScript, usesStripe }) =>
      lines(
        'const serve = toNode(handler);',
        usesStripe && 'const serveWebhook = toNode(webhook);',
        '',
        '/** In your request listener, first: `if (spendcap(req, res)) return;` */',
        isTypeScript
          ? 'export function spendcap(req: IncomingMessage, res: ServerResponse): boolean {'
          : 'export function spendcap(req, res) {',
        `  const { pathname } = new URL(req.url ?? '/', 'http://localhost');`,
        `  if (pathname.startsWith('${BASE_PATH}/')) serve(req, res);`,
        usesStripe && `  else if (pathname === '${WEBHOOK_PATH}') serveWebhook(req, res);`,
        '  else return false;',
        '  return true;',
        '}',
      ),
  },
};

/** The module with the limiter, and with a framework's function if it has one. */
function moduleOf(project: Project, mount: Mount | null): string {
  const { isTypeScript, usesStripe } = project;
  const imports = lines(
    `import { readFileSync } from 'node:fs';`,
    `import { ageTokens, cnGame, createHandler, createLimiter } from '@spendcap/server';`,
    ...(mount?.imports(isTypeScript) ?? []),
    usesStripe && `import { processorWebhook } from '@spendcap/server/payments';`,
    usesStripe &&
      (isTypeScript
        ? `import { type GuardedStripe, guardStripe, stripeProcessor } from '@spendcap/server/payments/stripe';`
        : `import { guardStripe, stripeProcessor } from '@spendcap/server/payments/stripe';`),
    `import { sqliteStore } from '@spendcap/server/stores/sqlite';`,
    usesStripe && `import Stripe from 'stripe';`,
  );
  return `${imports}

const { SPENDCAP_API_KEYS = '', SPENDCAP_SUBJECT_KEY = '' } = process.env;

// The issuer of \`npx spendcap token\`, for development. In production name your age authority:
// jwks: new URL('https://age.example/.well-known/jwks.json')
const jwks = JSON.parse(readFileSync('${DEV_JWKS_FILE}', 'utf8'));
const issuers = [{ issuer: '${project.issuer}', audience: '${project.audience}', jwks }];

export const limiter = createLimiter({
  policy: cnGame(),
  store: sqliteStore({ path: 'ledger.db' }),
  ageTokens: ageTokens({ issuers, subjectKey: SPENDCAP_SUBJECT_KEY }),
});

/** The HTTP API: players read their allowance below ${BASE_PATH}. */
export const handler = createHandler(limiter, {
  apiKeys: SPENDCAP_API_KEYS.split(','),
  basePath: '${BASE_PATH}',
});
${usesStripe ? stripeParts(isTypeScript) : ''}${mount === null ? '' : `\n${mount.code(project)}\n`}`;
}

/** With `declaration: true` in CommonJS, TypeScript cannot name the type of `payments` itself. */
const stripeParts = (isTypeScript: boolean): string => `
const { STRIPE_SECRET_KEY = '', STRIPE_WEBHOOK_SECRET = '' } = process.env;
const stripe = new Stripe(STRIPE_SECRET_KEY);
const processor = stripeProcessor({ stripe, secrets: [STRIPE_WEBHOOK_SECRET] });

/** Charge with this instead of a Stripe client. */
export const payments${isTypeScript ? ': GuardedStripe<Stripe>' : ''} = guardStripe({ stripe, limiter });

/** The endpoint of Stripe's webhook. */
export const webhook = processorWebhook({ processor, limiter });
`;

/** The configuration of \`spendcap serve\`, with the same issuer as the module. */
export function configOf({ issuer, audience }: Project): string {
  const config = {
    port: 8787,
    policy: 'cn-game',
    store: 'sqlite:ledger.db',
    ageIssuers: [{ issuer, audience, jwks: DEV_JWKS_FILE }],
  };
  return `${JSON.stringify(config, null, 2)}\n`;
}

export function environmentOf({ usesStripe }: Project): string {
  return `# Copy to .env, which is not committed, and replace every value.

# Keys of back ends that call the HTTP API, comma-separated, 16 or more characters each.
SPENDCAP_API_KEYS=change-me-an-api-key
# Makes the pseudonyms of players. Never change it once there are purchases.
SPENDCAP_SUBJECT_KEY=change-me-a-subject-key
# The private JWK that signs permits; a new one at each start if unset.
#SPENDCAP_PERMIT_KEY=
# The store of \`spendcap serve\`, if its location has a password.
#SPENDCAP_STORE=
${usesStripe ? STRIPE_VARIABLES : ''}`;
}

const STRIPE_VARIABLES = `
STRIPE_SECRET_KEY=sk_test_change-me
# stripe listen --forward-to localhost:3000${WEBHOOK_PATH} prints it.
STRIPE_WEBHOOK_SECRET=whsec_change-me
`;
