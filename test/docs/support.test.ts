import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { listPackages, ROOT } from '../../scripts/packages.ts';

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
  '`@apple/app-store-server-library`': ['@apple/app-store-server-library'],
  '`@googleapis/androidpublisher`': ['@googleapis/androidpublisher'],
  Express: ['express', 'express-4'],
  Fastify: ['fastify'],
  Hono: ['hono'],
  '`@owf/mdoc`, `@sd-jwt/core`': ['@owf/mdoc', '@sd-jwt/core'],
  '`@opentelemetry/api`': ['@opentelemetry/api'],
  '`prom-client`': ['prom-client'],
  React: ['react', 'react-18'],
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

it('docs/support.md has every optional peer dependency', () => {
  const peers = listPackages().flatMap(({ folder }) => {
    const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    return Object.keys(manifest.peerDependencies ?? {});
  });
  expect(Object.values(ROWS).flat()).toEqual(expect.arrayContaining(peers));
});
