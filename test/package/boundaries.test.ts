import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from '../../scripts/packages.ts';
import { type Import, importsOf, pattern } from './imports.ts';

/**
 * Who may import whom. The first rule whose `files` match a file holds for it. Targets are files
 * of the repository or names as imported; `types` may be named by `import type` only. `*` stands
 * for anything but a slash, `**` for anything, `<X>` for the same name on both sides.
 */
interface Rule {
  readonly files: string;
  readonly may: readonly string[];
  readonly types?: readonly string[];
}

const CORE = ['@spendcap/core', '@spendcap/core/wire'];
const SERVER = 'packages/server/src';
const TYPES = `${SERVER}/limiter/types.ts`;
const SQLITE = ['node:sqlite', 'node:worker_threads', 'node:fs'];
const JWT = [...CORE, `${SERVER}/jwt/**`, 'node:crypto', 'jose', 'lru-cache'];
const CLI = ['commander', 'pino', 'lru-cache', '@hono/node-server', 'ioredis', 'jose', 'zod'];
const SOURCE = [...JWT, `${SERVER}/age/sources/*`, `${SERVER}/age/token/claims.ts`];

const RULES: readonly Rule[] = [
  { files: 'packages/core/src/wire.ts', may: [] },
  { files: 'packages/core/src/money.ts', may: ['packages/core/src/**', 'decimal.js'] },
  { files: 'packages/core/src/policy*.ts', may: ['packages/core/src/**', 'zod'] },
  { files: 'packages/core/src/period.ts', may: ['packages/core/src/**', 'temporal-polyfill'] },
  { files: 'packages/core/src/**', may: ['packages/core/src/**'] },

  { files: `${SERVER}/index.ts`, may: [...CORE, `${SERVER}/*/**`] },
  { files: `${SERVER}/limiter/**`, may: [...CORE, `${SERVER}/limiter/*`, 'node:crypto'] },
  { files: `${SERVER}/ledger/**`, may: [...CORE, `${SERVER}/ledger/*`] },
  {
    files: `${SERVER}/stores/sqlite/**`,
    may: [...CORE, `${SERVER}/ledger/*`, `${SERVER}/stores/sqlite/**`, ...SQLITE],
  },
  {
    files: `${SERVER}/stores/<X>/**`,
    may: [...CORE, `${SERVER}/ledger/*`, `${SERVER}/stores/<X>/**`, 'node:crypto'],
  },
  {
    // Its notifications are authenticated by an OpenID token.
    files: `${SERVER}/payments/google-play/*`,
    may: [...JWT, `${SERVER}/payments/*`, `${SERVER}/payments/google-play/*`],
    types: [TYPES],
  },
  {
    files: `${SERVER}/payments/<X>/**`,
    may: [...CORE, `${SERVER}/payments/*`, `${SERVER}/payments/<X>/**`, 'node:crypto'],
    types: [TYPES, '<X>'],
  },
  {
    files: `${SERVER}/payments/*`,
    may: [
      ...CORE,
      `${SERVER}/payments/*`,
      `${SERVER}/limiter/listener.ts`,
      `${SERVER}/limiter/validate.ts`,
    ],
    types: [TYPES],
  },

  { files: `${SERVER}/jwt/status-list.ts`, may: [...JWT, 'node:zlib'] },
  { files: `${SERVER}/jwt/**`, may: JWT },
  { files: `${SERVER}/age/token/**`, may: [...JWT, `${SERVER}/age/token/*`], types: [TYPES] },
  {
    files: `${SERVER}/age/authority/**`,
    may: [...JWT, `${SERVER}/age/authority/*`, `${SERVER}/http/problems.ts`, 'node:zlib'],
    types: [`${SERVER}/age/sources/source.ts`],
  },
  {
    files: `${SERVER}/age/sources/nppa/sqlite/*`,
    may: [...CORE, `${SERVER}/age/sources/nppa/*`, 'node:sqlite'],
  },
  // A library that only the users of one source have to install.
  {
    files: `${SERVER}/age/sources/mdoc/**`,
    may: [...SOURCE, `${SERVER}/age/sources/mdoc/*`, '@owf/mdoc', 'zod', 'node:util'],
  },
  {
    files: `${SERVER}/age/sources/sd-jwt/**`,
    may: [...SOURCE, `${SERVER}/age/sources/sd-jwt/*`, '@sd-jwt/core'],
  },
  { files: `${SERVER}/age/sources/<X>/**`, may: [...SOURCE, `${SERVER}/age/sources/<X>/**`] },
  { files: `${SERVER}/age/sources/*`, may: SOURCE },
  {
    files: `${SERVER}/permits/**`,
    may: [...JWT, `${SERVER}/permits/*`],
    types: [TYPES],
  },

  {
    files: `${SERVER}/http/metrics/*`,
    may: ['prom-client'],
    types: [`${SERVER}/http/types.ts`],
  },
  {
    files: `${SERVER}/http/**`,
    may: [
      ...CORE,
      `${SERVER}/http/*`,
      `${SERVER}/jwt/json.ts`,
      `${SERVER}/jwt/proof-algorithms.ts`,
      `${SERVER}/limiter/validate.ts`,
      'hono',
      'hono/**',
      '@hono/zod-openapi',
      'zod',
      'node:crypto',
    ],
    types: [TYPES],
  },
  {
    files: `${SERVER}/adapters/node-listener.ts`,
    may: [
      ...CORE,
      `${SERVER}/http/*`,
      `${SERVER}/adapters/parsed-body.ts`,
      '@hono/node-server',
      'node:http',
    ],
  },
  { files: `${SERVER}/adapters/parsed-body.ts`, may: [] },
  {
    files: `${SERVER}/adapters/<X>/**`,
    may: [`${SERVER}/http/*`, `${SERVER}/adapters/*`],
    types: ['<X>', 'node:http'],
  },
  {
    files: `${SERVER}/testing/**`,
    may: [
      ...CORE,
      `${SERVER}/testing/**`,
      `${SERVER}/limiter/index.ts`,
      `${SERVER}/payments/index.ts`,
      `${SERVER}/stores/memory/index.ts`,
      'node:assert/strict',
    ],
    types: [TYPES],
  },
  {
    // The one place that loads a driver, and only on demand.
    files: `${SERVER}/cli/postgres.ts`,
    may: [...CORE, `${SERVER}/**`, 'pg'],
  },
  {
    // The one place that loads the SDK of a processor, and only on demand.
    files: `${SERVER}/cli/processors.ts`,
    may: [
      ...[...CORE, `${SERVER}/**`, 'stripe', 'alipay-sdk', '@googleapis/androidpublisher'],
      ...['@apple/app-store-server-library', 'node:crypto', 'node:fs/promises'],
      ...['node:path', 'node:url'],
    ],
  },
  {
    files: `${SERVER}/cli/**`,
    may: [...CORE, `${SERVER}/**`, ...CLI, 'node:**'],
  },

  {
    files: 'packages/client/src/elements/**',
    may: ['packages/client/src/**', '@spendcap/core/wire', 'lit'],
  },
  {
    files: 'packages/client/src/react/**',
    may: ['packages/client/src/**', '@spendcap/core/wire', 'react'],
  },
  { files: 'packages/client/src/**', may: ['packages/client/src/**', '@spendcap/core/wire'] },

  {
    files: 'packages/sandbox/src/wallet/**',
    may: [
      'packages/sandbox/src/wallet/**',
      '@spendcap/**',
      '@owf/mdoc',
      '@sd-jwt/core',
      'node:crypto',
    ],
  },
  {
    files: 'packages/sandbox/src/**',
    may: [
      'packages/sandbox/src/**',
      '@spendcap/**',
      '@apple/app-store-server-library',
      '@googleapis/androidpublisher',
      '@hono/node-server',
      'alipay-sdk',
      'hono',
      'hono/**',
      'jose',
      'msw',
      'msw/**',
      'stripe',
      'node:**',
    ],
  },
  {
    files: 'examples/<X>/**',
    may: [
      'examples/<X>/**',
      '@spendcap/**',
      '@hono/node-server',
      'alipay-sdk',
      '@apple/app-store-server-library',
      '@googleapis/androidpublisher',
      'express',
      'fastify',
      'hono',
      'jose',
      'stripe',
      'node:**',
    ],
  },
];

/** The violations of one file, each `file: import`. */
function violations(file: string, imports: readonly Import[]): readonly string[] {
  for (const { files, may, types = [] } of RULES) {
    const match = pattern(files).exec(file);
    if (match === null) continue;
    const name = match.groups?.X ?? '';
    const allows = (patterns: readonly string[], target: string) =>
      patterns.some((text) => pattern(text.replaceAll('<X>', name)).test(target));
    return imports
      .filter(
        ({ target, typeOnly }) => !allows(may, target) && !(typeOnly && allows(types, target)),
      )
      .map(({ target }) => `${file}: ${target}`);
  }
  return [`${file}: no rule names this file`];
}

function violationsOf(file: string, source: string): readonly string[] {
  return violations(file, importsOf(join(ROOT, file), source, ROOT));
}

const files = globSync(
  ['packages/*/src/**/*.ts', 'packages/*/src/**/*.tsx', 'examples/*/**/*.ts'],
  {
    cwd: ROOT,
    exclude: (path) => path.includes('node_modules') || path.includes('dist'),
  },
);

describe('boundaries', () => {
  it('are kept by every source file', () => {
    expect(files.length).toBeGreaterThan(10);
    expect(
      files.flatMap((file) => violationsOf(file, readFileSync(join(ROOT, file), 'utf8'))),
    ).toEqual([]);
  });

  it.each([
    ['packages/core/src/wire.ts', `import type { Policy } from './policy.ts';`],
    ['packages/core/src/decide.ts', `import { z } from 'zod';`],
    ['packages/core/src/decide.ts', `import { readFileSync } from 'node:fs';`],
    [
      'packages/server/src/limiter/index.ts',
      `import { memoryStore } from '../stores/memory/index.ts';`,
    ],
    ['packages/server/src/limiter/index.ts', `import { jwtVerify } from 'jose';`],
    [
      'packages/server/src/stores/sqlite/index.ts',
      `import { memoryStore } from '../memory/index.ts';`,
    ],
    [
      'packages/server/src/stores/memory/index.ts',
      `import { createLimiter } from '../limiter.ts';`,
    ],
    ['packages/server/src/stores/memory/index.ts', `import { DatabaseSync } from 'node:sqlite';`],
    ['packages/server/src/stores/postgres/index.ts', `import pg from 'pg';`],
    ['packages/server/src/stores/postgres/dispatch.ts', `import pg from 'pg';`],
    ['packages/server/src/stores/redis/index.ts', `import { Redis } from 'ioredis';`],
    ['packages/server/src/payments/stripe/index.ts', `import Stripe from 'stripe';`],
    [
      'packages/server/src/payments/stripe/index.ts',
      `const { sqlite } = await import('../../stores/sqlite/index.ts');`,
    ],
    ['packages/server/src/http/handler.ts', `import { keySet } from '../jwt/key-set.ts';`],
    [
      'packages/server/src/age/authority/authority.ts',
      `import { ID_PATTERN } from '../../limiter/validate.ts';`,
    ],
    [
      'packages/server/src/testing/store-suite.ts',
      `import { startCharge } from '../payments/start.ts';`,
    ],
    ['packages/server/src/adapters/express/index.ts', `import { Router } from 'express';`],
    [
      'packages/server/src/adapters/express/index.ts',
      `export { createLimiter } from '../../limiter/index.ts';`,
    ],
    ['packages/client/src/client.ts', `import { SpendcapError } from '@spendcap/core';`],
    ['packages/client/src/client.ts', `let ref: import('react').Ref;`],
    [
      'packages/sandbox/src/story.ts',
      `import { createLimiter } from '../../server/src/limiter/index.ts';`,
    ],
    [
      'examples/permit/decide.ts',
      `import { memory } from '../../packages/server/src/stores/memory/index.ts';`,
    ],
    ['packages/server/src/elsewhere/new.ts', ''],
  ])('%s may not say %s', (file, source) => {
    expect(violationsOf(file, source)).toHaveLength(1);
  });

  it.each([
    ['packages/core/src/decide.ts', `import { PERIODS } from './wire.ts';`],
    ['packages/core/src/money.ts', `import { Decimal } from 'decimal.js';`],
    ['packages/server/src/payments/stripe/index.ts', `import type Stripe from 'stripe';`],
    ['packages/server/src/stores/sqlite/index.ts', `import { DatabaseSync } from 'node:sqlite';`],
    ['packages/server/src/adapters/express/index.ts', `import type { Request } from 'express';`],
    ['packages/client/src/client.ts', `import type { Allowance } from '@spendcap/core/wire';`],
    ['examples/permit/decide.ts', `import express from 'express';`],
  ])('%s may say %s', (file, source) => {
    expect(violationsOf(file, source)).toEqual([]);
  });
});
