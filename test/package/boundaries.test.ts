import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from '../../scripts/packages.ts';
import { type Import, importsOf } from './imports.ts';

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
const SQLITE = ['node:sqlite', 'node:worker_threads', 'node:events'];
const SERVER_BASE = [
  ...CORE,
  'packages/server/src/types.ts',
  'packages/server/src/internal/**',
  'node:crypto',
];

const HTTP = [
  ...SERVER_BASE,
  'packages/server/src/http/**',
  'hono',
  'hono/**',
  '@hono/zod-openapi',
  'zod',
];

const AGE = [
  ...SERVER_BASE,
  'packages/server/src/age/**',
  'packages/server/src/http/problems.ts',
  'node:zlib',
  'jose',
  'lru-cache',
];

const RULES: readonly Rule[] = [
  { files: 'packages/core/src/wire.ts', may: [] },
  { files: 'packages/core/src/money.ts', may: ['packages/core/src/**', 'decimal.js'] },
  { files: 'packages/core/src/policy*.ts', may: ['packages/core/src/**', 'zod'] },
  { files: 'packages/core/src/period.ts', may: ['packages/core/src/**', 'temporal-polyfill'] },
  { files: 'packages/core/src/**', may: ['packages/core/src/**'] },

  { files: 'packages/server/src/index.ts', may: [...CORE, 'packages/server/src/*'] },
  { files: 'packages/server/src/limiter*.ts', may: SERVER_BASE },
  { files: 'packages/server/src/age-token*.ts', may: [...SERVER_BASE, 'jose', 'lru-cache'] },
  { files: 'packages/server/src/permit*.ts', may: [...SERVER_BASE, 'jose', 'lru-cache'] },
  { files: 'packages/server/src/handler.ts', may: HTTP, types: ['packages/server/src/*'] },
  { files: 'packages/server/src/http/**', may: HTTP, types: ['packages/server/src/*'] },
  {
    files: 'packages/server/src/age/nppa/sqlite.ts',
    may: [...CORE, 'packages/server/src/age/nppa/*', 'node:sqlite'],
  },
  // Libraries that only who asks for these sources has to install.
  { files: 'packages/server/src/age/mdoc**', may: [...AGE, '@owf/mdoc', 'zod'] },
  { files: 'packages/server/src/age/sd-jwt**', may: [...AGE, '@sd-jwt/core'] },
  { files: 'packages/server/src/age/**', may: AGE },
  { files: 'packages/server/src/types.ts', may: CORE },
  {
    files: 'packages/server/src/internal/tokens/status-list.ts',
    may: [...SERVER_BASE, 'node:zlib'],
  },
  {
    files: 'packages/server/src/internal/tokens/certificate-chain.ts',
    may: [...SERVER_BASE, 'lru-cache'],
  },
  { files: 'packages/server/src/internal/ledger/sqlite-*.ts', may: [...SERVER_BASE, ...SQLITE] },
  {
    files: 'packages/server/src/internal/node-*.ts',
    may: [...SERVER_BASE, '@hono/node-server', 'node:http'],
  },
  { files: 'packages/server/src/internal/**', may: SERVER_BASE },
  {
    files: 'packages/server/src/stores/sqlite**',
    may: [
      ...CORE,
      'packages/server/src/internal/**',
      'packages/server/src/stores/sqlite/**',
      ...SQLITE,
    ],
  },
  {
    files: 'packages/server/src/stores/<X>**',
    may: [...CORE, 'packages/server/src/internal/**', 'packages/server/src/stores/<X>/**'],
  },
  {
    files: 'packages/server/src/payments/<X>**',
    may: [...SERVER_BASE, 'packages/server/src/payments/<X>/**'],
    types: ['<X>'],
  },
  {
    files: 'packages/server/src/adapters/<X>.ts',
    may: ['packages/server/src/handler.ts', 'packages/server/src/internal/**'],
    types: ['<X>', 'node:http'],
  },
  {
    files: 'packages/server/src/testing/**',
    may: [...SERVER_BASE, 'packages/server/src/testing/**', 'node:assert/strict'],
  },
  {
    // The one place that brings a driver, and only when it is asked for.
    files: 'packages/server/src/cli/postgres.ts',
    may: [...CORE, 'packages/server/src/**', 'pg'],
  },
  {
    files: 'packages/server/src/cli/**',
    may: [
      ...CORE,
      'packages/server/src/**',
      'commander',
      '@hono/node-server',
      'ioredis',
      'jose',
      'node:**',
    ],
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
      '@hono/node-server',
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
      'express',
      'fastify',
      'hono',
      'jose',
      'stripe',
      'node:**',
    ],
  },
];

/** The violations of one file, as `file: import`. */
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

function pattern(text: string): RegExp {
  const source = text
    .replace(/[.+?]/g, '\\$&')
    .replaceAll('**', '\0')
    .replaceAll('*', '[^/]*')
    .replaceAll('\0', '.*')
    .replace('<X>', '(?<X>[a-z0-9-]+)');
  return new RegExp(`^${source}$`);
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
    ['packages/server/src/limiter.ts', `import { memoryStore } from './stores/memory.ts';`],
    ['packages/server/src/limiter.ts', `import { jwtVerify } from 'jose';`],
    ['packages/server/src/stores/sqlite.ts', `import { memoryStore } from './memory.ts';`],
    ['packages/server/src/stores/memory.ts', `import { createLimiter } from '../limiter.ts';`],
    ['packages/server/src/stores/memory.ts', `import { DatabaseSync } from 'node:sqlite';`],
    ['packages/server/src/stores/postgres.ts', `import pg from 'pg';`],
    ['packages/server/src/internal/ledger/postgres-ledger.ts', `import pg from 'pg';`],
    ['packages/server/src/stores/redis.ts', `import { Redis } from 'ioredis';`],
    ['packages/server/src/payments/stripe.ts', `import Stripe from 'stripe';`],
    [
      'packages/server/src/payments/stripe.ts',
      `const { sqlite } = await import('../stores/sqlite.ts');`,
    ],
    ['packages/server/src/adapters/express.ts', `import { Router } from 'express';`],
    ['packages/server/src/adapters/express.ts', `export { createLimiter } from '../limiter.ts';`],
    ['packages/client/src/client.ts', `import { SpendcapError } from '@spendcap/core';`],
    ['packages/client/src/client.ts', `let ref: import('react').Ref;`],
    [
      'packages/sandbox/src/story.ts',
      `import { createLimiter } from '../../server/src/limiter.ts';`,
    ],
    [
      'examples/permit/decide.ts',
      `import { memory } from '../../packages/server/src/stores/memory.ts';`,
    ],
    ['packages/server/src/elsewhere/new.ts', ''],
  ])('%s may not say %s', (file, source) => {
    expect(violationsOf(file, source)).toHaveLength(1);
  });

  it.each([
    ['packages/core/src/decide.ts', `import { PERIODS } from './wire.ts';`],
    ['packages/core/src/money.ts', `import { Decimal } from 'decimal.js';`],
    ['packages/server/src/payments/stripe.ts', `import type Stripe from 'stripe';`],
    ['packages/server/src/stores/sqlite.ts', `import { DatabaseSync } from 'node:sqlite';`],
    ['packages/server/src/adapters/express.ts', `import type { Request } from 'express';`],
    ['packages/client/src/client.ts', `import type { Allowance } from '@spendcap/core/wire';`],
    ['examples/permit/decide.ts', `import express from 'express';`],
  ])('%s may say %s', (file, source) => {
    expect(violationsOf(file, source)).toEqual([]);
  });
});
