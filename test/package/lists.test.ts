import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from '../../scripts/packages.ts';
import { importsOf, pattern } from './imports.ts';

const SERVER = '@spendcap/server';

/**
 * What names one store, age source or processor. Tests take these from the lists in
 * `test/support/` (`stores.ts`, `age-sources.ts`, `processors.ts`), so that a new one is added in
 * one place. A test that needs just any store takes `anyStore`.
 */
const NAMING = [
  `${SERVER}/stores/**`,
  `${SERVER}/age/sources/**`,
  `${SERVER}/payments/**`,
  'packages/server/src/stores/*/index.ts',
  'packages/server/src/age/sources/*/index.ts',
  'packages/server/src/payments/*/index.ts',
  'test/support/stores/**',
  'test/support/age-sources/**',
  'test/support/processors/**',
];

/** Not specific to one store, source or processor. */
const SHARED = [
  'test/support/*/entry.ts',
  'test/support/age-sources/people.ts',
  'test/support/processors/reconciler.ts',
  'test/support/processors/suite.ts',
  'test/support/age-sources/records.ts',
];

/** The exceptions: the first rule whose `files` match. `<X>` is the same name on both sides. */
const RULES: readonly { readonly files: string; readonly may: readonly string[] }[] = [
  { files: 'test/support/**', may: ['**'] },
  { files: 'test/bench/**', may: ['**'] },
  // Programs of a user, which have no tests beside them.
  { files: 'test/package/consumer.ts', may: [`${SERVER}/stores/memory`] },
  {
    files: 'test/package/shop.ts',
    may: [`${SERVER}/stores/memory`, `${SERVER}/payments/stripe`],
  },
  { files: 'test/server/stores/<X>/**', may: [`${SERVER}/stores/<X>`] },
  { files: 'test/server/age/sources/<X>/**', may: [`${SERVER}/age/sources/<X>**`] },
  {
    files: 'test/server/payments/<X>/**',
    may: [`${SERVER}/payments/<X>`, 'test/support/processors/<X>*.ts'],
  },
  // Every adapter mounts the endpoint of Stripe's events, which needs the raw body.
  { files: 'test/server/adapters/webhook.test.ts', may: [`${SERVER}/payments/stripe`] },
  // A ledger that the command and its test share as a file.
  { files: 'test/server/cli/reconcile.test.ts', may: [`${SERVER}/stores/sqlite`] },
  // Faults that one server has.
  { files: 'test/faults/<X>-*.test.ts', may: [`${SERVER}/stores/<X>`] },
  { files: 'test/faults/<X>.test.ts', may: [`${SERVER}/stores/<X>`] },
  // Attacks on one source.
  { files: 'test/security/<X>-mutation.test.ts', may: [`${SERVER}/age/sources/<X>`] },
  { files: 'test/vectors/age-algebra.test.ts', may: [`${SERVER}/age/sources/platform`] },
];

const matches = (patterns: readonly string[], target: string): boolean =>
  patterns.some((text) => pattern(text).test(target));

/** What a test names although it should take it from a list, each `file: import`. */
function namedBy(file: string, source: string): readonly string[] {
  const { rule, name = '' } = ruleOf(file);
  const may = (rule?.may ?? []).map((text) => text.replaceAll('<X>', name));
  return importsOf(join(ROOT, file), source, ROOT)
    .filter(({ target, typeOnly }) => !typeOnly && matches(NAMING, target))
    .filter(({ target }) => !matches(SHARED, target) && !matches(may, target))
    .map(({ target }) => `${file}: ${target}`);
}

function ruleOf(file: string) {
  for (const rule of RULES) {
    const match = pattern(rule.files).exec(file);
    if (match !== null) return { rule, name: match.groups?.X };
  }
  return {};
}

const files = globSync('test/**/*.ts', { cwd: ROOT });

describe('stores, age sources and processors', () => {
  it('are named by their lists and their own tests alone', () => {
    expect(files.length).toBeGreaterThan(100);
    const named = files.flatMap((file) => namedBy(file, readFileSync(join(ROOT, file), 'utf8')));
    expect(named).toEqual([]);
  });

  it.each([
    ['test/server/limiter/new.test.ts', `import { memoryStore } from '${SERVER}/stores/memory';`],
    ['test/conformance/new.test.ts', `import { redisStore } from '${SERVER}/stores/redis';`],
    ['test/server/stores/redis/new.test.ts', `import { x } from '${SERVER}/stores/postgres';`],
    ['test/faults/redis-new.test.ts', `import { sqliteStore } from '${SERVER}/stores/sqlite';`],
    ['test/faults/new.test.ts', `const { redisStore } = await import('${SERVER}/stores/redis');`],
    ['test/security/new.test.ts', `import { redis } from '../support/stores/redis.ts';`],
    ['test/security/new.test.ts', `import { nppaSource } from '${SERVER}/age/sources/nppa';`],
    ['test/security/oidc-mutation.test.ts', `import { x } from '${SERVER}/age/sources/nppa';`],
    ['test/security/new.test.ts', `import { nppa } from '../support/age-sources/nppa.ts';`],
    ['test/sandbox/new.test.ts', `import { guardStripe } from '${SERVER}/payments/stripe';`],
    [
      'test/docs/new.test.ts',
      `import { memoryStore } from '../../packages/server/src/stores/memory/index.ts';`,
    ],
  ])('%s may not say %s', (file, source) => {
    expect(namedBy(file, source)).toHaveLength(1);
  });

  it.each([
    ['test/security/new.test.ts', `import { STORES } from '../support/stores.ts';`],
    ['test/security/new.test.ts', `import { anyStore } from '../support/any-store.ts';`],
    ['test/security/new.test.ts', `import type { NppaStore } from '${SERVER}/age/sources/nppa';`],
    ['test/security/new.test.ts', `import { statusListCheck } from '${SERVER}/age/sources';`],
    ['test/faults/redis-new.test.ts', `import { redisStore } from '${SERVER}/stores/redis';`],
    [
      'test/server/stores/redis/new.test.ts',
      `import { redisStore } from '${SERVER}/stores/redis';`,
    ],
  ])('%s may say %s', (file, source) => {
    expect(namedBy(file, source)).toEqual([]);
  });
});
