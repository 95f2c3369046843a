import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ROOT } from '../../scripts/packages.ts';

const page = readFileSync(join(ROOT, 'docs/support.md'), 'utf8');

/** The packages of each row, in the order of its versions. */
const ROWS: Readonly<Record<string, readonly string[]>> = {
  'Node.js': ['node'],
  TypeScript: ['typescript'],
  '`pg`': ['pg'],
  ioredis: ['ioredis'],
  '`redis` (node-redis)': ['redis'],
  '`stripe`': ['stripe'],
  '`alipay-sdk`': ['alipay-sdk'],
  Express: ['express', 'express-4'],
  Fastify: ['fastify'],
  Hono: ['hono'],
  '`@owf/mdoc`, `@sd-jwt/core`': ['@owf/mdoc', '@sd-jwt/core'],
  '`@opentelemetry/api`': ['@opentelemetry/api'],
};

it.each(Object.entries(ROWS))('docs/support.md has the tested version of %s', (row, packages) => {
  const [tested] = page.split(`\n| ${row} |`)[1]?.split('|', 1) ?? [];
  const versions = tested?.match(/\d+\.\d+\.\d+/g);
  const installed = packages.map((name) => {
    const manifest = join(ROOT, 'node_modules', name, 'package.json');
    return JSON.parse(readFileSync(manifest, 'utf8')).version;
  });
  expect(versions).toEqual(installed);
});
